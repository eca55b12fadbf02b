"""A real server whose own network has a network manager, and what is in its kernel then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from labkit.host import Host
from labkit.topology import Network, single_subnet

ROUTER = ("192.168.1.1", "fd00:1::1")
"""Where the servers' packets go while nobody has told them of the director."""
OURS = 234


class State(NamedTuple):
    """The rules that are not the kernel's own, and the routes that matter to a way back."""

    rules: frozenset[str]
    routes: frozenset[str]


@pytest.fixture
def single() -> Iterator[Network]:
    """Director and servers in one subnet, the servers' default route past the director."""
    with single_subnet(servers=1, neighbour=True) as network:
        server = network.rs(1)
        server.run("ip", "-4", "route", "replace", "default", "via", ROUTER[0])
        server.run("ip", "-6", "route", "replace", "default", "via", ROUTER[1])
        yield network


def state(host: Host) -> State:
    """What ip(8) says of a server, without who made it."""
    rules, routes = set[str](), set[str]()
    for family in ("-4", "-6"):
        for one in _ip(host, family, "rule"):
            if one.get("table") not in {"local", "main", "default"}:
                one.pop("protocol", None)
                rules.add(f"{family} {json.dumps(one, sort_keys=True)}")
        for one in _ip(host, family, "route", "show", "table", "all"):
            table = one.get("table", "main")
            if table == str(OURS) or (table == "main" and one["dst"] == "default"):
                routes.add(f"{family} {_route(one, table)}")
    return State(frozenset(rules), frozenset(routes))


def _route(one: dict[str, Any], table: str) -> str:
    kind = one.get("type", "unicast")
    way = "" if kind == "throw" else f" via {one.get('gateway')} dev {one.get('dev')}"
    metric = "" if table == str(OURS) else f" metric {one.get('metric', 0)}"
    return f"{kind} {one['dst']}{way} table {table}{metric}"


def _ip(host: Host, *words: str) -> list[dict[str, Any]]:
    done = host.run("ip", "-j", "-d", *words)
    answer: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return answer


def scripts_of(user_data: str, folder: Path) -> list[str]:
    """Write the scripts that user data brings; give them."""
    found = []
    for file in yaml.safe_load(user_data)["write_files"]:
        if file["path"].startswith("/usr/local/sbin/"):
            path = folder / Path(file["path"]).name
            path.write_text(file["content"])
            found.append(str(path))
    return found
