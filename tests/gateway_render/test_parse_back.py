"""Whatever is rendered says what was settled, and nothing else, in each format."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import PurePosixPath

import pytest
import yaml
from gateway_render import reading
from gateway_render.backs import backs, wishes
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import UsageError
from lvsnat.gateway.render import boot, cloudinit, ifcfg, netplan, networkd, networkmanager, settle
from lvsnat.gateway.render.parts import SIGNATURE, Back, Format, on_link
from lvsnat.gateway.resources import Destination, Route
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import GatewayWish
from lvsnat.model.endpoint import Family

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
CONNECTIONS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@given(backs(), NAMES)
def test_a_drop_in_of_networkd_says_the_same(back: Back, name: str) -> None:
    drop_in, _ = networkd.render(replace(back, name=f"{name}.network")).files

    assert reading.networkd(drop_in.text, back) == reading.wanted(back)
    folder = PurePosixPath(f"/etc/systemd/network/{name}.network.d")
    assert drop_in.path == folder / f"lvsnat-{back.family.label}.conf"


def test_networkd_is_not_guessed_at() -> None:
    hop = Hop(IPv4Address("10.0.1.200"), "eth0")
    back = Back(
        IPv4Address("10.0.1.200"), "eth0", (Route(Destination(Family.IPV4, None, 234), hop),)
    )

    with pytest.raises(UsageError, match="is not known"):
        networkd.render(back)


@pytest.mark.parametrize(
    ("form", "name"),
    [(Format.NETWORKD, "../x.network"), (Format.NETWORKD, "eth0"), (Format.NETPLAN, "../../x")],
)
def test_a_name_leads_out_of_no_folder(form: Format, name: str) -> None:
    hop = Hop(IPv4Address("10.0.1.200"), "eth0")
    route = Route(Destination(Family.IPV4, None, 234), hop)

    with pytest.raises(UsageError, match="is no name of"):
        settle.rendered(form, Back(IPv4Address("10.0.1.200"), "eth0", (route,), name=name))


@given(backs(), st.none() | NAMES)
def test_netplan_and_the_drop_in_beside_it_say_the_same(back: Back, name: str | None) -> None:
    definition = name or back.interface

    files = {file.path: file for file in netplan.render(replace(back, name=name)).files}

    document = files[PurePosixPath(f"/etc/netplan/90-lvsnat-{back.family.label}.yaml")]
    drop_ins = [one for one in files.values() if one.path.parts[2] == "systemd"]
    found = [reading.networkd(one.text, back) for one in drop_ins]
    assert reading.netplan(document.text, back, definition) == set(back.routes)
    assert found == ([(set(), set(back.rules))] if back.rules else [])
    assert {one.path.parent.name for one in drop_ins} <= {f"10-netplan-{definition}.network.d"}
    assert document.mode == 0o600


@given(backs())
def test_the_files_of_network_scripts_say_the_same(back: Back) -> None:
    assert reading.ifcfg(ifcfg.render(back).files, back) == reading.wanted(back)


@given(backs(), st.none() | CONNECTIONS)
def test_the_commands_for_networkmanager_say_the_same(back: Back, name: str | None) -> None:
    script, _ = networkmanager.render(replace(back, name=name)).files

    changes = reading.nmcli_changes(script.text)

    assert reading.networkmanager(changes, back) == reading.wanted(back)
    assert f"{{sign}}{back.family.label}.$1" in script.text


@given(wishes())
def test_the_script_of_each_boot_has_the_whole_wish(wish: GatewayWish) -> None:
    lines = boot.script(wish).text.splitlines()
    settings = [line for line in lines if re.match(r"[a-z_]+=", line)]
    given = dict(line.partition(" #")[0].split("=", 1) for line in settings)

    assert given["via"] == str(wish.via)
    assert given["interface"].strip("'") == (wish.interface or "")
    assert given["ports"].strip("'").split() == [str(one) for one in wish.reply_ports]
    assert given["local_clients"] == ("yes" if wish.local_clients else "no")
    assert (given["table"], given["priority"]) == (str(wish.table), str(wish.priority))
    assert ("command ip -4" in "\n".join(lines)) == (wish.family is Family.IPV4)


@given(st.lists(wishes(), min_size=1, max_size=2, unique_by=lambda one: one.family))
def test_user_data_brings_every_file_as_it_is(several: list[GatewayWish]) -> None:
    (file,) = cloudinit.render(several).files

    document = yaml.safe_load(file.text)

    brought = {one["path"]: (one["content"], one["permissions"]) for one in document["write_files"]}
    assert file.text.startswith("#cloud-config\n")
    assert brought == {
        str(one.path): (one.text, f"0{one.mode:o}") for one in cloudinit.files(several)
    }
    assert [word[-1] for word in document["runcmd"][3:]] == [*map(boot.unit_name, several)]


@given(backs(), st.sampled_from([one for one in Format if one is not Format.CLOUD_INIT]))
def test_every_file_is_known_again_and_keeps_redirects_away(back: Back, form: Format) -> None:
    rendering = settle.rendered(form, replace(back, name="x.network"))

    assert all(SIGNATURE in one.text for one in rendering.files)
    (settings,) = [one for one in rendering.files if one.path.parent.name == "sysctl.d"]
    names = {line.partition(" = ")[0] for line in settings.text.splitlines()[1:]}
    label = back.family.label
    assert names == {
        f"net/{label}/conf/{place}/accept_redirects" for place in ("all", "default", back.interface)
    }
    assert any(str(settings.path) in command for command in rendering.commands)


@given(backs(replies=True))
def test_a_next_hop_inside_its_own_route_is_said_to_be_a_neighbour(back: Back) -> None:
    local, everywhere = back.routes

    assert on_link(local, back) == (local.hop.via is not None)
    assert not on_link(everywhere, back)
    assert networkd.route_section(local, back).count("GatewayOnLink=yes") == on_link(local, back)


@pytest.mark.parametrize(
    ("path", "file", "definition"),
    [
        ("/etc/systemd/network/10-lan.network", "10-lan.network", None),
        ("/run/systemd/network/10-netplan-ens5.network", "10-netplan-ens5.network", "ens5"),
    ],
)  # fmt: skip
def test_networkd_tells_what_configures_an_interface(
    path: str, file: str, definition: str | None
) -> None:
    told = settle.Told(f"ADMIN_STATE=configured\nNETWORK_FILE={path}\n")

    assert told.name(Format.NETWORKD) == file
    assert told.name(Format.NETPLAN) == definition
    assert told.name(Format.NETWORKMANAGER) is None


def test_an_interface_that_networkd_leaves_alone_has_no_name() -> None:
    assert settle.Told("ADMIN_STATE=unmanaged\n").name(Format.NETWORKD) is None


@pytest.mark.parametrize(
    ("uevent", "device"),
    [
        ("DEVTYPE=vlan\nINTERFACE=eth0.5\n", "vlans"),
        ("DEVTYPE=bond\n", "bonds"),
        ("DEVTYPE=bridge\n", "bridges"),
        ("DEVTYPE=wlan\n", "ethernets"),
        ("INTERFACE=eth0\n", "ethernets"),
    ],
)
def test_the_kernel_tells_what_kind_of_interface_it_is(uevent: str, device: str) -> None:
    assert settle.Told(uevent=uevent).device == device
