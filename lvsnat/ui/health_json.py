"""The health of the servers as a document for programs. docs/reference/json.md describes it."""

from __future__ import annotations

from lvsnat.health.outcome import ServerHealth, ServiceHealth
from lvsnat.health.report import Report
from lvsnat.health.values import Target
from lvsnat.ui import words
from lvsnat.ui.jsonout import Document


def health_document(report: Report) -> Document:
    """What is known of the servers."""
    return {
        "schema": "lvsnat/health/1",
        "daemon": {
            "running": report.running,
            "pid": report.pid,
            "started": _moment(report.started),
            "published": _moment(report.known_at),
        },
        "problems": list(report.problems),
        "services": [
            *(_service(one, report, "daemon") for one in report.services),
            *(_service(one, report, "haproxy") for one in report.elsewhere),
        ],
    }


def _service(service: ServiceHealth, report: Report, by: str) -> Document:
    return {
        "name": service.name,
        "listen": str(service.listen),
        "checked_by": by,
        "up": service.up,
        "quorum": service.quorum,
        "quorum_lost": service.lost,
        "since": _moment(service.since),
        "fail_open": service.fail_open,
        "sorry": None if service.sorry is None else str(service.sorry),
        "servers": [_server(one, report) for one in service.servers],
    }


def _server(server: ServerHealth, report: Report) -> Document:
    return {
        "address": str(server.endpoint),
        "health": str(server.state),
        "since": _moment(server.since),
        "reason": server.reason or None,
        "weight": server.weight,
        "wanted": server.wanted,
        "kept": server.kept,
        "warm": _moment(server.warm_at),
        "override": None if server.override is None else words.override(server.override),
        "next": _moment(report.next_at(server)),
        "checks": [_check(target, report) for target in server.targets],
        "history": [
            {
                "at": _moment(turn.at),
                "from": str(turn.before),
                "to": str(turn.after),
                "reason": turn.reason,
            }
            for turn in report.history(server)
        ],
    }


def _check(target: Target, report: Report) -> Document:
    track = report.track(target)
    return {
        "check": target.check.question,
        "address": str(target.address),
        "port": target.port or None,
        "health": str(track.state),
        "since": _moment(track.since),
        "against": track.row,
        "at": _moment(track.last_at),
        "answer": None if track.last is None else track.last.detail,
        "took": None if track.last is None else round(track.last.took, 6),
    }


def _moment(seconds: float | None) -> str | None:
    return words.moment(seconds) if seconds else None
