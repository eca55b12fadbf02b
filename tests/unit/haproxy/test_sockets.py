"""Which listening sockets are in each other's way."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from lvsnat.haproxy.sockets import (
    Listening,
    _opened,
    conflicts,
    holder,
    holders,
    listening,
    ports_used,
)
from lvsnat.model.endpoint import Endpoint, parse_address


@pytest.mark.parametrize(
    ("place", "v6only", "wanted", "taken"),
    [
        ("192.168.1.50:80", False, "192.168.1.50:80", True),
        ("192.168.1.50:80", False, "192.168.1.51:80", False),
        ("192.168.1.50:80", False, "192.168.1.50:81", False),
        ("0.0.0.0:80", False, "192.168.1.50:80", True),
        ("[::]:80", False, "192.168.1.50:80", True),
        ("[::]:80", True, "192.168.1.50:80", False),
        ("[::]:80", True, "[2001:db8::50]:80", True),
        ("0.0.0.0:80", False, "[2001:db8::50]:80", False),
        ("[2001:db8::50]:80", False, "[2001:db8::50]:80", True),
    ],
)
def test_a_place_is_taken_by_its_own_socket_and_by_those_of_all_addresses(
    place: str,
    v6only: bool,  # noqa: FBT001
    wanted: str,
    taken: bool,  # noqa: FBT001
) -> None:
    one = Listening(Endpoint.parse(place), v6only, 1)

    assert one.takes(Endpoint.parse(wanted)) is taken


def test_a_socket_of_this_machine_is_found_with_the_process_that_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = Endpoint.parse(f"127.0.0.1:{server.getsockname()[1]}")

        [(found, one)] = conflicts([place])

        assert (found, one.place, one.v6only) == (place, place, False)
        assert holder(one.inode) == os.getpid()
    assert one.inode not in {each.inode for each in listening()}


def test_the_processes_of_several_sockets_are_found_at_once() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as other,
    ):
        mine = {os.fstat(each.fileno()).st_ino for each in (one, other)}

        found = holders(mine | {0})

    assert found == dict.fromkeys(mine, os.getpid())
    assert holders(()) == {}


def test_a_process_that_ends_while_it_is_looked_at_has_nothing_open(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()

    assert _opened(Path("/proc", str(ended.pid))) == []
    assert _opened(tmp_path) == []
    assert _opened(Path("/proc/self"))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ports_of_an_address_are_counted_for_each_server(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        place = Endpoint(parse_address(address), server.getsockname()[1])
        other = Endpoint(place.address, 2)
        with (
            socket.create_connection((address, place.port)),
            socket.create_connection((address, place.port)),
        ):
            assert ports_used([place, other]) == {(place.address, place): 2}
        assert ports_used([other]) == {}
