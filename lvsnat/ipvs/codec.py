"""IPVS services and servers as generic netlink payloads, and back. No sockets here.

A payload begins with the generic netlink header. Everything written carries every field, because
the kernel replaces the whole object and takes what is left out for zero.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from lvsnat.ipvs import wire
from lvsnat.ipvs.resources import (
    NO_TUNNEL,
    Forwarding,
    IpvsServer,
    IpvsService,
    Prefix,
    ServiceFlag,
)
from lvsnat.ipvs.uapi import HEADER_SIZE, HEADERS, Command, Part, ServerAttribute, ServiceAttribute
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Family,
    KernelListener,
    MarkListener,
    Protocol,
)

_S = ServiceAttribute
_D = ServerAttribute

ALL_ONES = 0xFFFFFFFF
_PERSISTENT = int(ServiceFlag.PERSISTENT)
_HASHED = 0x2
_NOT_HASHED = ALL_ONES ^ _HASHED
_TUNNELLING = int(Forwarding.TUNNELLING)

_PROTOCOL_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_PROTOCOLS = {number: protocol for protocol, number in _PROTOCOL_NUMBERS.items()}
_FAMILIES = {int(family): family for family in Family}


_NO_TUNNEL = wire.u8(_D.TUN_TYPE, 0) + wire.u16(_D.TUN_PORT, 0) + wire.u16(_D.TUN_FLAGS, 0)

_SERVICE_READER = wire.AttributeReader(
    (
        _S.AF,
        _S.PROTOCOL,
        _S.ADDR,
        _S.PORT,
        _S.FWMARK,
        _S.SCHED_NAME,
        _S.FLAGS,
        _S.TIMEOUT,
        _S.NETMASK,
        _S.PE_NAME,
        _S.STATS64,
        _S.STATS,
    ),
    # A name of 1, 3 or 7 letters is as long as a number; ports, masks and flags are not numbers.
    blobs={
        _S.PORT,
        _S.SCHED_NAME,
        _S.FLAGS,
        _S.NETMASK,
        _S.PE_NAME,
    },
)
_SERVER_READER = wire.AttributeReader(
    (
        _D.ADDR_FAMILY,
        _D.ADDR,
        _D.PORT,
        _D.WEIGHT,
        _D.U_THRESH,
        _D.L_THRESH,
        _D.FWD_METHOD,
        _D.TUN_TYPE,
        _D.TUN_PORT,
        _D.TUN_FLAGS,
        _D.ACTIVE_CONNS,
        _D.INACT_CONNS,
        _D.PERSIST_CONNS,
        _D.STATS64,
        _D.STATS,
    ),
    blobs={_D.PORT, _D.TUN_PORT},
)


class ServiceEntry(NamedTuple):
    """A service as dumped; its counters still in bytes, because a plan has no use for them."""

    service: IpvsService
    stats64: bytes | None
    stats: bytes | None


class ServerEntry(NamedTuple):
    """A server as dumped; its counters still in bytes."""

    server: IpvsServer
    active: int
    inactive: int
    persistent: int
    stats64: bytes | None
    stats: bytes | None


def encode_service(command: Command, service: IpvsService) -> bytes:
    """NEW_SERVICE, SET_SERVICE or DEL_SERVICE."""
    parts = [*_key(service.listen), wire.text(_S.SCHED_NAME, service.scheduler)]
    if service.engine is not None:
        parts.append(wire.text(_S.PE_NAME, service.engine))
    parts += (
        wire.raw(
            _S.FLAGS,
            service.flags.to_bytes(4, sys.byteorder) + ALL_ONES.to_bytes(4, sys.byteorder),
        ),
        wire.u32(_S.TIMEOUT, service.timeout),
        wire.raw(_S.NETMASK, _netmask(service.listen.family, service.prefix)),
    )
    return HEADERS[command] + wire.nest(Part.SERVICE, *parts)


def encode_server(command: Command, server: IpvsServer) -> bytes:
    """NEW_DEST, SET_DEST or DEL_DEST."""
    endpoint = server.endpoint
    address = endpoint.address
    return (
        HEADERS[command]
        + wire.nest(Part.SERVICE, *_key(server.listen))
        + wire.nest(
            Part.DEST,
            wire.u16(_D.ADDR_FAMILY, 2 if address.version == 4 else 10),  # noqa: PLR2004
            wire.raw(_D.ADDR, address.packed.ljust(16, b"\0")),
            wire.u16_be(_D.PORT, endpoint.port),
            wire.u32(_D.FWD_METHOD, server.forwarding),
            wire.u32(_D.WEIGHT, server.weight),
            _tunnel(server),
            wire.u32(_D.U_THRESH, server.upper),
            wire.u32(_D.L_THRESH, server.lower),
        )
    )


def encode_key(command: Command, listen: KernelListener) -> bytes:
    """A command about a service that needs no more than its key: GET_DEST, ZERO."""
    return HEADERS[command] + wire.nest(Part.SERVICE, *_key(listen))


def decode_service(payload: bytes, start: int, end: int) -> ServiceEntry | None:
    """The service in a reply to GET_SERVICE, whose payload lies between start and end.

    None if its protocol is one that IPVS stores but does not balance.
    """
    first, last = nested(payload, start, end, Part.SERVICE)
    (af, protocol, address, port, mark, scheduler, flags, timeout, mask, engine, *stats) = (
        _SERVICE_READER.read(payload, first, last)
    )
    family = _FAMILIES[af]
    listen: KernelListener
    if mark:
        listen = MarkListener(mark, family)
    elif protocol not in _PROTOCOLS:
        return None
    else:
        listen = AddressListener(_PROTOCOLS[protocol], _endpoint(family, address, port))
    bits = int.from_bytes(flags[:4], sys.byteorder) & _NOT_HASHED
    persistent = bits & _PERSISTENT
    service = IpvsService(
        listen,
        _string(scheduler),
        bits,
        timeout if persistent else 0,
        _prefix(family, mask) if persistent else None,
        None if engine is None else _string(engine),
    )
    return ServiceEntry(service, *stats)


def decode_server(payload: bytes, start: int, end: int, service: IpvsService) -> ServerEntry:
    """The server in a reply to GET_DEST for this service."""
    first, last = nested(payload, start, end, Part.DEST)
    (af, address, port, weight, upper, lower, forwarding, kind, tunnel_port, flags, *observed) = (
        _SERVER_READER.read(payload, first, last)
    )
    active, inactive, persistent, stats64, stats = observed
    # Kernels before 3.18 do not say the family, because there it is always the service's.
    family = service.listen.family if af is None else _FAMILIES[af]
    server = IpvsServer(
        service.listen,
        _endpoint(family, address, port),
        weight,
        upper,
        lower,
        forwarding,
        (kind or 0, int.from_bytes(tunnel_port or b"", "big"), flags or 0)
        if forwarding == _TUNNELLING
        else NO_TUNNEL,
        service=service.key,
    )
    return ServerEntry(server, active or 0, inactive or 0, persistent or 0, stats64, stats)


def nested(payload: bytes, start: int, end: int, part: int) -> tuple[int, int]:
    """Where the content of a top-level attribute begins and ends."""
    start += HEADER_SIZE
    if end - start >= wire.HEADER.size:
        # It is the first one as a rule, and then a walk costs more than all the rest.
        length, kind = wire.HEADER.unpack_from(payload, start)
        if kind & wire.KIND_MASK == part and wire.HEADER.size <= length <= end - start:
            return start + wire.HEADER.size, start + length
    for kind, first, last in wire.attributes(payload, start, end):
        if kind == part:
            return first, last
    raise wire.UnreadableError(f"attribute {part} is missing")


def _key(listen: KernelListener) -> tuple[bytes, ...]:
    if isinstance(listen, MarkListener):
        return wire.u16(_S.AF, listen.family), wire.u32(_S.FWMARK, listen.mark)
    endpoint = listen.endpoint
    address = endpoint.address
    return (
        wire.u16(_S.AF, 2 if address.version == 4 else 10),  # noqa: PLR2004 - IP version 4
        wire.u16(_S.PROTOCOL, _PROTOCOL_NUMBERS[listen.protocol]),
        wire.raw(_S.ADDR, address.packed.ljust(16, b"\0")),
        wire.u16_be(_S.PORT, endpoint.port),
    )


def _tunnel(server: IpvsServer) -> bytes:
    if server.tunnel == NO_TUNNEL:
        return _NO_TUNNEL
    kind, port, flags = server.tunnel
    return (
        wire.u8(_D.TUN_TYPE, kind) + wire.u16_be(_D.TUN_PORT, port) + wire.u16(_D.TUN_FLAGS, flags)
    )


def _netmask(family: Family, prefix: Prefix) -> bytes:
    if isinstance(prefix, IPv4Address):
        return prefix.packed
    bits = family.bits if prefix is None else prefix
    if family is Family.IPV6:
        # The one field that means something else in each family: a prefix length here.
        return bits.to_bytes(4, sys.byteorder)
    return (ALL_ONES << (32 - bits) & ALL_ONES).to_bytes(4, "big")


def _prefix(family: Family, mask: bytes) -> Prefix:
    if family is Family.IPV6:
        bits = int.from_bytes(mask, sys.byteorder)
    else:
        number = int.from_bytes(mask, "big")
        bits = number.bit_count()
        if number != ALL_ONES << (32 - bits) & ALL_ONES:
            return IPv4Address(number)
    return None if bits == family.bits else bits


@lru_cache(maxsize=1 << 15)
def _endpoint(family: Family, address: bytes, port: bytes) -> Endpoint:
    """Kept, because a real server stands behind many services, and a table is read many times."""
    number = int.from_bytes(port, "big")
    if family is Family.IPV4:
        return Endpoint(IPv4Address(address[:4]), number)
    return Endpoint(IPv6Address(address), number)


def _string(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")
