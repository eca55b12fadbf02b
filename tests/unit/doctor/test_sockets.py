"""The kernel's lists of sockets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.doctor.facts import SocketState
from lvsnat.doctor.sockets import sockets
from lvsnat.model.endpoint import Endpoint, Protocol

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
LISTENING = "   0: 3201A8C0:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
OPENING = "   1: 0A7100CB:9C40 3702A8C0:1F90 02 00000001:00000000 01:00000014 00000000     0\n"
WAITING = OPENING.replace("00000000     0\n", "00000002     0\n")
OPEN = "   2: 0A7100CB:9C40 3702A8C0:1F90 01 00000001:00000000 01:00000014 00000000     0\n"
LONG = "3: B80D0120000000000000000050000000:0035 00000000000000000000000000000000:0000 07 0 0 0\n"
MAPPED = "4: 0000000000000000FFFF00003201A8C0:0050 00000000000000000000000000000000:0000 0A 0 0 0\n"


def test_listening_and_opening_sockets_are_read() -> None:
    listening, opening = sockets(Protocol.TCP, [HEADER, LISTENING, OPENING, OPEN])

    assert listening.local == Endpoint.parse("192.168.1.50:80")
    assert listening.state is SocketState.LISTENING
    assert opening.local == Endpoint.parse("203.0.113.10:40000")
    assert opening.remote == Endpoint.parse("192.168.2.55:8080")
    assert opening.state is SocketState.OPENING
    assert not opening.again


def test_a_socket_that_has_asked_twice_waits() -> None:
    (waiting,) = sockets(Protocol.TCP, [WAITING])

    assert waiting.again


def test_a_socket_of_udp_that_takes_from_anybody_listens() -> None:
    (one,) = sockets(Protocol.UDP, [LONG])

    assert one.local == Endpoint.parse("[2001:db8::50]:53")


def test_an_ipv4_address_in_an_ipv6_socket_is_one() -> None:
    (one,) = sockets(Protocol.TCP, [MAPPED])

    assert one.local == Endpoint.parse("192.168.1.50:80")


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=30)))
def test_lines_of_no_socket_are_passed_over(lines: list[str]) -> None:
    harmless = [line for line in lines if line.split()[3:4] not in (["0A"], ["02"])]

    assert not any(one.local.port > 65535 for one in sockets(Protocol.TCP, harmless))
