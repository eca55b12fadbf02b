"""What a format makes at boot is what 'lvsnat gateway set' makes now, by the real programs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from e2e import warm
from gateway_render.conftest import OURS, ROUTER, State, scripts_of, state
from labkit.host import Host
from labkit.topology import Network

pytestmark = pytest.mark.e2e

WAYS = {
    "replies": ("--reply-only", "tcp/8080,udp/53"),
    "replies to neighbours, too": ("--reply-only", "tcp/8080", "--local-clients"),
    "everything": (),
}
every_way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
BASE = """\
[Match]
Name=eth0
[Network]
Address={address}/24
Address={address6}/64
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
[Route]
Gateway={router}
Metric=1024
[Route]
Gateway={router6}
"""
NETWORKD = """\
mount -o remount,ro /sys  # without udev, networkd believes that a link is ready
mount --bind "$1" /etc/systemd/network
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
exec /lib/systemd/systemd-networkd
"""


def directors(net: Network) -> tuple[str, str]:
    return net.gateway, net.gateway6


def as_set(net: Network, options: tuple[str, ...]) -> State:
    """What 'lvsnat gateway set' makes; it is taken away again."""
    server = net.rs(1)
    before = state(server)
    for via in directors(net):
        warm.run(server, "gateway", "set", via, *options, "--yes")
    made = state(server)
    warm.run(server, "gateway", "unset")
    assert state(server) == before
    return made


def rendered(net: Network, form: str, options: tuple[str, ...], *more: str) -> Path:
    """The files of a format, for both families, below a folder."""
    server = net.rs(1)
    root = server.home / "root"
    for via in directors(net):
        warm.run(
            server, "gateway", "render", via, "--format", form, *options, *more,
            "--output", str(root),
        )  # fmt: skip
    return root


def first_hop(server: Host) -> None:
    """A default route as a DHCP client makes it, behind those of lvsnat."""
    server.run("ip", "-4", "route", "del", "default")
    server.run("ip", "-4", "route", "add", "default", "via", ROUTER[0], "metric", "1024")


def until(server: Host, wanted: State, seconds: float = 180) -> State:
    end = time.monotonic() + seconds
    while (now := state(server)) != wanted and time.monotonic() < end:
        time.sleep(0.3)
    return now


@every_way
def test_networkd_makes_what_set_makes(single: Network, options: tuple[str, ...]) -> None:
    server = single.rs(1)
    first_hop(server)
    wanted = as_set(single, options)
    root = rendered(single, "networkd", options, "--name", "10-lan.network")
    folder = root / "etc/systemd/network"
    base = BASE.format(
        address=server.address, address6=server.address6, router=ROUTER[0], router6=ROUTER[1]
    )
    (folder / "10-lan.network").write_text(base)
    assert state(server) != wanted

    server.daemon("sh", "-ec", NETWORKD, "sh", str(folder))

    assert until(server, wanted) == wanted, (server.home / "output").read_text()


@every_way
def test_the_lines_for_ifup_make_what_set_makes(single: Network, options: tuple[str, ...]) -> None:
    server = single.rs(1)
    first_hop(server)
    wanted = as_set(single, options)
    folder = rendered(single, "ifcfg", options) / "etc/sysconfig/network-scripts"

    for file in sorted(folder.iterdir()):
        kind = file.name.partition("-")[0]
        family = "-6" if kind.endswith("6") else "-4"
        for line in file.read_text().splitlines():
            if not line.startswith("#"):  # As ifup-routes does.
                server.run("ip", family, kind.rstrip("6"), "add", *line.split())

    assert state(server) == wanted


@every_way
def test_the_unit_of_each_boot_makes_what_set_makes(
    single: Network, options: tuple[str, ...]
) -> None:
    server = single.rs(1)
    first_hop(server)
    before, wanted = state(server), as_set(single, options)
    scripts = []
    for via in directors(single):
        words = ("gateway", "render", via, "--format", "cloud-init", *options)
        scripts += scripts_of(warm.run(server, *words).stdout, server.home)

    for _boot in range(2):
        for script in scripts:
            server.run("sh", script, "start")
        assert state(server) == wanted
    for script in scripts:
        server.run("sh", script, "stop")
    assert state(server) == before


def test_what_set_put_in_force_is_what_is_rendered_without_a_director(single: Network) -> None:
    server = single.rs(1)
    options = WAYS["replies"]
    for via in directors(single):
        warm.run(server, "gateway", "set", via, *options, "--table", str(OURS), "--yes")

    whole = warm.run(server, "gateway", "render", "--format", "ifcfg").stdout

    warm.run(server, "gateway", "unset")
    parts = [
        warm.run(server, "gateway", "render", via, "--format", "ifcfg", *options).stdout
        for via in directors(single)
    ]
    assert whole == "\n".join(parts)
    refused = warm.run(server, "gateway", "render", "--format", "ifcfg", check=False)
    assert refused.returncode == 2
    assert "gateway set" in refused.stderr
