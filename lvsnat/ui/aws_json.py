"""What is known of a VPC as documents for programs. docs/reference/json.md describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from lvsnat.aws.decide import Decision
from lvsnat.aws.finding import Finding
from lvsnat.aws.outcome import Left, Right, Undone
from lvsnat.aws.paths import Path
from lvsnat.aws.remarks import Remark
from lvsnat.aws.wishes import Scene
from lvsnat.model.endpoint import IPAddress
from lvsnat.plan.change import Change, key_of
from lvsnat.plan.planner import Plan
from lvsnat.ui import jsonout
from lvsnat.ui.jsonout import Document


def place_of(scene: Scene) -> Document:
    """Where all of it is: the same keys in each document."""
    picture, around = scene.picture, scene.around
    return {
        "region": picture.region,
        "vpc": picture.vpc,
        "layout": str(around.layout),
        "director": around.director.id,
        "vips": [str(vip) for vip in around.vips],
        "clients": [str(client) for client in around.clients],
        "real_server_subnets": [subnet.id for subnet in around.server_subnets],
    }


def plan_document(
    decision: Decision, rights: Sequence[Right], *, applied: bool = False
) -> Document:
    """What is to be done; ``applied`` says that it has been done."""
    general = jsonout.plan_document(decision.plan)
    kept = ("fingerprint", "summary", "changes")
    return {
        "schema": "lvsnat/aws-plan/1",
        "applied": applied,
        "standby": decision.scene.standby,
        **place_of(decision.scene),
        **{key: general[key] for key in kept},
        "risks": _remarks(decision.risks),
        "refusals": _remarks(decision.refusals),
        "permissions": rights_of(rights),
    }


def rights_of(rights: Iterable[Right]) -> list[Document]:
    return [asdict(right) for right in rights]


def undo_document(journals: Iterable[tuple[str, Sequence[Undone], Sequence[Left]]]) -> Document:
    """What was put back, journal by journal, and what is left."""
    return {
        "schema": "lvsnat/aws-undo/1",
        "journals": [
            {
                "id": name,
                "undone": [_undone(one) for one in undone],
                "left": [
                    {
                        "kind": key_of(one.change).kind,
                        "name": key_of(one.change).name,
                        "conflict": one.conflict,
                        "reason": one.reason,
                    }
                    for one in left
                ],
            }
            for name, undone, left in journals
        ],
    }


def _undone(undone: Undone) -> Document:
    if undone.back is not None:
        return {**_change(undone.back), "note": None}
    nothing = {"action": None, "before": None, "after": None}
    key = key_of(undone.change)
    return {"kind": key.kind, "name": key.name, **nothing, "note": undone.note}


def _change(change: Change) -> Document:
    document: Document = jsonout.plan_document(Plan((change,)))["changes"][0]
    return document


def _remarks(remarks: Iterable[Remark]) -> list[Document]:
    return [{"code": str(one.code), "message": one.message, "hint": one.hint} for one in remarks]


def verify_document(scene: Scene, findings: Sequence[Finding]) -> Document:
    """Each part of the way back, and whether it holds."""
    return {
        "schema": "lvsnat/aws-verify/1",
        "holds": not any(one.fails for one in findings),
        "standby": scene.standby,
        **place_of(scene),
        "findings": [
            {**asdict(one), "code": str(one.code), "severity": str(one.severity)}
            for one in findings
        ],
    }


def show_document(scene: Scene, paths: Sequence[Path]) -> Document:
    """The VPC: what the tree and the table show."""
    picture, around = scene.picture, scene.around
    subnets = {one.id: one for one in (around.subnet, *around.server_subnets)}
    uses = {name: picture.table_of(name) for name in subnets}
    tables = {use.table.id: use.table for use in uses.values() if use is not None}
    return {
        "schema": "lvsnat/aws-show/1",
        **place_of(scene),
        "networks": [str(one) for one in picture.networks],
        "internet_gateway": picture.internet_gateway,
        "subnets": [
            {
                "id": one.id,
                "name": one.name or None,
                "networks": [str(network) for network in one.networks],
                "zone": one.zone or None,
                "table": None if (use := uses[one.id]) is None else use.table.id,
                "main": use is not None and use.implicit,
            }
            for one in subnets.values()
        ],
        "tables": [
            {
                "id": table.id,
                "routes": [
                    {
                        "destination": str(route.destination),
                        "target": str(route.target),
                        "state": str(route.state),
                    }
                    for route in table.routes
                ],
            }
            for table in tables.values()
        ],
        "addresses": [_address(scene, vip) for vip in around.vips],
        "source_dest_check": around.director.source_dest_check,
        "paths": [asdict(path) for path in paths],
    }


def _address(scene: Scene, vip: IPAddress) -> Document:
    holder, elastic = scene.picture.holder(vip), scene.picture.mapped_to(vip)
    return {
        "vip": str(vip),
        "interface": None if holder is None else holder.id,
        "allocation": None if elastic is None else elastic.allocation,
        "public": None if elastic is None else str(elastic.public),
    }
