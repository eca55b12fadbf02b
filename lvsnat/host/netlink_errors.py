"""What rtnetlink refuses, explained."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from lvsnat.errors import LvsnatError


@contextmanager
def errors(what: str, *, done: Collection[int] = ()) -> Iterator[None]:
    """Explain an error of netlink; the codes ``done`` mean that there was nothing to do."""
    from pyroute2 import NetlinkError

    try:
        yield
    except NetlinkError as error:
        if error.code not in done:
            raise _explain(what, error.code) from None
    except OSError as error:
        raise _explain(what, error.errno) from None


def _explain(what: str, code: int | None) -> LvsnatError:
    reason = os.strerror(code or 0)
    match code:
        case errno.EPERM:
            return LvsnatError(f"{what}: {reason}", "run it as root (sudo)")
        case errno.EACCES:
            return LvsnatError(
                f"{what}: {reason}", "is IPv6 switched off there (net.ipv6.conf.*.disable_ipv6)?"
            )
        case errno.ENETDOWN:
            return LvsnatError(f"{what}: {reason}", "is lo up? 'ip link set lo up'")
        case errno.EAFNOSUPPORT | errno.EOPNOTSUPP:
            return LvsnatError(
                f"{what}: {reason}", "does this kernel have IPv6, and routing by rules?"
            )
        case _:
            return LvsnatError(f"{what}: {reason}")
