"""netplan, NetworkManager and cloud-init themselves, of Debian 12 and 13, read what is rendered.

`pytest -m lab` runs this outside a lab: it needs Debian's archive once, and no root.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from aws.user_data import director_data, real_server_data
from gateway_render import reading
from gateway_render.backs import network_of
from labkit.unpacked import CLOUD_INIT, NETPLAN, NETWORK_MANAGER, SUITES, Unpacked, unpacked

from lvsnat.gateway.expand import METRIC
from lvsnat.gateway.render import netplan, networkmanager
from lvsnat.gateway.render.parts import Back
from lvsnat.gateway.resources import EVERY, Destination, ReplyRule, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.endpoint import Family

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]


def whole(director: str) -> Back:
    via = ip_address(director)
    default = Destination(Family.of(via), None, MAIN, METRIC)
    return Back(via, "eth0", (Route(default, Hop(via, "eth0")),))


def replies(director: str, own: str, *, neighbours: bool = False) -> Back:
    via, source = ip_address(director), ip_address(own)
    family, hop = Family.of(via), Hop(via, "eth0")
    routes = (
        Route(Destination(family, network_of(via), 234), hop if neighbours else Hop(None, "")),
        Route(Destination(family, None, 234), hop),
    )
    rules = (
        ReplyRule(source, ReplyPort("tcp", 80), 234, 110),
        ReplyRule(EVERY[family], ReplyPort("udp", 53), 234, 110),
    )
    return Back(via, "eth0", routes, rules)


BACKS = {
    "everything": whole("10.0.1.200"),
    "everything, IPv6": whole("fd00:1::200"),
    "replies": replies("10.0.1.200", "10.0.1.55"),
    "replies, IPv6": replies("fd00:1::200", "fd00:1::55"),
    "replies to neighbours": replies("10.0.1.200", "10.0.1.55", neighbours=True),
    "replies to neighbours, IPv6": replies("fd00:1::200", "fd00:1::55", neighbours=True),
}
every_back = pytest.mark.parametrize("back", BACKS.values(), ids=BACKS)
every_suite = pytest.mark.parametrize("suite", SUITES)


def run(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )


def generated(suite: str, root: Path) -> str:
    """What netplan makes for networkd of eth0."""
    for file in (root / "etc/netplan").iterdir():
        file.chmod(0o600)
    program = unpacked(NETPLAN[suite], suite).command("usr/libexec/netplan/generate")
    done = run([*program, "--root-dir", str(root)])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return (root / "run/systemd/network/10-netplan-eth0.network").read_text()


def write(root: Path, back: Back) -> None:
    present = root / "etc/netplan/50-cloud-init.yaml"
    present.parent.mkdir(parents=True)
    present.write_text("network: {version: 2, ethernets: {eth0: {dhcp4: true, mtu: 9001}}}\n")
    for file in netplan.render(back).files:
        path = root / file.path.relative_to("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)


@every_back
@every_suite
def test_netplan_adds_it_to_the_interfaces_own_definition(
    suite: str, back: Back, tmp_path: Path
) -> None:
    write(tmp_path, back)

    text = generated(suite, tmp_path)

    ours = re.sub(r"^\[(Match|Network|Link|DHCP)\]\n([^\[]*)", "", text, flags=re.MULTILINE)
    assert reading.networkd(ours, back) == (set(back.routes), set())
    assert "DHCP=ipv4" in text
    assert ours.count("GatewayOnLink=true") == sum(
        one.hop.via is not None and one.destination.network is not None for one in back.routes
    )


def test_the_drop_in_is_beside_the_file_that_netplan_generates(tmp_path: Path) -> None:
    back = BACKS["replies"]
    write(tmp_path, back)

    generated(SUITES[0], tmp_path)

    (file,) = (tmp_path / "run/systemd/network").glob("*.network")
    (drop_in,) = (tmp_path / f"etc/systemd/network/{file.name}.d").iterdir()
    assert reading.networkd(drop_in.read_text(), back) == (set(), set(back.rules))


PROFILE = """\
[connection]
id=Wired connection 1
uuid=2d20f443-2682-44c7-913c-cc46617a4215
type=ethernet
interface-name=eth0

[ethernet]

[ipv4]
address1=10.0.1.55/24,10.0.1.1
dns=10.0.0.2;
method=manual

[ipv6]
addr-gen-mode=default
method=auto

[proxy]
"""
NMCLI = """\
#!/bin/sh
# nmcli on a profile in a file, as there is no NetworkManager that runs.
case "$1 $2" in
    "-g GENERAL.CONNECTION") echo "Wired connection 1" ;;
    "device reapply") [ "$3" = eth0 ] ;;
    "connection modify")
        [ "$3" = "Wired connection 1" ] || exit 10
        shift 3
        {real} --offline connection modify "$@" <{profile} >{profile}.new
        mv {profile}.new {profile}
        ;;
    *) exit 1 ;;
esac
"""


def nmcli_over(nmcli: Unpacked, folder: Path) -> Path:
    """A folder for PATH, whose nmcli changes the profile beside it."""
    profile = folder / "profile"
    profile.write_text(PROFILE)
    program = folder / "bin/nmcli"
    program.parent.mkdir()
    real = shlex.join(nmcli.command("usr/bin/nmcli"))
    program.write_text(
        NMCLI.replace("{real}", real).replace("{profile}", shlex.quote(str(profile)))
    )
    program.chmod(0o755)
    return program.parent


def in_profile(text: str, back: Back) -> reading.Found:
    """The routes and rules of a connection, as NetworkManager writes them."""
    profile = configparser.ConfigParser(interpolation=None)
    profile.read_string(text)
    keys = profile[back.family.label]
    changes = []
    for name, value in keys.items():
        if re.fullmatch(r"route\d+", name):
            options = keys.get(f"{name}_options", "").replace(",", " ")
            changes.append(("routes", f"{value.replace(',', ' ')} {options}"))
        elif name.startswith("routing-rule"):
            changes.append(("routing-rules", value))
    return reading.networkmanager(changes, back)


@every_back
@every_suite
def test_networkmanager_adds_it_to_the_connection_and_takes_it_out(
    suite: str, back: Back, tmp_path: Path
) -> None:
    places = f"{nmcli_over(unpacked(NETWORK_MANAGER[suite], suite), tmp_path)}:{os.environ['PATH']}"
    profile = tmp_path / "profile"
    script, _ = networkmanager.render(back).files

    for _twice in range(2):
        done = run(["sh", "-c", script.text], PATH=places)
        assert (done.returncode, done.stderr) == (0, "")
        assert in_profile(profile.read_text(), back) == reading.wanted(back)
    done = run(["sh", "-c", script.text, "sh", "remove"], PATH=places)

    assert (done.returncode, done.stderr) == (0, "")
    left = profile.read_text()
    assert in_profile(left, back) == (set(), set())
    assert "method=manual" in left
    assert "address1=10.0.1.55/24" in left


def test_another_connection_can_be_named(tmp_path: Path) -> None:
    places = f"{nmcli_over(unpacked(NETWORK_MANAGER[SUITES[0]], SUITES[0]), tmp_path)}:/bin"
    back = replace(BACKS["replies"], name="not that one")
    script, _ = networkmanager.render(back).files

    assert run(["sh", "-c", script.text], PATH=places).returncode == 10


def schema(suite: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Ask cloud-init what it makes of user data."""
    modules = unpacked(CLOUD_INIT[suite], suite).folder / "usr/lib/python3/dist-packages"
    words = ["-W", "ignore", "-m", "cloudinit.cmd.main", "schema", "--config-file", str(file)]
    return run([sys.executable, *words], PYTHONPATH=str(modules))


@every_suite
@pytest.mark.parametrize("data", [director_data(), real_server_data()], ids=["director", "server"])
def test_cloud_init_finds_nothing_wrong(suite: str, data: str, tmp_path: Path) -> None:
    file = tmp_path / "user-data"
    file.write_text(data)

    done = schema(suite, file)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout


@every_suite
def test_cloud_init_finds_what_is_wrong(suite: str, tmp_path: Path) -> None:
    file = tmp_path / "user-data"
    file.write_text(director_data().replace("permissions: '0755'", "permissions: {}"))

    assert schema(suite, file).returncode != 0
