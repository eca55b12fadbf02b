"""Which schedulers go on choosing a server of weight 0, and refuse whoever they choose it for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from lvsnat.system import run
from lvsnat.testing import network_apart

pytestmark = pytest.mark.kernel

VIP, ALIVE, DEAD = "10.9.0.1", "10.9.0.2", "10.9.0.3"
CLIENTS = [f"10.9.1.{number}" for number in range(1, 33)]


@pytest.fixture(scope="module", autouse=True)
def _director() -> Iterator[None]:
    """A network of one machine: client, director and the server that answers."""
    with network_apart():
        run(["ip", "link", "set", "lo", "up"])
        for address in (VIP, ALIVE, DEAD, *CLIENTS):
            run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
        with closing(socket.create_server((ALIVE, 80))) as server:
            threading.Thread(target=accepting, args=(server,), daemon=True).start()
            yield
            server.shutdown(socket.SHUT_RDWR)


def accepting(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def refused() -> int:
    """How many of the clients are refused."""
    count = 0
    for client in CLIENTS:
        try:
            socket.create_connection((VIP, 80), 60, (client, 0)).close()
        except ConnectionRefusedError:
            count += 1
    return count


@pytest.mark.parametrize(
    ("scheduler", "refuses"),
    [
        ("rr", False),
        ("wrr", False),
        ("lc", False),
        ("wlc", False),
        ("lblc", False),
        ("lblcr", False),
        ("sed", False),
        ("nq", False),
        ("fo", False),
        ("ovf", False),
        ("twos", False),
        ("sh", True),
        ("sh -b sh-fallback", False),
        ("mh", True),
        ("mh -b mh-fallback", False),
    ],
)
def test_only_hashing_without_a_fallback_chooses_a_server_of_weight_0(
    scheduler: str, *, refuses: bool
) -> None:
    run(["ipvsadm", "-C"])
    run(["ipvsadm", "-A", "-t", f"{VIP}:80", "-s", *scheduler.split()])
    for server, weight in ((ALIVE, 1), (DEAD, 1)):
        run(["ipvsadm", "-a", "-t", f"{VIP}:80", "-r", f"{server}:80", "-m", "-w", str(weight)])
    run(["ipvsadm", "-e", "-t", f"{VIP}:80", "-r", f"{DEAD}:80", "-m", "-w", "0"])

    assert (refused() > 0) is refuses


def test_with_dh_every_client_of_an_address_is_refused() -> None:
    """With dh the server follows from the address that is asked for: here it is one of two."""
    outcomes = set()
    for dead in (ALIVE, DEAD):
        run(["ipvsadm", "-C"])
        run(["ipvsadm", "-A", "-t", f"{VIP}:80", "-s", "dh"])
        for server in (ALIVE, DEAD):
            run(["ipvsadm", "-a", "-t", f"{VIP}:80", "-r", f"{server}:80", "-m", "-w", "1"])
        run(["ipvsadm", "-e", "-t", f"{VIP}:80", "-r", f"{dead}:80", "-m", "-w", "0"])
        outcomes.add(refused() == len(CLIENTS))

    assert True in outcomes
