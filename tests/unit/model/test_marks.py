"""The mark behind each listener of several ports: its own, lasting, and in nobody's way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.model.endpoint import MarkListener, parse_listener
from lvsnat.model.marks import FIRST, SLOTS, STEP, kernel_listeners
from lvsnat.model.service import VirtualService

LAST = FIRST + STEP * (SLOTS - 1)
FTP = "tcp/192.168.1.50:21,40000-40100"


def marks(*listeners: str) -> dict[str, int]:
    """The mark of each listener that has one."""
    services = [VirtualService(text, parse_listener(text)) for text in listeners]
    return {
        str(listen): known.mark
        for listen, known in kernel_listeners(services).items()
        if isinstance(known, MarkListener)
    }


def colliding() -> tuple[str, str]:
    """Two listeners that want the same mark."""
    seen: dict[int, str] = {}
    for port in range(1, 65000):
        text = f"tcp/192.168.1.50:{port}-{port + 1}"
        mark = marks(text)[text]
        if mark in seen:
            return seen[mark], text
        seen[mark] = text
    raise AssertionError


def test_a_listener_that_ipvs_knows_stays_as_it_is() -> None:
    listeners = [parse_listener(text) for text in ("tcp/192.168.1.50:80", "fwmark/7/ipv6")]

    known = kernel_listeners([VirtualService("web", listen) for listen in listeners])

    assert list(known.values()) == listeners


def test_the_mark_has_the_family_of_the_address() -> None:
    listen = parse_listener("udp/[2001:db8::50]:5000-5010")

    known = kernel_listeners([VirtualService("voice", listen)])

    assert str(known[listen]).endswith("/ipv6")


def test_a_mark_is_the_same_on_every_day() -> None:
    assert marks(FTP) == {FTP: 0x4C003636}


def test_no_bit_of_others_is_in_the_range() -> None:
    for others in (0x00FF0000, 0x0000C000, 0x1):
        assert not FIRST & others
        assert not LAST & others
    assert FIRST >> 14 == LAST >> 14


def test_a_mark_stays_when_ports_behind_the_first_come_and_go() -> None:
    longer = "tcp/192.168.1.50:21,40000-50000,60000"

    assert marks(FTP)[FTP] == marks(longer)[longer]


def test_a_mark_that_somebody_wrote_is_not_given_again() -> None:
    taken = marks(FTP)[FTP]

    assert marks(FTP, f"fwmark/{taken}")[FTP] == taken + STEP


def test_two_that_want_one_mark_get_two_whatever_their_order() -> None:
    one, other = colliding()

    assert marks(one)[one] == marks(other)[other]
    assert marks(one, other) == marks(other, one)
    assert len(set(marks(one, other).values())) == 2


@given(st.lists(st.integers(1, 60000), unique=True, max_size=30), st.integers(0, 29))
def test_each_has_a_mark_of_its_own_that_lasts(ports: list[int], gone: int) -> None:
    texts = [f"tcp/192.168.1.50:{port},{port + 2}" for port in ports]

    before = marks(*texts)
    after = marks(*texts[:gone], *texts[gone + 1 :])

    assert len(set(before.values())) == len(texts)
    assert all(FIRST <= mark <= LAST and mark % STEP == 0 for mark in before.values())
    alone = {text: marks(text)[text] for text in texts}
    if len(set(alone.values())) == len(texts):  # no collision
        assert before == alone
        assert after.items() <= before.items()


@pytest.mark.parametrize("text", ["tcp/192.168.1.50:80-80", "tcp/192.168.1.50:80,80"])
def test_one_port_in_the_form_of_several_is_a_plain_listener(text: str) -> None:
    assert str(parse_listener(text)) == "tcp/192.168.1.50:80"
    assert marks(text) == {}
