"""What is judged beside the way back itself: ACLs, instances, limits, the pair, the road to EC2."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
from aws.pictures import (
    EIP,
    INSIDE,
    LB,
    NAT,
    OUTSIDE,
    PEER,
    PUBLIC,
    carried_out,
    codes,
    decided,
    inside,
    leads,
    nic_with,
    picture,
    scene,
)
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc, idle_after, lend
from cli.commandline import CommandLine
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.aws.acls import Packets, admits
from lvsnat.aws.finding import Finding, Severity
from lvsnat.aws.limits import border_group
from lvsnat.aws.machines import LONG, SHORT, default_idle
from lvsnat.aws.network import (
    AclEntry,
    ElasticIp,
    Machine,
    NetworkAcl,
    Origin,
    PrivateAddress,
    Rule,
    SecurityGroup,
    Subnet,
)
from lvsnat.aws.picture import Details, Picture
from lvsnat.aws.verify import verify
from lvsnat.aws.wishes import Scene
from lvsnat.errors import ExitCode
from lvsnat.model.endpoint import PortRange, Protocol

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ALL = ip_network("0.0.0.0/0")
SAFE = Machine(f"i-{LB}", "m5.large", addresses=10, addresses6=10)
PEERS = replace(SAFE, instance=f"i-{PEER}")
API = "com.amazonaws.eu-west-1.ec2"


def details(*entries: AclEntry, **more: Any) -> Details:  # noqa: ANN401 - its fields
    """Details with one ACL for the director's subnet and the real servers'."""
    acls = (NetworkAcl("acl-1", (OUTSIDE, INSIDE), entries or (allow(), allow(egress=True))),)
    return Details(**{"acls": acls, "machines": (SAFE, PEERS), "endpoints": (API,), **more})


def allow(
    first: int = 0,
    last: int = 65535,
    *,
    egress: bool = False,
    net: str = "0.0.0.0/0",
    number: int = 100,
    allow: bool = True,
) -> AclEntry:
    protocol = "-1" if first == 0 else "6"
    return AclEntry(number, egress, allow, ip_network(net), protocol, first, last)


def findings(of: Scene) -> dict[str, Finding]:
    """Those that do not hold, by code."""
    return {str(one.code): one for one in verify(of) if not one.holds}


def made(**more: Any) -> Picture:  # noqa: ANN401 - the fields of details
    seen = carried_out(picture(), decided(picture(), eip_allocation=EIP).plan.changes)
    return replace(seen, details=details(**more))


def with_entries(*entries: AclEntry) -> Scene:
    seen = carried_out(picture(), decided(picture()).plan.changes)
    return scene(replace(seen, details=details(*entries)))


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    found = findings(scene(made(), eip_allocation=EIP))

    assert set(found) <= {"SG_LB_IN", "SG_RS_CLIENT"}


IN_WEB, IN_SERVER, IN_BACK = allow(80, 80), allow(8080, 8080), allow(1024, 65535)
OUT_WEB, OUT_BACK = allow(8080, 8080, egress=True), allow(1024, 65535, egress=True)


@pytest.mark.parametrize(
    ("entries", "dropped"),
    [
        ([IN_WEB, IN_BACK, OUT_BACK], ""),
        ([IN_SERVER, IN_BACK, OUT_BACK], "tcp/80 from 0.0.0.0/0"),
        ([IN_WEB, IN_BACK, OUT_WEB], "tcp/1024-65535 to 0.0.0.0/0"),
        ([IN_WEB, IN_BACK, allow(32768, 60999, egress=True)], "tcp/1024-65535 to 0.0.0.0/0"),
        ([IN_WEB, IN_SERVER, OUT_BACK], "tcp/1024-65535 from 10.0.2.0/24"),
        ([allow(), allow(egress=True, net="10.0.0.0/16")], "tcp/1024-65535 to 0.0.0.0/0"),
        ([allow(number=200), allow(number=100, allow=False), OUT_BACK], "from 0.0.0.0/0"),
    ],
)
def test_an_acl_must_let_a_service_and_its_replies_through(
    entries: list[AclEntry], dropped: str
) -> None:
    found = findings(with_entries(*entries))

    assert ("NACL" in found) == bool(dropped)
    if dropped:
        assert dropped in found["NACL"].seen
        assert "both ways" in found["NACL"].remedy


def test_an_acl_may_deny_some_clients_on_purpose() -> None:
    bad = allow(number=1, allow=False, net="198.51.100.0/24")

    assert "NACL" not in findings(with_entries(bad, allow(), allow(egress=True)))


def test_what_an_acl_drops_is_known_before_apply() -> None:
    seen = replace(picture(), details=details(IN_WEB))

    assert "NACL" in codes(decided(seen))[0]


ports = st.integers(0, 65535)
entries = st.builds(
    lambda number, ok, edges, net: AclEntry(
        number, egress=False, allow=ok, network=ip_network(net), protocol="6",
        first=min(edges), last=max(edges),
    ),
    st.integers(1, 9),
    st.booleans(),
    st.tuples(ports, ports),
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"]),
)  # fmt: skip


@given(st.lists(entries, max_size=6, unique_by=lambda one: one.number), ports)
def test_for_one_client_and_one_port_the_first_rule_that_fits_decides(
    rules: list[AclEntry], port: int
) -> None:
    client = ip_network("10.1.2.3/32")
    packets = Packets("subnet-1", False, Protocol.TCP, PortRange(port, port), client)  # noqa: FBT003

    fitting = [
        one
        for one in sorted(rules, key=lambda one: one.number)
        if one.first <= port <= one.last and client.network_address in one.network
    ]

    assert admits(rules, packets) == (bool(fitting) and fitting[0].allow)


@given(st.lists(entries, max_size=6, unique_by=lambda one: one.number), ports, ports)
def test_a_range_passes_where_each_port_of_it_does(
    rules: list[AclEntry], one: int, other: int
) -> None:
    first, last = min(one, other), max(one, other)
    client = ip_network("192.0.2.7/32")

    def passes(first: int, last: int) -> bool:
        ports = PortRange(first, last)
        return admits(rules, Packets("subnet-1", False, Protocol.TCP, ports, client))  # noqa: FBT003

    edges = {first, last, *(e for r in rules for e in (r.first, r.last, r.last + 1, r.first - 1))}
    inside_it = [edge for edge in edges if first <= edge <= last]
    assert passes(first, last) == all(passes(edge, edge) for edge in inside_it)


@pytest.mark.parametrize(
    ("machine", "seen"),
    [
        (replace(SAFE, tokens=False), "IMDSv1"),
        (replace(SAFE, hops=2), "hop limit 2"),
        (replace(SAFE, tokens=False, hops=64), "IMDSv1 and hop limit 64"),
    ],
)
def test_metadata_that_others_may_ask_is_a_warning(machine: Machine, seen: str) -> None:
    found = findings(scene(made(machines=(machine,))))["IMDS_EXPOSED"]

    assert found.seen == seen
    assert found.severity is Severity.WARN
    assert "--http-tokens required" in found.remedy


def test_metadata_that_is_off_is_asked_by_nobody() -> None:
    machine = replace(SAFE, metadata=False, tokens=False, hops=2)

    assert "IMDS_EXPOSED" not in findings(scene(made(machines=(machine,))))


def test_metadata_are_told_of_before_the_check_goes_off() -> None:
    seen = replace(picture(), details=details(machines=(replace(SAFE, tokens=False),)))

    assert "IMDS_EXPOSED" in codes(decided(seen))[0]


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("m5.large", LONG), ("t4g.nano", LONG), ("c8g.large", LONG), ("m8gd.large", LONG),
        ("m8i.large", SHORT), ("c8gn.large", SHORT), ("m8i-flex.large", SHORT),
        ("m9g.large", SHORT), ("u-6tb1.metal", LONG), ("", LONG),
    ],
)  # fmt: skip
def test_idle_connections_are_forgotten_by_the_age_of_the_type(kind: str, seconds: int) -> None:
    assert default_idle(kind) == seconds


@pytest.mark.parametrize(
    ("configured", "kind", "idle", "told"),
    [
        (None, "m5.large", 900, False),
        (None, "m8i.large", 900, True),
        (None, "m8i.large", 300, False),
        (600, "m5.large", 900, True),
        (900, "m8i.large", 900, False),
    ],
)
def test_ipvs_must_not_remember_longer_than_the_security_groups(
    configured: int | None, kind: str, idle: int, *, told: bool
) -> None:
    seen = nic_with(made(machines=(replace(SAFE, type=kind),)), LB, tcp_idle=configured)

    found = findings(replace(scene(seen), tcp_idle=idle))

    assert ("CT_TIMEOUT" in found) == told
    if told:
        assert "timeouts = { tcp = " in found["CT_TIMEOUT"].remedy


def test_an_interface_that_is_full_is_refused_and_told() -> None:
    full = tuple(PrivateAddress(IPv4Address(f"10.0.1.{n}"), primary=n == 10) for n in range(10, 12))
    seen = replace(picture(), details=details(machines=(replace(SAFE, addresses=2),)))
    seen = nic_with(seen, LB, addresses=full)

    assert "QUOTA" in codes(decided(seen))[1]
    found = findings(scene(seen))["QUOTA"]
    assert (found.seen, found.expected) == ("3 with the VIPs", "2 at most (m5.large)")


def test_a_peer_without_room_for_the_vip_is_told() -> None:
    seen = made(machines=(SAFE, replace(PEERS, addresses=1)))

    assert findings(scene(seen, peer_eni=PEER))["QUOTA"].subject == f"{PEER} IPv4 addresses"


def test_a_table_that_is_nearly_full_is_a_risk() -> None:
    many = (leads(f"192.0.{n}.0/24", NAT) for n in range(48))
    clients = tuple(ip_network(f"198.51.{n}.0/24") for n in range(2))
    seen = picture(tables=inside(*many))

    assert "QUOTA" not in codes(decided(seen, clients=clients[:1]))[0]
    assert "QUOTA" in codes(decided(seen, clients=clients))[0]


@pytest.mark.parametrize(
    ("zone", "group"),
    [
        ("eu-west-1a", "eu-west-1"),
        ("us-west-2-lax-1b", "us-west-2-lax-1"),
        ("us-east-1-wl1-bos-wlz-1", "us-east-1-wl1-bos-wlz-1"),
        ("", ""),
    ],
)
def test_a_zone_says_its_border_group(zone: str, group: str) -> None:
    assert border_group(zone) == group


def test_an_elastic_ip_of_another_border_group_is_refused_and_told() -> None:
    there = ElasticIp(EIP, IPv4Address("203.0.113.7"), border_group="us-west-2-lax-1")
    seen = nic_with(picture(addresses=(there,)), LB, zone="us-west-2a")

    assert "EIP_BORDER" in codes(decided(seen, eip_allocation=EIP))[1]
    assert findings(scene(seen, eip_allocation=EIP))["EIP_BORDER"].expected == "us-west-2"


def test_zones_cost() -> None:
    near = Subnet(OUTSIDE, (ip_network("10.0.1.0/24"),), "eu-west-1a")
    far = Subnet(INSIDE, (ip_network("10.0.2.0/24"),), "eu-west-1b")

    assert "ENI_AZ" in codes(decided(picture(subnets=(near, far))))[0]
    assert "ENI_AZ" not in codes(decided(picture(subnets=(near, replace(far, zone=near.zone)))))[0]


def test_a_vip_does_not_follow_into_another_subnet() -> None:
    seen = nic_with(made(), PEER, subnet=INSIDE)

    assert findings(scene(seen, peer_eni=PEER))["ENI_AZ"].expected == OUTSIDE


def vrrp(*rules: Rule) -> Picture:
    groups = (SecurityGroup("sg-0000000a", inbound=rules), SecurityGroup("sg-0000000b"))
    return replace(made(), groups=groups)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([], True),
        ([Rule("112", peer=ip_network("10.0.1.0/24"))], False),
        ([Rule("112", peer="sg-0000000a")], False),
        ([Rule("-1", peer="sg-0000000a")], False),
        ([Rule("112", peer="sg-0000000b")], True),
        ([Rule("tcp", 1, 65535, ip_network("0.0.0.0/0"))], True),
        ([Rule("112", peer=ip_network("10.0.1.11/32"))], True),
    ],
)
def test_directors_must_hear_each_other(rules: list[Rule], *, told: bool) -> None:
    """The last one: only one of the two hears."""
    assert ("SG_VRRP" in findings(scene(vrrp(*rules), peer_eni=PEER))) == told


def test_the_other_directors_check_is_looked_at_too() -> None:
    on = findings(scene(made(), peer_eni=PEER))["SRC_DST_CHECK"]

    assert on.subject.startswith(PEER)
    assert "--standby" in on.remedy
    off = nic_with(made(), PEER, source_dest_check=False)
    assert "SRC_DST_CHECK" not in findings(scene(off, peer_eni=PEER))


def public(seen: Picture, eni: str) -> Picture:
    [own, *others] = next(one for one in seen.interfaces if one.id == eni).addresses
    return nic_with(seen, eni, addresses=(replace(own, public=IPv4Address("192.0.2.1")), *others))


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (made(), ""),
        (made(endpoints=()), "no public address"),
        (public(made(endpoints=()), LB), ""),
        (made(endpoints=(), unread=("DescribeVpcEndpoints",)), ""),
        (replace(made(endpoints=()), tables=picture().tables[1:]), "no route"),
    ],
)
def test_a_director_needs_a_way_of_its_own_to_ec2(seen: Picture, told: str) -> None:
    found = findings(scene(seen))

    assert ("API_REACH" in found) == bool(told)
    if told:
        assert told in found["API_REACH"].seen


@pytest.mark.parametrize(("target", "told"), [(NAT, False), (LB, True), (PEER, True)])
def test_a_way_to_ec2_through_a_director_is_none(target: str, *, told: bool) -> None:
    tables = (
        replace(one, routes=(leads("0.0.0.0/0", target),)) if one.id == PUBLIC else one
        for one in picture().tables
    )
    seen = replace(made(endpoints=()), tables=tuple(tables))

    assert ("API_REACH" in findings(scene(seen, peer_eni=PEER))) == told


def test_what_route_server_makes_is_told() -> None:
    seen = picture(tables=inside(leads("0.0.0.0/0", PEER, Origin.ADVERTISED)))

    assert "ROUTE_SERVER" in findings(scene(seen))


def test_an_interface_of_a_service_is_told() -> None:
    assert "ENI_MANAGED" in findings(scene(nic_with(picture(), LB, managed=True)))


def test_what_may_not_be_read_is_told_and_stops_nothing() -> None:
    found = findings(scene(made(unread=("DescribeNetworkAcls",))))["PERM"]

    assert found.subject == "DescribeNetworkAcls"
    assert found.severity is Severity.WARN


@pytest.fixture
def ready(lvsnat: CommandLine, dual: Vpc, imds: object) -> Vpc:
    """A VPC in which everything holds."""
    del imds
    lvsnat.ok("aws", "apply", "--yes", "--security-groups", "--eip-allocation", dual.allocation)
    assert "parts hold" in lvsnat.ok("aws", "verify")
    return dual


def said(lvsnat: CommandLine, *args: str, fails: bool = False) -> str:
    result = lvsnat("aws", "verify", *args)
    assert result.exit_code == (ExitCode.FAILED if fails else ExitCode.DONE), result.output
    return result.stdout


class TestInTheVpc:
    """Each of them once by what the API says."""

    def test_an_acl_that_forgets_the_replies(
        self, lvsnat: CommandLine, ready: Vpc, api: EC2Client
    ) -> None:
        [acl] = api.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [ready.id]}])[
            "NetworkAcls"
        ]
        number = acl["NetworkAclId"]
        api.delete_network_acl_entry(NetworkAclId=number, RuleNumber=100, Egress=True)
        api.create_network_acl_entry(
            NetworkAclId=number, RuleNumber=100, Egress=True, Protocol="6", RuleAction="allow",
            CidrBlock="0.0.0.0/0", PortRange={"From": 8080, "To": 8080},
        )  # fmt: skip

        assert f"fail NACL  {number} of {ready.public_subnet}" in said(lvsnat, fails=True)
        assert "warn NACL" in lvsnat.ok("aws", "plan")

    def test_metadata_that_answer_without_a_token(
        self, lvsnat: CommandLine, ready: Vpc, api: EC2Client
    ) -> None:
        api.modify_instance_metadata_options(
            InstanceId=ready.director.instance, HttpTokens="optional", HttpPutResponseHopLimit=2
        )

        assert "is IMDSv1 and hop limit 2" in said(lvsnat)

    def test_security_groups_that_forget_too_early(self, lvsnat: CommandLine, ready: Vpc) -> None:
        idle_after(ready.director.eni, 350)

        assert "idle TCP connections  is after 350 s" in said(lvsnat)

        text = "[ipvs]\ntimeouts = { tcp = 300 }\n"
        lvsnat.paths.config.write_text(text + lvsnat.paths.config.read_text())
        assert "warn CT_TIMEOUT" not in said(lvsnat)

    def test_an_interface_without_room(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client, imds: object
    ) -> None:
        del imds
        many = [f"10.0.1.{n}" for n in range(30, 33)]
        api.assign_private_ip_addresses(
            NetworkInterfaceId=dual.director.eni, PrivateIpAddresses=many
        )

        result = lvsnat("aws", "apply", "--yes")

        assert result.exit_code == ExitCode.REFUSED
        assert "QUOTA" in result.stderr
        assert "5 IPv4 addresses" in result.stderr

    def test_no_way_to_the_api(self, lvsnat: CommandLine, ready: Vpc, api: EC2Client) -> None:
        [found] = api.describe_vpc_endpoints()["VpcEndpoints"]
        api.delete_vpc_endpoints(VpcEndpointIds=[found["VpcEndpointId"]])

        assert f"warn API_REACH  {ready.director.eni}" in said(lvsnat)

    def test_a_peer_that_is_not_ready(self, lvsnat: CommandLine, ready: Vpc) -> None:
        found = said(lvsnat, "--peer-eni", ready.peer.eni, fails=True)

        assert f"fail SRC_DST_CHECK  {ready.peer.eni}" in found
        assert found.count("warn SG_VRRP") == 2

    def test_servers_in_another_zone(self, lvsnat: CommandLine, dual: Vpc, imds: object) -> None:
        del imds
        assert f"warn ENI_AZ  {dual.private_subnets[1]}" in lvsnat.ok("aws", "plan")

    def test_a_service_on_the_elastic_ip(
        self, lvsnat: CommandLine, dual: Vpc, imds: object
    ) -> None:
        del imds
        web = lvsnat.paths.config.read_text()
        lvsnat.paths.config.write_text(web.replace(VIP, dual.public_ip))

        result = lvsnat("aws", "plan")

        assert result.exit_code == ExitCode.USAGE
        assert "VIP_IS_EIP" in result.stderr

    def test_a_table_that_was_lent(self, lvsnat: CommandLine, dual: Vpc, imds: object) -> None:
        del imds
        lend(dual.private_table, "210987654321")

        result = lvsnat("aws", "plan")

        assert result.exit_code == ExitCode.REFUSED
        assert "FOREIGN_TABLE" in result.stdout

    @pytest.mark.parametrize(
        "action",
        [
            "DescribeInstanceTypes", "DescribeInstances", "DescribeNetworkAcls",
            "DescribeVpcEndpoints",
        ],
    )  # fmt: skip
    def test_a_policy_of_before_is_enough(
        self, lvsnat: CommandLine, ready: Vpc, ec2_server: Ec2Server, action: str
    ) -> None:
        ec2_server.orders.denied = {action}

        assert ready.id
        assert f"warn PERM  {action}" in said(lvsnat)
        lvsnat.ok("aws", "plan")
