"""How things are spelt in haproxy.cfg: names, addresses, times, quotes. Pure.

Names hold a ':' where a service's own name cannot, so nothing collides with what a person calls a
service; a server is named by its address, so that a name means the same when others come and go.
"""

from __future__ import annotations

import re
from typing import Final

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Endpoint, IPAddress, parse_address, parse_port

INDENT: Final = "    "
SORRY: Final = "sorry"
"""The server that answers while no other can; no server named by its address has this name."""
KEEPS_PORT: Final = "+0"
"""A server's port: the one that the client asked for."""
MAX_SECONDS: Final = (2**31 - 1) // 1000
"""HAProxy counts milliseconds in 31 bits."""

_BARE = re.compile(r"[A-Za-z0-9_./:,@=?&~!+*()<>\[\]{}|;^-]+")


def tproxy(name: str) -> str:
    """The backend that connects from the client's address."""
    return f"{name}:tproxy"


def local(name: str) -> str:
    """The backend that connects from the director's own address."""
    return f"{name}:local"


def server_name(endpoint: Endpoint) -> str:
    return f"{endpoint.address}:{endpoint.port}"


def server_address(endpoint: Endpoint) -> str:
    return f"{bracketed(endpoint.address)}:{endpoint.port or KEEPS_PORT}"


def parse_server_address(text: str) -> Endpoint | None:
    """The inverse of ``server_address``; None for any other text."""
    host, _, port = text.rpartition(":")
    try:
        return Endpoint(parse_address(host), 0 if port == KEEPS_PORT else parse_port(port))
    except UsageError:
        return None


def bracketed(address: IPAddress) -> str:
    return str(address) if address.version == 4 else f"[{address}]"  # noqa: PLR2004 - IP version 4


def span(seconds: float) -> str:
    """A time, in seconds where they are whole, else in milliseconds."""
    milliseconds = max(1, round(min(seconds, MAX_SECONDS) * 1000))
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds}ms" if rest else f"{whole}s"


def quoted(text: str) -> str:
    """One word of a line, whatever it holds (configuration manual, 2.2)."""
    if _BARE.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def formatted(text: str) -> str:
    """One word where HAProxy expects a log-format string, in which '%' is special."""
    return quoted(text.replace("%", "%%"))
