"""NetworkManager: commands that add to the interface's present connection. No I/O here.

NetworkManager has no drop-ins: one connection at a time has an interface, and a new one would have
to repeat the addresses and the name servers of the present one. So its own nmcli changes that one,
and NetworkManager writes the file.
"""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import PurePosixPath
from typing import Final

from lvsnat.gateway.render.parts import Back, File, Rendering, on_link, redirects_off
from lvsnat.gateway.resources import ReplyRule, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.model.endpoint import Family

_NUMBERS: Final = {"tcp": 6, "udp": 17}
"""/etc/protocols; nmcli takes no names."""
_EVERYWHERE: Final = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}


def render(back: Back) -> Rendering:
    """Render a way back for the connection ``name``, or the one that the interface has then."""
    settings = redirects_off(back)
    script = _script(back)
    commands = (f"sh {script.path}", f"sysctl -p {settings.path}")
    notes = (
        f"'sh {script.path} remove' takes it out of the connection again",
        "routes of the type throw need NetworkManager 1.36",
    )
    return Rendering((script, settings), commands, notes if back.rules else notes[:1])


def route_words(route: Route, back: Back) -> str:
    """A route in the words of nmcli (nm-settings-nmcli(5), ``ipv4.routes``)."""
    where, via = route.destination, route.hop.via
    words = [_EVERYWHERE[where.family] if where.network is None else str(where.network)]
    words += [] if via is None else [str(via)]
    words += [str(where.metric)] if where.metric else []
    words += [f"table={where.table}"] if where.table != MAIN else []
    words += ["type=throw"] if via is None else []
    words += ["onlink=true"] if on_link(route, back) else []
    return " ".join(words)


def rule_words(rule: ReplyRule) -> str:
    """A rule in the words of nmcli (nm-settings-nmcli(5), ``ipv4.routing-rules``)."""
    port = f"ipproto {_NUMBERS[rule.port.protocol]} sport {rule.port.port}"
    whose = f"from {_EVERYWHERE[rule.family]} iif lo"
    if not rule.source.is_unspecified:
        whose = f"from {rule.source}"
    return f"priority {rule.priority} {whose} {port} table {rule.table}"


def _script(back: Back) -> File:
    label = back.family.label
    values = [
        *(f"routes {shlex.quote(route_words(one, back))}" for one in back.routes),
        *(f"routing-rules {shlex.quote(rule_words(one))}" for one in back.rules),
    ]
    text = resources.files(__package__).joinpath("networkmanager.sh.in").read_text("utf-8")
    filled = {
        "@HEADER@\n": back.header,
        "@INTERFACE@": shlex.quote(back.interface),
        "@CONNECTION@": shlex.quote(back.name or ""),
        "@FAMILY@": label,
        "@CHANGES@\n": "".join(f"change {one}\n" for one in values),
    }
    for mark, value in filled.items():
        text = text.replace(mark, value)
    path = PurePosixPath(f"/usr/local/lib/lvsnat/networkmanager-{label}.sh")
    return File(path, text, 0o755)
