"""What systemd is told, read from a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvsnat.daemon.systemd import Manager


class Listener:
    """Stands for systemd."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address[0] == "@" else address)
        self._socket.settimeout(60)

    def heard(self) -> str:
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    path = tmp_path / "notify"
    made = Listener(str(path) if request.param == "a path" else f"@lvsnat-test-{os.getpid()}")
    yield made
    made.close()


def test_each_word_is_a_datagram(listener: Listener) -> None:
    manager = Manager(listener.address)

    manager.ready()
    assert listener.heard() == "READY=1"
    manager.reloading(12.5)
    assert listener.heard() == "RELOADING=1\nMONOTONIC_USEC=12500000"
    manager.alive()
    assert listener.heard() == "WATCHDOG=1"
    manager.stopping()
    assert listener.heard() == "STOPPING=1"


def test_a_status_is_said_once(listener: Listener) -> None:
    manager = Manager(listener.address)

    manager.status("20 services, 0 servers down")
    manager.status("20 services, 0 servers down")
    manager.status("20 services, 3 servers down")

    assert listener.heard() == "STATUS=20 services, 0 servers down"
    assert listener.heard() == "STATUS=20 services, 3 servers down"


def test_children_do_not_inherit_what_is_for_us() -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": str(os.getpid()), "PATH": "/bin",
    }  # fmt: skip

    manager = Manager.from_environment(environment)

    assert manager.watchdog == 60
    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize("process", ["1", "nobody"])
def test_the_watchdog_of_another_process_is_not_ours(process: str) -> None:
    environment = {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": process}

    assert Manager.from_environment(environment).watchdog is None


@pytest.mark.parametrize("period", ["", "0", "soon"])
def test_no_watchdog_is_none(period: str) -> None:
    assert Manager.from_environment({"WATCHDOG_USEC": period}).watchdog is None


def test_without_systemd_nothing_happens() -> None:
    Manager().ready()


def test_systemd_that_is_away_is_no_failure(tmp_path: Path) -> None:
    Manager(str(tmp_path / "nobody")).ready()
