"""A metadata service on loopback, as an instance sees it: IMDSv2, with the faults a test orders.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from aws.call import ACCOUNT
from moto.ec2.models import ec2_backends

ROOT: Final = "/latest/meta-data/"


@dataclass
class ImdsOrders:
    """What a test wants the metadata service to do."""

    off: bool = False
    """``HttpEndpoint`` is disabled: 403."""
    version_1_only: bool = False
    """The path of tokens does not exist: 404."""
    slow: float = 0.0
    """Seconds that each answer takes."""
    faults: int = 0
    """How many requests are answered 500 from now on."""
    forget_tokens: bool = False
    """Each token is good for one request: a token that ends meanwhile."""


@dataclass
class Imds:
    """Serves what ``facts`` says at the time of asking, by path below /latest/meta-data/."""

    facts: Callable[[], Mapping[str, str]]
    orders: ImdsOrders = field(default_factory=ImdsOrders)
    requests: list[str] = field(default_factory=list)
    """``PUT /latest/api/token`` and so on; ``v1`` in front of one that had no token."""
    tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"imds": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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


class _Handler(BaseHTTPRequestHandler):
    imds: Imds

    def do_PUT(self) -> None:
        orders = self.imds.orders
        self.imds.requests.append(f"PUT {self.path}")
        if self._interrupted():
            return
        if orders.version_1_only or self.path != "/latest/api/token":
            self._say(404, "")
        elif not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit():
            self._say(400, "")
        else:
            token = secrets.token_urlsafe(8)
            self.imds.tokens.add(token)
            self._say(200, token)

    def do_GET(self) -> None:
        token = self.headers.get("X-aws-ec2-metadata-token", "")
        known = token in self.imds.tokens
        self.imds.requests.append(f"{'' if token else 'v1 '}GET {self.path}")
        if self._interrupted():
            return
        if not known:
            self._say(401, "")
            return
        if self.imds.orders.forget_tokens:
            self.imds.tokens.discard(token)
        text = self.imds.facts().get(self.path.removeprefix(ROOT).rstrip("/"))
        self._say(404 if text is None else 200, text or "")

    def _interrupted(self) -> bool:
        orders = self.imds.orders
        time.sleep(orders.slow)
        if orders.faults:
            orders.faults -= 1
            self._say(500, "")
            return True
        if orders.off:
            self._say(403, "")
        return orders.off

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            return  # who asked has given up meanwhile

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base's
        """Say nothing: pytest's output is for failures."""


def facts_of(region: str, instance_id: str) -> dict[str, str]:
    """What an instance's metadata say, from moto's store as it is now."""
    instance = ec2_backends[ACCOUNT][region].get_instance(instance_id)
    nics = dict(sorted(instance.nics.items()))
    facts = {
        "instance-id": instance_id,
        "placement/region": region,
        "placement/availability-zone": nics[0].availability_zone,
        "mac": nics[0].mac_address,
        "network/interfaces/macs": "".join(f"{nic.mac_address}/\n" for nic in nics.values()),
    }
    for number, nic in nics.items():
        base = f"network/interfaces/macs/{nic.mac_address}"
        facts |= {
            f"{base}/device-number": str(number),
            f"{base}/interface-id": nic.id,
            f"{base}/subnet-id": nic.subnet.id,
            f"{base}/vpc-id": nic.subnet.vpc_id,
            f"{base}/local-ipv4s": "\n".join(
                one["PrivateIpAddress"] for one in nic.private_ip_addresses
            ),
        }
        if nic.ipv6_addresses:
            facts[f"{base}/ipv6s"] = "\n".join(nic.ipv6_addresses)
    return facts
