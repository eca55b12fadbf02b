"""systemd-networkd: a drop-in beside the file that configures the interface now. No I/O here.

A second .network file would not do: the first one that matches an interface is the only one that
is read (systemd.network(5)), so it would take the interface's addresses away.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from lvsnat.errors import UsageError
from lvsnat.gateway.render.parts import Back, File, Rendering, on_link, redirects_off
from lvsnat.gateway.resources import ReplyRule, Route
from lvsnat.gateway.seen import MAIN


def render(back: Back) -> Rendering:
    """Render a way back. Raises UsageError where the interface's .network file is not known."""
    if back.name is None:
        raise UsageError(
            f"it is not known which .network file configures {back.interface}",
            f"'networkctl status {back.interface}' names it where networkd looks after it: give it"
            " with --name; where another program does, take that one's --format",
        )
    if "/" in back.name or not back.name.endswith(".network"):
        raise UsageError(
            f"{back.name!r} is no name of a .network file",
            "write the name alone, without its folder: 10-lan.network",
        )
    sections = [*map(rule_section, back.rules), *(route_section(one, back) for one in back.routes)]
    drop_in = drop_in_file(back, sections)
    settings = redirects_off(back)
    return Rendering((drop_in, settings), (*take_up(back), f"sysctl -p {settings.path}"))


def drop_in_file(back: Back, sections: list[str]) -> File:
    """A drop-in of the interface's .network file, which must be known."""
    folder = PurePosixPath(f"/etc/systemd/network/{back.name}.d")
    path = folder / f"lvsnat-{back.family.label}.conf"
    return File(path, "\n".join([back.header, *sections]))


def take_up(back: Back) -> tuple[str, str]:
    """What has networkd read its files again, and heed them."""
    return "networkctl reload", f"networkctl reconfigure {back.interface}"


def rule_section(rule: ReplyRule) -> str:
    whose = f"From={rule.source}/{rule.family.bits}\n"
    if rule.source.is_unspecified:
        whose = f"Family={rule.family.label}\nIncomingInterface=lo\n"
    return (
        "[RoutingPolicyRule]\n"
        f"{whose}"
        f"IPProtocol={rule.port.protocol}\n"
        f"SourcePort={rule.port.port}\n"
        f"Table={rule.table}\n"
        f"Priority={rule.priority}\n"
    )


def route_section(route: Route, back: Back) -> str:
    where, via = route.destination, route.hop.via
    lines = ["[Route]"]
    if where.network is not None:
        lines.append(f"Destination={where.network}")
    lines.append("Type=throw" if via is None else f"Gateway={via}")
    if on_link(route, back):
        lines.append("GatewayOnLink=yes")
    if where.table != MAIN:
        lines.append(f"Table={where.table}")
    if where.metric:
        lines.append(f"Metric={where.metric}")
    return "\n".join(lines) + "\n"
