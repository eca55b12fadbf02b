"""Checks without a connection: datagrams, echoes, files and programs, with real ones."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from answering import answer_of, answering_datagrams, check_of, closed_port, serving, target_at
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from lvsnat.health.values import Answer
from lvsnat.model.health import CheckType

UDP, DNS, PING = CheckType.UDP, CheckType.DNS, CheckType.PING
EXEC, FILE, GRPC = CheckType.EXEC, CheckType.FILE, CheckType.GRPC


def test_a_datagram_and_its_answer() -> None:
    with answering_datagrams(lambda question: [b"you said " + question]) as port:
        text = answer_of(target_at(port, check_of(UDP, send="hello", body="said hello")))
        regex = answer_of(target_at(port, check_of(UDP, send="hello", regex="h.llo$")))
        other = answer_of(target_at(port, check_of(UDP, send="hello", body="goodbye")))
        anything = answer_of(target_at(port, check_of(UDP, send="hello")))

    assert (text.ok, regex.ok, anything.ok) == (True, True, True)
    assert (other.ok, other.detail) == (False, "'goodbye' is not in the answer")


def test_a_udp_port_that_nobody_listens_on_is_down() -> None:
    answer = answer_of(target_at(closed_port(), check_of(UDP)))

    assert (answer.ok, answer.detail) == (False, "port unreachable")


def test_silence_is_success_only_where_nothing_is_expected() -> None:
    with answering_datagrams(lambda _: []) as port:
        silent = answer_of(target_at(port, check_of(UDP, timeout=0.2)))
        missing = answer_of(target_at(port, check_of(UDP, timeout=0.2, body="x")))

    assert silent.ok
    assert (missing.ok, missing.detail) == (False, "no answer within 0.2 s")


def dns_answer(rcode: dns.rcode.Rcode, flags: int = 0) -> object:
    def answer(question: bytes) -> list[bytes]:
        query = dns.message.from_wire(question)
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        response.flags |= flags
        if not rcode:
            name = query.question[0].name
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.9"))
        foreign = dns.message.make_response(dns.message.make_query("example.net", "A"))
        return [b"", b"x", foreign.to_wire(), response.to_wire()]

    return answer


@pytest.mark.parametrize(
    ("rcode", "flags", "body", "expected"),
    [
        (dns.rcode.NOERROR, 0, None, (True, "answered, 1 record")),
        (dns.rcode.NOERROR, 0, "192.0.2.9", (True, "answered, 1 record")),
        (dns.rcode.NOERROR, 0, "192.0.2.8", (False, "'192.0.2.8' is not in the answer")),
        (dns.rcode.NOERROR, dns.flags.TC, None, (True, "answered, truncated")),
        (dns.rcode.SERVFAIL, 0, None, (False, "answered SERVFAIL")),
        (dns.rcode.NXDOMAIN, 0, None, (False, "answered NXDOMAIN")),
    ],
)
def test_the_dns_is_asked(
    rcode: dns.rcode.Rcode, flags: int, body: str | None, expected: tuple[bool, str]
) -> None:
    with answering_datagrams(dns_answer(rcode, flags)) as port:  # type: ignore[arg-type]
        answer = answer_of(target_at(port, check_of(DNS, name="www.example.com", body=body)))

    assert (answer.ok, answer.detail) == expected


def test_a_file_means_maintenance(tmp_path: Path) -> None:
    check = check_of(FILE, file=f"{tmp_path}/{{address}}-{{port}}")

    before = answer_of(target_at(80, check))
    (tmp_path / "127.0.0.1-80").touch()
    after = answer_of(target_at(80, check))

    assert (before.ok, before.maintenance) == (True, False)
    assert (after.ok, after.maintenance) == (True, True)
    assert after.detail == f"{tmp_path}/127.0.0.1-80 is there"


def shell(script: str, **settings: object) -> Answer:
    command = ("/bin/sh", "-c", script, "sh", "{address}", "{port}")
    return answer_of(target_at(8080, check_of(EXEC, command=command, **settings)))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", (True, "exit status 0")),
        ("echo fine; echo more", (True, "fine")),
        ('echo "$1:$2 $LVSNAT_ADDRESS $LVSNAT_PORT"', (True, "127.0.0.1:8080 127.0.0.1 8080")),
        ("echo broken >&2; exit 3", (False, "exit status 3: broken")),
        ("kill -9 $$", (False, "ended by SIGKILL")),
        ("head -c 1000000 /dev/zero; exit 1", (False, "exit status 1")),
        ("cat", (True, "exit status 0")),
    ],
)
def test_a_program_decides(script: str, expected: tuple[bool, str]) -> None:
    answer = shell(script, timeout=10)

    assert (answer.ok, answer.detail) == expected


def test_a_program_that_cannot_be_run_is_named() -> None:
    answer = answer_of(target_at(1, check_of(EXEC, command=("/nonexistent/check",))))

    assert (answer.ok, answer.detail) == (
        False,
        "cannot run /nonexistent/check: no such file or directory",
    )


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = (
        f"trap '' TERM INT; sleep 600 & echo $$ $! > {pids}; echo waiting; sleep 600; sleep 600"
    )

    answer = shell(script, timeout=0.7)

    assert (answer.ok, answer.detail) == (False, "did not end within 0.7 s: waiting")
    found = [int(word) for word in pids.read_text().split()]
    deadline = time.monotonic() + 10
    while any(map(runs, found)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == 2
    assert not any(map(runs, found))


def test_a_program_may_leave_something_that_holds_its_output(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    answer = shell(f"sleep 600 & echo $! > {pid}; echo done", timeout=10)

    assert (answer.ok, answer.detail) == (True, "done")
    assert answer.took < 5


def test_a_program_that_has_ended_is_no_zombie() -> None:
    pid = shell("echo $$; exit 1").detail.rpartition(" ")[2]

    assert pid.isdecimal()
    assert not Path("/proc", pid).exists()


def opens(kind: socket.SocketKind) -> bool:
    """Whether this user has such a socket for ICMP."""
    try:
        socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def test_loopback_answers_a_ping_where_asking_is_allowed() -> None:
    allowed = any(map(opens, (socket.SOCK_DGRAM, socket.SOCK_RAW)))

    answer = answer_of(target_at(0, check_of(PING)))

    assert answer.ok == allowed
    assert allowed or "not allowed to ask" in answer.detail


def grpc_server(status: bytes, trailers: list[tuple[str, str]]) -> object:
    def handle(connection: socket.socket) -> None:
        http = H2Connection(H2Configuration(client_side=False))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        while data := connection.recv(65536):
            for event in http.receive_data(data):
                if isinstance(event, RequestReceived):
                    assert dict(event.headers or [])[b":path"] == b"/grpc.health.v1.Health/Check"
                if isinstance(event, StreamEnded):
                    head = [(":status", "200"), ("content-type", "application/grpc")]
                    http.send_headers(event.stream_id, head)
                    if status:
                        http.send_data(event.stream_id, status)
                    http.send_headers(event.stream_id, trailers, end_stream=True)
            connection.sendall(http.data_to_send())

    return handle


@pytest.mark.parametrize(
    ("message", "trailers", "expected"),
    [
        (b"\0\0\0\0\x02\x08\x01", [("grpc-status", "0")], (True, "SERVING")),
        (b"\0\0\0\0\x02\x08\x02", [("grpc-status", "0")], (False, "NOT_SERVING")),
        (b"\0\0\0\0\0", [("grpc-status", "0")], (False, "UNKNOWN")),
        (b"", [("grpc-status", "5")], (False, "gRPC status 5: knows no such service")),
        (
            b"\0\0\0\0\x09\x08\x01",
            [("grpc-status", "0")],
            (False, "not an answer of a health service"),
        ),
    ],
)
def test_a_grpc_server_says_how_it_is(
    message: bytes, trailers: list[tuple[str, str]], expected: tuple[bool, str]
) -> None:
    with serving(grpc_server(message, trailers)) as port:  # type: ignore[arg-type]
        answer = answer_of(target_at(port, check_of(GRPC, name="my.Service")))

    assert (answer.ok, answer.detail) == expected
