"""What ``lvsnat aws verify`` says does not hold, in the doctor's words. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lvsnat.aws import codes, finding
from lvsnat.aws.verify import verify
from lvsnat.aws.wishes import Scene
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.vpc_words import WHY

_SEVERITIES: Final = {
    finding.Severity.FAIL: Severity.BROKEN,
    finding.Severity.WARN: Severity.RISK,
}
_NOTES: Final = frozenset({Code.PERM, Code.EIP_MAP})
"""Where verify only warns of them, nobody loses anything."""
_ID: Final = re.compile(r"\b(?:eni|rtb|sg|subnet)-[0-9a-z]+")


def findings(scene: Scene) -> Iterator[Finding]:
    behind = _behind(scene)
    for one in verify(scene):
        if one.holds or one.code is codes.Code.CLIENT_BYPASS:  # That one is ``astray``'s.
            continue
        code = Code(one.code)
        severity = _SEVERITIES[one.severity]
        yield Finding(
            code,
            Severity.NOTE if code in _NOTES and severity is Severity.RISK else severity,
            one.subject if one.seen else scene.picture.vpc,
            one.seen or one.subject,
            one.expected,
            WHY[code],
            one.remedy,
            servers=_servers(behind, f"{one.subject} {one.seen}"),
        )


def _behind(scene: Scene) -> dict[str, list[tuple[str, str]]]:
    """The servers, each with its service, behind each table, subnet, interface and group."""
    found: dict[str, list[tuple[str, str]]] = {}
    for service in scene.services:
        for server in service.servers:
            pair = (service.name, str(server.endpoint))
            holder = scene.picture.holder(server.endpoint.address)
            subnet = scene.picture.subnet_of(server.endpoint.address)
            use = None if subnet is None else scene.picture.table_of(subnet.id)
            ids = [] if holder is None else [holder.id, *holder.groups]
            ids += [] if subnet is None else [subnet.id]
            ids += [] if use is None else [use.table.id]
            for one in ids:
                found.setdefault(one, []).append(pair)
    return found


def _servers(behind: dict[str, list[tuple[str, str]]], words: str) -> tuple[tuple[str, str], ...]:
    """Those that what is named stands before; nothing where that concerns all of the director."""
    pairs = (pair for name in _ID.findall(words) for pair in behind.get(name, ()))
    return tuple(dict.fromkeys(pairs))
