"""What HAProxy says against a configuration, in the words of ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lvsnat.errors import LvsnatError
from lvsnat.haproxy.resources import ProxiedService
from lvsnat.haproxy.serverlines import service_name
from lvsnat.model.resource import Key, Resource
from lvsnat.model.service import VirtualService

_PLACE = re.compile(r"\[[^][]*:(\d{1,9})\]\s*:?\s*")
_REPORT = "please report this with the configuration: lvsnat should write no such line by itself"
_OF_ALL = re.compile(r"Error\(s\) found in configuration|Fatal errors found in configuration")


def alerts(said: str) -> list[str]:
    """What HAProxy calls an alert, without its date, process and module."""
    found = []
    for line in said.splitlines():
        if line.startswith("[ALERT]"):
            _, _, words = line.partition(" : ")
            found.append(words.removeprefix("config : ").removeprefix("parsing ").strip())
    return found


def first_of(said: str) -> str:
    """The first thing that HAProxy, or what starts it, complains of."""
    others = (line.strip() for line in said.splitlines() if not line.startswith("["))
    return next(iter((*alerts(said), *filter(None, others))), "it says nothing more")


def explain(said: str, text: str, state: Mapping[Key, Resource]) -> LvsnatError:
    """Why HAProxy refuses a text, by the line of our own configuration where that is to blame."""
    lines = text.split("\n")
    reasons = [alert for alert in alerts(said) if not _OF_ALL.match(alert)]
    for reason in reasons:
        place = _PLACE.search(reason)
        if place is None or not 0 < int(place[1]) <= len(lines):
            continue
        words = _PLACE.sub("", reason, count=1)
        for service, key in _origins(lines, int(place[1]) - 1, state):
            line = lines[int(place[1]) - 1].strip()
            return LvsnatError(
                f"service {service.name!r}, haproxy.{key}: HAProxy refuses {line!r}: {words}",
                "correct or remove the line; nothing was changed",
            )
    if not reasons:
        return LvsnatError(f"HAProxy refuses its configuration: {first_of(said)}", _REPORT)
    return LvsnatError(f"HAProxy refuses its configuration: {reasons[0]}", _hint(reasons[0]))


def _origins(
    lines: list[str], index: int, state: Mapping[Key, Resource]
) -> Iterator[tuple[VirtualService, str]]:
    """The service and the key that a line comes from, if a person wrote it."""
    heads = (line for line in reversed(lines[: index + 1]) if line[:1].strip() not in {"", "#"})
    kind, _, name = next(heads, "").partition(" ")
    for one in state.values():
        if isinstance(one, ProxiedService) and one.service is not None:
            proxy = one.service.proxy
            given = {"frontend": proxy.frontend_lines, "backend": proxy.backend_lines}
            mine = service_name(one.lines) == name.partition(":")[0]
            if mine and lines[index].strip() in map(str.strip, given.get(kind, ())):
                yield one.service, f"{kind}_lines"


def _hint(reason: str) -> str:
    if "No such file" in reason or "unable to stat" in reason or "ermission denied" in reason:
        return "HAProxy runs as the user haproxy: that user must be able to read the file"
    return _REPORT
