"""Checks over connections, asked of real servers that do everything wrong that a server can."""

from __future__ import annotations

import gzip
import queue
import socket
import struct
import time
from ipaddress import ip_address

import pytest
from answering import (
    LOCAL,
    SECONDS,
    answer_of,
    check_of,
    closed_port,
    hanging,
    saying,
    serving,
    target_at,
)

from lvsnat.health.values import Answer
from lvsnat.model.health import CheckType

HTTP, AGENT, GRPC = CheckType.HTTP, CheckType.AGENT, CheckType.GRPC
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"


def http(handler: object, **settings: object) -> Answer:
    with serving(handler) as port:  # type: ignore[arg-type]
        return answer_of(target_at(port, check_of(HTTP, **settings)))


def test_a_server_that_accepts_is_well() -> None:
    with serving(hanging) as port:
        answer = answer_of(target_at(port, check_of()))

    assert answer.ok
    assert answer.detail == "connected"
    assert 0 <= answer.took < 2


def test_a_server_on_ipv6_is_asked() -> None:
    with serving(saying(OK), "::1") as port:
        for kind in (CheckType.TCP, HTTP):
            assert answer_of(target_at(port, check_of(kind), "::1")).ok


@pytest.mark.parametrize("kind", [CheckType.TCP, HTTP, CheckType.HTTPS, AGENT, GRPC])
def test_a_port_that_nobody_listens_on_refuses(kind: CheckType) -> None:
    answer = answer_of(target_at(closed_port(), check_of(kind)))

    assert (answer.ok, answer.detail) == (False, "connection refused")


def test_a_backlog_that_is_full_is_no_answer() -> None:
    with socket.create_server((LOCAL, 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        held = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)  # noqa: FBT003
            one.connect_ex((LOCAL, port))
            held.append(one)

        answer = answer_of(target_at(port, check_of(timeout=0.3)))

        for one in held:
            one.close()
    assert (answer.ok, answer.detail) == (False, "no answer within 0.3 s")
    assert 0.3 <= answer.took < 5


def test_a_connection_is_closed_by_reset_where_asked() -> None:
    ends: queue.Queue[type[Exception] | None] = queue.Queue()

    def handle(connection: socket.socket) -> None:
        try:
            connection.recv(1)
            ends.put(None)
        except ConnectionResetError as error:
            ends.put(type(error))

    for reset, end in ((True, ConnectionResetError), (False, None)):
        with serving(handle) as port:
            answer_of(target_at(port, check_of(reset=reset)))
            assert ends.get(timeout=SECONDS) is end


def test_the_source_address_is_the_given_one() -> None:
    seen = []

    def handle(connection: socket.socket) -> None:
        seen.append(connection.getpeername()[0])
        connection.sendall(b"up\n")

    with serving(handle) as port:
        answer = answer_of(target_at(port, check_of(AGENT, source=ip_address("127.0.0.7"))))

    assert answer.ok
    assert seen == ["127.0.0.7"]


@pytest.mark.parametrize(
    ("settings", "detail"),
    [
        ({}, "status 200"),
        ({"expect": ((200, 200), (301, 302))}, "status 200"),
        ({"body": "ready"}, "status 200"),
        ({"regex": "^re.dy$"}, "status 200"),
        ({"method": "HEAD"}, "status 200"),
    ],
)
def test_a_page_as_expected_is_success(settings: dict[str, object], detail: str) -> None:
    answer = http(saying(OK), **settings)

    assert (answer.ok, answer.detail) == (True, detail)


@pytest.mark.parametrize(
    ("said", "settings", "detail"),
    [
        (b"HTTP/1.1 503 No\r\n\r\n", {}, "status 503, expected 200-399"),
        (OK, {"expect": ((204, 204),)}, "status 200, expected 204"),
        (OK, {"body": "steady"}, "'steady' is not in the body"),
        (OK, {"regex": "^eady"}, "what /^eady/ finds is not in the body"),
        (b"", {}, "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {}, "not an answer of HTTP: 'SSH-2.0-OpenSSH_9.2'"),
        (
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
            {},
            "not an answer of HTTP: 'HTTP/1",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000, {}, "headers of more than 32 KiB"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", {"body": "x"}, "broke off"),
        (b"HTTP/1.1 200 OK\r\n\r\n", {"body": "ready"}, "'ready' is not in the body"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"ready"),
            {"body": "ready"},
            "'ready' is not in the body, which is gzip",
        ),
    ],
)
def test_a_page_that_is_not_as_expected_says_why(
    said: bytes, settings: dict[str, object], detail: str
) -> None:
    answer = http(saying(said), **settings)

    assert not answer.ok
    assert detail in answer.detail


def test_the_request_is_what_the_check_says() -> None:
    seen = []

    def handle(connection: socket.socket) -> None:
        seen.append(connection.recv(65536).decode())
        connection.sendall(OK)

    settings = {"method": "OPTIONS", "path": "/a?b=c", "host": "www.example.com:81"}
    assert http(handle, **settings).ok

    head = seen[0].split("\r\n")
    assert head[0] == "OPTIONS /a?b=c HTTP/1.1"
    assert {"Host: www.example.com:81", "Connection: close"} <= set(head)


def test_headers_that_come_byte_by_byte_are_read() -> None:
    answer = http(saying(*(bytes([one]) for one in OK), pause=0.002), body="ready", timeout=10)

    assert answer.ok


def test_an_answer_that_never_ends_its_headers_is_given_up() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.02)

    answer = http(drip, timeout=0.4)

    assert (answer.ok, answer.detail) == (False, "connected, but no whole answer within 0.4 s")


def test_of_a_body_without_an_end_the_beginning_is_read() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 10000)

    answer = http(endless, body="ready", timeout=10)

    assert not answer.ok
    assert answer.detail == "'ready' is not in the first 64 KiB of the body"


def test_a_regular_expression_that_takes_for_ever_is_given_up() -> None:
    page = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60000

    answer = http(saying(page), regex="(x+x+)+y", timeout=10)

    assert (answer.ok, answer.detail) == (
        False,
        "/(x+x+)+y/ takes too long to be found in the answer",
    )


def test_a_text_is_seen_before_the_body_ends() -> None:
    assert http(saying(b"HTTP/1.1 200 OK\r\n\r\nalready", then=hanging), body="ready").ok


def test_a_body_that_stops_coming_is_given_up() -> None:
    answer = http(saying(b"HTTP/1.1 200 OK\r\n\r\nrea", then=hanging), body="ready", timeout=0.3)

    assert answer.detail == "connected, but no whole answer within 0.3 s"


def test_a_server_that_resets_in_the_middle_is_told() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 2")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    answer = http(reset)

    assert (answer.ok, answer.detail) == (False, "connection reset")


@pytest.mark.parametrize("kind", [HTTP, CheckType.HTTPS, AGENT, GRPC])
def test_a_server_that_accepts_and_says_nothing_is_given_up(kind: CheckType) -> None:
    with serving(hanging) as port:
        answer = answer_of(target_at(port, check_of(kind, timeout=0.3)))

    what = "no end of the TLS handshake" if kind is CheckType.HTTPS else "no answer"
    assert (answer.ok, answer.detail) == (False, f"connected, but {what} within 0.3 s")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"up\n", Answer(ok=True, detail="agent says up")),
        (b"75%\r\n", Answer(ok=True, detail="agent says 75%", share=75)),
        (b"ready up 50%", Answer(ok=True, detail="agent says ready up 50%", share=50)),
        (b"drain\n", Answer(ok=True, detail="agent says drain", share=0)),
        (b"MAINT\n", Answer(ok=True, detail="agent says maint", maintenance=True)),
        (b"down #disk full\n", Answer(ok=False, detail="agent says down: disk full")),
        (b"hello there\n", Answer(ok=False, detail="not an answer of an agent: 'hello there'")),
        (b"\xff\x00\xfe", Answer(ok=False, detail="not an answer of an agent: '\ufffd'")),
        (b"", Answer(ok=False, detail="not an answer of an agent: nothing")),
    ],
)
def test_an_agent_says_how_much_it_wants(said: bytes, expected: Answer) -> None:
    def handle(connection: socket.socket) -> None:
        assert connection.recv(10) == b"how?\n"
        connection.sendall(said)

    with serving(handle) as port:
        answer = answer_of(target_at(port, check_of(AGENT, send="how?\n")))

    found = (answer.ok, answer.detail, answer.share, answer.maintenance)
    assert found == (expected.ok, expected.detail, expected.share, expected.maintenance)


def test_an_agent_that_babbles_is_cut_short() -> None:
    def babble(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 1000)

    with serving(babble) as port:
        answer = answer_of(target_at(port, check_of(AGENT)))

    assert not answer.ok
    assert len(answer.detail) < 120
