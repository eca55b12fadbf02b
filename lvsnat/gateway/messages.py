"""Rules and routes as rtnetlink messages, and back. Nothing is sent here.

The messages are pyroute2's own types, filled in whole: its calls guess at what is left out, and a
route that is to be put back exactly leaves nothing to guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Final

from pyroute2.netlink import nlmsg
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg, rtmsg_base

from lvsnat.gateway.resources import Destination, ReplyRule
from lvsnat.gateway.seen import MAIN, PROTOCOL_NUMBERS, THROW, UNICAST, Reply, SeenRoute, SeenRule
from lvsnat.gateway.ways import Hop, Way
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family

_RTNH_F_ONLINK: Final = 4
_FR_ACT_TO_TBL: Final = 1
_RESTORABLE: Final = frozenset(
    {
        "RTA_TABLE", "RTA_DST", "RTA_OIF", "RTA_GATEWAY", "RTA_PRIORITY", "RTA_PREFSRC",
        "RTA_METRICS", "RTA_PREF", "RTA_CACHEINFO",
    }
)  # fmt: skip
_OF_EVERY_RULE: Final = frozenset(
    {
        "FRA_TABLE", "FRA_PRIORITY", "FRA_PROTOCOL", "FRA_SRC", "FRA_IP_PROTO", "FRA_SPORT_RANGE",
        "FRA_SUPPRESS_PREFIXLEN", "FRA_PAD",
    }
)  # fmt: skip
_PORT_MASKS: Final = frozenset({28, 29})
"""FRA_SPORT_MASK and FRA_DPORT_MASK, since Linux 6.15."""
_WHOLE_MASK: Final = b"\xff\xff"
_EVERY_BIT: Final = 0xFFFFFFFF


class Question(rtmsg_base, nlmsg):  # type: ignore[misc]  # pyroute2 has no types
    """RTM_GETROUTE with what it may ask about since Linux 4.17 (linux/rtnetlink.h).

    No child of ``rtmsg``: it would inherit the compiled attributes of that, without those here.
    """

    __slots__ = ()
    nla_map = (
        *rtmsg_base.nla_map,
        ("RTA_PAD", "hex"),
        ("RTA_UID", "uint32"),
        ("RTA_TTL_PROPAGATE", "uint8"),
        ("RTA_IP_PROTO", "uint8"),
        ("RTA_SPORT", "be16"),
        ("RTA_DPORT", "be16"),
    )


def question(reply: Reply, flags: int) -> Any:  # noqa: ANN401 - pyroute2 has no types
    """Ask where a packet would go."""
    family = Family.of(reply.client)
    message = Question()
    message["family"] = int(family)
    message["dst_len"] = message["src_len"] = family.bits
    message["flags"] = flags
    attributes: list[tuple[str, object]] = [
        ("RTA_DST", str(reply.client)),
        ("RTA_SRC", str(reply.source)),
    ]
    if reply.port is not None:
        attributes.append(("RTA_IP_PROTO", PROTOCOL_NUMBERS[reply.port.protocol]))
        attributes.append(("RTA_SPORT", reply.port.port))
    message["attrs"] = attributes
    return message


def rule_message(rule: ReplyRule) -> Any:  # noqa: ANN401
    message = fibmsg()
    message["family"] = int(rule.family)
    message["action"] = _FR_ACT_TO_TBL
    if rule.source.is_unspecified:
        whose = ("FRA_IIFNAME", "lo")
    else:
        message["src_len"] = rule.family.bits
        whose = ("FRA_SRC", str(rule.source))
    message["attrs"] = [
        whose,
        ("FRA_PRIORITY", rule.priority),
        ("FRA_TABLE", rule.table),
        ("FRA_IP_PROTO", PROTOCOL_NUMBERS[rule.port.protocol]),
        ("FRA_SPORT_RANGE", f"{rule.port.port}:{rule.port.port}"),
    ]
    return message


def route_message(where: Destination, way: Way | None, interfaces: Mapping[str, int]) -> Any:  # noqa: ANN401
    """A route; without a way, one that has the next rule asked."""
    message = rtmsg()
    message["family"] = int(where.family)
    message["type"] = THROW if way is None else UNICAST
    attributes: list[tuple[str, object]] = [("RTA_TABLE", where.table)]
    if where.network is not None:
        message["dst_len"] = where.network.prefixlen
        attributes.append(("RTA_DST", str(where.network.network_address)))
    if where.metric:
        attributes.append(("RTA_PRIORITY", where.metric))
    if way is None:
        message["proto"] = Way(None, "").protocol
    else:
        message["proto"] = way.protocol
        message["scope"] = way.scope
        message["flags"] = _RTNH_F_ONLINK if way.onlink else 0
        attributes += _way_attributes(way, interfaces)
    message["attrs"] = attributes
    return message


def _way_attributes(way: Way, interfaces: Mapping[str, int]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("RTA_OIF", interfaces[way.interface])]
    if way.via is not None:
        found.append(("RTA_GATEWAY", str(way.via)))
    if way.source is not None:
        found.append(("RTA_PREFSRC", str(way.source)))
    if way.preference:
        found.append(("RTA_PREF", way.preference))
    if way.limits:
        limits = [(f"RTAX_{name.upper()}", value) for name, value in way.limits]
        found.append(("RTA_METRICS", {"attrs": limits}))
    return found


def seen_route(family: Family, answer: Any, names: Mapping[int, str]) -> SeenRoute:  # noqa: ANN401
    """A route as the kernel tells it."""
    attributes = dict(answer["attrs"])
    limits = dict((attributes.get("RTA_METRICS") or {"attrs": ()})["attrs"])
    source = attributes.get("RTA_PREFSRC")
    way = Way(
        _gateway(attributes),
        names.get(attributes.get("RTA_OIF", 0), ""),
        answer["proto"],
        answer["scope"],
        None if source is None else ip_address(source),
        bool(answer["flags"] & _RTNH_F_ONLINK),
        attributes.get("RTA_PREF", 0),
        tuple((name[5:].lower(), value) for name, value in limits.items() if _is_number(value)),
    )
    peculiar = sorted(attributes.keys() - _RESTORABLE)
    peculiar += [name for name, value in limits.items() if not _is_number(value)]
    peculiar += ["tos"] if answer["tos"] else []
    cache = attributes.get("RTA_CACHEINFO")
    peculiar += ["expires"] if cache and cache["rta_expires"] else []
    return SeenRoute(
        family,
        _network(attributes.get("RTA_DST"), answer["dst_len"]),
        attributes.get("RTA_TABLE", answer["table"]),
        attributes.get("RTA_PRIORITY", 0),
        answer["type"],
        way,
        tuple(peculiar),
    )


def seen_rule(family: Family, answer: Any) -> SeenRule:  # noqa: ANN401
    """A rule as the kernel tells it."""
    attributes = dict(answer["attrs"])
    ports = attributes.get("FRA_SPORT_RANGE")
    further = [_further(name, attributes[name]) for name in sorted(attributes)]
    further = [one for one in further if one]
    if attributes.get("FRA_SUPPRESS_PREFIXLEN", _EVERY_BIT) != _EVERY_BIT:
        further.append(f"suppress_prefixlength {attributes['FRA_SUPPRESS_PREFIXLEN']}")
    further += ["tos"] if answer["tos"] else []
    further += ["not"] if answer["flags"] & 0x2 else []  # linux/fib_rules.h, FIB_RULE_INVERT
    leads = answer["action"] == _FR_ACT_TO_TBL
    first, _, last = ports.partition(":") if ports else ("", "", "")
    return SeenRule(
        family,
        attributes.get("FRA_PRIORITY", 0),
        attributes.get("FRA_TABLE", answer["table"]) if leads else 0,
        _network(attributes.get("FRA_SRC"), answer["src_len"]),
        attributes.get("FRA_IP_PROTO", 0),
        (int(first), int(last)) if ports else None,
        tuple(further),
    )


def _further(name: str, value: Any) -> str:  # noqa: ANN401
    """What a rule asks for beside what every one has, in the words of ip-rule(8)."""
    if name == "UNKNOWN":
        mask = bytes(value.data[value.offset + 4 : value.offset + value.length])
        if value["header"]["type"] in _PORT_MASKS and mask == _WHOLE_MASK:
            return ""
        return f"attribute {value['header']['type']}"
    if name in _OF_EVERY_RULE:
        return ""
    return f"{name[4:].lower().removesuffix('name')} {value}"


def hop_of(answer: Any, names: Mapping[int, str]) -> Hop:  # noqa: ANN401
    attributes = dict(answer["attrs"])
    return Hop(_gateway(attributes), names.get(attributes.get("RTA_OIF", 0), ""))


def table_of(answer: Any) -> int:  # noqa: ANN401
    table: int = dict(answer["attrs"]).get("RTA_TABLE", answer["table"] or MAIN)
    return table


def _gateway(attributes: Mapping[str, Any]) -> Any:  # noqa: ANN401
    gateway = attributes.get("RTA_GATEWAY")
    return None if gateway is None else ip_address(gateway)


def _network(address: str | None, length: int) -> IPNetwork | None:
    return ip_network(f"{address}/{length}") if address is not None and length else None


def _is_number(value: object) -> bool:
    return isinstance(value, int)
