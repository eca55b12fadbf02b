"""What chains and rules of our nft table are made of, in nft's JSON (libnftables-json(5)). Pure."""

from __future__ import annotations

from typing import Final, TypeAlias

from lvsnat.host.rulewords import Json
from lvsnat.model.endpoint import Family

FAMILY: Final = "inet"
NAME: Final = "lvsnat"

Object: TypeAlias = dict[str, Json]
Expressions: TypeAlias = list[Json]

IP: Final = {Family.IPV4: "ip", Family.IPV6: "ip6"}
"""What nft calls the header of a family."""


def base_chain(
    name: str, kind: str, hook: str, priority: int, rules: list[Expressions]
) -> list[Object]:
    """A chain at a hook of the kernel, with its rules."""
    place: Object = {"family": FAMILY, "table": NAME}
    head: Object = {"name": name, "type": kind, "hook": hook, "prio": priority, "policy": "accept"}
    objects: list[Object] = [{"chain": {**place, **head}}]
    objects += [{"rule": {**place, "chain": name, "expr": rule}} for rule in rules]
    return objects


def field(protocol: str, name: str) -> Json:
    """A field of a packet: ``tcp dport``."""
    return {"payload": {"protocol": protocol, "field": name}}


def match(left: Json, values: list[Json], operator: str = "==") -> Json:
    """Whether something has one of these values."""
    right: Json = values[0] if len(values) == 1 else {"set": values}
    return {"match": {"op": operator, "left": left, "right": right}}


def counter() -> Json:
    """Count what comes by."""
    return {"counter": {"packets": 0, "bytes": 0}}
