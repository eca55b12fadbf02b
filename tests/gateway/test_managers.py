"""Who looks after an interface, told by the files that programs keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.gateway.managers import managers


def put(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def found(root: Path) -> list[tuple[str, str]]:
    return [(one.name, one.form) for one in managers("eth0", 2, root)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("run/systemd/netif/links/2", "ADMIN_STATE=configured\n", ("systemd-networkd", "networkd")),
        (
            "run/NetworkManager/devices/2",
            "[device]\nmanaged=true\n",
            ("NetworkManager", "networkmanager"),
        ),
        ("run/dhclient.eth0.pid", "1", ("dhclient", "cloud-init")),
        ("run/dhcpcd/eth0.pid", "1", ("dhcpcd", "cloud-init")),
        ("run/cloud-init/x", "", ("cloud-init", "cloud-init")),
    ],
)
def test_each_is_told_by_its_file(
    path: str, text: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    put(tmp_path, path, text)

    assert found(tmp_path) == [expected]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("run/systemd/netif/links/2", "ADMIN_STATE=unmanaged\n"),
        ("run/systemd/netif/links/3", "ADMIN_STATE=configured\n"),
        ("run/NetworkManager/devices/2", "[device]\nmanaged=false\n"),
        ("run/dhclient.eth1.pid", "1"),
    ],
)
def test_what_leaves_the_interface_alone_is_not_named(path: str, text: str, tmp_path: Path) -> None:
    put(tmp_path, path, text)

    assert found(tmp_path) == []


def test_where_netplan_is_it_is_told_instead(tmp_path: Path) -> None:
    put(tmp_path, "etc/netplan/50-cloud-init.yaml")
    put(tmp_path, "run/systemd/netif/links/2", "ADMIN_STATE=configured\n")

    assert found(tmp_path) == [("systemd-networkd", "netplan")]


def test_red_hats_scripts_have_a_form_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, "etc/sysconfig/network-scripts/ifcfg-eth0")
    put(tmp_path, "run/dhclient-eth0.pid", "1")

    assert found(tmp_path) == [("dhclient", "ifcfg")]
