"""What is read of other programs, of modules and of the kernel's counters."""

from __future__ import annotations

import gzip
import os
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.doctor import processes
from lvsnat.doctor.beside import KEEPALIVED, LDIRECTORD, Listens, daemon_config, listens, recognised
from lvsnat.doctor.counters import counters
from lvsnat.model.endpoint import Endpoint

KEPT = """
! the old director
global_defs { router_id LVS }
virtual_server_group several {
    192.168.1.50 443   # and
    fwmark 9
    192.168.1.60-70 80
}
virtual_server 192.168.1.50 80 {
    protocol TCP
    real_server 192.168.2.55 8080 { weight 1 }
}
virtual_server fd00:1::50 53 {
    protocol UDP
}
virtual_server group several { }
# virtual_server 192.168.1.51 80 {
virtual_server fwmark 7 { }
"""
LDIRECTORD_CF = """
checktimeout=3
virtual=192.168.1.50:80
        real=192.168.2.55:8080 masq
virtual6=[fd00:1::50]:80
virtual=7
# virtual=192.168.1.51:80
"""
ENDPOINTS = st.builds(
    Endpoint,
    st.builds(IPv4Address, st.integers(0, 2**32 - 1))
    | st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
    st.integers(0, 65535),
)


def test_services_of_keepalived_are_read_with_groups_and_marks() -> None:
    known = listens(KEEPALIVED, KEPT)

    assert {str(one) for one in known.places} == {
        "192.168.1.50:443", "192.168.1.50:80", "[fd00:1::50]:53",
    }  # fmt: skip
    assert known.marks == {7, 9}


def test_services_of_ldirectord_are_read() -> None:
    known = listens(LDIRECTORD, LDIRECTORD_CF)

    assert {str(one) for one in known.places} == {"192.168.1.50:80", "[fd00:1::50]:80"}
    assert known.marks == {7}


@given(st.lists(ENDPOINTS, max_size=5), st.sets(st.integers(1, 2**32 - 1), max_size=3))
def test_whatever_is_written_is_read(places: list[Endpoint], marks: set[int]) -> None:
    kept = [f"virtual_server {one.address} {one.port} {{\n}}" for one in places]
    directed = [f"virtual = {one}" for one in places]

    known = listens(
        KEEPALIVED, "\n".join([*kept, *(f"virtual_server fwmark {m} {{" for m in marks)])
    )
    same = listens(LDIRECTORD, "\n".join([*directed, *(f"virtual={mark}" for mark in marks)]))

    assert known == same
    assert known == Listens(frozenset(places), frozenset(marks))


@given(st.text(), st.sampled_from([KEEPALIVED, LDIRECTORD]))
def test_any_text_is_passed_over(text: str, name: str) -> None:
    listens(name, text)
    counters(text, text, text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/usr/sbin/keepalived", "-n", "-f", "/k.conf"], ("keepalived", "/k.conf")),
        (["keepalived", "--use-file=/k.conf"], ("keepalived", "/k.conf")),
        (["/usr/sbin/keepalived"], ("keepalived", "/etc/keepalived/keepalived.conf")),
        (["/usr/bin/perl", "-w", "/usr/sbin/ldirectord", "start"],
         ("ldirectord", "/etc/ha.d/ldirectord.cf")),
        (["perl", "/usr/sbin/ldirectord", "/etc/ha.d/web.cf", "start"],
         ("ldirectord", "/etc/ha.d/web.cf")),
        (["vi", "/etc/keepalived/keepalived.conf"], None),
        (["bash"], None),
    ],
)  # fmt: skip
def test_a_program_is_known_by_its_words(
    words: list[str], expected: tuple[str, str] | None
) -> None:
    found = recognised(8, words)

    assert (None if found is None else (found.name, found.config)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/usr/bin/python3", "/usr/bin/lvsnat", "run"], ""),
        (["lvsnat", "--config", "/x.toml", "run"], "/x.toml"),
        (["python3", "-m", "lvsnat", "--config=/x.toml", "run"], "/x.toml"),
        (["lvsnat", "status"], None),
        (["lvsnat", "service", "show", "run"], None),
        (["bash", "run"], None),
    ],
)
def test_a_daemon_is_known_with_its_configuration(words: list[str], expected: str | None) -> None:
    assert daemon_config(words) == expected


def test_the_kernels_counters_are_read_by_name() -> None:
    snmp = "Ip: Forwarding ReasmFails FragFails\nIp: 1 3 4\nTcp: MaxConn\nTcp: -1\n"
    netstat = "TcpExt: TW IPReversePathFilter\nTcpExt: 2 7\n"

    known = counters(snmp, netstat, "Ip6ReasmFails                   \t5\n")

    assert (known["IpReasmFails"], known["IpFragFails"], known["Ip6ReasmFails"]) == (3, 4, 5)
    assert known["TcpMaxConn"] == -1
    assert known["TcpExtIPReversePathFilter"] == 7


def processes_below(folder: Path, *each: tuple[int, str, list[str]]) -> Path:
    """A /proc: processes with the name of their network namespace, and their words."""
    for number, namespace, words in [(1, "ours", ["init"]), *each]:
        place = folder / str(number)
        (place / "ns").mkdir(parents=True)
        (folder / namespace).touch()
        (place / "ns" / "net").symlink_to(folder / namespace)
        (place / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
    (folder / "self").symlink_to(folder / "1")
    return folder


def test_programs_of_this_network_namespace_alone_are_rivals(tmp_path: Path) -> None:
    kept = tmp_path / "k.conf"
    kept.write_text("include more/*.conf\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "web.conf").write_text("virtual_server 192.168.1.50 80 {\n}\n")
    words = ["keepalived", "-f", str(kept)]
    proc = processes_below(
        tmp_path / "proc", (7, "ours", words), (8, "ours", words), (9, "theirs", ["ldirectord"])
    )

    (rival,) = processes.rivals(proc)

    assert rival.program.config == str(kept)
    assert rival.listens.places == {Endpoint.parse("192.168.1.50:80")}


def test_another_daemon_is_found_with_its_environment(tmp_path: Path) -> None:
    proc = processes_below(
        tmp_path / "proc", (7, "ours", ["lvsnat", "run"]), (9, "ours", ["lvsnat", "status"])
    )
    (proc / "7" / "environ").write_bytes(b"LVSNAT_CONFIG=/x.toml\0HOME=/root\0")

    assert [*processes.daemons(proc)] == [(7, "/x.toml")]


def test_a_module_is_lacking_only_where_that_is_sure(tmp_path: Path) -> None:
    modules = ("ip_vs_rr", "ip_vs_mh", "ip_vs_sh", "ip_vs_wlc")
    assert processes.lacking(modules, tmp_path) == frozenset()

    (tmp_path / "proc").mkdir()
    config = b"CONFIG_IP_VS_RR=y\nCONFIG_IP_VS_SH=m\n# CONFIG_IP_VS_MH is not set\n"
    (tmp_path / "proc" / "config.gz").write_bytes(gzip.compress(config))
    assert processes.lacking(modules, tmp_path) == {"ip_vs_mh", "ip_vs_wlc"}

    folder = tmp_path / "lib" / "modules" / os.uname().release
    folder.mkdir(parents=True)
    (folder / "modules.dep").write_text("kernel/net/ip_vs_mh.ko.xz: kernel/net/ip_vs.ko.xz\n")
    (folder / "modules.builtin").write_text("kernel/net/ip_vs_wlc.ko\n")
    (tmp_path / "sys" / "module" / "ip_vs_sh").mkdir(parents=True)
    assert processes.lacking(modules, tmp_path) == {"ip_vs_rr"}


def test_a_table_that_is_restored_at_boot_is_found(tmp_path: Path) -> None:
    assert processes.restoring(tmp_path) is None

    debian = tmp_path / "etc" / "default" / "ipvsadm"
    debian.parent.mkdir(parents=True)
    debian.write_text('AUTO="false"\n')
    assert processes.restoring(tmp_path) is None
    debian.write_text('# on boot\nAUTO="true"\n')
    assert processes.restoring(tmp_path) == str(debian)

    debian.unlink()
    saved = tmp_path / "etc" / "sysconfig" / "ipvsadm"
    saved.parent.mkdir()
    saved.write_text("-A -t 192.168.1.50:80 -s rr\n")
    assert processes.restoring(tmp_path) is None
    link = tmp_path / "etc/systemd/system/multi-user.target.wants/ipvsadm.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("/usr/lib/systemd/system/ipvsadm.service")
    assert processes.restoring(tmp_path) == str(saved)
