"""Servers on loopback that answer well, badly or not at all, and one question to one of them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from lvsnat.health.engine import Engine
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType, HealthCheck

LOCAL = "127.0.0.1"
SECONDS = 20.0
"""Longer than any answer takes on a machine that is busy."""
Handler = Callable[[socket.socket], None]


def check_of(kind: CheckType = CheckType.TCP, /, **settings: object) -> HealthCheck:
    """A check that is asked as soon as it is watched, and gives up soon."""
    return HealthCheck(**({"type": kind, "interval": 0.02, "timeout": 2.0} | settings))  # type: ignore[arg-type]


def target_at(port: int, check: HealthCheck, address: str = LOCAL) -> Target:
    return Target(ip_address(address), port, check)


def answer_of(target: Target) -> Answer:
    """What the engine says of it, asked once."""
    answers: list[Answer] = []

    def answered(_: Target, answer: Answer) -> float:
        answers.append(answer)
        return SECONDS * 10

    engine = Engine(answered)
    try:
        engine.watch([target])
        deadline = time.monotonic() + SECONDS
        while not answers and time.monotonic() < deadline:
            engine.step(0.1)
    finally:
        engine.close()
    assert answers, "the engine gave no answer"
    return answers[0]


@contextlib.contextmanager
def serving(handler: Handler, address: str = LOCAL) -> Iterator[int]:
    """Hand each connection to a thread; the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family, backlog=128) as listening:
        threads: list[threading.Thread] = []
        opened: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    opened.append(connection)
                    thread = threading.Thread(target=_handled, args=(handler, connection))
                    threads.append(thread)
                    thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            acceptor.join(SECONDS)
            for connection in opened:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(SECONDS)


def _handled(handler: Handler, connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        handler(connection)


def saying(*pieces: bytes, pause: float = 0.0, then: Handler | None = None) -> Handler:
    """Read a first piece of the question, say these, and close or go on with ``then``."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if then is not None:
            then(connection)

    return handle


def hanging(connection: socket.socket) -> None:
    """Say nothing until the other side has gone."""
    while connection.recv(65536):
        pass


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server((LOCAL, 0)) as one:
        return int(one.getsockname()[1])


@contextlib.contextmanager
def answering_datagrams(answer: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """A UDP server; the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((LOCAL, 0))
        opened.settimeout(0.05)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    question, peer = opened.recvfrom(65535)
                    for one in answer(question):
                        opened.sendto(one, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield opened.getsockname()[1]
        finally:
            done.set()
            thread.join(SECONDS)
