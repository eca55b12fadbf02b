"""Firewall marks: whether anything sets those of services, and takes them away. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.facts import Facts, HostFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.host.claims import rewriters
from lvsnat.host.firewall import Chains, chains_of
from lvsnat.host.rulewords import Json
from lvsnat.model.config import Config
from lvsnat.model.endpoint import MarkListener, PortsListener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import ipvs_services
from lvsnat.model.service import VirtualService
from lvsnat.model.status import DirectorStatus

_MARK: Final[Json] = {"meta": {"key": "mark"}}
_SET: Final = re.compile(r"--set-x?mark (0x[0-9a-f]+|\d+)")


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.host is None or facts.host.listing is None:
        return
    yield from _unmarked(facts.config, facts.host, facts.status)
    yield from _rewritten(facts.config, facts.host)


def _unmarked(config: Config, host: HostFacts, status: DirectorStatus | None) -> Iterator[Finding]:
    known = _marks(chains_of(host.listing or ()), host.saved)
    if known is None:
        return
    for service in config.services:
        listen = service.listen
        if isinstance(listen, MarkListener) and listen.mark not in known:
            came = _packets(service, status)
            if came is None:
                continue
            yield Finding(
                Code.MARK_UNSET,
                Severity.RISK if came else Severity.BROKEN,
                f"{service.name} {listen}",
                f"no rule sets the mark {listen.mark}",
                "a rule at the hook prerouting that does",
                "it gets no packet",
                f"'iptables -t mangle -I PREROUTING -d VIP -p tcp --dport 21 -j MARK --set-mark"
                f" {listen.mark}', with your addresses; or let lvsnat do it: listen ="
                ' "tcp/VIP:21,40000-40100"',
                scope=(service.name,),
            )


def _marks(chains: Chains, saved: str) -> set[int] | None:
    """The marks that rules set; None where one sets what cannot be read."""
    found = {int(word, 0) for word in _SET.findall(saved)}
    for chain in chains.values():
        for rule in chain.rules:
            for one in rule:
                match one:
                    case {"mangle": {"key": key, "value": value}} if key == _MARK:
                        if not isinstance(value, int):
                            return None
                        found.add(value)
                    case {"xt": {"type": "target", "name": "CONNMARK"}}:
                        return None
                    case _:
                        pass
    return found


def _packets(service: VirtualService, status: DirectorStatus | None) -> int | None:
    """How many have come; None where that is not known."""
    for one in () if status is None else status.services:
        if one.listen == service.listen and one.stats is not None:
            return one.stats.totals.packets_in
    return None


def _rewritten(config: Config, host: HostFacts) -> Iterator[Finding]:
    services = ipvs_services(config)
    known = kernel_listeners(services)
    for service in services:
        mine = known[service.listen]
        if not isinstance(service.listen, PortsListener) or not isinstance(mine, MarkListener):
            continue
        for chain in dict.fromkeys(rewriters(host.listing or (), host.saved, mine.mark)):
            yield Finding(
                Code.MARK_LOST,
                Severity.BROKEN,
                chain,
                f"gives packets of {service.name} ({service.listen}) another mark",
                "leaves it alone",
                f"IPVS knows the service's packets by their mark {mine.mark:#x}",
                "let its rule set its own bits alone ('meta mark set mark or 0x1'), or come first"
                " (priority -160)",
                scope=(service.name,),
            )
