"""cloud-init: a unit that makes the way back on a server that is yet to be. No I/O here.

The interface and the addresses are not known before the server runs, and cloud-init acts at its
first boot alone: so the unit, not cloud-init, finds them out at every boot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from lvsnat.aws.cloudconfig import cloud_config
from lvsnat.gateway.render import boot
from lvsnat.gateway.render.parts import SIGNATURE, File, Rendering
from lvsnat.gateway.wish import GatewayWish

PATH = PurePosixPath("/user-data")


def render(wishes: Sequence[GatewayWish]) -> Rendering:
    """Render the ways back of a server, one for each family, as user data."""
    about = f"{SIGNATURE.removeprefix('# ')}: the way back of a real server."
    text = cloud_config(about, files(wishes), commands(wishes))
    return Rendering((File(PATH, text),), (), ("give it to the server as its user data",))


def files(wishes: Sequence[GatewayWish]) -> tuple[File, ...]:
    """The files that a server needs to make its ways back at each boot."""
    each = [(boot.script(one), boot.unit(one), boot.redirects_off(one)) for one in wishes]
    return (boot.networkd_settings(), *(file for several in each for file in several))


def commands(wishes: Sequence[GatewayWish]) -> tuple[tuple[str, ...], ...]:
    """What is run once those are there. networkd reads its settings only when it starts."""
    return (
        ("systemctl", "daemon-reload"),
        ("systemctl", "try-restart", "systemd-networkd.service"),
        ("systemctl", "restart", "systemd-sysctl.service"),
        *(("systemctl", "enable", "--now", boot.unit_name(one)) for one in wishes),
    )
