"""Whatever a server says, a check has an answer, and how it was cut into pieces does not matter."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from itertools import pairwise

import dns.message
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lvsnat.health.checks.agent import AgentTalk, agent_answer
from lvsnat.health.checks.conversation import Conversation
from lvsnat.health.checks.dns import DnsQuestion
from lvsnat.health.checks.grpc import GrpcTalk, read_state
from lvsnat.health.checks.grpc import request as grpc_request
from lvsnat.health.checks.ping import ECHO6_REPLY, Echo, checksum
from lvsnat.health.checks.udp import UdpQuestion
from lvsnat.health.checks.web import WebTalk
from lvsnat.health.checks.words import MAX_DETAIL, plain
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType, HealthCheck


def target(kind: CheckType, **settings: object) -> Target:
    check = HealthCheck(type=kind, **settings)  # type: ignore[arg-type]
    return Target(ip_address("192.0.2.1"), 80, check)


TALKS: dict[str, Callable[[], Conversation]] = {
    "agent": lambda: AgentTalk(None),
    "http": lambda: WebTalk(target(CheckType.HTTP)),
    "http with a text": lambda: WebTalk(target(CheckType.HTTP, body="ready")),
    "http with a regex": lambda: WebTalk(target(CheckType.HTTP, regex="r.ady$")),
    "grpc": lambda: GrpcTalk(target(CheckType.GRPC, name="a")),
}
HTTP = st.builds(
    b"HTTP/1.%b %d%b\r\n%b\r\n%b".__mod__,
    st.tuples(
        st.sampled_from([b"0", b"1", b"9"]),
        st.integers(0, 999),
        st.sampled_from([b" OK", b"", b" \xff"]),
        st.sampled_from(
            [
                b"",
                b"Content-Length: 5\r\n",
                b"Content-Length: x\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Content-Length: 5\r\nContent-Length: 6\r\n",
                b" folded\r\n",
            ]
        ),
        st.sampled_from([b"", b"ready", b"5\r\nready\r\n0\r\n\r\n", b"zz\r\n"]),
    ),
)
H2 = st.builds(
    lambda kind, flags, stream, body: (
        len(body).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + body
    ),
    st.integers(0, 10),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 255]),
    st.sampled_from([0, 1, 2, 3, 2**32 - 1]),
    st.binary(max_size=30),
)
AGENT = st.sampled_from(
    [b"up", b"down", b"maint", b"#why", b" ", b",", b"50%", b"9999%", b"\n", b"\r"]
)
SAID = st.one_of(
    st.binary(max_size=300),
    HTTP,
    st.lists(H2, max_size=5).map(lambda frames: b"\0\0\0\4\0\0\0\0\0" + b"".join(frames)),
    st.lists(AGENT, max_size=6).map(b"".join),
)


def heard(talk: Conversation, pieces: list[bytes]) -> Answer | None:
    """What is made of these pieces, and of the end of the connection."""
    talk.outgoing()
    for piece in (*(one for one in pieces if one), b""):
        answer = talk.receive(piece)
        if answer is not None:
            return answer
        talk.outgoing()
    return None


@pytest.mark.parametrize("kind", TALKS)
@given(said=SAID, cuts=st.lists(st.integers(0, 300), max_size=8))
@example(said=b"HTTP/1.1 200 OK\r\n\r\nready", cuts=[3, 20])
def test_every_answer_is_understood_alike_however_it_is_cut(
    kind: str, said: bytes, cuts: list[int]
) -> None:
    places = sorted({0, *cuts, len(said)})
    pieces = [said[a:b] for a, b in pairwise(places)]

    whole, cut = heard(TALKS[kind](), [said]), heard(TALKS[kind](), pieces)

    assert whole is not None
    assert cut is not None
    assert (whole.ok, whole.share, whole.maintenance) == (cut.ok, cut.share, cut.maintenance)
    for answer in (whole, cut):
        assert answer.detail.isprintable()
        assert len(answer.detail) <= MAX_DETAIL + 60


@given(st.text(max_size=200))
def test_what_an_agent_says_is_up_down_or_nonsense(line: str) -> None:
    answer = agent_answer(line)

    assert answer.share is None or 0 <= answer.share <= 25600
    assert answer.ok or not answer.maintenance


@given(st.integers(0, 25600), st.sampled_from([" ", ",", "\t", ", "]))
def test_a_share_is_read_wherever_it_stands(share: int, between: str) -> None:
    answer = agent_answer(between.join(["up", f"{share}%", "maxconn:9"]))

    assert (answer.ok, answer.share) == (True, share)


DNS_CHECK = HealthCheck(type=CheckType.DNS, name="www.example.com", body="192.0.2.1")


@given(
    st.binary(max_size=100),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255))),
)
def test_no_datagram_upsets_the_dns_check(
    noise: bytes,
    ours: bool,  # noqa: FBT001
    flips: list[tuple[int, int]],
) -> None:
    question = DnsQuestion(DNS_CHECK)
    response = dns.message.make_response(dns.message.from_wire(question.datagram)).to_wire()
    changed = bytearray(response + noise)
    for place, value in flips:
        changed[place % len(changed)] = value

    found = question.judge(bytes(changed))
    other = question.judge(noise if not ours else question.datagram[:2] + noise)

    for answer in (found, other):
        assert answer is None or answer.detail.isprintable()


def test_a_response_to_another_question_is_not_ours() -> None:
    question = DnsQuestion(DNS_CHECK)
    other = dns.message.make_query("www.example.net", "A", id=question._query.id)

    assert question.judge(dns.message.make_response(other).to_wire()) is None
    assert question.judge(question.datagram) is None


@given(st.binary(max_size=100))
def test_no_datagram_upsets_the_udp_check(said: bytes) -> None:
    check = HealthCheck(type=CheckType.UDP, body="é", regex="x$")

    assert UdpQuestion(check).judge(said).detail.isprintable()


@given(st.binary(max_size=80), st.sampled_from([4, 6]), st.booleans())
def test_no_packet_upsets_the_ping(said: bytes, version: int, header: bool) -> None:  # noqa: FBT001
    assert Echo(1, 2).answered_by(said, version=version, header=header) in {True, False}


@given(st.integers(0, 65535), st.integers(0, 65535), st.sampled_from([4, 6]), st.booleans())
def test_an_echo_knows_its_reply_and_no_other(
    number: int,
    sequence: int,
    version: int,
    header: bool,  # noqa: FBT001
) -> None:
    echo = Echo(number, sequence)
    request = echo.request(version=version)
    before = b"\x46" + bytes(23) if header and version == 4 else b""
    reply = bytes([0 if version == 4 else ECHO6_REPLY]) + request[1:]

    def answered(packet: bytes) -> bool:
        return echo.answered_by(before + packet, version=version, header=header)

    assert answered(reply)
    assert not answered(request)
    assert not answered(reply[:6] + bytes([reply[6] ^ 1]) + reply[7:])
    assert not answered(reply[:4] + bytes([reply[4] ^ 1]) + reply[5:])


@given(st.binary(max_size=60))
def test_a_packet_with_its_checksum_sums_up_to_nothing(packet: bytes) -> None:
    even = packet + b"\0" * (len(packet) % 2)

    assert checksum(even + checksum(even).to_bytes(2)) == 0


@given(st.binary(max_size=20))
def test_no_message_upsets_the_reading_of_a_grpc_state(said: bytes) -> None:
    assert read_state(said) in {None, *range(128)}


@given(st.text(max_size=300))
def test_a_grpc_request_names_its_service(name: str) -> None:
    framed = grpc_request(name)

    assert framed[0] == 0
    assert int.from_bytes(framed[1:5]) == len(framed) - 5
    assert framed.endswith(name.encode())


@given(st.text(max_size=1000), st.integers(4, 50))
def test_foreign_text_becomes_one_short_line(text: str, limit: int) -> None:
    line = plain(text, limit)

    assert line.isprintable()
    assert len(line) <= limit
