"""Conversations with a scripted kernel: what goes out, what comes back, what is lost."""

from __future__ import annotations

import errno
from collections import deque
from struct import pack, unpack_from

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.netlink import KernelRefusalError, Session
from lvsnat.ipvs.wire import UnreadableError

FAMILY = 0x19
ERROR, DONE = 2, 3
INTERRUPTED = 0x10


class Script:
    """A transport that says what it was told to say."""

    def __init__(self, *replies: bytes | OSError) -> None:
        self.replies = deque(replies)
        self.sent: list[bytes] = []
        self.closed = False

    @property
    def family(self) -> int:
        return FAMILY

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)

    def receive(self) -> bytes:
        reply = self.replies.popleft()
        if isinstance(reply, OSError):
            raise reply
        return reply

    def close(self) -> None:
        self.closed = True


def message(sequence: int, payload: bytes, kind: int = FAMILY, flags: int = 0) -> bytes:
    return pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def answer(sequence: int, number: int = 0) -> bytes:
    return message(sequence, pack("=i", -number) + bytes(16), ERROR)


def end(sequence: int, number: int = 0, flags: int = 0) -> bytes:
    return message(sequence, pack("=i", -number), DONE, flags)


def lost() -> OSError:
    return OSError(errno.ENOBUFS, "No buffer space available")


def sequences_and_flags(datagram: bytes) -> list[tuple[int, int]]:
    found, at = [], 0
    while at < len(datagram):
        size, kind, flags, sequence, _ = unpack_from("=IHHII", datagram, at)
        assert kind == FAMILY
        found.append((sequence, flags))
        at += size
    return found


def payloads(session: Session, request: bytes = b"dump") -> list[bytes]:
    return [data[start:stop] for data, start, stop in session.dump(request)]


def test_a_batch_is_one_datagram_of_which_the_last_asks_for_its_answer() -> None:
    script = Script(answer(3))

    assert Session(script).submit([b"one.", b"two.", b"last"]) == [0, 0, 0]
    assert [sequences_and_flags(sent) for sent in script.sent] == [[(1, 1), (2, 1), (3, 5)]]


def test_refusals_in_a_batch_are_told_by_their_sequence() -> None:
    script = Script(answer(1, errno.EEXIST), answer(3, errno.ESRCH) + answer(4))

    assert Session(script).submit([b"...."] * 4) == [errno.EEXIST, 0, errno.ESRCH, 0]


def test_an_empty_batch_is_not_sent() -> None:
    script = Script()

    assert Session(script).submit([]) == []
    assert script.sent == []


def test_answers_to_earlier_requests_are_passed_over() -> None:
    script = Script(answer(1))
    session = Session(script)
    session.submit([b"...."])
    script.replies.extend([answer(1, errno.EPERM), end(1), answer(2)])

    assert session.submit([b"...."]) == [0]


def test_a_batch_whose_answers_are_lost_is_repeated_one_by_one() -> None:
    script = Script(lost(), answer(3, errno.EEXIST), answer(4, errno.ERANGE))

    assert Session(script).submit([b"one.", b"two."]) == [0, errno.ERANGE]
    assert [sent[16:] for sent in script.sent[1:]] == [b"one.", b"two."]


def test_a_call_gives_the_reply_before_its_answer() -> None:
    script = Script(message(1, b"info"), answer(1))

    reply = Session(script).call(b"get.")

    assert reply is not None
    assert reply.data[reply.start : reply.end] == b"info"


def test_a_refused_call_raises_its_number() -> None:
    with pytest.raises(KernelRefusalError) as refusal:
        Session(Script(answer(1, errno.EPERM))).call(b"get.")

    assert refusal.value.errno == errno.EPERM


def test_a_dump_goes_on_until_its_end() -> None:
    script = Script(message(1, b"one.") + message(1, b"two."), message(1, b"3rd."), end(1))

    assert payloads(Session(script)) == [b"one.", b"two.", b"3rd."]
    assert sequences_and_flags(script.sent[0]) == [(1, 0x301)]


@pytest.mark.parametrize(
    "first",
    [
        [message(1, b"torn", flags=INTERRUPTED), end(1)],
        [message(1, b"torn"), end(1, flags=INTERRUPTED)],
        [message(1, b"torn"), lost(), end(1)],
        [answer(1, errno.EBUSY)],
    ],
    ids=["marked-reply", "marked-end", "lost", "busy"],
)
def test_a_disturbed_dump_is_thrown_away_and_asked_for_again(
    first: list[bytes | OSError],
) -> None:
    script = Script(*first, message(2, b"good"), end(2))

    assert payloads(Session(script)) == [b"good"]


def test_a_dump_that_is_always_disturbed_ends_with_a_sentence() -> None:
    script = Script(*(end(number, flags=INTERRUPTED) for number in range(1, 100)))

    with pytest.raises(LvsnatError, match="kept changing"):
        Session(script).dump(b"dump")


@pytest.mark.parametrize("refusal", [answer(1, errno.EPERM), end(1, errno.EPERM)])
def test_a_refused_dump_raises_its_number(refusal: bytes) -> None:
    with pytest.raises(KernelRefusalError) as error:
        Session(Script(refusal)).dump(b"dump")

    assert error.value.errno == errno.EPERM


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.EAGAIN, "did not answer"), (errno.EBADF, "socket to IPVS failed")],
)
def test_a_silent_or_broken_socket_is_said(number: int, sentence: str) -> None:
    for ask in (Session.dump, Session.call, lambda session, _: session.submit([b"...."])):
        with pytest.raises(LvsnatError, match=sentence):
            ask(Session(Script(OSError(number, "reason"))), b"....")


def test_a_torn_datagram_is_said() -> None:
    with pytest.raises(UnreadableError, match="message of 20 bytes in a datagram of 18"):
        Session(Script(message(1, b"good")[:18])).dump(b"dump")


def test_closing_closes_the_transport() -> None:
    script = Script()

    Session(script).close()

    assert script.closed
