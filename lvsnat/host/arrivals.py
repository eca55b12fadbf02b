"""Which chains at the hook input keep TCP from HAProxy. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Listing, Verdict, chains_of, fate
from lvsnat.model.caution import Caution
from lvsnat.model.endpoint import Endpoint, IPAddress

EPHEMERAL = 40_000
"""A port that HAProxy's own connections start from."""


def closed(listing: Listing, side_ports: Collection[Endpoint]) -> Iterator[Caution]:
    """Name the chains that are sure to drop new connections to side ports."""
    chains = chains_of(listing)
    for chain in _at_input(chains):
        shut = [
            place
            for place in side_ports
            if chain.sees(place.family) and _sure(chain, chains, _steered(place))
        ]
        if shut:
            ports = ", ".join(dict.fromkeys(str(place.port) for place in shut))
            yield Caution(
                f"the nft chain {chain} drops new connections to the side ports, through which the"
                f" modes are switched: {ports}",
                f"let them in while the switch runs: {_remedy(chain, ports)}",
            )


def stateless(listing: Listing, servers: Collection[IPAddress]) -> Iterator[Caution]:
    """Name the chains that are sure to drop what real servers answer to HAProxy."""
    chains = chains_of(listing)
    for chain in _at_input(chains):
        answers = [Packet("established", server, port=EPHEMERAL) for server in servers]
        seen = [packet for packet in answers if chain.sees(packet.family)]
        if any(_sure(chain, chains, packet) for packet in seen):
            yield Caution(
                f"the nft chain {chain} drops what real servers answer to HAProxy",
                "let established connections in: "
                + _accepting(chain, "-m conntrack --ctstate ESTABLISHED", "ct state established"),
            )


def _at_input(chains: Chains) -> Iterator[Chain]:
    return (one for one in chains.values() if one.hook == "input" and one.kind == "filter")


def _steered(place: Endpoint) -> Packet:
    return Packet("new", destination=place.address, port=place.port, redirected=True)


def _sure(chain: Chain, chains: Chains, packet: Packet) -> bool:
    found = fate(chain, chains, packet)
    return found.verdict is Verdict.DROP and not found.doubtful


def _remedy(chain: Chain, ports: str) -> str:
    words = f"-p tcp -m multiport --dports {ports.replace(' ', '')}"
    return _accepting(chain, words if "," in ports else f"-p tcp --dport {ports}", "ct status dnat")


def _accepting(chain: Chain, iptables: str, nft: str) -> str:
    if chain.name == "INPUT" and chain.table == "filter":  # iptables made it
        program = "iptables" if chain.family == "ip" else "ip6tables"
        return f"{program} -I INPUT {iptables} -j ACCEPT"
    return f"nft 'insert rule {chain} {nft} accept'"
