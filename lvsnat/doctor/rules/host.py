"""The host: IPVS, VIPs, tables that are full, counters that stand still. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import setting
from lvsnat.host.resources import Vip
from lvsnat.ipvs.resources import NO_MODULE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import IPAddress, MarkListener
from lvsnat.model.proxied import ipvs_services

COUNT, LIMIT = "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max"
CONN_REUSE = "net.ipv4.vs.conn_reuse_mode"
LOAD_IPVS = f"'sudo modprobe ip_vs', then 'lvsnat apply'; {NO_MODULE}"
_NEARLY = 0.9
_BEFORE, _SINCE = (4, 1), (5, 9)
"""The kernels in between take a second for each reused port with conn_reuse_mode 1."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None:
        return
    if ipvs_services(facts.config):
        yield from _ipvs(facts.host)
        yield from _lacking(facts.config, facts.host)
        yield from _conn_reuse(facts.host)
    yield from _vips(facts.config, facts.host)
    yield from _refused(facts.config, facts.host)
    yield from _elsewhere(facts)
    yield from _conntrack(facts.host)
    yield from _table(facts)


def vips(config: Config) -> dict[IPAddress, str]:
    """Each VIP, with the first service that listens there."""
    found: dict[IPAddress, str] = {}
    for service in config.services:
        if not isinstance(service.listen, MarkListener):
            found.setdefault(service.listen.address, service.name)
    return found


def _ipvs(host: HostFacts) -> Iterator[Finding]:
    if not host.ipvs:
        yield Finding(
            Code.IPVS_MISSING,
            Severity.BROKEN,
            "the module ip_vs",
            "not loaded",
            "loaded",
            "no packet is balanced without it",
            LOAD_IPVS,
        )


def modules(config: Config) -> dict[str, tuple[str, str]]:
    """The modules that services of IPVS need beside ip_vs: of which service, and for what."""
    found: dict[str, tuple[str, str]] = {}
    for service in ipvs_services(config):
        found.setdefault(f"ip_vs_{service.scheduler}", (service.name, str(service.scheduler)))
        if service.persistence is not None and service.persistence.engine is not None:
            engine = str(service.persistence.engine)
            found.setdefault(f"ip_vs_pe_{engine}", (service.name, engine))
    return found


def _lacking(config: Config, host: HostFacts) -> Iterator[Finding]:
    for module, (service, word) in modules(config).items():
        if module in host.lacking:
            yield Finding(
                Code.SCHEDULER_MISSING,
                Severity.BROKEN,
                f"the module {module}",
                "this kernel does not have it",
                "a kernel that has it",
                f"it refuses {service}, which asks for {word}",
                f"'lvsnat service set {service} --scheduler wlc', or another kernel (on Ubuntu the"
                " package linux-modules-extra)"
                if not module.startswith("ip_vs_pe_")
                else f"persistence of {service} without engine, or another kernel",
            )


def _conn_reuse(host: HostFacts) -> Iterator[Finding]:
    value = host.settings.get(CONN_REUSE)
    if value is None or host.kernel < _BEFORE:
        return
    old = host.kernel < _SINCE
    wanted = "0" if old else "1"
    # Any other value than 0 has the bit that matters.
    if (value == "0") is not old:
        kernel = ".".join(map(str, host.kernel))
        why = (
            "at 1 this kernel delays a connection from a port that was just in use by a second"
            if old
            else "at 0 a client that uses a port again may be sent to a server that is gone"
        )
        yield Finding(
            Code.CONN_REUSE,
            Severity.RISK,
            CONN_REUSE,
            f"{value} (kernel {kernel})",
            wanted,
            why,
            setting(CONN_REUSE, wanted),
        )


def _vips(config: Config, host: HostFacts) -> Iterator[Finding]:
    if host.assigned is None:
        return
    present = {one.address for one in host.assigned}
    for vip, service in vips(config).items():
        if vip not in present:
            managed = config.host.manage_vip
            yield Finding(
                Code.VIP_MISSING,
                Severity.BROKEN,
                f"VIP {vip}",
                "on no interface",
                "on an interface",
                f"the kernel does not take what is sent to it for its own: {service} gets nothing",
                "'lvsnat apply'" if managed else f"'ip address add {vip} dev INTERFACE'",
                Fix((Vip(vip).key,)) if managed else None,
            )


def _refused(config: Config, host: HostFacts) -> Iterator[Finding]:
    """IPv6 that the kernel does not use, since a neighbour said that it has it (RFC 4862)."""
    for one in host.assigned or ():
        if one.duplicate and one.address in vips(config):
            yield Finding(
                Code.VIP_DUPLICATE,
                Severity.BROKEN,
                f"VIP {one.address}",
                f"another host has it, so that the kernel does not use it on {one.interface}"
                " (dadfailed)",
                "here alone",
                "what is sent to it does not come here",
                f"take it from the other host, then 'ip address del {one.address}/"
                f"{one.network.prefixlen} dev {one.interface}' and 'lvsnat apply'",
            )


def _elsewhere(facts: Facts) -> Iterator[Finding]:
    if facts.probes is None:
        return
    for vip, link in facts.probes.elsewhere.items():
        yield Finding(
            Code.VIP_DUPLICATE,
            Severity.BROKEN,
            f"VIP {vip}",
            f"another host answers for it, too: {link}",
            "here alone",
            "some neighbours send their packets there, and these clients get no answer",
            f"'ip neighbour | grep {link}' on the router names the host: take the address from it,"
            " or stop the other director",
        )


def _conntrack(host: HostFacts) -> Iterator[Finding]:
    held, limit = (host.settings.get(name, "") for name in (COUNT, LIMIT))
    if not (held.isdigit() and limit.isdigit() and int(limit)):
        return
    if int(held) >= _NEARLY * int(limit):
        full = int(held) >= int(limit)
        yield Finding(
            Code.CONNTRACK_FULL,
            Severity.BROKEN if full else Severity.RISK,
            "netfilter's table of connections",
            f"{held} of {limit}",
            f"less than {int(_NEARLY * int(limit))}",
            "when it is full, the kernel drops the packets of new connections",
            f"{setting(LIMIT, 2 * int(limit))}; or exempt the services from tracking ('notrack')",
        )


def _table(facts: Facts) -> Iterator[Finding]:
    if facts.status is None:
        return
    table = facts.status.table
    if table.limit is not None and (table.connections or 0) >= _NEARLY * table.limit:
        yield Finding(
            Code.TABLE_FULL,
            Severity.BROKEN if (table.connections or 0) >= table.limit else Severity.RISK,
            "IPVS's table of connections",
            f"{table.connections} of {table.limit}",
            "fewer",
            "a new connection beyond the limit is dropped without a word",
            "'sysctl -w net.ipv4.vs.conn_max=N' with a greater N; 'lvsnat connections --by client'"
            " shows who holds the most",
        )
    if not table.estimating and facts.config is not None and ipvs_services(facts.config):
        yield Finding(
            Code.NO_ESTIMATION,
            Severity.RISK,
            "net.ipv4.vs.run_estimation",
            "off, or est_cpulist is empty",
            "on",
            "counters and rates stand still, and whether replies come back cannot be told from"
            " them",
            "'sysctl -w net.ipv4.vs.run_estimation=1'; if it is 1, write a processor's number to"
            " net.ipv4.vs.est_cpulist",
        )
