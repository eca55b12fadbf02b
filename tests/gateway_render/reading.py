"""Read rendered files back, each by the rules of whoever reads it on a server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import yaml

from lvsnat.gateway.render.parts import Back, File
from lvsnat.gateway.resources import EVERY, Destination, ReplyRule, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.endpoint import Family

Found = tuple[set[Route], set[ReplyRule]]
PROTOCOLS = {"6": "tcp", "17": "udp"}


def wanted(back: Back) -> Found:
    return set(back.routes), set(back.rules)


def route(words: Mapping[str, str], family: Family, interface: str) -> Route:
    """A route from its parts: ``to``, ``via``, ``table``, ``metric``, ``type``."""
    to = words.get("to", "default")
    everywhere = to in {"default", "0.0.0.0/0", "::/0"}
    where = Destination(
        family,
        None if everywhere else ip_network(to),
        int(words.get("table", MAIN)),
        int(words.get("metric", 0)),
    )
    if "via" not in words:
        assert words["type"] == "throw"
        return Route(where, Hop(None, ""))
    return Route(where, Hop(ip_address(words["via"]), interface))


def rule(words: Mapping[str, str], family: Family) -> ReplyRule:
    """A rule from its parts."""
    protocol = PROTOCOLS.get(words["ipproto"], words["ipproto"])
    port = ReplyPort.parse(f"{protocol}/{words['sport']}")
    if words.get("iif") == "lo":
        assert words.get("from", "all") in {"all", "0.0.0.0/0", "::/0"}
        source = EVERY[family]
    else:
        network = ip_network(words["from"])
        assert network.num_addresses == 1
        source = network.network_address
    return ReplyRule(source, port, int(words["table"]), int(words["priority"]))


def sections(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The sections of a unit file, of which there may be several with one name."""
    name, keys = "", dict[str, str]()
    for line in text.splitlines():
        if line.startswith("["):
            if name:
                yield name, keys
            name, keys = line[1:-1], {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys[key] = value
    if name:
        yield name, keys


_ROUTE = {
    "Destination": "to", "Gateway": "via", "Table": "table", "Metric": "metric", "Type": "type",
}  # fmt: skip
_RULE = {
    "From": "from", "IncomingInterface": "iif", "IPProtocol": "ipproto", "SourcePort": "sport",
    "Table": "table", "Priority": "priority",
}  # fmt: skip


def networkd(text: str, back: Back) -> Found:
    """The routes and rules of a drop-in."""
    routes, rules = set(), set()
    for name, keys in sections(text):
        if name == "Route":
            words = {_ROUTE[key]: value for key, value in keys.items() if key in _ROUTE}
            assert keys.keys() - _ROUTE.keys() <= {"GatewayOnLink"}
            routes.add(route(words, back.family, back.interface))
        else:
            assert name == "RoutingPolicyRule"
            assert keys.pop("Family", back.family.label) == back.family.label
            rules.add(rule({_RULE[key]: value for key, value in keys.items()}, back.family))
    return routes, rules


def netplan(text: str, back: Back, definition: str) -> set[Route]:
    """The routes of a definition of netplan."""
    network: dict[str, Any] = yaml.safe_load(text)["network"]
    assert network.pop("version") == 2
    [(device, definitions)] = network.items()
    assert device == back.device
    [(name, keys)] = definitions.items()
    assert name == definition
    return {
        route({key: str(value) for key, value in one.items()}, back.family, back.interface)
        for one in keys["routes"]
    }


def pairs(words: Sequence[str]) -> dict[str, str]:
    """Words of ip(8) that come in pairs."""
    return dict(zip(words[::2], words[1::2], strict=True))


def ifcfg(files: Iterable[File], back: Back) -> Found:
    """The routes and rules of the files of network-scripts, as ifup-routes reads them."""
    suffix = "6" if back.family is Family.IPV6 else ""
    routes, rules = set(), set()
    for file in files:
        lines = [line.split() for line in file.text.splitlines() if not line.startswith("#")]
        if file.path.name == f"route{suffix}-{back.interface}":
            routes |= {_ip_route(words, back) for words in lines}
        elif file.path.name == f"rule{suffix}-{back.interface}":
            for words in lines:
                given = pairs(words)
                rules.add(rule({**given, "table": given["lookup"]}, back.family))
    return routes, rules


def _ip_route(words: list[str], back: Back) -> Route:
    if words[0] == "throw":
        return route({"type": "throw", "to": words[1], **pairs(words[2:])}, back.family, "")
    given = pairs([word for word in words[1:] if word != "onlink"])
    assert given["dev"] == back.interface
    return route({"to": words[0], **given}, back.family, back.interface)


def nmcli_changes(text: str) -> list[tuple[str, str]]:
    """What the commands for NetworkManager change: properties and values."""
    lines = re.findall(r"^change (.*)$", text, re.MULTILINE)
    return [(kind, value) for kind, value in map(shlex.split, lines)]


def networkmanager(changes: Iterable[tuple[str, str]], back: Back) -> Found:
    """The routes and rules in the words of nmcli."""
    routes, rules = set(), set()
    for kind, value in changes:
        if kind == "routing-rules":
            rules.add(rule(pairs(value.split()), back.family))
            continue
        plain = [word for word in value.split() if "=" not in word]
        options = dict(word.split("=") for word in value.split() if "=" in word)
        options.pop("onlink", None)
        words = dict(zip(("to", "via", "metric"), plain, strict=False)) | options
        routes.add(route(words, back.family, back.interface))
    return routes, rules
