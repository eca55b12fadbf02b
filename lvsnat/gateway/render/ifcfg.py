"""Red Hat's network-scripts: files of words for ip(8), which ifup hands over. No I/O here.

ifup-routes gives each line of ``route-IF`` to ``ip -4 route add``, of ``rule6-IF`` to ``ip -6 rule
add``, and leaves lines out that begin with ``#``.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from lvsnat.gateway.render.parts import Back, File, Rendering, on_link, redirects_off
from lvsnat.gateway.resources import ReplyRule, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.model.endpoint import Family

_FOLDER = PurePosixPath("/etc/sysconfig/network-scripts")


def render(back: Back) -> Rendering:
    """Render a way back as the files that ifup reads for the interface."""
    suffix = "6" if back.family is Family.IPV6 else ""
    settings = redirects_off(back)
    lines = {
        "route": [route_words(one, back) for one in back.routes],
        "rule": [rule_words(one) for one in back.rules],
    }
    files = [
        File(
            _FOLDER / f"{kind}{suffix}-{back.interface}",
            back.header + "".join(f"{line}\n" for line in found),
        )
        for kind, found in lines.items()
        if found
    ]
    commands = (f"{_FOLDER}/ifup-routes {back.interface}", f"sysctl -p {settings.path}")
    note = (
        "NetworkManager heeds no rule- file, though it may read ifcfg- files: where it runs, take"
        " --format networkmanager"
    )
    return Rendering((*files, settings), commands, (note,) if back.rules else ())


def rule_words(rule: ReplyRule) -> str:
    """A rule in the words of ``ip rule add``."""
    port = f"ipproto {rule.port.protocol} sport {rule.port.port}"
    return f"{rule.selector} {port} lookup {rule.table} priority {rule.priority}"


def route_words(route: Route, back: Back) -> str:
    """A route in the words of ``ip route add``."""
    where, via = route.destination, route.hop.via
    to = "default" if where.network is None else str(where.network)
    words = ["throw", to] if via is None else [to, "via", str(via), "dev", back.interface]
    words += ["onlink"] if on_link(route, back) else []
    words += ["table", str(where.table)] if where.table != MAIN else []
    words += ["metric", str(where.metric)] if where.metric else []
    return " ".join(words)
