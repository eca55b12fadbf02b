"""Which rules of others would drop what the real servers answer, by reading them. No I/O here.

A reply passes the hook ``forward`` with the real server's address, before IPVS gives it that of the
VIP: priority 0 comes before IPVS's 100. And without ``net.ipv4.vs.conntrack`` connection tracking
saw no beginning of the connection: to it a reply is not ``established``; in TCP it is ``invalid``.

A rule that cannot be read for sure is passed over. So a warning may be one too many; the remedy
that it names ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Listing, chains_of, drops
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.proxied import ipvs_services

_DOCKER = "DOCKER-USER"
"""The chain that Docker leaves to the administrator."""
_SHOWN = 3


def cautions(listing: Listing, config: Config, *, tracked: bool) -> Iterator[Caution]:
    """Name each chain that drops replies; ``tracked`` is ``net.ipv4.vs.conntrack``.

    What HAProxy answers with is not forwarded, so only the services of IPVS count.
    """
    chains = chains_of(listing)
    services = ipvs_services(config)
    sources = dict.fromkeys(s.endpoint.address for wish in services for s in wish.servers)
    state = "established" if tracked else "invalid"
    for chain in chains.values():
        if chain.hook == "forward":
            dropped = [
                source
                for source in sources
                if chain.sees(Family.of(source)) and drops(chain, chains, Packet(state, source))
            ]
            for family in Family:
                mine = [source for source in dropped if Family.of(source) is family]
                if mine:
                    yield _caution(chain, chains, mine)


def _caution(chain: Chain, chains: Chains, sources: Sequence[IPAddress]) -> Caution:
    some = ", ".join(map(str, sources[:_SHOWN]))
    more = f" and {len(sources) - _SHOWN} more" if len(sources) > _SHOWN else ""
    why = "by its policy" if chain.policy == "drop" else "by a rule"
    return Caution(
        f"the nft chain {chain.family} {chain.table} {chain.name} drops {why} what {some}{more}"
        " send to clients",
        f"let their packets pass: {_remedy(chain, chains, sources)}",
    )


def _remedy(chain: Chain, chains: Chains, sources: Sequence[IPAddress]) -> str:
    if chain.name == "FORWARD" and chain.table == "filter":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        user = (chain.family, chain.table, _DOCKER) in chains
        target = _DOCKER if user else chain.name
        return f"{program} -I {target} -s {','.join(map(str, sources))} -j ACCEPT"
    field = "ip" if Family.of(sources[0]) is Family.IPV4 else "ip6"
    addresses = ", ".join(map(str, sources))
    value = f"{{ {addresses} }}" if len(sources) > 1 else addresses
    return (
        f"nft 'insert rule {chain.family} {chain.table} {chain.name} {field} saddr {value} accept'"
    )
