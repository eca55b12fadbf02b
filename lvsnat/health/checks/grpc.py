"""The gRPC health checking protocol (grpc.health.v1), over HTTP/2 without TLS. No sockets here.

h2 speaks HTTP/2; the two messages have one field each, so that protobuf is written by hand.
"""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from lvsnat.health.checks.web import host_of
from lvsnat.health.checks.words import plain
from lvsnat.health.values import Answer, Target

MAX_MESSAGE = 4096
_PATH = "/grpc.health.v1.Health/Check"
_STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_SERVING = 1
_NAME, _STATE = 0x0A, 0x08
"""Field 1 as text (HealthCheckRequest.service), and as a number (HealthCheckResponse.status)."""
_MORE = 0x80
_CODES = {"5": "knows no such service", "12": "has no health service", "14": "is unavailable"}
"""Of gRPC's status codes (grpc's statuscodes.md) those that health services give."""


class GrpcTalk:
    """One call of ``Check``."""

    def __init__(self, target: Target) -> None:
        self._message = bytearray()
        self._status = ""
        self._grpc: tuple[str, str] | None = None
        self._http = H2Connection(H2Configuration(header_encoding=False))
        self._http.initiate_connection()
        stream = self._http.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", _PATH),
            (":authority", host_of(target)),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "lvsnat"),
        ]
        self._http.send_headers(stream, headers)
        self._http.send_data(stream, request(target.check.name or ""), end_stream=True)

    @property
    def missing(self) -> str:
        return "no whole answer" if self._status else "no answer"

    def outgoing(self) -> bytes:
        return self._http.data_to_send()

    def receive(self, data: bytes) -> Answer | None:
        if not data:
            return Answer(ok=False, detail="closed the connection without an answer")
        try:
            for event in self._http.receive_data(data):
                answer = self._judge(event)
                if answer is not None:
                    return answer
        # h2 hands on what its parsers stumble over.
        except (H2Error, ValueError, KeyError, IndexError) as error:
            return Answer(ok=False, detail=plain(f"does not speak HTTP/2: {error}"))
        return None

    def _judge(self, event: Event) -> Answer | None:
        match event:
            case ResponseReceived() | TrailersReceived():
                self._note(event.headers or [])
            case DataReceived():
                self._message += event.data or b""
                if len(self._message) > MAX_MESSAGE:
                    return Answer(ok=False, detail="not an answer of a health service: too long")
            case StreamEnded():
                return self._end()
            case StreamReset() | ConnectionTerminated():
                return Answer(ok=False, detail="refused the call")
            case _:
                pass
        return None

    def _note(self, headers: list[tuple[bytes, bytes]]) -> None:
        found = {name: value.decode("latin-1") for name, value in headers}
        self._status = found.get(b":status", self._status)
        if (code := found.get(b"grpc-status")) is not None:
            self._grpc = (code, found.get(b"grpc-message", ""))

    def _end(self) -> Answer:
        if self._status != "200":
            return Answer(ok=False, detail=f"status {plain(self._status, 20)}, expected 200")
        if self._grpc is not None and self._grpc[0] != "0":
            code, said = self._grpc
            words = plain(_CODES.get(code) or said)
            return Answer(ok=False, detail=f"gRPC status {plain(code, 20)}: {words}")
        state = read_state(bytes(self._message))
        if state is None:
            return Answer(ok=False, detail="not an answer of a health service")
        name = _STATES.get(state, str(state))
        return Answer(ok=state == _SERVING, detail=name)


def request(service: str) -> bytes:
    """A HealthCheckRequest, framed as gRPC does: not compressed, and its length."""
    name = service.encode()
    message = bytes([_NAME]) + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4) + message


def read_state(framed: bytes) -> int | None:
    """The status of a framed HealthCheckResponse; None if it is none.

    A field that is 0 is left out: an empty message says UNKNOWN.
    """
    message = framed[5:]
    if len(framed) < 5 or framed[0] or int.from_bytes(framed[1:5]) != len(message):  # noqa: PLR2004
        return None
    if not message:
        return 0
    if message[0] != _STATE or len(message) != 2 or message[1] >= _MORE:  # noqa: PLR2004
        return None
    return message[1]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number & 0x7F | _MORE)
        number >>= 7
    return bytes(out) + bytes([number])
