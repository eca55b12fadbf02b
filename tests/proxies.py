"""A real HAProxy of ours beside real servers, in the network namespace of a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.backend import HaproxyBackend
from lvsnat.haproxy.process import Files, Instance, processes_of
from lvsnat.model.config import Config
from lvsnat.model.resource import state_of
from lvsnat.plan.change import Change
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan
from lvsnat.system import run

VIP = "192.168.1.50"
VIP6 = "2001:db8:1::50"
SERVERS = ("10.2.0.1", "10.2.0.2")
SERVER6 = "2001:db8:2::1"
PATIENCE = 120.0
"""Seconds until a condition that must come is given up; no test waits for less on purpose."""

WEB = f"""
mode = "haproxy-tproxy"
[[service]]
name = "web"
listen = "tcp/{VIP}:80"
scheduler = "wrr"
check = {{ type = "tcp", interval = "1s", timeout = "1s" }}
servers = [{{ address = "{SERVERS[0]}:80", weight = 3 }}, {{ address = "{SERVERS[1]}:80" }}]
[haproxy]
maxconn = 400
local_networks = ["0.0.0.0/0", "::/0"]
"""
"""No replies are caught here, so every client is served from the director's own address."""
NOTHING = 'mode = "lvs-nat"'


class _Echo(socketserver.BaseRequestHandler):
    """Says its own address, then says again what it hears."""

    def handle(self) -> None:
        channel: socket.socket = self.request
        with contextlib.suppress(OSError):
            channel.sendall(f"{channel.getsockname()[0]}\n".encode())
            while heard := channel.recv(4096):
                channel.sendall(heard)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


class _Server6(_Server):
    address_family = socket.AF_INET6


def ok(*words: str) -> str:
    done = run(words, timeout=PATIENCE)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


@contextlib.contextmanager
def answering(address: str, port: int = 80) -> Iterator[None]:
    """A real server at an address of this host."""
    kind = _Server6 if ":" in address else _Server
    with kind((address, port), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def layout() -> None:
    """The addresses of a director and of its servers, all on this host."""
    ok("ip", "link", "set", "lo", "up")
    for address in (VIP, *SERVERS):
        ok("ip", "address", "add", f"{address}/32", "dev", "lo")
    for address in (VIP6, SERVER6):
        ok("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")


def connect(
    vip: str = VIP, port: int = 80, *, source: tuple[str, int] | None = None
) -> socket.socket:
    return socket.create_connection((vip, port), PATIENCE, source)


def talk(channel: socket.socket, words: bytes = b"hello\n") -> bytes:
    """Say something and hear it again, after what the server said at first."""
    channel.sendall(words)
    heard = b""
    while not heard.endswith(words):
        more = channel.recv(4096)
        assert more, f"closed after {heard!r}"
        heard += more
    return heard


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


class Proxy:
    """Our HAProxy, brought from one configuration to another as a director does it."""

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder / "state/haproxy/haproxy.cfg", folder / "run/haproxy")
        self.backend = HaproxyBackend(self.files)
        self.instance = Instance(self.files)

    def changes(self, text: str) -> tuple[Change, ...]:
        return self.changes_to(parse_config(text, "test"))

    def changes_to(self, config: Config) -> tuple[Change, ...]:
        observed = state_of(self.backend.observe(()))
        desired = state_of(self.backend.expand(config))
        return plan(desired, observed, Ledger(frozenset(observed))).changes

    def go(self, text: str) -> tuple[Change, ...]:
        """Carry out what a configuration asks for; the changes."""
        return self.carry_out(self.changes(text))

    def carry_out(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        done: list[Change] = []
        self.backend.prepare(changes)
        self.backend.apply(changes, done.append)
        assert done == [*changes]
        return changes

    @property
    def worker(self) -> int:
        """The process that takes new connections."""
        found = self.instance.worker()
        assert found is not None
        return found.pid

    @property
    def master(self) -> int:
        found = self.instance.processes()
        assert found is not None
        return found.master

    def end(self) -> None:
        """End what is left, hung or not."""
        for pid in processes_of(self.files):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)


@contextlib.contextmanager
def proxy() -> Iterator[Proxy]:
    """HAProxy of ours in a folder that its user may enter, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="lvsnat-proxy-"))
    folder.chmod(0o755)
    one = Proxy(folder)
    try:
        yield one
    finally:
        one.end()
        shutil.rmtree(folder)
