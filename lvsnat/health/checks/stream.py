"""Checks that talk over a connection: it carries bytes, what they mean is a conversation's."""

from __future__ import annotations

import select
from dataclasses import replace
from errno import EALREADY, EINPROGRESS, EISCONN
from socket import SO_LINGER, SOL_SOCKET, SocketType

from lvsnat.health.checks.check import Check
from lvsnat.health.checks.conversation import Conversation
from lvsnat.health.checks.tcp import BY_RESET, STREAM, bind, family
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import CheckType

SIZE = 16384
READS = 4
"""Reads in a row, after which others have their turn: a server may talk without an end."""


class StreamCheck(Check):
    """A connection, and a conversation over it."""

    __slots__ = ("_address", "_connected", "_pending", "_socket", "_talk")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._address = (str(target.address), target.port)
        self._socket: SocketType | None = None
        self._connected = False
        self._talk: Conversation | None = None
        self._pending = b""

    def start(self, now: float) -> Answer | None:
        del now
        check = self.target.check
        self._connected = False
        # First, for it may fail: a certificate that is shown is read from its file.
        self._talk = talk_of(self.target)
        self._socket = opened = SocketType(family(self.target.address), STREAM)
        if check.reset and check.type is CheckType.AGENT:
            opened.setsockopt(SOL_SOCKET, SO_LINGER, BY_RESET)
        if check.source is not None:
            bind(opened, check.source)
        error = opened.connect_ex(self._address)
        if error not in {0, EINPROGRESS}:
            raise OSError(error, "")
        self.descriptor = opened.fileno()
        self.events = select.EPOLLOUT
        return None

    def resume(self, now: float) -> Answer | None:
        if self._socket is None or self._talk is None:
            return None
        if not self._connected:
            error = self._socket.connect_ex(self._address)
            if error == EALREADY:
                return None
            if error not in {0, EISCONN}:
                raise OSError(error, "")
            self._connected = True
            self._pending = self._talk.outgoing()
        answer = self._exchange(self._socket, self._talk)
        return answer and replace(answer, took=now - self.began)

    def expired(self, now: float) -> Answer:
        detail = self.silence("no answer")
        if self._connected and self._talk is not None:
            detail = f"connected, but {self.silence(self._talk.missing)}"
        return Answer(ok=False, detail=detail, took=now - self.began)

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._talk = None
        self._pending = b""

    def _exchange(self, opened: SocketType, talk: Conversation) -> Answer | None:
        for _ in range(READS):
            self._send(opened)
            try:
                data = opened.recv(SIZE)
            except BlockingIOError:
                return None
            answer = talk.receive(data)
            if answer is not None:
                return answer
            if not data:
                return Answer(ok=False, detail="closed the connection without an answer")
            self._pending += talk.outgoing()
        self._send(opened)
        return None

    def _send(self, opened: SocketType) -> None:
        if self._pending:
            try:
                sent = opened.send(self._pending)
            except BlockingIOError:
                sent = 0
            self._pending = self._pending[sent:]
        self.events = select.EPOLLIN | select.EPOLLOUT if self._pending else select.EPOLLIN


def talk_of(target: Target) -> Conversation:
    """The conversation of a target's check."""
    match target.check.type:
        case CheckType.AGENT:
            from lvsnat.health.checks.agent import AgentTalk

            return AgentTalk(target.check.send)
        case CheckType.GRPC:
            from lvsnat.health.checks.grpc import GrpcTalk

            return GrpcTalk(target)
        case CheckType.HTTPS:
            from lvsnat.health.checks.tls import TlsTalk, context_of
            from lvsnat.health.checks.web import WebTalk

            context = context_of(verify=target.check.verify, certificate=target.check.certificate)
            name = target.check.host or str(target.address).partition("%")[0]
            return TlsTalk(context, name, WebTalk(target))
        case _:
            from lvsnat.health.checks.web import WebTalk

            return WebTalk(target)
