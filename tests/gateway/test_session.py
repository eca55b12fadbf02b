"""Whether a change takes the way of the ssh session."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from lvsnat.gateway.resources import DefaultRoute, Destination, ReplyRule, Route
from lvsnat.gateway.seen import MAIN, Answer, Reply
from lvsnat.gateway.session import SshSession, session_reply
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.whence import ssh_connection
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.endpoint import Family
from lvsnat.plan.change import Change, Create, Delete, Update

ROUTER, VIP = ip_address("192.168.1.1"), ip_address("192.168.1.50")
SERVER = ip_address("192.168.1.55")
SSH = ReplyPort("tcp", 22)
PARENT = 4242
SESSION = SshSession(
    Reply(ip_address("203.0.113.9"), SERVER, SSH), Answer(Hop(ROUTER, "eth0"), MAIN, whole=True)
)
BETTER = Route(Destination(Family.IPV4, None, MAIN, 50), Hop(VIP, "eth0"))
OTHERS = DefaultRoute(Family.IPV4, value=f"via {ROUTER} dev eth0 proto dhcp")
OURS = OTHERS.with_value(f"via {VIP} dev eth0 proto static")


def cuts(session: SshSession, *changes: Change) -> bool:
    return bool([*session.objections(changes)])


def test_a_new_default_route_cuts_it() -> None:
    assert cuts(SESSION, Create(BETTER))
    assert cuts(SESSION, Update(OTHERS, OURS))


def test_a_default_route_of_the_other_family_does_not() -> None:
    six = Route(Destination(Family.IPV6, None, MAIN, 50), Hop(ip_address("fd00::50"), "eth0"))

    assert not cuts(SESSION, Create(six))


def test_a_session_with_a_neighbour_or_by_a_narrower_route_goes_on() -> None:
    for answer in (
        Answer(Hop(None, "eth0"), MAIN),
        Answer(Hop(ROUTER, "eth0"), MAIN, whole=False),
        Answer(Hop(ROUTER, "eth0"), 10001, whole=True),
        Answer(None, problem="nowhere"),
    ):
        assert not cuts(replace(SESSION, answer=answer), Create(BETTER), Update(OTHERS, OURS))


def test_one_that_comes_by_the_director_is_cut_when_that_goes() -> None:
    through = replace(SESSION, answer=Answer(Hop(VIP, "eth0"), MAIN, whole=True))

    assert cuts(through, Delete(BETTER))
    assert cuts(through, Update(OURS, OTHERS))
    assert not cuts(through, Create(BETTER))
    assert not cuts(SESSION, Delete(BETTER))


def test_replies_of_other_ports_do_not_concern_it() -> None:
    assert cuts(SESSION, Create(ReplyRule(SERVER, SSH, 234, 110)))
    assert not cuts(SESSION, Create(ReplyRule(SERVER, ReplyPort("tcp", 80), 234, 110)))
    assert not cuts(SESSION, Create(ReplyRule(VIP, SSH, 234, 110)))


def test_a_neighbours_session_is_spared_with_its_network() -> None:
    neighbour = replace(
        SESSION,
        reply=Reply(ip_address("192.168.1.9"), SERVER, SSH),
        answer=Answer(Hop(None, "eth0"), MAIN),
    )
    rule = Create(ReplyRule(SERVER, SSH, 234, 110))
    beside = Destination(Family.IPV4, ip_network("192.168.1.0/24"), 234)

    assert not cuts(neighbour, Create(Route(beside, Hop(None, ""))), rule)
    assert cuts(neighbour, Create(Route(beside, Hop(VIP, "eth0"))), rule)


@pytest.mark.parametrize("text", ["", "UNKNOWN 65535 UNKNOWN 65535", "a b", "203.0.113.9 1 2 x"])
def test_without_addresses_there_is_no_session(text: str) -> None:
    assert session_reply(text) is None


def test_a_session_is_read_with_its_zone_left_out() -> None:
    found = session_reply("fe80::9%eth0 50000 fe80::5%eth0 22")

    assert found == Reply(ip_address("fe80::9"), ip_address("fe80::5"), SSH)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_what_sudo_took_away_is_found_with_who_started_it(depth: int, tmp_path: Path) -> None:
    process = PARENT
    for step in range(depth + 1):
        home = tmp_path / str(process)
        home.mkdir()
        said = b"SSH_CONNECTION=1.2.3.4 5 6.7.8.9 22" if step == depth else b"TERM=xterm"
        (home / "environ").write_bytes(b"HOME=/root\0" + said + b"\0")
        process += 100_000
        (home / "stat").write_text(f"7 (a ) b) S {process} 1 1")

    assert ssh_connection({}, tmp_path, PARENT) == "1.2.3.4 5 6.7.8.9 22"
    assert ssh_connection({"SSH_CONNECTION": "a"}, tmp_path, PARENT) == "a"


def test_a_server_that_nobody_came_to_by_ssh_has_no_session(tmp_path: Path) -> None:
    assert ssh_connection({}, tmp_path, PARENT) == ""
