"""Read this host for the doctor. Never writes, loads no module, sends nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from lvsnat.doctor import processes
from lvsnat.doctor.counters import counters
from lvsnat.doctor.facts import HostFacts, Neighbour, Socket, SocketState
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.rules.host import CONN_REUSE, COUNT, LIMIT, modules
from lvsnat.doctor.rules.unmanaged import NAMES
from lvsnat.doctor.rules.wires import ARP_IGNORE, FORWARDING, GC_THRESH
from lvsnat.doctor.sockets import sockets
from lvsnat.errors import LvsnatError
from lvsnat.host import neighbours, nft
from lvsnat.host.expressions import FAMILY, NAME
from lvsnat.host.firewall import without
from lvsnat.host.iptables import saved
from lvsnat.host.netlink import Addresses
from lvsnat.host.routing import Routing
from lvsnat.host.rules import WANTED
from lvsnat.host.seen import Answer
from lvsnat.host.sysctl import SysctlTree
from lvsnat.host.transparency import EXAMPLE, RP_FILTER
from lvsnat.ipvs.proc import ProcFiles
from lvsnat.model import endpoint
from lvsnat.model.config import Config
from lvsnat.model.endpoint import IPAddress
from lvsnat.system import read_file

NET: Final = Path("/proc/thread-self/net")
PLAIN: Final = (CONN_REUSE, COUNT, LIMIT, *NAMES, *GC_THRESH.values())
"""Settings that are read beside those that the configuration asks for."""
_VENDOR: Final = Path("/sys/class/dmi/id/sys_vendor")
_AMAZON: Final = "Amazon EC2"


class Survey(Protocol):
    """One who reads a host: this module's ``read_host``, or a test's own."""

    def __call__(self, config: Config) -> tuple[HostFacts, tuple[Unread, ...]]:
        """What is there, and what could not be read of it."""
        ...


def read_host(config: Config) -> tuple[HostFacts, tuple[Unread, ...]]:
    """This host's kernel, as the network namespace of this thread sees it."""
    facts = HostFacts(
        _kernel(), ProcFiles().exist(), _settings(), _filters(), _places(), ec2=_is_ec2()
    )
    unread: list[Unread] = []
    parts: tuple[tuple[str, Callable[[HostFacts], HostFacts]], ...] = (
        ("the firewall's rules", _with_rules),
        ("addresses", _with_addresses),
        ("routes", lambda known: replace(known, ways=_ways(config))),
        ("neighbours", _with_neighbours),
        ("modules", lambda known: replace(known, lacking=processes.lacking(modules(config)))),
        ("programs", _with_programs),
        ("sockets", lambda known: replace(known, listening=tuple(read_sockets(_is_listening)))),
    )
    for part, fill in parts:
        try:
            facts = fill(facts)
        except (LvsnatError, OSError) as error:
            unread.append(Unread.of(part, error))
    return facts, tuple(unread)


def read_sockets(wanted: Callable[[Socket], bool]) -> Iterator[Socket]:
    """The sockets of this host that are wanted, of hundreds of thousands perhaps."""
    for protocol in (endpoint.Protocol.TCP, endpoint.Protocol.UDP):
        for name in (protocol, f"{protocol}6"):
            path = NET / name
            if path.exists():  # A kernel without IPv6 has one of each.
                with path.open(encoding="ascii") as lines:
                    yield from filter(wanted, sockets(protocol, lines))


def _is_listening(socket: Socket) -> bool:
    return socket.state is SocketState.LISTENING


def _kernel() -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (0, 0) if found is None else (int(found[1]), int(found[2]))


def _settings() -> dict[str, str]:
    tree = SysctlTree(load=lambda _: None)
    seen = {rule.name: tree.observe(rule.name) for rule in WANTED}
    found = {name: one.value for name, one in seen.items() if one is not None}
    plain = {name: read_file(Path("/proc/sys") / name.replace(".", "/")) for name in PLAIN}
    return found | {name: text.strip() for name, text in plain.items() if text is not None}


def _places() -> dict[str, dict[str, str]]:
    tree = SysctlTree(load=lambda _: None)
    return {name: tree.everywhere(name) for name in (FORWARDING, ARP_IGNORE)}


def _with_programs(facts: HostFacts) -> HostFacts:
    return replace(facts, rivals=(*processes.rivals(),), restoring=processes.restoring())


def read_counters() -> dict[str, int]:
    """What the kernel has counted of IP and TCP since it started; nothing where it does not say."""
    return counters(*(read_file(NET / name) or "" for name in ("snmp", "netstat", "snmp6")))


def _filters() -> dict[str, str]:
    return SysctlTree(load=lambda _: None).everywhere(RP_FILTER)


def _with_rules(facts: HostFacts) -> HostFacts:
    return replace(facts, listing=tuple(without(nft.ruleset(), FAMILY, NAME)), saved=saved())


def _with_addresses(facts: HostFacts) -> HostFacts:
    with Addresses() as addresses:
        return replace(facts, assigned=tuple(addresses.assigned()))


def _ways(config: Config) -> dict[IPAddress, Answer]:
    servers = {server.endpoint.address for web in config.services for server in web.servers}
    with Routing() as routing:
        return {one: routing.lookup(one) for one in (*servers, *EXAMPLE.values())}


def _with_neighbours(facts: HostFacts) -> HostFacts:
    known = neighbours.states()
    return replace(facts, neighbours={one: _word(state) for one, state in known.items()})


def _word(state: int) -> Neighbour:
    if state & neighbours.FAILED:
        return Neighbour.FAILED
    if state & neighbours.INCOMPLETE:
        return Neighbour.ASKED
    return Neighbour.ANSWERS if state & neighbours.ANSWERED else Neighbour.UNKNOWN


def _is_ec2() -> bool:
    try:
        return (read_file(_VENDOR) or "").strip() == _AMAZON
    except LvsnatError:
        return False
