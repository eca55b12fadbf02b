"""Whether the kernel takes what comes in by an interface: the reverse path filter. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.host import vips
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress

_STRICT = 1


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or facts.host.assigned is None:
        return
    told = set()
    for one in (*_clients(facts.config, facts.host), *_servers(facts.config, facts.host)):
        if one.subject not in told:
            told.add(one.subject)
            yield one


def _clients(config: Config, host: HostFacts) -> Iterator[Finding]:
    """Clients of a VIP come in where its network is, and their way back is another interface."""
    back = host.ways.get(EXAMPLE[Family.IPV4])
    if back is None or back.interface is None:
        return
    for vip in vips(config):
        if Family.of(vip) is not Family.IPV4:
            continue
        places = [one for one in host.assigned or () if holds(one, vip)]
        names = {one.interface for one in places}
        if places and back.interface not in names:
            for name in sorted(names):
                if is_strict(host, name):
                    yield _finding(
                        Severity.BROKEN,
                        name,
                        f"clients of {vip} come in here, and the way back to them is"
                        f" {back.interface}: the kernel drops their packets",
                    )


def _servers(config: Config, host: HostFacts) -> Iterator[Finding]:
    """Two interfaces in the servers' network: replies that come in by the other one are lost."""
    servers = dict.fromkeys(s.endpoint.address for web in config.services for s in web.servers)
    for one in host.assigned or ():
        mine = [server for server in servers if holds(one, server)]
        used = {host.ways[server].interface for server in mine if server in host.ways}
        if used and one.interface not in used and is_strict(host, one.interface):
            yield _finding(
                Severity.RISK,
                one.interface,
                f"replies of {mine[0]} that come in here are dropped, since the route to it is"
                f" {', '.join(sorted(filter(None, used)))}",
            )


def holds(one: AssignedAddress, address: IPAddress) -> bool:
    """Whether an address is a neighbour there."""
    return not one.is_host and one.interface != LOOPBACK and address in one.network


def is_strict(host: HostFacts, interface: str) -> bool:
    """Whether packets must come in where they would be answered; the greater value counts."""
    values = [host.filters.get(name, "0") for name in ("all", interface)]
    return max(int(value) if value.isdigit() else 0 for value in values) == _STRICT


def _finding(severity: Severity, interface: str, why: str) -> Finding:
    name = f"net.ipv4.conf.{interface}.rp_filter"
    return Finding(
        Code.RP_FILTER, severity, name, "1 (strict)", "2 (loose) or 0", why,
        f"'sysctl -w {name}=2', and the same line in /etc/sysctl.d",
    )  # fmt: skip
