"""What the doctor makes of a VPC: the findings of ``aws verify``, and clients that go astray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest
from aws.pictures import (
    EIP,
    EVERYBODY,
    INSIDE,
    LB,
    LOCAL,
    NAT,
    OUTSIDE,
    PEER,
    PRIVATE,
    PUBLIC,
    VIP,
    WEB,
    carried_out,
    decided,
    group,
    inside,
    leads,
    nic_with,
    picture,
    scene,
)
from hypothesis import given
from hypothesis import strategies as st
from unit.doctor.patients import CLIENT, CONFIG, FIRST, healthy, seen, server, status, waiting

from lvsnat.aws.codes import Code as AwsCode
from lvsnat.aws.network import (
    AclEntry,
    ElasticIp,
    Machine,
    NetworkAcl,
    Origin,
    PrefixList,
    Route,
    RouteState,
    RouteTable,
    Rule,
)
from lvsnat.aws.picture import Details, Picture
from lvsnat.aws.resources import SecondaryAddress
from lvsnat.aws.target import Target
from lvsnat.aws.unclear import Unclear
from lvsnat.aws.wishes import Scene
from lvsnat.doctor.diagnose import diagnose
from lvsnat.doctor.explained.aws_plan import PLANNED
from lvsnat.doctor.facts import Facts, Probed, Probes, Reply, Sample
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code, Group
from lvsnat.doctor.vpc import VpcFacts
from lvsnat.model.aws import AwsOptions
from lvsnat.model.endpoint import Endpoint, IPAddress
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.change import Create, Delete

MADE: dict[str, Any] = {"eip_allocation": EIP, "security_groups": True}
STRANGER, PARTNER = (IPv4Address(one) for one in ("203.0.113.10", "10.8.0.10"))
SAFE = Machine(f"i-{LB}", "m5.large", addresses=10, addresses6=10)
API = "com.amazonaws.eu-west-1.ec2"


def details(**changed: Any) -> Details:  # noqa: ANN401 - its fields
    return Details(**{"machines": (SAFE,), "endpoints": (API,), **changed})


def made(**changed: Any) -> Picture:  # noqa: ANN401 - the fields of a picture
    """The VPC after apply."""
    seen = carried_out(picture(), decided(picture(), **MADE).plan.changes)
    return replace(seen, **{"details": details(), **changed})


def among(of: Scene | None, *clients: IPAddress, **fields: Any) -> Facts:  # noqa: ANN401 - its fields
    """A healthy host in a VPC."""
    return replace(healthy(), vpc=VpcFacts(of, clients=frozenset(clients), **fields))


def within(seen: Picture, *clients: IPAddress, **options: Any) -> Facts:  # noqa: ANN401 - options
    return among(scene(seen, **{**MADE, **options}), *clients)


def routed(*routes: Route) -> Picture:
    """The VPC after apply, with these routes for the real servers."""
    return made(tables=inside(*routes))


def beside(target: str = "pcx-00000001", *, to: str = "10.8.0.0/16") -> Picture:
    return routed(leads("0.0.0.0/0", LB), leads(to, target))


def outside(*routes: Route) -> Picture:
    """The same, with these routes for the director."""
    own, *others = made().tables
    return made(tables=(replace(own, routes=(LOCAL, *routes)), *others))


def groups(director: Iterable[Rule] = (), servers: Iterable[Rule] = ()) -> Picture:
    both = (group("sg-0000000a", *director), group("sg-0000000b", *servers))
    return made(groups=both)


ALL = Rule("-1", peer=EVERYBODY)
INSIDE_ALONE = Rule("-1", peer=ip_network("10.0.0.0/16"))
STALE = leads("0.0.0.0/0", PEER)
DROPPING = NetworkAcl("acl-1", (OUTSIDE, INSIDE), (AclEntry(100, True, True, EVERYBODY),))  # noqa: FBT003
STANDBY: dict[str, Any] = {"peer_eni": PEER}
EGRESS = replace(scene(made(), **MADE), egress="masquerade")
PRIMARY = ElasticIp(EIP, IPv4Address("203.0.113.7"), "eipassoc-1", LB, IPv4Address("10.0.1.10"))
FOREIGN = replace(made().addresses[0], border_group="eu-west-1-lon-1")
MOVED = carried_out(
    made(), [Create(SecondaryAddress(VIP, PEER)), Delete(SecondaryAddress(VIP, LB))]
)
DUAL_STACK = made(networks=(ip_network("10.0.0.0/16"), ip_network("2001:db8::/56")))


def exceeded(counter: str) -> Facts:
    one = Sample(0, status(), allowances={f"eth0 {counter}": 5})
    return replace(healthy(), samples=(one, Sample(3, status(), allowances={f"eth0 {counter}": 9})))


CASES: Mapping[str, tuple[Facts, str, str]] = {
    "the VIP is the Elastic IP": (
        among(None, unclear=(Unclear("it is", "let it not be", AwsCode.VIP_IS_EIP),)),
        "VIP_IS_EIP", "broken",
    ),
    "unattached": (within(nic_with(made(), LB, attached=False)), "ENI_UNATTACHED", "broken"),
    "managed": (within(nic_with(made(), LB, managed=True)), "ENI_MANAGED", "broken"),
    "nobody has the VIP": (
        within(carried_out(made(), [Delete(SecondaryAddress(VIP, LB))])),
        "VIP_NOT_ON_ENI", "broken",
    ),
    "another has the VIP": (within(MOVED), "VIP_ELSEWHERE", "broken"),
    "the system keeps the VIP, and it may move": (
        among(scene(made(), **MADE, **STANDBY), aliases=frozenset({VIP})), "VIP_MANAGED", "risk",
    ),
    "no internet gateway": (within(made(internet_gateway=None)), "IGW", "broken"),
    "another border group": (
        within(nic_with(made(addresses=(FOREIGN,)), LB, zone="eu-west-1a")),
        "EIP_BORDER", "broken",
    ),
    "the Elastic IP is mapped to the primary address": (
        within(made(addresses=(PRIMARY,))), "EIP_MAP", "broken",
    ),
    "it may have been meant for the VIP": (
        within(made(addresses=(PRIMARY,)), eip_allocation=None), "EIP_MAP", "note",
    ),
    "kept out of the director": (within(groups(servers=[ALL])), "SG_LB_IN", "broken"),
    "not let out of the director": (
        within(made(groups=(replace(made().groups[0], outbound=()), made().groups[1]))),
        "SG_LB_OUT", "broken",
    ),
    "kept out of the servers": (within(groups([ALL])), "SG_RS_CLIENT", "broken"),
    "the servers let in the VPC alone": (
        within(groups([ALL], [INSIDE_ALONE])), "SG_RS_CLIENT", "broken",
    ),
    "the servers let in the director's group alone": (
        within(groups([ALL], [Rule("-1", peer="sg-0000000a")])), "SG_RS_CLIENT", "broken",
    ),
    "an ACL": (within(made(details=details(acls=(DROPPING,)))), "NACL", "broken"),
    "tracked connections": (exceeded("conntrack_allowance_exceeded"), "EC2_ALLOWANCE", "broken"),
    "packets a second": (exceeded("pps_allowance_exceeded"), "EC2_ALLOWANCE", "risk"),
    "one table": (
        within(made(tables=(RouteTable(PUBLIC, subnets=(OUTSIDE, INSIDE), routes=(LOCAL,)),))),
        "SAME_TABLE_LOOP", "broken",
    ),
    "no route": (within(routed()), "ROUTE_MISSING", "broken"),
    "to the NAT gateway": (within(routed(leads("0.0.0.0/0", NAT))), "ROUTE_OTHER", "broken"),
    "to nowhere": (
        within(routed(replace(leads("0.0.0.0/0", LB), state=RouteState.BLACKHOLE))),
        "ROUTE_BLACKHOLE", "broken",
    ),
    "to the other director": (within(routed(STALE), **STANDBY), "ROUTE_STALE_OWNER", "broken"),
    "of Route Server": (
        within(routed(leads("0.0.0.0/0", PEER, Origin.ADVERTISED))), "ROUTE_SERVER", "broken",
    ),
    "nobody is there": (within(beside()), "CLIENT_BYPASS", "note"),
    "somebody is there": (within(beside(), PARTNER), "CLIENT_BYPASS", "broken"),
    "a network is named": (
        within(beside(), clients=(EVERYBODY,)), "CLIENT_BYPASS", "broken",
    ),
    "propagated by a VPN": (
        within(routed(leads("0.0.0.0/0", LB), leads("10.8.0.0/16", "vgw-00000001",
               Origin.PROPAGATED)), PARTNER),
        "CLIENT_BYPASS", "broken",
    ),
    "a list that nobody may read": (
        within(routed(leads("0.0.0.0/0", LB), Route(PrefixList("pl-1", readable=False),
               Target("tgw-00000001")))),
        "CLIENT_BYPASS", "note",
    ),
    "not one of those that are named": (
        within(routed(leads("198.51.100.0/24", LB), leads("0.0.0.0/0", NAT)), STRANGER,
               clients=(ip_network("198.51.100.0/24"),)),
        "CLIENT_BYPASS", "broken",
    ),
    "in another subnet": (within(made(), IPv4Address("10.0.4.9")), "CLIENT_LOCAL", "broken"),
    "half a subnet is named": (
        within(made(), clients=(EVERYBODY, ip_network("10.0.4.0/25"))), "CLIENT_LOCAL", "broken",
    ),
    "IPv6 is named": (
        within(DUAL_STACK, clients=(EVERYBODY, ip_network("::/0"))), "NO_IPV6", "broken",
    ),
    "the check is on": (
        within(nic_with(made(), LB, source_dest_check=True)), "SRC_DST_CHECK", "broken",
    ),
    "no way out": (within(outside()), "LB_EGRESS", "broken"),
    "masquerading without a public address": (among(EGRESS), "EGRESS_UNMAPPED", "risk"),
    "idle connections": (within(made(details=details(machines=(replace(SAFE, type="m9g.large"),)))),
                         "CT_TIMEOUT", "risk"),
    "metadata": (within(made(details=details(machines=(replace(SAFE, tokens=False),)))),
                 "IMDS_EXPOSED", "risk"),
    "no way to EC2": (within(made(details=details(endpoints=()))), "API_REACH", "risk"),
    "EC2 does not answer one of two": (
        replace(among(None, silent="it cannot be reached"),
                config=replace(CONFIG, aws=AwsOptions(peer_eni=PEER))),
        "API_REACH", "risk",
    ),
    "denied": (within(made(details=details(unread=("DescribeNetworkAcls",)))), "PERM", "note"),
    "no room": (
        within(carried_out(made(details=details(machines=(replace(SAFE, addresses=1),))),
               [Delete(SecondaryAddress(VIP, LB))])),
        "QUOTA", "broken",
    ),
    "a peer that does not hear": (within(nic_with(made(), PEER, source_dest_check=False),
                                         **STANDBY), "SG_VRRP", "risk"),
    "a peer elsewhere": (within(nic_with(made(), PEER, subnet="subnet-00000004"), **STANDBY),
                         "ENI_AZ", "risk"),
}  # fmt: skip
TOGETHER = {
    "no room": {"VIP_NOT_ON_ENI"},
    "a peer elsewhere": {"SG_VRRP", "SRC_DST_CHECK"},
    "to the other director": {"SG_VRRP", "SRC_DST_CHECK"},
    "the system keeps the VIP, and it may move": {"SG_VRRP", "SRC_DST_CHECK"},
    "one table": {"LB_EGRESS"},
    "no way out": {"API_REACH"},
    "IPv6 is named": {"LB_EGRESS"},
}
"""What is wrong beside it, and no effect of it."""


@pytest.mark.parametrize("name", CASES)
def test_each_cause_is_named(name: str) -> None:
    facts, code, severity = CASES[name]

    found = {str(one.code): str(one.severity) for one in diagnose(facts)}

    assert found.pop(code) == severity
    assert set(found) <= TOGETHER.get(name, set())


def test_each_code_of_the_group_is_made_but_for_those_of_a_plan() -> None:
    codes = {str(code) for code in Code if code.group is Group.AWS and code not in PLANNED}

    assert codes == {code for _, code, _ in CASES.values()}


def test_both_enums_are_one_set() -> None:
    assert {*AwsCode} - {AwsCode.ROUTE} <= {*Code}


@pytest.mark.parametrize("options", [{}, {"clients": (EVERYBODY,)}, {"layout": None}])
def test_a_vpc_that_is_made_gives_no_finding(options: dict[str, Any]) -> None:
    assert diagnose(within(made(), STRANGER, IPv4Address("10.0.1.10"), **options)) == ()


@pytest.mark.parametrize(
    ("director", "servers"),
    [
        ([Rule("tcp", 80, 80, ip_network("198.51.100.0/24"))],
         [Rule("tcp", 8080, 8080, ip_network("198.51.100.0/24"))]),
        ([Rule("tcp", 80, 80, "pl-00000001")], [ALL]),
        ([Rule("tcp", 80, 80, "pl-00000001")], [INSIDE_ALONE]),
        ([Rule("tcp", 80, 80, ip_network("0.0.0.0/1")),
          Rule("tcp", 80, 80, ip_network("128.0.0.0/1"))], [ALL]),
    ],
)  # fmt: skip
def test_who_lets_some_of_the_world_in_alone_means_that(
    director: list[Rule], servers: list[Rule]
) -> None:
    assert diagnose(within(groups(director, servers))) == ()


def test_named_clients_must_all_be_let_in() -> None:
    rule = Rule("tcp", 80, 80, ip_network("198.51.100.0/24"))

    found = diagnose(within(groups([rule], [ALL]), clients=(EVERYBODY,)))

    assert [(one.code, one.seen) for one in found] == [
        (Code.SG_LB_IN, "let in from 198.51.100.0/24 alone")
    ]


def test_an_ec2_that_does_not_answer_matters_to_a_pair_alone() -> None:
    assert diagnose(among(None, silent="it cannot be reached")) == ()


def test_a_standby_is_looked_at_as_one() -> None:
    ready = nic_with(MOVED, PEER, source_dest_check=False)
    standby = replace(scene(ready, **MADE, **STANDBY), standby=True)

    assert {one.code for one in diagnose(among(standby, PARTNER))} == {Code.SG_VRRP}


def test_the_system_may_keep_a_vip_that_stays() -> None:
    assert diagnose(among(scene(made(), **MADE), aliases=frozenset({VIP}))) == ()


# --- causes and effects on the host

AT = Endpoint(IPv4Address("10.0.2.55"), 8080)
OTHER = Endpoint(IPv4Address("10.0.4.56"), 8080)


def hanging(seen_vpc: Picture, service: VirtualService = WEB, **options: Any) -> Facts:  # noqa: ANN401 - options
    """A client waits for every server, and no packet comes back."""
    servers = tuple(server(one.endpoint) for one in service.servers)
    now = status(*servers, service=service)
    facts = waiting(CLIENT, at=service.servers[-1].endpoint, now=now)
    chosen = replace(scene(seen_vpc, **{**MADE, **options}), services=(service,))
    return replace(facts, vpc=VpcFacts(chosen, clients=frozenset({CLIENT.address})))


def test_where_the_vpc_is_well_the_server_is_to_blame() -> None:
    assert [one.code for one in diagnose(hanging(made()))] == [Code.RS_GATEWAY]


@pytest.mark.parametrize(
    ("seen_vpc", "code"),
    [
        (nic_with(made(), LB, source_dest_check=True), Code.SRC_DST_CHECK),
        (routed(), Code.ROUTE_MISSING),
        (routed(leads("0.0.0.0/0", NAT)), Code.ROUTE_OTHER),
        (groups([ALL]), Code.SG_RS_CLIENT),
        (made(details=details(acls=(DROPPING,))), Code.NACL),
        (beside(to="203.0.113.0/24"), Code.CLIENT_BYPASS),
    ],
)
def test_the_cause_in_the_vpc_stands_alone(seen_vpc: Picture, code: Code) -> None:
    found = diagnose(hanging(seen_vpc))

    assert {one.code for one in found} == {code}
    assert {one.code for one in diagnose(hanging(seen_vpc), service="web")} == {code}


def test_a_note_explains_nothing() -> None:
    found = diagnose(hanging(beside()))

    assert [one.code for one in found] == [Code.RS_GATEWAY, Code.CLIENT_BYPASS]


def test_a_table_explains_the_servers_that_use_it_alone() -> None:
    both = replace(WEB, servers=(*WEB.servers, RealServer(OTHER)))
    private, main = RouteTable(PRIVATE, subnets=(INSIDE,), routes=(LOCAL,)), made().tables[2]
    seen_vpc = made(
        tables=(made().tables[0], private, replace(main, routes=(LOCAL, leads("0.0.0.0/0", LB))))
    )
    facts = hanging(seen_vpc, both)

    found = {one.code: one for one in diagnose(facts)}

    assert found[Code.ROUTE_MISSING].servers == (("web", str(AT)),)
    assert found[Code.RS_GATEWAY].scope == ("web", str(OTHER))


NAMED = ip_network("203.0.113.0/24")
SOME = Rule("tcp", 8080, 8080, NAMED)


@pytest.mark.parametrize(
    ("seen_vpc", "clients", "proven"),
    [
        (made(), (), True),
        (groups([Rule("tcp", 80, 80, NAMED)], [SOME]), (), False),
        (routed(leads(str(NAMED), LB), leads("0.0.0.0/0", NAT)), (NAMED,), False),
    ],
)
def test_a_foreign_address_proves_nothing_where_only_some_are_served(
    seen_vpc: Picture, clients: tuple[Any, ...], *, proven: bool
) -> None:
    silent = Probes({AT: Probed(Reply.ANSWERED, Reply.SILENT)})
    quiet = replace(hanging(seen_vpc, clients=clients), probes=silent, samples=None)

    assert [one.code for one in diagnose(quiet)] == [Code.RS_GATEWAY] * proven
    # Those who wait tell all the same.
    waits = replace(hanging(seen_vpc, clients=clients), probes=silent)
    assert [one.code for one in diagnose(waits)] == [Code.RS_GATEWAY]


def test_another_services_table_is_not_told_of() -> None:
    missing = within(routed())

    assert diagnose(missing, service="web")
    assert diagnose(missing, service="dns") == ()


def test_a_neighbour_of_a_server_is_told_as_one() -> None:
    facts = hanging(made())
    neighbour = Endpoint(IPv4Address("10.0.2.200"), 40000)
    waits = waiting(neighbour, at=AT, now=status(server(AT), service=WEB))

    (found,) = diagnose(replace(facts, samples=waits.samples))

    assert found.code is Code.CLIENT_SAME_SUBNET
    assert "another network" in found.remedy


# --- laws

addresses = st.integers(0, 2**32 - 1).map(IPv4Address)
networks = st.tuples(addresses, st.integers(1, 28)).map(
    lambda pair: ip_network((int(pair[0]), pair[1]), strict=False)
)
targets = st.sampled_from([LB, NAT, "pcx-00000001"])


@given(st.dictionaries(networks, targets, max_size=5), st.frozensets(addresses, max_size=5))
def test_a_client_is_lost_where_the_longest_prefix_leads_elsewhere(
    ways: dict[Any, str], clients: frozenset[IPv4Address]
) -> None:
    routes = [leads("0.0.0.0/0", LB), *(leads(str(one), target) for one, target in ways.items())]
    vpc = [ip_network("10.0.0.0/16"), *ways]

    found = diagnose(within(routed(*routes), *clients))

    for client in clients:
        if client in vpc[0]:
            continue
        fitting = [one for one in ways if client in one]
        best = max(fitting, key=lambda one: one.prefixlen, default=None)
        lost = best is not None and ways[best] != LB
        told = [one for one in found if best is not None and f" {best} " in f"{one.subject} "]
        assert lost == any(one.severity is Severity.BROKEN for one in told)


def test_the_way_back_is_the_longest_prefix() -> None:
    facts = VpcFacts(scene(beside(), **MADE))

    def way(client: IPAddress) -> tuple[str, bool]:
        found = facts.way_back(AT.address, client)
        assert found is not None
        return found.target, found.here

    assert way(PARTNER) == ("pcx-00000001", False)
    assert way(STRANGER) == (LB, True)
    assert way(IPv4Address("10.0.4.9")) == ("local", False)
    assert facts.way_back(FIRST.address, STRANGER) is None
    assert VpcFacts(None).way_back(AT.address, STRANGER) is None
    nowhere = VpcFacts(scene(routed(), **MADE)).way_back(AT.address, ip_address("192.0.2.1"))
    assert nowhere is not None
    assert nowhere.network is None


def found_by(facts: Facts, wanted: Callable[[Finding], bool]) -> list[Finding]:
    return [one for one in diagnose(facts) if wanted(one)]


def test_counters_that_stand_still_are_of_before() -> None:
    one = {"eth0 conntrack_allowance_exceeded": 5}
    still = (Sample(0, status(), allowances=one), Sample(3, status(), allowances=one))

    assert diagnose(replace(healthy(), samples=still)) == ()
    assert seen(status()).vpc is None
