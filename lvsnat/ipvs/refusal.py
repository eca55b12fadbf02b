"""What the kernel means by an error number, which depends on what it was asked to do. No I/O."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.resource import Resource
from lvsnat.plan.apply import StepError
from lvsnat.plan.change import Change, Create, Delete, subject

_SEE_PLAN = "'lvsnat plan' shows what differs now"
_ROOT = "run it as root (CAP_NET_ADMIN); a container needs that on its host"


class _Reason(NamedTuple):
    text: str
    hint: str | None = None


def is_done(change: Change, number: int) -> bool:
    """True if the world is as the change wants it: what was to be removed is gone."""
    return number == 0 or (isinstance(change, Delete) and number in (errno.ENOENT, errno.ESRCH))


def step_error(change: Change, number: int) -> StepError:
    """The error for a change that the kernel refused with this number."""
    reason = _reason(change, subject(change), number)
    return StepError(change, reason.text, reason.hint)


def no_permission(what: str) -> LvsnatError:
    return LvsnatError(f"no permission to {what}", _ROOT)


def _reason(change: Change, resource: Resource, number: int) -> _Reason:
    general = {
        errno.EPERM: _Reason("no permission", _ROOT),
        errno.EEXIST: _Reason("it exists already: it appeared since the plan was made", _SEE_PLAN),
        errno.ENOMEM: _Reason("the kernel is out of memory"),
        errno.EAFNOSUPPORT: _Reason("this kernel's IPVS has no IPv6 (CONFIG_IP_VS_IPV6)"),
    }
    match resource:
        case IpvsService():
            own = _of_service(resource)
        case IpvsServer():
            own = _of_server(change, resource)
        case _:
            own = {}
    return (own | general).get(number) or _Reason(os.strerror(number), "'dmesg' may say more")


def _of_service(service: IpvsService) -> dict[int, _Reason]:
    lacks = f"this kernel has no scheduler {service.scheduler!r}"
    modules = f"modprobe ip_vs_{service.scheduler}"
    if service.engine is not None:
        lacks += f" or no persistence engine {service.engine!r}"
        modules += f" ip_vs_pe_{service.engine}"
    return {
        errno.ENOENT: _Reason(
            lacks, f"'{modules}' says why; on Ubuntu install linux-modules-extra-$(uname -r)"
        ),
        errno.ESRCH: _Reason("it is gone: it was removed since the plan was made", _SEE_PLAN),
        errno.EINVAL: _Reason(
            "the kernel rejects these settings",
            "check the length of the persistence prefix and that the engine fits the protocol;"
            " 'dmesg' may say more",
        ),
    }


def _of_server(change: Change, server: IpvsServer) -> dict[int, _Reason]:
    gone = _Reason(f"its service {server.owner.name} does not exist", _SEE_PLAN)
    missing = _Reason("it is gone: it was removed since the plan was made", _SEE_PLAN)
    return {
        errno.ESRCH: gone,
        errno.ENOENT: gone if isinstance(change, Create) else missing,
        errno.ERANGE: _Reason(
            f"weight {server.weight} or thresholds {server.upper}/{server.lower} are out of range",
            "a weight is 0 to 65535, and the lower threshold at most the upper one",
        ),
        errno.EINVAL: _Reason(
            "the kernel rejects this address",
            "a real server has a unicast address of the service's own family",
        ),
    }
