"""Lines of /proc/net/ip_vs_conn, as kernels 6.1 and 7.2 wrote them in the lab."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from lvsnat.ipvs.connections import criteria, decode, encode, is_template, split
from lvsnat.model.connection import Connection, Selection
from lvsnat.model.endpoint import Endpoint, Protocol, parse_address

HEADER = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
KERNEL_6_1 = """\
TCP CB00710A 8086 C0A80132 0050 C0A80237 1F90 TIME_WAIT        64
TCP CB007100 0000 C0A80132 0050 C0A80237 1F90 ASSURED         243
IP  CB00710A 0000 00000007 0000 C0A80238 0000 NONE             59
TCP CB00710A A7AA C0A80132 0052 C0A80263 1F90 SYN_RECV         38
UDP CB00710A 0000 C0A80132 13C4 C0A80237 1F90 ASSURED          42 sip abc-123@host
"""
KERNEL_7_2 = """\
TCP CB00710A DFBA C0A80132 0051 C0A80238 1F90 ESTABLISHED     899
UDP CB00710A EC1D C0A80132 0035 C0A80237 1F90 UDP             290
TCP CB00710A DF08 C0A80132 005A C0A80238 005A CLOSE             1
UDP CB00710A 0000 C0A80132 13C4 C0A80237 1F90 ASSURED          57 sip abc-123@host
"""
IPV6 = (
    "TCP 2001:0db8:0000:0000:0000:0000:0000:0009 9C41 fd00:0001:0000:0000:0000:0000:0000:0050 0050"
    " fd00:0002:0000:0000:0000:0000:0000:0055 1F90 ESTABLISHED     899\n"
)
LINES = [*KERNEL_6_1.splitlines(keepends=True), *KERNEL_7_2.splitlines(keepends=True), IPV6]


def read(line: str) -> Connection:
    fields = split(line)
    assert fields is not None
    return decode(fields)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_a_kernel_is_read_and_written_as_it_was(line: str) -> None:
    assert encode(read(line)) == line


def test_a_connection_has_its_ends_state_and_time_to_live() -> None:
    assert read(LINES[5]) == Connection(
        "tcp",
        Endpoint.parse("203.0.113.10:57274"),
        Endpoint.parse("192.168.1.50:81"),
        Endpoint.parse("192.168.2.56:8080"),
        "ESTABLISHED",
        899,
    )


def test_an_ipv6_connection_has_addresses_in_short() -> None:
    found = read(IPV6)

    assert (str(found.client), found.listen) == ("[2001:db8::9]:40001", "tcp/[fd00:1::50]:80")


def test_a_template_of_a_mark_names_the_mark() -> None:
    found = read(LINES[2])

    assert (found.template, found.listen) == (True, "fwmark/7")


def test_a_persistence_engines_data_is_kept() -> None:
    found = read(LINES[4])

    assert (found.engine, found.engine_data) == ("sip", "abc-123@host")


def test_data_from_a_packet_cannot_steer_a_terminal() -> None:
    found = read(LINES[4].replace("abc", "\x1b[31mabc def"))

    assert found.engine_data == r"\x1b[31mabc def-123@host"


@pytest.mark.parametrize("line", [HEADER, "", "\n", "TCP CB00710A\n"])
def test_what_is_no_connection_is_none(line: str) -> None:
    assert split(line) is None


@pytest.mark.parametrize("line", [LINES[0].replace("8086", "80x6"), LINES[0].replace("64", "?")])
def test_what_makes_no_sense_is_told(line: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        read(line)


@pytest.mark.parametrize("line", LINES)
def test_a_template_is_told_by_its_text_as_by_its_value(line: str) -> None:
    assert is_template(split(line) or []) is read(line).template


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Selection(state="SYN_RECV"), [3]),
        (Selection(protocol=Protocol.UDP), [4, 6, 8]),
        (Selection(server=parse_address("192.168.2.56")), [2, 5, 7]),
        (Selection(server=parse_address("192.168.2.56"), server_port=90), [7]),
        (Selection(clients=ip_network("203.0.113.8/30")), [0, 2, 3, 4, 5, 6, 7, 8]),
        (Selection(clients=ip_network("203.0.113.10")), [0, 2, 3, 4, 5, 6, 7, 8]),
        (Selection(clients=ip_network("2001:db8::/33")), [9]),
        (Selection(clients=ip_network("::/0")), [9]),
    ],
)
def test_lines_are_selected(selection: Selection, expected: list[int]) -> None:
    wanted = criteria(selection)

    found = [
        number
        for number, line in enumerate(LINES)
        if all(test(split(line) or []) for test in wanted)
    ]

    assert found == expected
