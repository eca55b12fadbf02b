"""haproxy.cfg as text: resources written down, and read back. Pure.

The text is a function of the set of resources: services stand in the order of their listeners,
servers in that of their rank or address, whatever order they are given in.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Final

from lvsnat.config.service_form import ServiceForm
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.haproxy.sections import SERVICE_MARK
from lvsnat.haproxy.serverlines import with_servers, without_servers
from lvsnat.haproxy.words import INDENT
from lvsnat.model.endpoint import Listener
from lvsnat.model.resource import Key, Resource
from lvsnat.model.service import VirtualService

HEADER: Final = """\
# Written by lvsnat from its configuration. What is changed here is overwritten: change the
# configuration instead, with 'lvsnat service', 'lvsnat server', or an editor and 'lvsnat apply'.
# 'lvsnat plan' shows where this file is not what the configuration asks for.
"""

HaproxyResource = HaproxyInstance | ProxiedService | ProxiedServer

_GLOBAL = "global"
_DESCRIPTION = "description lvsnat"
_OUR_DESCRIPTION = re.compile(rf"{_DESCRIPTION} [0-9a-f]{{16}}")
_WEIGHT = re.compile(r"(?m)^( +server \S+ \S+) weight [0-9]+( .*?)??(?: # of [0-9]+)?$")


def render(resources: Iterable[Resource]) -> str:
    """Write the whole file; nothing if there is no instance."""
    lines = body(resources)
    return HEADER + spaced(lines, described=digest("\n".join(lines))) if lines else ""


def body(resources: Iterable[Resource]) -> list[str]:
    """All sections, without blank lines."""
    lines: list[str] = []
    services: list[ProxiedService] = []
    servers: dict[Key, list[ProxiedServer]] = {}
    for resource in resources:
        match resource:
            case HaproxyInstance():
                lines += resource.lines
            case ProxiedService():
                services.append(resource)
            case ProxiedServer():
                servers.setdefault(resource.owner, []).append(resource)
            case _:
                raise TypeError(resource)
    if lines:
        for service in sorted(services, key=lambda one: one.key):
            lines += with_servers(service, servers.get(service.key, ()))
    return lines


def read(text: str) -> list[HaproxyResource]:
    """Read what `render` has written: the instance, then each service before its servers.

    A text that was edited by hand is read as well; what was changed is a value that differs.
    """
    found: list[HaproxyResource] = []
    instance, blocks = _blocks(text)
    if instance:
        found.append(HaproxyInstance(tuple(instance)))
    for service, lines in blocks:
        rest, servers = without_servers(service.listen, lines)
        found += (ProxiedService(service.listen, rest, service), *servers)
    return found


def digest(text: str) -> str:
    """What a file says, but for comments on top, the weights and the digest itself: 16 digits."""
    said = _WEIGHT.sub(r"\1\2", "\n".join(_lines(text)))
    return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def spaced(lines: Iterable[str], described: str | None = None) -> str:
    """A blank line before each section, and what the running process is to be known by."""
    written: list[str] = []
    above = ""
    for line in lines:
        indented = line.startswith((" ", "\t"))
        if not indented and not above.startswith(SERVICE_MARK):
            written.append("")
        written.append(line)
        if line == _GLOBAL and described is not None:
            written.append(f"{INDENT}{_DESCRIPTION} {described}")
        above = line
    return "\n".join(written) + "\n"


Block = tuple[VirtualService, list[str]]


def _blocks(text: str) -> tuple[list[str], list[Block]]:
    """The lines that are of no service, and those of each."""
    instance: list[str] = []
    blocks: list[Block] = []
    lines = instance
    seen: set[Listener] = set()
    for line in _lines(text):
        service = _service(line)
        if service is not None and service.listen not in seen:
            seen.add(service.listen)
            lines = [line]
            blocks.append((service, lines))
        else:
            lines.append(line)
    return instance, blocks


def _lines(text: str) -> Iterator[str]:
    """Those that mean something; not splitlines(), which knows more line ends than HAProxy."""
    on_top = True
    for line in map(str.rstrip, text.split("\n")):
        comment = line.startswith("#") and not line.startswith(SERVICE_MARK)
        on_top = on_top and (comment or not line)
        if line and not on_top and _OUR_DESCRIPTION.fullmatch(line.strip()) is None:
            yield line


def _service(line: str) -> VirtualService | None:
    """What the line before a service's sections says."""
    if not line.startswith(SERVICE_MARK):
        return None
    try:
        table = tomllib.loads(f"service = {line.removeprefix(SERVICE_MARK)}")["service"]
        return ServiceForm.model_validate(table).to_model()
    except (ValueError, RecursionError):  # TOMLDecodeError, ValidationError are ValueErrors
        return None
