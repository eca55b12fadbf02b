"""What other people's rules do with services besides dropping them. No I/O here.

A rule that cannot be read for sure is passed over, as everywhere (lvsnat.host.firewall).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules import flowtable
from lvsnat.doctor.rules.services import some
from lvsnat.doctor.typed import UNSAVED, command, setting
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Verdict, chains_of, fate
from lvsnat.host.rulewords import Json
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, MarkListener, Protocol
from lvsnat.model.proxied import ipvs_services, proxied_services
from lvsnat.model.service import VirtualService

_CONNTRACK: Final = "net.ipv4.vs.conntrack"
_ICMP: Final = {Family.IPV4: "icmp", Family.IPV6: "icmpv6"}


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or facts.host.listing is None:
        return
    config, host = facts.config, facts.host
    chains = chains_of(facts.host.listing)
    yield from _icmp(config, host, chains)
    yield from _redirected(config, chains)
    yield from _output(config, host, chains)
    yield from _answers(config, chains)
    if ipvs_services(config):
        yield from _untracked(host, chains)
        yield from flowtable.findings(config, chains) if _tracked(host) else ()


def _tracked(host: HostFacts) -> bool:
    return host.settings.get(_CONNTRACK) == "1"


def _icmp(config: Config, host: HostFacts, chains: Chains) -> Iterator[Finding]:
    """What a router on the clients' side answers to a packet that is too big."""
    ours: dict[IPAddress, str] = {}
    for service in ipvs_services(config):
        if not isinstance(service.listen, MarkListener):
            ours.setdefault(service.listen.address, "related" if _tracked(host) else "invalid")
    for chain in chains.values():
        if chain.hook not in ("prerouting", "input") or chain.kind != "filter":
            continue
        for vip, state in ours.items():
            family = Family.of(vip)
            packet = Packet(state, EXAMPLE[family], vip, protocol=_ICMP[family])
            if chain.sees(family) and _surely(chain, chains, packet, Verdict.DROP):
                yield Finding(
                    Code.ICMP_DROPS,
                    Severity.RISK,
                    f"the nft chain {chain}",
                    f"drops ICMP that is sent to {vip}",
                    "lets it pass",
                    "a router that asks for smaller packets is not heard: large answers do not"
                    " reach some clients",
                    f"let it in: {command(_letting_icmp_in(chain, vip))}{UNSAVED}",
                )


def _letting_icmp_in(chain: Chain, vip: IPAddress) -> str:
    four = Family.of(vip) is Family.IPV4
    if chain.table == "filter" and chain.name == "INPUT":  # iptables made it
        program, protocol = ("iptables", "icmp") if four else ("ip6tables", "icmpv6")
        return f"{program} -I INPUT -p {protocol} -d {vip} -j ACCEPT"
    words = (
        f"ip daddr {vip} ip protocol icmp" if four else f"ip6 daddr {vip} meta l4proto ipv6-icmp"
    )
    return f"nft 'insert rule {chain} {words} accept'"


def _redirected(config: Config, chains: Chains) -> Iterator[Finding]:
    for chain in chains.values():
        if chain.hook != "prerouting" or chain.kind != "nat":
            continue
        for service in config.services:
            listen = service.listen
            if isinstance(listen, MarkListener) or not chain.sees(listen.family):
                continue
            packet = Packet(
                "new",
                EXAMPLE[listen.family],
                listen.address,
                listen.ports[0].first,
                protocol=listen.protocol,
                local=True,
            )
            if _surely(chain, chains, packet, Verdict.ELSEWHERE):
                yield Finding(
                    Code.REDIRECTED,
                    Severity.BROKEN,
                    f"the nft chain {chain}",
                    f"gives what clients of {service.name} ({listen}) send another destination",
                    "leaves it alone",
                    "it comes before IPVS and HAProxy, which get nothing",
                    f"except the VIP: {command(_excepting(chain, listen.address))}; or publish"
                    " the port on one address ('docker run -p 127.0.0.1:80:80')",
                    scope=(service.name,),
                )


def _excepting(chain: Chain, vip: IPAddress) -> str:
    if chain.table == "nat" and chain.name == "PREROUTING":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        return f"{program} -t nat -I PREROUTING -d {vip} -j ACCEPT"
    field = "ip" if Family.of(vip) is Family.IPV4 else "ip6"
    return f"nft 'insert rule {chain} {field} daddr {vip} accept'"


def _output(config: Config, host: HostFacts, chains: Chains) -> Iterator[Finding]:
    state = "new" if _tracked(host) else "untracked"
    parts = ((ipvs_services(config), state), (proxied_services(config), "new"))
    for chain in chains.values():
        if chain.hook not in ("output", "postrouting") or chain.kind != "filter":
            continue
        dropped = dict.fromkeys(
            server.endpoint
            for services, known_as in parts
            for service in services
            for server in service.servers
            if _surely(chain, chains, _sent(service, server.endpoint, host, known_as), Verdict.DROP)
            and chain.sees(server.endpoint.family)
        )
        for family in Family:
            mine = [one for one in dropped if one.family is family]
            if mine:
                yield Finding(
                    Code.OUTPUT_DROPS,
                    Severity.BROKEN,
                    f"the nft chain {chain}",
                    f"drops what is sent to {some(mine)}",
                    "lets it pass",
                    "IPVS and HAProxy send to the real servers by the hook output",
                    "let it out: "
                    f"{command(_letting_out(chain, [one.address for one in mine]))}{UNSAVED}",
                )


def _answers(config: Config, chains: Chains) -> Iterator[Finding]:
    """What HAProxy answers is this host's own; what IPVS does passes the hook forward."""
    for chain in chains.values():
        for service in proxied_services(config):
            listen = service.listen
            if chain.hook not in ("output", "postrouting") or isinstance(listen, MarkListener):
                continue
            packet = Packet(
                "established",
                listen.address,
                EXAMPLE[listen.family],
                source_port=listen.ports[0].first,
            )
            if (
                chain.kind == "filter"
                and chain.sees(listen.family)
                and _surely(chain, chains, packet, Verdict.DROP)
            ):
                yield Finding(
                    Code.OUTPUT_DROPS,
                    Severity.BROKEN,
                    f"the nft chain {chain}",
                    f"drops what {service.name} ({listen}) answers",
                    "lets it pass",
                    "HAProxy answers clients by the hook output",
                    f"let it out: {command(_letting_out(chain, [listen.address], 's'))}{UNSAVED}",
                    scope=(service.name,),
                )


def _sent(service: VirtualService, server: Endpoint, host: HostFacts, state: str) -> Packet:
    way = host.ways.get(server.address)
    listen = service.listen
    return Packet(
        state,
        EXAMPLE[server.family],
        server.address,
        server.port or None,
        outgoing=None if way is None else way.interface,
        protocol=Protocol.TCP if isinstance(listen, MarkListener) else listen.protocol,
    )


def _letting_out(chain: Chain, servers: list[IPAddress], side: str = "d") -> str:
    """``side``: d for their destination, s for their source."""
    places = list(dict.fromkeys(map(str, servers)))
    if chain.table == "filter" and chain.name == "OUTPUT":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        return f"{program} -I OUTPUT -{side} {','.join(places)} -j ACCEPT"
    field = "ip" if Family.of(servers[0]) is Family.IPV4 else "ip6"
    return f"nft 'insert rule {chain} {field} {side}addr {{ {', '.join(places)} }} accept'"


def _untracked(host: HostFacts, chains: Chains) -> Iterator[Finding]:
    value = host.settings.get(_CONNTRACK)
    for chain in chains.values() if value != "1" and host.ipvs else ():
        if any(_is_xt(one, "ipvs") for rule in chain.rules for one in rule):
            lacks = value is None
            yield Finding(
                Code.RULE_NEEDS_CONNTRACK,
                Severity.RISK,
                f"the nft chain {chain}",
                "a rule with -m ipvs, and "
                + (f"this kernel has no {_CONNTRACK}" if lacks else f"{_CONNTRACK} is {value}"),
                "1",
                "the rule never matches: netfilter is not told of connections of IPVS",
                "a kernel that was built with CONFIG_IP_VS_NFCT"
                if lacks
                else setting(_CONNTRACK, 1),
            )


def _is_xt(statement: Json, name: str) -> bool:
    match statement:
        case {"xt": {"name": str(found)}}:
            return found == name
        case _:
            return False


def _surely(chain: Chain, chains: Chains, packet: Packet, verdict: Verdict) -> bool:
    found = fate(chain, chains, packet)
    return found.verdict is verdict and not found.doubtful
