"""Flows of datagrams that stay with a server which takes no new ones. No I/O here.

IPVS moves a flow only when it has forgotten it, and a busy client never lets it. So a weight of 0
does not drain UDP, and a server that is gone leaves a black hole with expire_nodest_conn 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, Flow, Sample
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.rules.services import name_of, some
from lvsnat.model.endpoint import Endpoint

_TICK = 1
"""The kernel rounds to seconds."""


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.samples is None:
        return
    first, second = facts.samples
    earlier = {(one.client, one.server, one.service): one for one in first.flows}
    passed = first.before(second)
    held: dict[tuple[str, Endpoint], list[Endpoint]] = {}
    for flow in second.flows:
        before = earlier.get((flow.client, flow.server, flow.service))
        busy = before is not None and flow.expires > before.expires - passed + _TICK
        if busy and flow.service is not None and not _takes(flow, second):
            held.setdefault((flow.service, flow.server), []).append(flow.client)
    for (service, server), clients in held.items():
        yield Finding(
            Code.UDP_STUCK,
            Severity.RISK,
            f"{service} {server}",
            f"its weight is 0 or it is gone, and these still send there: {some(clients)}",
            "no packets",
            "IPVS keeps a flow where it is as long as packets come: a weight of 0 does not move it",
            f"'lvsnat server remove {service} {server}' moves them at once, if"
            " net.ipv4.vs.expire_nodest_conn is 1",
            scope=(service, str(server)),
        )


def _takes(flow: Flow, sample: Sample) -> bool:
    """Whether its server takes new flows."""
    return any(
        server.endpoint == flow.server and server.seen is not None and server.seen.weight > 0
        for service in sample.status.services
        if name_of(service) == flow.service
        for server in service.servers
    )
