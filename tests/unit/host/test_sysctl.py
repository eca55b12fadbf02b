"""Settings as files below a folder: what is read, written and put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.host.resources import Sysctl
from lvsnat.host.sysctl import SysctlTree

FORWARD = "net.ipv4.ip_forward"
REDIRECTS = "net.ipv4.conf.*.send_redirects"
ACCEPT_RA = "net.ipv6.conf.*.accept_ra"
NODEST = "net.ipv4.vs.expire_nodest_conn"


class Files:
    """A folder in place of /proc/sys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.loaded: list[str] = []
        self.tree = SysctlTree(root, self.loaded.append)

    def put(self, **values: str) -> None:
        """Write files; two underscores stand for a slash."""
        for name, value in values.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")

    def refusing(self, name: str) -> None:
        """A file that can be read, and that nobody can write, not even root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("/proc/sys/kernel/osrelease")

    def everything(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.root)): path.read_text().strip()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def redirects(self, **values: str) -> None:
        for interface, value in values.items():
            self.put(**{f"net__ipv4__conf__{interface}__send_redirects": value})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_value_is_what_the_file_says(files: Files) -> None:
    files.put(net__ipv4__ip_forward="0")

    assert files.tree.observe(FORWARD) == Sysctl(FORWARD, value="0")


def test_a_setting_of_a_later_version_is_still_read(files: Files) -> None:
    files.put(net__core__somaxconn="4096")

    assert files.tree.observe("net.core.somaxconn") == Sysctl("net.core.somaxconn", value="4096")


def test_a_dot_in_the_name_of_an_interface_is_a_slash_as_in_sysctl(files: Files) -> None:
    files.redirects(**{"eth0.100": "1"})

    seen = files.tree.observe("net.ipv4.conf.eth0/100.send_redirects")

    assert seen is not None
    assert seen.value == "1"


def test_a_value_that_is_given_is_there(files: Files) -> None:
    files.put(net__ipv4__ip_forward="0")

    files.tree.assign(FORWARD, "1")

    assert files.everything() == {"net/ipv4/ip_forward": "1"}


def test_what_switching_off_would_overwrite_is_part_of_the_value(files: Files) -> None:
    files.put(
        net__ipv4__ip_forward="0",
        net__ipv4__conf__all__forwarding="0",
        net__ipv4__conf__eth0__forwarding="0",
        net__ipv4__conf__eth1__forwarding="1",
        net__ipv4__conf__all__accept_redirects="0",
    )

    seen = files.tree.observe(FORWARD)

    assert seen is not None
    assert seen.value == ("0 net.ipv4.conf.eth1.forwarding=1 net.ipv4.conf.all.accept_redirects=0")


def test_a_switch_that_is_on_has_nothing_to_remember(files: Files) -> None:
    files.put(net__ipv4__ip_forward="1", net__ipv4__conf__eth1__forwarding="1")

    assert files.tree.observe(FORWARD) == Sysctl(FORWARD, value="1")


def test_what_switching_off_overwrote_is_put_back(files: Files) -> None:
    files.put(
        net__ipv4__ip_forward="1",
        net__ipv4__conf__eth1__forwarding="0",
        net__ipv4__conf__all__accept_redirects="1",
    )

    files.tree.assign(
        FORWARD,
        "0 net.ipv4.conf.eth1.forwarding=1 net.ipv4.conf.gone.forwarding=1"
        " net.ipv4.conf.all.accept_redirects=0",
    )

    assert files.everything() == {
        "net/ipv4/conf/all/accept_redirects": "0",
        "net/ipv4/conf/eth1/forwarding": "1",
        "net/ipv4/ip_forward": "0",
    }


def test_every_interface_as_wished_is_the_wish(files: Files) -> None:
    files.redirects(all="0", default="0", eth0="0")

    assert files.tree.observe(REDIRECTS) == Sysctl(REDIRECTS, value="0")


def test_interfaces_that_differ_are_named_with_their_values(files: Files) -> None:
    files.redirects(all="0", default="1", eth0="1", **{"eth0.100": "1"})

    seen = files.tree.observe(REDIRECTS)

    assert seen == Sysctl(REDIRECTS, value="default=1 eth0=1 eth0.100=1")


def test_a_value_that_serves_as_well_is_left_alone(files: Files) -> None:
    files.put(
        net__ipv6__conf__all__accept_ra="2",
        net__ipv6__conf__eth0__accept_ra="0",
        net__ipv6__conf__eth1__accept_ra="1",
    )

    before = files.tree.observe(ACCEPT_RA)
    files.tree.assign(ACCEPT_RA, "2")

    assert before == Sysctl(ACCEPT_RA, value="eth1=1")
    assert files.tree.observe(ACCEPT_RA) == Sysctl(ACCEPT_RA, value="2")
    assert list(files.everything().values()) == ["2", "0", "2"]


def test_every_interface_gets_its_own_value_back(files: Files) -> None:
    files.redirects(all="1", default="0", eth0="1", **{"odd=name": "1", "eth0.100": "0"})
    at_first = files.everything()
    before = files.tree.observe(REDIRECTS)
    assert before is not None

    files.tree.assign(REDIRECTS, "0")
    between = files.everything()
    files.tree.assign(REDIRECTS, before.value)

    assert set(between.values()) == {"0"}
    assert files.everything() == at_first


def test_an_interface_that_has_gone_is_not_missed(files: Files) -> None:
    files.redirects(eth0="0")

    files.tree.assign(REDIRECTS, "eth0=1 eth1=1")

    assert files.everything() == {"net/ipv4/conf/eth0/send_redirects": "1"}


def test_a_refusal_in_the_middle_leaves_nothing_changed(files: Files) -> None:
    files.redirects(all="1", eth0="1")
    files.refusing("net/ipv4/conf/lo/send_redirects")
    before = files.everything()

    with pytest.raises(LvsnatError, match=r"cannot set net\.ipv4\.conf\.lo\.send_redirects to 0"):
        files.tree.assign(REDIRECTS, "0")

    assert files.everything() == before


def test_a_setting_that_this_ipvs_lacks_is_no_drift(files: Files) -> None:
    files.put(net__ipv4__vs__conntrack="0")

    seen = files.tree.observe(NODEST)

    assert seen == Sysctl(NODEST, value="1")
    assert not seen.known


def test_putting_back_a_setting_that_this_kernel_lacks_does_nothing(files: Files) -> None:
    files.put(net__ipv4__vs__conntrack="0")

    files.tree.assign(NODEST, "0")

    assert files.everything() == {"net/ipv4/vs/conntrack": "0"}


def test_settings_of_ipvs_are_absent_without_it_and_its_module_is_asked_for_once(
    files: Files,
) -> None:
    seen = [files.tree.observe(NODEST) for _ in range(2)]

    assert seen == [None, None]
    assert files.loaded == ["ip_vs"]


def test_the_module_is_not_asked_for_when_its_settings_are_there(files: Files) -> None:
    files.put(net__ipv4__vs__expire_nodest_conn="0")

    seen = files.tree.observe(NODEST)

    assert seen == Sysctl(NODEST, value="0")
    assert files.loaded == []


def test_loading_the_module_makes_its_settings_appear(tmp_path: Path) -> None:
    files = Files(tmp_path)
    tree = SysctlTree(tmp_path, lambda _: files.put(net__ipv4__vs__expire_nodest_conn="0"))

    assert tree.observe(NODEST) == Sysctl(NODEST, value="0")


def test_settings_of_ipv6_are_absent_in_a_kernel_without_it(files: Files) -> None:
    files.put(net__ipv4__ip_forward="0")

    assert files.tree.observe("net.ipv6.conf.all.forwarding") is None
    assert files.tree.observe(ACCEPT_RA) is None


def test_changing_a_setting_of_ipvs_without_it_says_how_to_get_it(files: Files) -> None:
    with pytest.raises(LvsnatError, match="the kernel has no IPVS") as caught:
        files.tree.assign(NODEST, "1")

    assert caught.value.hint is not None
    assert "modprobe ip_vs" in caught.value.hint


def test_changing_a_setting_of_ipv6_without_it_is_an_error(files: Files) -> None:
    with pytest.raises(LvsnatError, match="this kernel has no such setting"):
        files.tree.assign("net.ipv6.conf.all.forwarding", "1")


def test_a_refused_write_says_what_to_do(files: Files) -> None:
    files.refusing("net/ipv4/ip_forward")

    with pytest.raises(LvsnatError, match=r"cannot set net\.ipv4\.ip_forward to 1") as caught:
        files.tree.assign(FORWARD, "1")

    assert caught.value.hint is not None
    assert "root" in caught.value.hint
