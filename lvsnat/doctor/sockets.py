"""The lines of /proc/net/tcp, tcp6, udp and udp6. Pure: a line in, a value out; no I/O here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from lvsnat.doctor.facts import Socket, SocketState
from lvsnat.model.endpoint import Endpoint, IPAddress, Protocol

_STATES: Final = {
    (Protocol.TCP, "0A"): SocketState.LISTENING,
    (Protocol.TCP, "02"): SocketState.OPENING,
    (Protocol.UDP, "07"): SocketState.LISTENING,
}
"""net/tcp_states.h; of UDP, 07 is a socket that takes from anybody."""
_IPV4, _WORD = 8, 4
_LOCAL, _REMOTE, _STATE, _RETRANSMITS = 1, 2, 3, 6


def sockets(protocol: Protocol, lines: Iterable[str]) -> Iterator[Socket]:
    """Those that listen and those that open; the others are passed over, and the header."""
    for line in lines:
        fields = line.split(None, _RETRANSMITS + 1)
        state = _STATES.get((protocol, fields[_STATE])) if len(fields) > _RETRANSMITS else None
        if state is not None:
            local, remote = _endpoint(fields[_LOCAL]), _endpoint(fields[_REMOTE])
            again = state is SocketState.OPENING and int(fields[_RETRANSMITS], 16) > 0
            yield Socket(protocol, local, remote, state, again)


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.partition(":")
    return Endpoint(_address(address), int(port, 16))


def _address(text: str) -> IPAddress:
    """The kernel writes words of 32 bits as numbers, each in this machine's order of bytes."""
    words = (int(text[at : at + 2 * _WORD], 16) for at in range(0, len(text), 2 * _WORD))
    packed = b"".join(word.to_bytes(_WORD, sys.byteorder) for word in words)
    if len(text) == _IPV4:
        return IPv4Address(packed)
    long = IPv6Address(packed)
    return long.ipv4_mapped or long
