"""What a VPC's route tables do with the reply to one client."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from aws.pictures import LB, leads, scene
from unit.doctor.patients import HOST, server, status, way
from unit.doctor.test_rules_aws import MADE, PARTNER, STRANGER, beside, made, routed, within
from unit.doctor.trace.travellers import ROUTER, at, failing, followed

from lvsnat.aws.picture import Picture
from lvsnat.doctor.facts import Probed, Probes, Reply
from lvsnat.doctor.trace.journey import Lookups
from lvsnat.doctor.trace.step import Place, Trace, Verdict
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.model.service import VirtualService

SERVICE: VirtualService = scene(made(), **MADE).services[0]
SERVERS = [one.endpoint for one in SERVICE.servers]


def traced(picture: Picture, client: IPAddress) -> Trace:
    """One client's way to the service of this VPC, on a director in good health."""
    known = within(picture)
    now = status(*map(server, SERVERS), service=SERVICE)
    back = dict.fromkeys((one.address for one in SERVERS), ROUTER)
    ways = {**HOST.ways, **{address: way("eth1") for address in back}}
    fine = Probed(Reply.ANSWERED, Reply.ANSWERED)
    facts = replace(
        known,
        status=now,
        samples=None,
        host=replace(HOST, ways=ways, assigned=None),
        probes=Probes(dict.fromkeys(SERVERS, fine)),
    )
    lookups = Lookups(Answer(RouteKind.LOCAL, "lo"), ROUTER, back)
    return followed(facts, client=Endpoint(client, 0), service=SERVICE, lookups=lookups)


def test_the_longest_prefix_that_leads_to_the_director_is_shown() -> None:
    trace = traced(made(), STRANGER)

    step = at(trace, Place.VPC)
    assert step.verdict is Verdict.OK
    assert "0.0.0.0/0 to this host" in step.seen
    assert step.seen.endswith(LB)
    assert [one.place for one in trace.steps] == list(Place)


@pytest.mark.parametrize(
    ("picture", "client", "code"),
    [
        (beside(), PARTNER, "CLIENT_BYPASS"),
        (beside(), STRANGER, None),
        (made(), ip_address("10.0.77.9"), "CLIENT_LOCAL"),
        (routed(leads("198.51.100.0/24", LB)), STRANGER, "ROUTE_MISSING"),
    ],
    ids=["a narrower route", "its others", "within the VPC", "no route"],
)
def test_a_route_for_this_client_alone_is_found(
    picture: Picture, client: IPAddress, code: str | None
) -> None:
    found = failing(traced(picture, client))

    assert found == (None if code is None else ("vpc", code))


def test_without_a_vpc_there_is_no_such_step() -> None:
    assert Place.VPC not in [one.place for one in followed().steps]
