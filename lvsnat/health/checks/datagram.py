"""Checks that send one datagram: UDP, and the DNS by UDP. What it means is a question's."""

from __future__ import annotations

from dataclasses import replace
from errno import ECONNREFUSED
from socket import (
    AF_INET,
    IPPROTO_IP,
    IPPROTO_IPV6,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SocketType,
)
from typing import Protocol

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.tcp import bind, family
from lvsnat.health.checks.words import error_words
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType

DATAGRAM = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC
MOST = 65535
READS = 16
IP_RECVERR, IPV6_RECVERR = 11, 25
"""linux/in.h, linux/in6.h: errors that ICMP reports are told at once, not only the fatal ones."""


class Question(Protocol):
    """What is sent, and how an answer to it is known."""

    @property
    def datagram(self) -> bytes: ...

    def judge(self, datagram: bytes) -> Answer | None:
        """What a datagram means; None if it is no answer to this."""
        ...

    def silent(self) -> Answer | None:
        """What it means that none came; None if it is a failure."""
        ...


class DatagramCheck(Check):
    """One datagram there, and one back."""

    __slots__ = ("_question", "_socket")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._socket: SocketType | None = None
        self._question: Question | None = None

    def start(self, now: float) -> Answer | None:
        del now
        address, source = self.target.address, self.target.check.source
        self._question = question_of(self.target)
        self._socket = opened = SocketType(family(address), DATAGRAM)
        tell_errors(opened)
        if source is not None:
            bind(opened, source)
        opened.connect((str(address), self.target.port))
        opened.send(self._question.datagram)
        self.descriptor = opened.fileno()
        return None

    def resume(self, now: float) -> Answer | None:
        if self._socket is None or self._question is None:
            return None
        answer = self._read(self._socket, self._question)
        return answer and replace(answer, took=now - self.began)

    def expired(self, now: float) -> Answer:
        answer = self._question and self._question.silent()
        return replace(answer, took=now - self.began) if answer else super().expired(now)

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._question = None

    @staticmethod
    def _read(opened: SocketType, question: Question) -> Answer | None:
        for _ in range(READS):
            try:
                datagram = opened.recv(MOST)
            except BlockingIOError:
                return None
            except OSError as error:
                refused = error.errno == ECONNREFUSED
                words = "port unreachable" if refused else error_words(error)
                return Answer(ok=False, detail=words)
            answer = question.judge(datagram)
            if answer is not None:
                return answer
        return None


def tell_errors(opened: SocketType) -> None:
    """Have errors that routers report made errors of the socket (ip(7), ipv6(7))."""
    if opened.family == AF_INET:
        opened.setsockopt(IPPROTO_IP, IP_RECVERR, 1)
    else:
        opened.setsockopt(IPPROTO_IPV6, IPV6_RECVERR, 1)


def question_of(target: Target) -> Question:
    """The question of a target's check."""
    if target.check.type is CheckType.DNS:
        from lvsnat.health.checks.dns import DnsQuestion

        return DnsQuestion(target.check)
    from lvsnat.health.checks.udp import UdpQuestion

    return UdpQuestion(target.check)
