"""Say in words what pydantic refused, and what the rules say of the rest. Values only.

A value that cannot be read is no reason to be silent about the others: it is replaced or left out,
the rules judge the rest, and what they would say about a replaced value is dropped.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lvsnat.config.aws_form import AwsForm
from lvsnat.config.check_form import CheckForm
from lvsnat.config.daemon_form import DaemonForm
from lvsnat.config.haproxy_form import HaproxyForm, ProxyForm
from lvsnat.config.host_form import HostForm, IpvsForm, TimeoutsForm
from lvsnat.config.schema import ConfigForm
from lvsnat.config.service_form import PersistenceForm, ServerForm, ServiceForm
from lvsnat.config.values import mismatch, nearest
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family, MarkListener
from lvsnat.model.rules import violations
from lvsnat.model.violation import Path, Violation

_WANTED = {
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a string",
    "list_type": "an array",
    "model_type": "a table",
}
_FORMS: dict[Path, type[BaseModel]] = {
    (): ConfigForm,
    ("service",): ServiceForm,
    ("service", "servers"): ServerForm,
    ("service", "persistence"): PersistenceForm,
    ("service", "check"): CheckForm,
    ("service", "haproxy"): ProxyForm,
    ("host",): HostForm,
    ("ipvs",): IpvsForm,
    ("ipvs", "timeouts"): TimeoutsForm,
    ("haproxy",): HaproxyForm,
    ("aws",): AwsForm,
    ("daemon",): DaemonForm,
}
_WHOLE = (
    "persistence",
    "check",
    "flags",
    "egress_networks",
    "local_networks",
    "frontend_lines",
    "backend_lines",
    "real_server_subnets",
    "clients",
    "notify",
)
"""What is judged as one: a part that cannot be read leaves nothing to judge."""
# Values that no person can write, in the place of required ones that could not be read.
_ADDRESS = Endpoint(IPv4Address(0), -1)
_SERVICE = {"name": "", "listen": MarkListener(-1)}
_REQUIRED: dict[str, object] = {**_SERVICE, "address": _ADDRESS}
_ELEMENTS: dict[str, object] = {"service": _SERVICE, "servers": {"address": _ADDRESS}}


def judge(form: ConfigForm, config: Config) -> Iterator[Violation]:
    """Yield everything that is wrong with a configuration that could be read."""
    for index, service in enumerate(form.service):
        if service.one_packet:
            yield Violation(
                ("service", index, "one_packet"),
                "one-packet scheduling cannot work with masquerading:"
                " replies would leave with the real server's own address",
                "remove it; a short UDP timeout ([ipvs] timeouts = { udp = 5 }) also spreads a busy"
                " client",
            )
        persistence = service.persistence
        mask = None if persistence is None else persistence.netmask
        if mask is not None and mask.dotted and service.listen.family is Family.IPV6:
            yield Violation(
                ("service", index, "persistence", "netmask"),
                f"a dotted mask is IPv4's, and this service listens on {service.listen}",
                "write a prefix length from 1 to 128, such as 64",
                (("service", index, "listen"),),
            )
    yield from violations(config)


def diagnose(data: dict[str, Any], error: ValidationError) -> list[Violation]:
    """List what could not be read, and what is wrong with the rest."""
    found_by_pydantic = [_as_written(one, data) for one in error.errors(include_url=False)]
    details = _without_echoes(found_by_pydantic)
    found = [_explain(detail, data) for detail in details]
    mended = copy.deepcopy(data)
    bad = {path for detail in details for path in _mend(detail, mended)}
    try:
        form = ConfigForm.model_validate(mended)
    except ValidationError:  # pragma: no cover - a mend did not hold: half of the truth is enough
        return found

    def doubted(path: Path) -> bool:
        return any(path[:length] in bad for length in range(1, len(path) + 1))

    return found + [
        violation
        for violation in judge(form, form.to_model())
        if not any(map(doubted, (violation.path, *violation.also)))
    ]


def existing(path: Path, data: object) -> Path:
    """The part of a path that the data has."""
    for length, part in enumerate(path):
        match data:
            case dict() if part in data:
                data = data[part]
            case list() if isinstance(part, int) and part < len(data):
                data = data[part]
            case _:
                return path[:length]
    return path


def _as_written(detail: ErrorDetails, data: dict[str, Any]) -> ErrorDetails:
    """Take out the index of a check that was written alone: the form reads a list of it."""
    match detail["loc"]:
        case ("service", index, "check", 0, *below) if not isinstance(
            _at(("service", index, "check"), data), list
        ):
            return {**detail, "loc": ("service", index, "check", *below)}
        case _:
            return detail


def _at(path: Path, data: Any) -> object:  # noqa: ANN401 - what was written, of any form
    for part in path:
        data = data[part]
    return data


def _without_echoes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a key is missing where it stands there misspelt."""
    meant = {_meant(detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"}
    return [d for d in details if not (d["type"] == "missing" and d["loc"] in meant)]


def _meant(path: Path) -> Path | None:
    near = nearest(str(path[-1]), _form(path[:-1]).model_fields)
    return None if near is None else (*path[:-1], near)


def _form(path: Path) -> type[BaseModel]:
    return _FORMS[tuple(part for part in path if isinstance(part, str))]


def _explain(detail: ErrorDetails, data: dict[str, Any]) -> Violation:
    path = existing(detail["loc"], data)
    match detail["type"]:
        case "lvsnat":
            context = detail["ctx"]
            return Violation(path, context["message"], context["hint"])
        case "missing":
            key = str(detail["loc"][-1])
            example = json.dumps((_form(path).model_fields[key].examples or [""])[0])
            return Violation(path, f"{key!r} is missing", f"add, for example, {key} = {example}")
        case "extra_forbidden":
            known = _form(path[:-1]).model_fields
            near = nearest(str(path[-1]), known)
            message = "unknown key" if near is None else f"unknown key; did you mean {near!r}?"
            return Violation(path, message, f"keys that belong here: {', '.join(known)}")
        case kind if kind in _WANTED:
            return Violation(path, mismatch(detail["input"], _WANTED[kind]), None)
        case _:  # pragma: no cover - a validator of pydantic's own that no key uses today
            return Violation(path, detail["msg"], None)


def _mend(detail: ErrorDetails, data: dict[str, Any]) -> Iterator[Path]:
    """Take the wrong value out of the data; yield the paths that are not to be believed."""
    path: Path = detail["loc"]
    for whole in _WHOLE:
        if whole in path[:-1] and detail["type"] != "extra_forbidden":
            path = path[: path.index(whole) + 1]
    yield path
    if detail["type"] == "extra_forbidden" and (meant := _meant(path)) is not None:
        yield meant
    parent: Any = data
    for part in path[:-1]:
        if existing((part,), parent) == ():
            return  # went with a key above
        parent = parent[part]
    last = path[-1]
    if isinstance(last, int):
        parent[last] = copy.copy(_ELEMENTS[str(path[-2])])
    elif isinstance(parent, dict):
        parent.pop(last, None)
        if last in _REQUIRED and detail["type"] != "extra_forbidden":
            parent[last] = _REQUIRED[last]
        elif last not in _REQUIRED and (meant_key := _required_meant(detail)) is not None:
            parent.setdefault(meant_key, _REQUIRED[meant_key])


def _required_meant(detail: ErrorDetails) -> str | None:
    meant = _meant(detail["loc"]) if detail["type"] == "extra_forbidden" else None
    key = None if meant is None else str(meant[-1])
    return key if key in _REQUIRED else None
