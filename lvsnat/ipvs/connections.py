"""The lines of /proc/net/ip_vs_conn. Pure: a line in, a value out; no I/O here.

A director holds a million of them. So a line is only split at first; what is asked for is compared
with the kernel's own hexadecimal text, and only what is left becomes a value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from lvsnat.model.connection import TEMPLATE_STATES, Connection, Selection
from lvsnat.model.endpoint import Endpoint, IPAddress

Fields = list[str]
"""A line's words, in the order of the constants below."""
Test = Callable[[Fields], bool]

PROTOCOL: Final = 0
CLIENT: Final = 1
CLIENT_PORT: Final = 2
VIRTUAL: Final = 3
VIRTUAL_PORT: Final = 4
SERVER: Final = 5
SERVER_PORT: Final = 6
STATE: Final = 7
EXPIRES: Final = 8
ENGINE: Final = 9
ENGINE_DATA: Final = 10

MARK: Final = "IP"
NO_PORT: Final = "0000"
_LEAST = 9
_IPV4_LENGTH = 8
_HEADER = "Pro "


def split(line: str) -> Fields | None:
    """The words of a line; None for the header, and for what is no connection."""
    fields = line.split(None, ENGINE_DATA)
    return None if len(fields) < _LEAST or line.startswith(_HEADER) else fields


def decode(fields: Fields, service: str | None = None) -> Connection:
    """The connection of these words. Raises ValueError."""
    engine = fields[ENGINE] if len(fields) > ENGINE else None
    data = fields[ENGINE_DATA].rstrip("\n") if len(fields) > ENGINE_DATA else None
    return Connection(
        fields[PROTOCOL].lower(),
        # Clients are many, and few of them come twice in a row: no cache is worth its upkeep.
        Endpoint(address(fields[CLIENT]), int(fields[CLIENT_PORT], 16)),
        endpoint(fields[VIRTUAL], fields[VIRTUAL_PORT]),
        endpoint(fields[SERVER], fields[SERVER_PORT]),
        fields[STATE],
        int(fields[EXPIRES]),
        engine,
        None if data is None else printable(data),
        service,
    )


def is_template(fields: Fields) -> bool:
    """Whether it is persistence's memory of a client, and no connection."""
    return fields[CLIENT_PORT] == NO_PORT and fields[STATE] in TEMPLATE_STATES


def encode(connection: Connection) -> str:
    """A line as the kernel writes it."""
    client, virtual, server = connection.client, connection.virtual, connection.server
    engine = "" if connection.engine is None else f" {connection.engine}"
    data = "" if connection.engine_data is None else f" {connection.engine_data}"
    return (
        f"{connection.protocol.upper():<3} {hexadecimal(client.address)} {client.port:04X}"
        f" {hexadecimal(virtual.address)} {virtual.port:04X}"
        f" {hexadecimal(server.address)} {server.port:04X}"
        f" {connection.state:<11} {connection.expires:7}{engine}{data}\n"
    )


def hexadecimal(value: IPAddress) -> str:
    """An address as the kernel writes it: ``C0A80132``, ``2001:0db8:0000: ... :0055``.

    Of one family all are equally long, so their order as text is their order as numbers.
    """
    if isinstance(value, IPv4Address):
        return f"{int(value):08X}"
    # Not .exploded: Python 3.13 writes the end of an IPv4-mapped address in decimals.
    return value.packed.hex(":", 2)


def address(text: str) -> IPAddress:
    """The address that the kernel wrote so. Raises ValueError."""
    if len(text) == _IPV4_LENGTH:
        return IPv4Address(int(text, 16))
    return IPv6Address(text)


@lru_cache(maxsize=4096)
def endpoint(host: str, port: str) -> Endpoint:
    """A virtual address or a real server: a few of them stand in most lines."""
    return Endpoint(address(host), int(port, 16))


def printable(data: str) -> str:
    """What a packet brought, harmless to a terminal."""
    return data if data.isprintable() else data.encode("unicode_escape").decode("ascii")


def criteria(selection: Selection) -> list[Test]:
    """What a line must pass to be selected, but for the service, of which it does not speak."""
    found: list[Test] = []
    if selection.state is not None:
        found.append(_is(STATE, selection.state))
    if selection.protocol is not None:
        found.append(_is(PROTOCOL, selection.protocol.upper()))
    if selection.server is not None:
        found.append(_is(SERVER, hexadecimal(selection.server)))
    if selection.server_port is not None:
        found.append(_is(SERVER_PORT, f"{selection.server_port:04X}"))
    if selection.clients is not None:
        network = selection.clients
        found.append(_within(hexadecimal(network[0]), hexadecimal(network[-1])))
    return found


def _is(index: int, text: str) -> Test:
    return lambda fields: fields[index] == text


def _within(first: str, last: str) -> Test:
    length = len(first)
    return lambda fields: len(fields[CLIENT]) == length and first <= fields[CLIENT] <= last
