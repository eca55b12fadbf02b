"""What firewalls on this host do with the packets of services. No I/O here.

The reading of the rules is lvsnat.host's: forward.py, arrivals.py and transparency.py say the same
before a change.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.typed import UNSAVED, command
from lvsnat.host import forward
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Listing, Rule, Verdict, chains_of, fate
from lvsnat.host.masquerading import offender
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family, MarkListener
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.service import VirtualService

_SHOWN = 3
_HOOKS = ("ingress", "prerouting", "input")
"""What a packet to a VIP goes through before IPVS or HAProxy gets it."""
_AT_BOOT = "; the next boot has what your firewall's own configuration says"


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or facts.host.listing is None:
        return
    listing, tracked = facts.host.listing, facts.host.settings.get("net.ipv4.vs.conntrack") == "1"
    chains = chains_of(listing)
    yield from _input(facts.config, chains)
    if tracked:
        yield from _masqueraded(facts.config, facts.host, chains)
    yield from _forward(listing, facts.config, tracked=tracked)


def _forward(listing: Listing, config: Config, *, tracked: bool) -> Iterator[Finding]:
    for one in forward.cautions(listing, config, tracked=tracked):
        subject, verb, rest = one.message.partition(" drops ")
        way, _, words = one.hint.partition(": ")
        yield Finding(
            Code.FORWARD_DROPS,
            Severity.BROKEN,
            subject,
            f"{verb.strip()} {rest}",
            "lets it pass",
            "replies go through the hook forward, with the real server's address",
            f"{way}: {command(words)}{UNSAVED}",
        )


def _input(config: Config, chains: Chains) -> Iterator[Finding]:
    for chain in chains.values():
        if chain.hook not in _HOOKS or chain.kind != "filter":
            continue
        shut = [web for web in config.services if _is_shut(web, chain, chains)]
        if shut:
            some = ", ".join(f"{web.name} ({web.listen})" for web in shut[:_SHOWN])
            more = f" and {len(shut) - _SHOWN} more" if len(shut) > _SHOWN else ""
            yield Finding(
                Code.INPUT_DROPS,
                Severity.BROKEN,
                f"the nft chain {chain}",
                f"drops what clients send to {some}{more}",
                "lets it pass",
                f"packets to a VIP go through the hook {chain.hook} before IPVS or HAProxy gets"
                " them",
                f"let them in: {command(_accepting(chain, shut[0]))}{UNSAVED}",
            )


def _is_shut(service: VirtualService, chain: Chain, chains: Chains) -> bool:
    """Whether it is sure that a new connection is dropped."""
    listen = service.listen
    if isinstance(listen, MarkListener) or not chain.sees(listen.family):
        return False
    port = listen.ports[0].first
    packet = Packet(
        "new",
        EXAMPLE[listen.family],
        listen.address,
        port or None,
        protocol=listen.protocol,
        local=True,
    )
    found = fate(chain, chains, packet)
    return found.verdict is Verdict.DROP and not found.doubtful


def _accepting(chain: Chain, service: VirtualService) -> str:
    listen = service.listen
    if isinstance(listen, MarkListener):
        return ""
    ports = ",".join(str(ports).replace("-", ":") for ports in listen.ports)
    if chain.name == "INPUT" and chain.table == "filter":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        words = f"-p {listen.protocol} -d {listen.address} -m multiport --dports {ports}"
        return f"{program} -I INPUT {words} -j ACCEPT"
    field = "ip" if listen.family is Family.IPV4 else "ip6"
    several = ports.replace(":", "-").replace(",", ", ")
    where = f"{field} daddr {listen.address} {listen.protocol} dport {{ {several} }}"
    return f"nft 'insert rule {chain} {where} accept'"


def _masqueraded(config: Config, host: HostFacts, chains: Chains) -> Iterator[Finding]:
    """Only what connection tracking sees is given another source."""
    for chain in chains.values():
        if chain.hook != "postrouting" or chain.kind != "nat":
            continue
        for service in ipvs_services(config):
            rules = {
                server.endpoint.address: rule
                for server in service.servers
                if (rule := _hiding(host, chain, chains, server.endpoint)) is not None
            }
            if rules:
                first = next(iter(rules.values()))
                named = offender(chain, first, host.listing or (), host.saved, [*rules])
                yield Finding(
                    Code.MASQUERADED,
                    Severity.BROKEN,
                    f"the nft chain {chain}",
                    f"gives what clients of {service.name} send this director's address, by the"
                    f" rule '{named.words}'",
                    "leaves it alone",
                    "the real servers do not see their clients",
                    f"{named.remedy}{_AT_BOOT}",
                    scope=(service.name,),
                )
                break


def _hiding(host: HostFacts, chain: Chain, chains: Chains, server: Endpoint) -> Rule | None:
    """The rule that is sure to hide the clients of a server."""
    if not chain.sees(server.family):
        return None
    way = host.ways.get(server.address)
    packet = Packet(
        "new",
        EXAMPLE[server.family],
        server.address,
        server.port,
        outgoing=None if way is None else way.interface,
    )
    found = fate(chain, chains, packet)
    return found.by if found.verdict is Verdict.TRANSLATE and not found.doubtful else None
