"""Rules that take the replies of real servers past IPVS, onto a flowtable. No I/O here.

Seen in the lab: from the second reply on, clients get the real server's own address as the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.host.conditions import Packet
from lvsnat.host.firewall import Chain, Chains, Verdict, fate
from lvsnat.host.rulewords import Json
from lvsnat.host.transparency import EXAMPLE
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Family, IPAddress, MarkListener
from lvsnat.model.proxied import ipvs_services

_TAKEN: Final[Json] = {"masquerade": None}
"""What stands for putting it on a flowtable while rules are read: no chain that forwards has it."""


def findings(config: Config, chains: Chains) -> Iterator[Finding]:
    """What takes the replies, on a host where connection tracking follows IPVS."""
    marked = {key: _marked(chain) for key, chain in chains.items()}
    if marked == chains:
        return
    for chain in marked.values():
        if chain.hook != "forward":
            continue
        taken = {
            server: known
            for server, reply in _replies(config)
            if (known := _taken(chain, marked, reply)) is not False
        }
        if not taken:
            continue
        spared = "; ".join(_spared(chain, [one.address for one in taken]))
        yield Finding(
            Code.FLOWTABLE,
            Severity.BROKEN if any(taken.values()) else Severity.RISK,
            f"the nft chain {chain}",
            "puts connections on a flowtable, and net.ipv4.vs.conntrack is 1",
            "that leaves replies of real servers alone",
            "what a flowtable passes on does not come to IPVS, which has to give it the VIP",
            f"except the real servers: 'nft \"{spared}\"'; or 'sysctl -w net.ipv4.vs.conntrack=0'",
        )


def _marked(chain: Chain) -> Chain:
    rules: list[Sequence[Json]] = [
        [_TAKEN if isinstance(one, dict) and "flow" in one else one for one in rule]
        for rule in chain.rules
    ]
    return chain if rules == chain.rules else replace(chain, rules=rules)


def _replies(config: Config) -> Iterator[tuple[Endpoint, Packet]]:
    for service in ipvs_services(config):
        protocol = "tcp" if isinstance(service.listen, MarkListener) else service.listen.protocol
        for server in (one.endpoint for one in service.servers):
            yield (
                server,
                Packet(
                    "established",
                    server.address,
                    EXAMPLE[server.family],
                    protocol=protocol,
                    source_port=server.port or None,
                ),
            )


def _taken(chain: Chain, chains: Chains, packet: Packet) -> bool | None:
    """Whether it is; None where a rule that cannot be read for sure decides."""
    if not chain.sees(packet.family):
        return False
    found = fate(chain, chains, packet)
    if found.verdict is Verdict.TRANSLATE:
        return None if found.doubtful else True
    return None if any(one.verdict is Verdict.TRANSLATE for one in found.doubts) else False


def _spared(chain: Chain, servers: Iterable[IPAddress]) -> Iterator[str]:
    """What spares their packets the other rules of a chain, by family."""
    for family, field in ((Family.IPV4, "ip"), (Family.IPV6, "ip6")):
        places = ", ".join(dict.fromkeys(str(one) for one in servers if Family.of(one) is family))
        if places:
            yield f"insert rule {chain} {field} saddr {{ {places} }} accept"
