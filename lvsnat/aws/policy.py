"""The least policy of a role, for one VPC, with real ids: never a placeholder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lvsnat.aws.network import ElasticIp, Interface
from lvsnat.aws.permissions import STATEMENTS, Role, Statement
from lvsnat.aws.seen import UNDO_TAG, VIP_TAG
from lvsnat.aws.wishes import Scene, group_rules
from lvsnat.errors import UsageError
from lvsnat.model.aws import Layout
from lvsnat.model.endpoint import Family

Document = dict[str, Any]
_NEW = frozenset({"AllocateAddress", "CreateTags"})
"""What is called for an Elastic IP that has no id yet."""
_UNDO_KEYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ForAllValues:StringLike": {"aws:TagKeys": [f"{UNDO_TAG}*"]},
    # "All of none" is true: without this, DeleteTags that names no key would take every tag.
    "Null": {"aws:TagKeys": "false"},
}
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""


def policy(scene: Scene, role: Role) -> Document:
    """A policy document. Raises UsageError where a failover's peer is not known."""
    if role is Role.FAILOVER and scene.around.peer is None:
        raise UsageError(
            "the other director's interface is not known, and a failover goes both ways",
            "give it: --peer-eni, or peer_eni in [aws] of the configuration",
        )
    meant = (one for one in STATEMENTS if role in one.roles)
    return {
        "Version": "2012-10-17",
        "Statement": [entry for one in meant for entry in _entries(scene, one)],
    }


def _entries(scene: Scene, statement: Statement) -> Iterator[Document]:
    if statement.sid in ("Allocate", "NewTags"):
        if scene.options.allocate_eip:
            yield from _new_address(scene, statement)
        return
    actions = [action for action in statement.actions if _is_used(scene, action)]
    resources = _resources(scene, statement.sid)
    if actions and resources:
        entry = _entry(statement.sid, actions, resources)
        yield {**entry, "Condition": _UNDO_KEYS} if statement.sid == "UndoTags" else entry


def _is_used(scene: Scene, action: str) -> bool:
    """An action on addresses is needed only for VIPs of its family."""
    families = {Family.of(vip) for vip in scene.around.vips}
    if "PrivateIp" in action:
        return Family.IPV4 in families
    return "Ipv6" not in action or Family.IPV6 in families


def _resources(scene: Scene, sid: str) -> list[str]:
    """ARNs; empty where the layout or the options need nothing of the kind."""
    interfaces = [one for one in (scene.around.director, scene.around.peer) if one is not None]
    match sid:
        case "Look":
            return ["*"]
        case "Routes" | "Unroute" | "UndoTags":
            return [*_tables(scene)] if scene.around.layout is Layout.DUAL_SUBNET else []
        case "Vip" | "Eni":
            return _enis(scene, interfaces)
        case "Eip" | "Unmap":
            return _mapping(scene, interfaces)
        case "Groups":
            return [*_groups(scene)] if scene.options.security_groups else []
        case _:
            raise AssertionError(sid)  # Each statement has its arm.


def _tables(scene: Scene) -> Iterator[str]:
    for use in scene.around.tables(scene.picture):
        yield _arn(scene, "route-table", use.table.id, use.table.owner)


def _enis(scene: Scene, interfaces: Iterable[Interface]) -> list[str]:
    return [_arn(scene, "network-interface", one.id, one.owner) for one in interfaces]


def _mapping(scene: Scene, interfaces: list[Interface]) -> list[str]:
    """The Elastic IP, and all that it is mapped between."""
    found: ElasticIp | None = scene.around.elastic_ip
    if found is None and not scene.options.allocate_eip:
        return []
    # One that is yet to be allocated has no id; the tag keeps others' out only after that.
    address = "*" if found is None else found.allocation
    instances = [
        _arn(scene, "instance", one.instance, one.owner)
        for one in interfaces
        if one.instance is not None
    ]
    return [_arn(scene, "elastic-ip", address), *_enis(scene, interfaces), *instances]


def _groups(scene: Scene) -> Iterator[str]:
    for group in dict.fromkeys(rule.group for rule in group_rules(scene)):
        yield _arn(scene, "security-group", group)


def _new_address(scene: Scene, statement: Statement) -> Iterator[Document]:
    """An Elastic IP that has no id yet: any new one may be made, only one with our tag let go."""
    every = [_arn(scene, "elastic-ip", "*")]
    for action in statement.actions:
        condition: Mapping[str, Mapping[str, str]] | None = None
        if action == "CreateTags":
            condition = {"StringEquals": {"ec2:CreateAction": "AllocateAddress"}}
        elif action not in _NEW:
            condition = {"StringLike": {f"aws:ResourceTag/{VIP_TAG}": f"{scene.picture.vpc}/*"}}
        entry = _entry(action, [action], every)
        yield entry if condition is None else {**entry, "Condition": condition}


def _entry(sid: str, actions: Iterable[str], resources: list[str]) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"ec2:{action}" for action in actions],
        "Resource": resources,
    }


def _arn(scene: Scene, kind: str, name: str, owner: str = "") -> str:
    picture = scene.picture
    account = owner or picture.account
    if not account:
        raise UsageError(
            f"the account that {name} belongs to is not known",
            "EC2 tells it with the director's interface: name that with --eni",
        )
    return f"arn:{picture.partition}:ec2:{picture.region}:{account}:{kind}/{name}"
