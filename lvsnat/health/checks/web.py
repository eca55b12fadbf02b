"""HTTP/1.1 as a client that asks one question (RFC 9112); h11 reads the answer. No sockets here."""

from __future__ import annotations

import h11

from lvsnat.health.checks.expecting import Expected
from lvsnat.health.checks.words import plain
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import HealthCheck, statuses_text

MAX_BODY = 65536
"""Bytes of the body that are looked through."""
MAX_HEAD = 32768
"""Bytes of status line and headers that are borne."""
_USUAL_PORTS = {"http": 80, "https": 443}
_TOO_LONG = 431
"""What h11 would answer to a head that is too long."""


class WebTalk:
    """One request and its answer."""

    def __init__(self, target: Target) -> None:
        self._check = target.check
        self._expected = Expected.of(target.check)
        self._body = bytearray()
        self._encoding = ""
        self._first = b""
        self._status = 0
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._out = self._request(target)

    @property
    def missing(self) -> str:
        return "no whole answer" if self._first else "no answer"

    def outgoing(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes) -> Answer | None:
        self._first = self._first or data
        try:
            self._http.receive_data(data)
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    return None
                answer = self._judge(event)
                if answer is not None:
                    return answer
        except h11.RemoteProtocolError as error:
            return self._garbled(error)

    def _request(self, target: Target) -> bytes:
        check = target.check
        headers = [
            ("Host", check.host or host_of(target)),
            ("User-Agent", "lvsnat"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        request = h11.Request(method=check.method, target=check.path, headers=headers)
        return (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def _judge(self, event: object) -> Answer | None:
        match event:
            case h11.Response():
                return self._head(event)
            case h11.InformationalResponse() if event.status_code != 101:  # noqa: PLR2004
                return None
            case h11.Data():
                self._body += event.data[: MAX_BODY - len(self._body)]
                return self._look(whole=len(self._body) >= MAX_BODY)
            case h11.EndOfMessage():
                return self._look(whole=True)
            case _:
                return Answer(ok=False, detail="switched to another protocol than HTTP")

    def _head(self, response: h11.Response) -> Answer | None:
        self._status = response.status_code
        if not meets(self._check, self._status):
            wanted = statuses_text(self._check.expect)
            return Answer(ok=False, detail=f"status {self._status}, expected {wanted}")
        if not self._expected:
            return self._good()
        found = dict(response.headers).get(b"content-encoding", b"")
        self._encoding = plain(found.decode("latin-1"), 20)
        return None

    def _good(self) -> Answer:
        return Answer(ok=True, detail=f"status {self._status}")

    def _look(self, *, whole: bool) -> Answer | None:
        """Look for what is expected in the body, or in what has come of it so far."""
        if self._expected.found(self._body, whole=whole):
            return self._good()
        if not whole:
            return None
        part = f"first {MAX_BODY // 1024} KiB of the " if len(self._body) >= MAX_BODY else ""
        packed = f", which is {self._encoding}" if self._encoding else ""
        return Answer(ok=False, detail=f"{self._expected} is not in the {part}body{packed}")

    def _garbled(self, error: h11.RemoteProtocolError) -> Answer:
        if error.error_status_hint == _TOO_LONG:
            return Answer(ok=False, detail=f"headers of more than {MAX_HEAD // 1024} KiB")
        if self._status:
            return Answer(ok=False, detail=plain(f"the answer broke off: {error}"))
        if not self._first:
            return Answer(ok=False, detail="closed the connection without an answer")
        begins = plain(self._first.decode("latin-1"), 40)
        return Answer(ok=False, detail=f"not an answer of HTTP: {begins!r}")


def meets(check: HealthCheck, status: int) -> bool:
    return any(low <= status <= high for low, high in check.expect)


def host_of(target: Target) -> str:
    """The Host header for a server that has no name."""
    address = str(target.address).partition("%")[0]
    name = f"[{address}]" if target.address.version == 6 else address  # noqa: PLR2004
    usual = _USUAL_PORTS.get(str(target.check.type)) == target.port
    return name if usual else f"{name}:{target.port}"
