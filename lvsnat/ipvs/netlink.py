"""A conversation in netlink: requests in batches, replies by sequence number, whole dumps.

Knows nothing of IPVS, and reaches the kernel only through the transport it is handed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from struct import Struct
from typing import NamedTuple, Protocol

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.wire import UnreadableError

BATCH = 128
"""Messages in one send: a 20 kB datagram, of which even failures fit the receive buffer."""

_HEADER = Struct("=IHHII")
_ERRNO = Struct("=i")

_ERROR = 2
_DONE = 3
_REQUEST = 0x1
_ACK = 0x4
_DUMP_INTERRUPTED = 0x10
_DUMP = 0x300

_DUMP_ATTEMPTS = 10


class Transport(Protocol):
    """A generic netlink socket."""

    @property
    def family(self) -> int:
        """The number that the kernel gave to the generic netlink family."""
        ...

    def send(self, datagram: bytes) -> None: ...

    def receive(self) -> bytes:
        """The next datagram. Raises OSError: ENOBUFS if some were lost, EAGAIN after a timeout."""
        ...

    def close(self) -> None: ...


class KernelRefusalError(Exception):
    """The kernel answered a request with an error number."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.errno = number


class Message(NamedTuple):
    """A reply; its payload (the generic netlink header first) lies between start and end."""

    data: bytes
    start: int
    end: int


class _Reply(NamedTuple):
    """Any message as received, its netlink header read."""

    kind: int
    flags: int
    sequence: int
    data: bytes
    start: int
    end: int

    @property
    def message(self) -> Message:
        return Message(self.data, self.start, self.end)


class _Dump:
    """The replies to one dump request, as they come."""

    def __init__(self) -> None:
        self.found: list[Message] = []
        self.whole = True
        self.ended = False

    def take(self, reply: _Reply) -> None:
        if reply.flags & _DUMP_INTERRUPTED:
            self.whole = False
        if reply.kind not in (_ERROR, _DONE):
            self.found.append(reply.message)
            return
        self.ended = True
        if _error_number(reply) == errno.EBUSY:
            self.whole = False  # A dump that an interruption cut short is still going on.
        else:
            _raise_refusal(reply)


class Session:
    """One transport and its sequence numbers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._sequence = count(1)

    def close(self) -> None:
        self._transport.close()

    def submit(self, payloads: Sequence[bytes]) -> list[int]:
        """Have one batch of writes carried out, in order; the error number of each, 0 for done.

        The kernel works through a datagram message by message, a failed one does not stop it, and
        failures are answered even if unasked. So the last message alone asks for its answer: when
        that has come, whatever was not refused is done, and 127 system calls are saved.
        """
        if not payloads:
            return []
        sequences = [next(self._sequence) for _ in payloads]
        last = len(payloads) - 1
        flags = [_REQUEST | (_ACK if index == last else 0) for index in range(len(payloads))]
        self._send(zip(payloads, sequences, flags, strict=True))
        errors = dict.fromkeys(sequences, 0)
        try:
            while sequences[-1] not in self._take_errors(errors):
                pass
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise _silence(error) from None
            return self._submit_again(payloads)
        return list(errors.values())

    def call(self, payload: bytes) -> Message | None:
        """Send one request and give its reply, if it has one. Raises KernelRefusalError."""
        sequence = next(self._sequence)
        self._send([(payload, sequence, _REQUEST | _ACK)])
        answer: Message | None = None
        try:
            while True:
                for reply in self._receive():
                    if reply.sequence != sequence:
                        continue
                    if reply.kind == _ERROR:
                        _raise_refusal(reply)
                        return answer
                    answer = reply.message
        except OSError as error:
            raise _silence(error) from None

    def dump(self, payload: bytes) -> list[Message]:
        """Send one dump request and give every reply, of one undisturbed pass.

        A dump that the kernel marks as disturbed is thrown away and asked for again.
        """
        for _ in range(_DUMP_ATTEMPTS):
            messages = self._dump_once(payload)
            if messages is not None:
                return messages
        raise table_keeps_changing()

    def _dump_once(self, payload: bytes) -> list[Message] | None:
        sequence = next(self._sequence)
        self._send([(payload, sequence, _REQUEST | _DUMP)])
        dump = _Dump()
        while not dump.ended:
            try:
                replies = list(self._receive())
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise _silence(error) from None
                dump.whole = False  # Some replies are lost; read on to the end all the same.
                continue
            for reply in replies:
                # Others are the rest of something that an interruption cut short.
                if reply.sequence == sequence:
                    dump.take(reply)
        return dump.found if dump.whole else None

    def _send(self, messages: Iterable[tuple[bytes, int, int]]) -> None:
        family = self._transport.family
        parts: list[bytes] = []
        for payload, sequence, flags in messages:
            size = _HEADER.size + len(payload)
            parts += (_HEADER.pack(size, family, flags, sequence, 0), payload)
        try:
            self._transport.send(b"".join(parts))
        except OSError as error:
            raise _silence(error) from None

    def _take_errors(self, errors: dict[int, int]) -> set[int]:
        """Note the errors of one datagram; say which messages it was about."""
        seen = set()
        for reply in self._receive():
            if reply.kind == _ERROR and reply.sequence in errors:
                errors[reply.sequence] = _error_number(reply)
                seen.add(reply.sequence)
        return seen

    def _submit_again(self, payloads: Sequence[bytes]) -> list[int]:
        """Repeat a batch whose answers were lost, one message at a time.

        Repeating is harmless: an edit is the same edit, and what a lost answer had confirmed exists
        or is gone already.
        """
        result = []
        for payload in payloads:
            number = 0
            try:
                self.call(payload)
            except KernelRefusalError as error:
                number = 0 if error.errno == errno.EEXIST else error.errno
            result.append(number)
        return result

    def _receive(self) -> Iterator[_Reply]:
        data = self._transport.receive()
        start, size = 0, len(data)
        while start + _HEADER.size <= size:
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, start)
            if length < _HEADER.size or start + length > size:
                raise UnreadableError(f"message of {length} bytes in a datagram of {size}")
            yield _Reply(kind, flags, sequence, data, start + _HEADER.size, start + length)
            start += (length + 3) & ~3


def table_keeps_changing() -> LvsnatError:
    return LvsnatError(
        "the IPVS table kept changing while it was read",
        "another program is writing it at this moment: wait for that to end and try again",
    )


def _error_number(reply: _Reply) -> int:
    (number,) = _ERRNO.unpack_from(reply.data, reply.start)
    return -int(number)


def _raise_refusal(reply: _Reply) -> None:
    if number := _error_number(reply):
        raise KernelRefusalError(number)


def _silence(error: OSError) -> LvsnatError:
    if error.errno == errno.EAGAIN:
        return LvsnatError("the kernel did not answer about IPVS", "look for errors in 'dmesg'")
    return LvsnatError(f"the netlink socket to IPVS failed: {error.strerror}")
