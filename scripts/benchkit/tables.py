"""The same IPVS table in two languages: lvsnat.toml, and the lines of ipvsadm. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PORTS_OF_A_VIP = 5000
"""Few addresses with many ports: ipvsadm adds no addresses, so they must not be what is timed."""
FIRST_PORT = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """How many services, and how many servers each has."""

    services: int
    servers: int

    def __str__(self) -> str:
        return f"{self.services:,} x {self.servers}"

    @property
    def resources(self) -> int:
        """Services and servers together: what ipvsadm has a line for."""
        return self.services * (1 + self.servers)


def configuration(size: Size, *, weight: int = 1) -> str:
    """Write lvsnat.toml; `weight` is that of the very last server."""
    lines = ['mode = "lvs-nat"']
    for number, listen in enumerate(_listeners(size)):
        lines += ["", "[[service]]", f'name = "service-{number}"', f'listen = "tcp/{listen}"']
        lines += ['scheduler = "wrr"', "servers = ["]
        last_service = number == size.services - 1
        for index, address in enumerate(_servers(size, number)):
            last = last_service and index == size.servers - 1
            lines.append(f'  {{ address = "{address}", weight = {weight if last else 1} }},')
        lines.append("]")
    return "\n".join(lines) + "\n"


def rules(size: Size) -> str:
    """Write what `ipvsadm -R` reads."""
    lines = []
    for number, listen in enumerate(_listeners(size)):
        lines.append(f"-A -t {listen} -s wrr")
        lines += [f"-a -t {listen} -r {server} -m -w 1" for server in _servers(size, number)]
    return "\n".join(lines) + "\n"


def _listeners(size: Size) -> Iterator[str]:
    for number in range(size.services):
        vip, port = divmod(number, PORTS_OF_A_VIP)
        yield f"192.0.2.{vip + 1}:{FIRST_PORT + port}"


def _servers(size: Size, service: int) -> Iterator[str]:
    for number in range(size.servers):
        yield f"10.{number + 1}.{service // 250}.{service % 250 + 1}:8080"
