"""netplan: routes as a file of its own, which netplan merges with the interface's. No I/O here.

netplan's ``routing-policy`` matches addresses, marks and types of service and no source port
(netplan-yaml, "Routing"). So rules for replies go into a drop-in of the file that netplan
generates for networkd. What a rule of netplan could say, ``from`` alone, would move all that the
server sends.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from lvsnat.errors import UsageError
from lvsnat.gateway.render import networkd
from lvsnat.gateway.render.parts import Back, File, Rendering, on_link, redirects_off
from lvsnat.gateway.resources import Route
from lvsnat.gateway.seen import MAIN

_PRIVATE = 0o600
"""netplan complains of a file that others can read: one may hold a password."""


def render(back: Back) -> Rendering:
    """Render a way back for the definition ``name``, or the one that is called as the interface."""
    definition = back.name or back.interface
    if "/" in definition:
        raise UsageError(
            f"{definition!r} is no name of a definition of netplan",
            "'netplan get' shows the names: eth0",
        )
    settings = redirects_off(back)
    files = [_routes(back, definition), settings]
    commands = ["netplan apply", f"sysctl -p {settings.path}"]
    known = (
        f"netplan must know {back.interface} as {definition!r} already, since this adds to that"
        " definition: 'netplan get' shows it, --name names another one"
    )
    notes = [known]
    if back.rules:
        generated = replace(back, name=f"10-netplan-{definition}.network")
        files.insert(1, networkd.drop_in_file(generated, [*map(networkd.rule_section, back.rules)]))
        commands[1:1] = networkd.take_up(back)
        notes.append(
            "netplan has no rule for a source port, so the rules stand beside it, in a drop-in for"
            " networkd; with 'renderer: NetworkManager' take --format networkmanager"
        )
    return Rendering(tuple(files), tuple(commands), tuple(notes))


def _routes(back: Back, definition: str) -> File:
    routes = [_route(one, back) for one in back.routes]
    document = {"network": {"version": 2, back.device.value: {definition: {"routes": routes}}}}
    text = yaml.safe_dump(document, sort_keys=False)
    # After the others: where two files say different things, the later one counts.
    path = PurePosixPath(f"/etc/netplan/90-lvsnat-{back.family.label}.yaml")
    return File(path, back.header + text, _PRIVATE)


def _route(route: Route, back: Back) -> dict[str, Any]:
    where, via = route.destination, route.hop.via
    words: dict[str, Any] = {"to": "default" if where.network is None else str(where.network)}
    words |= {"type": "throw"} if via is None else {"via": str(via)}
    words |= {"on-link": True} if on_link(route, back) else {}
    words |= {"table": where.table} if where.table != MAIN else {}
    words |= {"metric": where.metric} if where.metric else {}
    return words
