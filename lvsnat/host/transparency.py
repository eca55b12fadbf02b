"""What of others' making would spoil haproxy-tproxy, over facts that were read. No I/O here.

Some of it stops the traffic, and some hides the clients from the real servers in silence.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Final

from lvsnat.host.arrivals import stateless
from lvsnat.host.claims import rewriters
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Listing, Verdict, chains_of, fate
from lvsnat.host.masquerading import offender
from lvsnat.host.placement import LOOPBACK, AssignedAddress
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.host.tproxy import diverted_families
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config, IPNetwork
from lvsnat.model.endpoint import Endpoint, Family, IPAddress
from lvsnat.model.proxied import proxied_services

EXAMPLE: Final = {
    Family.IPV4: ip_address("198.18.0.1"),
    Family.IPV6: ip_address("2001:2::1"),
}
"""An address that no network has (RFC 2544, RFC 5180): it stands for a client."""
SRC_VALID_MARK: Final = "net.ipv4.conf.*.src_valid_mark"
RP_FILTER: Final = "net.ipv4.conf.*.rp_filter"
_NETWORK: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""What is usual for a network of real servers."""
_STRICT = 1
_TAILSCALE = "tailscale"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read of this host."""

    listing: Listing
    """All rules that nft knows, but for our own."""
    saved: str
    """What iptables-save says."""
    assigned: Collection[AssignedAddress]
    interfaces: Collection[str]
    routes: Mapping[IPAddress, Answer]
    """How each of ``servers_of`` is reached."""
    settings: Mapping[str, Mapping[str, str]]
    """The settings SRC_VALID_MARK and RP_FILTER of each interface."""


def servers_of(config: Config) -> tuple[Endpoint, ...]:
    """The real servers that HAProxy connects to, one for each of their networks.

    There may be thousands, and those of one network are reached in one way.
    """
    found: dict[IPNetwork, Endpoint] = {}
    for service in proxied_services(config):
        for server in service.servers:
            network = ip_interface(
                (server.endpoint.address, _NETWORK[server.endpoint.family])
            ).network
            found.setdefault(network, server.endpoint)
    return tuple(found.values())


def cautions(config: Config, facts: Facts) -> Iterator[Caution]:
    """Everything that would spoil it."""
    servers = servers_of(config)
    if Family.IPV4 in diverted_families(config):
        yield from _src_valid_mark(config, facts)
        yield from _strict(servers, facts)
    yield from hidden(servers, facts.listing, facts.routes, facts.saved)
    yield from stateless(facts.listing, [server.address for server in servers])
    yield from unmarking(facts.listing, facts.saved, config.haproxy.mark)
    yield from _beside_servers(config, facts)


def _src_valid_mark(config: Config, facts: Facts) -> Iterator[Caution]:
    values = facts.settings.get(SRC_VALID_MARK, {})
    wrong = [name for name, value in values.items() if value == "1" and name != "default"]
    if wrong and not config.host.manage_sysctl:
        yield Caution(
            f"src_valid_mark is 1 on {', '.join(wrong)}: the kernel drops the replies to HAProxy",
            " ".join(["sysctl -w", *(f"net.ipv4.conf.{name}.src_valid_mark=0" for name in wrong)]),
        )
    elif any(name.startswith(_TAILSCALE) for name in facts.interfaces):
        yield Caution(
            "Tailscale is here: from version 1.98 on it sets src_valid_mark to 1 when it starts,"
            " and the kernel then drops the replies to HAProxy",
            "'lvsnat apply' sets it back; let it run after tailscaled has started, or set"
            " net.ipv4.conf.all.accept_local to 1 in /etc/sysctl.d",
        )


def _strict(servers: Collection[Endpoint], facts: Facts) -> Iterator[Caution]:
    """Two interfaces in the servers' network: what comes in by the other one may be dropped."""
    values = facts.settings.get(RP_FILTER, {})
    for one in facts.assigned:
        mine = [server for server in servers if _holds(one, server.address)]
        used = {facts.routes[server.address].interface for server in mine}
        filters = [int(values.get(name, "0")) for name in ("all", one.interface)]
        if mine and one.interface not in used and max(filters) == _STRICT:
            yield Caution(
                f"{one.interface} filters by the reverse path (rp_filter 1): replies of"
                f" {mine[0].address} that come in there are dropped, since the route to it is not"
                " that one",
                f"sysctl -w net.ipv4.conf.{one.interface}.rp_filter=2",
            )


def unmarking(listing: Listing, saved: str, mark: int) -> Iterator[Caution]:
    """Name the chains that take the mark away again; ``saved`` is what iptables-save says."""
    for chain in dict.fromkeys(rewriters(listing, saved, mark)):
        yield Caution(
            f"{chain} takes the mark {mark:#x} away from replies to HAProxy",
            "let it leave those bits alone, or give others as mark under [haproxy]",
        )


def hidden(
    servers: Collection[Endpoint],
    listing: Listing,
    routes: Mapping[IPAddress, Answer],
    saved: str,
) -> Iterator[Caution]:
    """Name the chains that are sure to give HAProxy's connections another source."""
    chains = chains_of(listing)
    for chain in chains.values():
        if chain.hook != "postrouting" or chain.kind != "nat":
            continue
        for server in servers:
            packet = Packet(
                "new",
                EXAMPLE[server.family],
                server.address,
                server.port,
                outgoing=routes[server.address].interface,
            )
            found = fate(chain, chains, packet) if chain.sees(server.family) else None
            if found is None or found.verdict is not Verdict.TRANSLATE or found.doubtful:
                continue
            if found.by is not None:
                mine = [one.address for one in servers if one.family is server.family]
                named = offender(chain, found.by, listing, saved, mine)
                yield Caution(
                    f"the nft chain {chain} gives HAProxy's connections to {server.address} the"
                    f" director's address, by the rule '{named.words}': the real servers do not see"
                    " their clients",
                    named.remedy,
                )
                break


def _beside_servers(config: Config, facts: Facts) -> Iterator[Caution]:
    servers = {one.endpoint.address for web in proxied_services(config) for one in web.servers}
    given = config.haproxy.local_networks
    lacking: dict[IPNetwork, None] = {}
    for one in facts.assigned:
        known = any(
            one.network.version == network.version and _within(one.network, network)
            for network in given
        )
        if not known and any(_holds(one, server) for server in servers):
            lacking[one.network] = None
    if lacking:
        words = ", ".join(f'"{network}"' for network in [*given, *lacking])
        yield Caution(
            f"real servers answer clients in {', '.join(map(str, lacking))} directly, past the"
            " director, so that these clients wait in vain",
            f"if there are such clients, write local_networks = [{words}] under [haproxy]",
        )


def _holds(one: AssignedAddress, address: IPAddress) -> bool:
    return not one.is_host and one.interface != LOOPBACK and address in one.network


def _within(inner: IPNetwork, outer: IPNetwork) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def lost_reply(server: IPAddress, interface: str, answer: Answer) -> Caution | None:
    """What the kernel's own answer about a reply's way says; None if it comes to HAProxy."""
    where = f"a reply of {server} that comes in by {interface}"
    match answer.kind, answer.error:
        case RouteKind.LOCAL, _:
            return None
        case None, errno.EINVAL:
            return Caution(
                f"the kernel drops {where}, before it looks for its way",
                f"set net.ipv4.conf.all and .{interface} src_valid_mark to 0; if it is, rp_filter"
                f" of {interface} to 2",
            )
        case None, _:
            return Caution(
                f"{where} would not come to HAProxy, and has no other way",
                "'ip rule' and 'lvsnat plan' show what is missing",
            )
        case _:
            via = f" via {answer.gateway}" if answer.gateway else ""
            return Caution(
                f"{where} would not come to HAProxy, but be forwarded{via}",
                "a routing rule of somebody else comes first: 'ip rule' shows it, and priority"
                " under [haproxy] is to be smaller",
            )
