"""An EC2 API on loopback: moto behind a strict front, with faults, denials and delays to order.

One moto runs in a process; ``Ec2Server`` serves it over HTTP, so that the program under test may be
a process of its own. ``reset`` empties it between tests.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from aws.addresses import ANSWERED
from aws.call import ACCOUNT, Call, RefusedError
from aws.repairs import LISTS, repair
from aws.strict import check, check_dry_run, destination
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

Environ = dict[str, Any]
Answer = tuple[int, bytes]
_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([^/]+)/ec2/")
_SIMPLE: Final = "<return>true</return>"


@dataclass
class Fault:
    """What the next calls of an action are answered instead."""

    action: str
    code: str
    message: str = "made to order"
    status: int = 400
    times: int = 1
    skip: int = 0
    """How many calls of it go through before."""


@dataclass
class Orders:
    """What a test wants EC2 to do besides its work."""

    faults: list[Fault] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    """Actions that the caller may not do."""
    lag: int = 0
    """How many looks show the state before a change, once it is accepted."""
    slow: float = 0.0
    """Seconds that each call takes."""
    after: Callable[[Call], None] | None = None
    """Called after each call that was carried out: to move the world meanwhile."""


class Front:
    """The WSGI application: rules, faults, then moto, then repairs."""

    def __init__(self) -> None:
        self.orders = Orders()
        self.calls: list[Call] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._pending: list[tuple[int, Callable[[], object]]] = []
        self._lock = threading.RLock()

    def reset(self) -> None:
        with self._lock:
            moto_api_backend.reset()
            self.orders, self.calls, self._pending = Orders(), [], []

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        size = int(environ.get("CONTENT_LENGTH") or 0)
        text = environ["wsgi.input"].read(size).decode()
        if scope is None:
            start_response("404 Not Found", [])
            return [b"only EC2 is served here"]
        call = Call.of(dict(parse_qsl(text)), scope[1])
        orders = self.orders
        time.sleep(orders.slow)
        with self._lock:
            if orders is not self.orders:
                # Of a test that has ended, and whose client gave up: it is not to count now.
                start_response("503 Service Unavailable", [])
                return [b""]
            self.calls.append(call)
            status, body = self._answer(call, environ)
        start_response(f"{status} -", [("Content-Type", "text/xml;charset=UTF-8")])
        return [body]

    def _answer(self, call: Call, environ: Environ) -> Answer:
        try:
            self._fault(call)
            self._deny(call)
            if not call.looks or call.true("DryRun"):
                check_dry_run(call)
            check(call)
            answer = self._carry_out(call, environ)
        except RefusedError as refused:
            return refused.status, _error(refused)
        if self.orders.after is not None:
            self.orders.after(call)
        return answer

    def _fault(self, call: Call) -> None:
        for fault in self.orders.faults:
            if fault.action != call.action or fault.times == 0:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            raise RefusedError(fault.code, fault.message, fault.status)

    def _deny(self, call: Call) -> None:
        """EC2's own words, as in https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ (IAM)."""
        if call.action not in self.orders.denied:
            return
        table = call.get("RouteTableId")
        arn = f"arn:aws:ec2:{call.region}:{ACCOUNT}:route-table/{table}" if table else "*"
        raise RefusedError(
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. User:"
            f" arn:aws:iam::{ACCOUNT}:user/ops is not authorized to perform: ec2:{call.action} on"
            f" resource: {arn} because no identity-based policy allows the ec2:{call.action}"
            " action. Encoded authorization failure message: c2VjcmV0IHN0dWZm",
            403,
        )

    def _carry_out(self, call: Call, environ: Environ) -> Answer:
        if call.looks:
            self._ripen()
            return self._really(call, environ)
        if self.orders.lag:
            self._pending.append((self.orders.lag, lambda: self._really(call, environ)))
            inside = f"{_SIMPLE}<associationId>eipassoc-00000000000000000</associationId>"
            return 200, _envelope(call.action, inside)
        return self._really(call, environ)

    def _ripen(self) -> None:
        """Let what was accepted some looks ago become true."""
        due = [run for left, run in self._pending if left == 0]
        self._pending = [(left - 1, run) for left, run in self._pending if left > 0]
        for run in due:
            run()

    def _really(self, call: Call, environ: Environ) -> Answer:
        if (answered := ANSWERED.get(call.action)) is not None:
            return 200, _envelope(call.action, answered(call))
        status, body = self._ask_moto(call, environ)
        return status, repair(call, body) if status == 200 else body

    def _ask_moto(self, call: Call, environ: Environ) -> Answer:
        form = dict(call.form)
        if call.action in LISTS:
            form.pop("MaxResults", None)
            form.pop("NextToken", None)
        for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock"):
            if form.get(key):
                form[key] = destination(call)
        text = urlencode(form).encode()
        told: list[str] = []

        def start(status: str, *_: object) -> None:
            told.append(status)

        changed = {**environ, "wsgi.input": io.BytesIO(text), "CONTENT_LENGTH": str(len(text))}
        body = b"".join(self._moto(changed, start))
        return int(told[0].split()[0]), body


def _envelope(action: str, inside: str) -> bytes:
    space = "http://ec2.amazonaws.com/doc/2016-11-15"
    text = f'<{action}Response xmlns="{space}">{inside}<requestId>r</requestId></{action}Response>'
    return text.encode()


def _error(refused: RefusedError) -> bytes:
    return (
        f"<Response><Errors><Error><Code>{escape(refused.code)}</Code>"
        f"<Message>{escape(refused.message)}</Message></Error></Errors>"
        "<RequestID>r</RequestID></Response>"
    ).encode()


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's word
        """Say nothing: pytest's output is for failures."""


class Ec2Server:
    """Serves a front on a port of loopback, from a thread; several may serve the same one."""

    def __init__(self, front: Front | None = None) -> None:
        self.front = front or Front()
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self.front, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def orders(self) -> Orders:
        return self.front.orders

    @property
    def calls(self) -> list[str]:
        """The actions that were called, in order."""
        return [call.action for call in self.front.calls]

    @property
    def changes(self) -> list[str]:
        """Those that were to change something; a dry run is none."""
        return [c.action for c in self.front.calls if not c.looks and not c.true("DryRun")]

    def forget(self) -> None:
        """Count calls anew."""
        self.front.calls.clear()

    def reset(self) -> None:
        self.front.reset()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
