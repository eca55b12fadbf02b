"""IPVS as a whole: its timeouts, its sync daemons, its version. Values and their bytes; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from lvsnat.ipvs import wire
from lvsnat.ipvs.codec import nested
from lvsnat.ipvs.uapi import HEADER_SIZE, HEADERS, Command, Part
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import IPAddress


class SyncRole(IntEnum):
    """What a sync daemon does; a director may run one of each."""

    MASTER = 1
    """Sends connections."""
    BACKUP = 2
    """Receives them."""

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class SyncDaemon:
    """A kernel thread that carries connections between directors; 0 or None: its own choice."""

    role: SyncRole
    interface: str
    sync_id: int = 0
    max_length: int = 0
    """Bytes of a sync message; the kernel takes what fits the interface's MTU."""
    group: IPAddress | None = None
    """The multicast group; the kernel takes 224.0.0.81."""
    port: int = 0
    """The kernel takes 8848."""
    ttl: int = 0
    """The kernel takes 1."""


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """What GET_INFO says."""

    version: tuple[int, int, int]
    table_size: int
    """Buckets of the connection table; kernels that grow it say 0 before the first service."""


_STATE, _INTERFACE, _SYNC_ID, _MAX_LENGTH, _GROUP, _GROUP6, _PORT, _TTL = range(1, 9)
_INFO = wire.AttributeReader((1, 2))
_TIMEOUTS = wire.AttributeReader((Part.TIMEOUT_TCP, Part.TIMEOUT_TCP_FIN, Part.TIMEOUT_UDP))
_DAEMON = wire.AttributeReader(
    (_STATE, _INTERFACE, _SYNC_ID, _MAX_LENGTH, _GROUP, _GROUP6, _PORT, _TTL),
    blobs={_INTERFACE, _GROUP, _GROUP6},
)


def encode_timeouts(timeouts: Timeouts) -> bytes:
    # The kernel leaves one as it is where it is given 0.
    return (
        HEADERS[Command.SET_CONFIG]
        + wire.u32(Part.TIMEOUT_TCP, timeouts.tcp or 0)
        + wire.u32(Part.TIMEOUT_TCP_FIN, timeouts.tcp_fin or 0)
        + wire.u32(Part.TIMEOUT_UDP, timeouts.udp or 0)
    )


def decode_timeouts(payload: bytes, start: int, end: int) -> Timeouts:
    tcp, tcp_fin, udp = _TIMEOUTS.read(payload, start + HEADER_SIZE, end)
    return Timeouts(tcp or 0, tcp_fin or 0, udp or 0)


def decode_info(payload: bytes, start: int, end: int) -> KernelInfo:
    version, table_size = _INFO.read(payload, start + HEADER_SIZE, end)
    return KernelInfo((version >> 16, version >> 8 & 0xFF, version & 0xFF), table_size)


def encode_daemon(command: Command, daemon: SyncDaemon) -> bytes:
    """NEW_DAEMON with all that is set, or DEL_DAEMON, for which the role is enough."""
    parts = [wire.u32(_STATE, daemon.role)]
    if command is Command.NEW_DAEMON:
        # The kernel wants interface and id always, and takes its defaults for what is absent.
        parts += [wire.text(_INTERFACE, daemon.interface), wire.u32(_SYNC_ID, daemon.sync_id)]
        if daemon.max_length:
            parts.append(wire.u16(_MAX_LENGTH, daemon.max_length))
        if daemon.group is not None:
            kind = _GROUP6 if isinstance(daemon.group, IPv6Address) else _GROUP
            parts.append(wire.raw(kind, daemon.group.packed))
        if daemon.port:
            parts.append(wire.u16(_PORT, daemon.port))
        if daemon.ttl:
            parts.append(wire.u8(_TTL, daemon.ttl))
    return HEADERS[command] + wire.nest(Part.DAEMON, *parts)


def decode_daemon(payload: bytes, start: int, end: int) -> SyncDaemon:
    first, last = nested(payload, start, end, Part.DAEMON)
    state, interface, sync_id, max_length, group, group6, port, ttl = _DAEMON.read(
        payload, first, last
    )
    address: IPAddress | None = None
    if group is not None:
        address = IPv4Address(group)
    elif group6 is not None:
        address = IPv6Address(group6)
    return SyncDaemon(
        SyncRole(state),
        interface.rstrip(b"\0").decode(),
        sync_id,
        max_length or 0,
        address,
        port or 0,
        ttl or 0,
    )
