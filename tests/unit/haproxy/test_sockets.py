"""Which listening sockets are in each other's way."""

from __future__ import annotations

import os
import socket

import pytest

from lvsnat.haproxy.sockets import Listening, conflicts, holder, listening
from lvsnat.model.endpoint import Endpoint


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
    assert place not in {one.place for one in listening()}
