"""The lines of /proc/net/snmp, netstat and snmp6. Pure: texts in, numbers out; no I/O here."""

from __future__ import annotations

from contextlib import suppress


def counters(snmp: str, netstat: str, snmp6: str) -> dict[str, int]:
    """What the kernel has counted: ``IpReasmFails``, ``TcpExtTW``, ``Ip6FragFails``."""
    found: dict[str, int] = {}
    lines = [line.split() for text in (snmp, netstat) for line in text.splitlines()]
    # Names and values of a protocol stand in two lines, one above the other.
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if names[:1] == values[:1] and names:
            kind = names[0].removesuffix(":")
            for name, value in zip(names[1:], values[1:], strict=False):
                _put(found, f"{kind}{name}", value)
    for line in snmp6.splitlines():
        name, _, value = line.partition(" ")
        _put(found, name.strip(), value.strip())
    return found


def _put(found: dict[str, int], name: str, value: str) -> None:
    with suppress(ValueError):
        found[name] = int(value)
