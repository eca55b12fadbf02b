"""The HTTP side of the metrics: a thread that answers who asks."""

from __future__ import annotations

import socket
import socketserver
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from lvsnat.errors import LvsnatError
from lvsnat.model.endpoint import Endpoint, Family

PATIENCE = 10
"""Seconds that a client may be silent within a request."""
_LOOKS = 0.2
"""Seconds from one look to the next whether it is over."""


class Exposition:
    """Answers at one place until it is closed."""

    def __init__(self, place: Endpoint, registry: CollectorRegistry) -> None:
        """Begin at once; LvsnatError where nobody can listen there."""
        self.place = place
        try:
            self._server = _Server(place)
        except OSError as error:
            raise LvsnatError(
                f"cannot serve metrics on {place}: {(error.strerror or str(error)).lower()}",
                f"see who listens there with 'ss -ltnp sport = :{place.port}', or write another"
                " address into [daemon] metrics",
            ) from error
        self._server.set_app(make_wsgi_app(registry))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOKS,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port; the kernel's choice where the place says 0."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop listening, within the interval of the thread's own looks; answers go on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        """Say nothing: who asks for numbers is no news."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # What the kernel has room for; the library's 5 is soon full of clients that say nothing.
    request_queue_size = 64

    def __init__(self, place: Endpoint) -> None:
        v4 = place.family is Family.IPV4
        self.address_family = socket.AF_INET if v4 else socket.AF_INET6
        super().__init__((str(place.address), place.port), _Handler)

    def server_bind(self) -> None:
        """Listen without asking the DNS for the name of the address, as the library would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()
