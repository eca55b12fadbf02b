"""The way back of a real server as a document. docs/reference/json.md describes it."""

from __future__ import annotations

from collections.abc import Sequence

from lvsnat.gateway.findings import Finding, Standing, findings
from lvsnat.gateway.view import Asked, View
from lvsnat.gateway.wish import GatewayWish
from lvsnat.ui import words
from lvsnat.ui.jsonout import Document


def show_document(views: Sequence[View], trial: float | None, *, earlier: bool) -> Document:
    """Both families; ``trial`` is when one began that was cut off."""
    families = [_family(view) for view in views]
    return {
        "schema": "lvsnat/gateway/1",
        "holds": all(
            one.standing is not Standing.FAILS for view in views for one in findings(view)
        ),
        "before_boot": earlier,
        "trial": None if trial is None else words.moment(trial),
        "families": families,
    }


def _family(view: View) -> Document:
    return {
        "family": view.family.label,
        "wish": None if view.wish is None else _wish(view.wish),
        "interface": None if view.place is None else view.place.interface,
        "default_routes": [str(route) for route in view.ground.defaults()],
        "rules": [str(rule) for rule in view.ground.rules],
        "replies": [_asked(one) for one in view.asked],
        "findings": [_finding(one) for one in findings(view)],
    }


def _wish(wish: GatewayWish) -> Document:
    return {
        "via": str(wish.via),
        "reply_ports": [str(port) for port in wish.reply_ports],
        "local_clients": wish.local_clients,
        "table": wish.table,
        "priority": wish.priority,
    }


def _asked(one: Asked) -> Document:
    hop = one.answer.hop
    return {
        "client": str(one.reply.client),
        "source": str(one.reply.source),
        "port": None if one.reply.port is None else str(one.reply.port),
        "via": None if hop is None or hop.via is None else str(hop.via),
        "interface": None if hop is None else hop.interface,
        "problem": one.answer.problem or None,
    }


def _finding(one: Finding) -> Document:
    return {
        "code": str(one.code),
        "subject": one.subject,
        "state": str(one.standing),
        "seen": one.seen,
        "expected": one.expected,
        "remedy": one.remedy or None,
    }
