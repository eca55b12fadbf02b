"""A unit and a script for a server that is not known yet: it finds the director at each boot.

No I/O here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib import resources
from pathlib import PurePosixPath

from lvsnat.gateway.expand import METRIC
from lvsnat.gateway.render.parts import HEADER, File
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.endpoint import Family

_NETWORKD = """\
# Written by 'lvsnat gateway render': when networkd is restarted, it takes away the rules and routes
# that it did not make itself.
[Network]
ManageForeignRoutingPolicyRules=no
ManageForeignRoutes=no
"""


def unit_name(wish: GatewayWish) -> str:
    return f"lvsnat-gateway-{wish.family.label}.service"


def script(wish: GatewayWish) -> File:
    """The script that makes the way back, with ip(8) alone."""
    ipv4 = wish.family is Family.IPV4
    values = {
        "@HEADER@\n": HEADER.format(via=wish.via),
        "@VIA@": str(wish.via),
        "@INTERFACE@": shlex.quote(wish.interface or ""),
        "@PORTS@": shlex.quote(" ".join(map(str, wish.reply_ports))),
        "@LOCAL_CLIENTS@": "yes" if wish.local_clients else "no",
        "@TABLE@": str(wish.table),
        "@PRIORITY@": str(wish.priority),
        "@METRIC@": str(METRIC),
        "@FAMILY@": "-4" if ipv4 else "-6",
        "@LABEL@": wish.family.label,
        "@REDIRECTS@": "all" if ipv4 else "''",
    }
    path = PurePosixPath(f"/usr/local/sbin/lvsnat-gateway-{wish.family.label}")
    return File(path, _filled("boot.sh.in", values), 0o755)


def unit(wish: GatewayWish) -> File:
    """The unit that runs the script at each boot."""
    values = {
        "@HEADER@\n": HEADER.format(via=wish.via),
        "@VIA@": str(wish.via),
        "@SCRIPT@": str(script(wish).path),
    }
    path = PurePosixPath("/etc/systemd/system") / unit_name(wish)
    return File(path, _filled("boot.service.in", values))


def networkd_settings() -> File:
    """What keeps systemd-networkd from taking it away (networkd.conf(5), systemd 249)."""
    return File(PurePosixPath("/etc/systemd/networkd.conf.d/lvsnat.conf"), _NETWORKD)


def redirects_off(wish: GatewayWish) -> File:
    """Kernel settings for each interface that there is and that is to come (sysctl.d(5))."""
    label = wish.family.label
    lines = [f"net.{label}.conf.{name}.accept_redirects = 0\n" for name in ("all", "default", "*")]
    path = PurePosixPath(f"/etc/sysctl.d/60-lvsnat-gateway-{label}.conf")
    return File(path, HEADER.format(via=wish.via) + "".join(lines))


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = resources.files(__package__).joinpath(template).read_text(encoding="utf-8")
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text
