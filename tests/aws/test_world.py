"""Each change as a call that botocore accepts, and what happens where EC2 is late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws.clocks import TurningClock
from aws.pictures import LB, PRIVATE, decided, picture
from aws.server import Ec2Server, Fault
from aws.vpcs import VIP, Vpc
from botocore.validate import ParamValidator

from lvsnat.aws.apply import apply
from lvsnat.aws.calls import Place, both, call_for
from lvsnat.aws.client import Ec2
from lvsnat.aws.journal import Journal, Stand, Step, Where, unfinished
from lvsnat.aws.look import look
from lvsnat.aws.outcome import Undone
from lvsnat.aws.refusals import AwsError
from lvsnat.aws.resources import (
    AwsResource,
    ElasticAddress,
    ElasticMapping,
    GroupRule,
    SecondaryAddress,
    SourceDestCheck,
    TableRoute,
    UndoTag,
)
from lvsnat.aws.target import Target, TargetKind
from lvsnat.aws.undo import undo
from lvsnat.aws.world import World
from lvsnat.errors import PartlyAppliedError
from lvsnat.plan.change import Change, Create, Delete, Update, inverse, key_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

EVERYBODY, EVERYBODY_6 = ip_network("0.0.0.0/0"), ip_network("::/0")
TARGETS = [
    "igw-1", "vgw-1", "vpce-1", "nat-1", "eni-1", "tgw-1", "pcx-1", "eigw-1", "lgw-1", "cagw-1",
    "local", "arn:aws:networkmanager::1:core-network/c", "arn:aws:odb:eu-west-1:1:odb-network/o",
]  # fmt: skip
FREE = ElasticMapping("eipalloc-1", None, None)
MAPPED = ElasticMapping("eipalloc-1", "eni-1", IPv4Address(VIP))
WHERE = Where("eu-west-1", "vpc-1", LB)


def changes() -> Iterator[Change]:
    """Every kind of change, and what undoes it."""
    both_ways: list[Change] = [
        Update(SourceDestCheck("eni-1", value="on"), SourceDestCheck("eni-1", value="off")),
        Create(SecondaryAddress(IPv4Address(VIP), "eni-1")),
        Create(SecondaryAddress(IPv6Address("2001:db8::1"), "eni-1")),
        Create(GroupRule("sg-1", "tcp", 80, 80, EVERYBODY)),
        Create(GroupRule("sg-1", "132", 1, 9, EVERYBODY_6)),
        Create(ElasticAddress(IPv4Address(VIP))),
        Create(UndoTag("rtb-1", EVERYBODY, "nat-1")),
        Update(UndoTag("rtb-1", EVERYBODY_6, "nat-1"), UndoTag("rtb-1", EVERYBODY_6, "nothing")),
        Update(FREE, MAPPED),
        Update(MAPPED, replace(MAPPED, interface="eni-2")),
    ]
    for network in (EVERYBODY, EVERYBODY_6):
        both_ways += [Create(TableRoute("rtb-1", network, Target("eni-1")))]
        for target in TARGETS:
            route = TableRoute("rtb-1", network, Target(target))
            both_ways.append(Update(route, replace(route, target=Target("eni-1"))))
    for change in both_ways:
        yield from (change, inverse(change))


@pytest.mark.parametrize("change", [*changes()], ids=repr)
def test_every_change_is_a_call_that_botocore_knows(api: EC2Client, change: Change) -> None:
    place = Place("vpc-1", {"eipalloc-1": "eipassoc-1"}, {VIP: "eipalloc-1"})

    call = call_for(change, place)

    model = api.meta.service_model.operation_model(call.operation)
    parameters = dict(call.parameters)
    if call.has_dry_run:
        parameters["DryRun"] = True
    assert model.input_shape is not None
    report = ParamValidator().validate(parameters, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert api.meta.method_to_api_mapping[call.method] == call.operation
    assert ("DryRun" in model.input_shape.members) == call.has_dry_run


def test_every_kind_of_target_can_be_put_back() -> None:
    known = {Target(one).kind for one in TARGETS}

    assert known == set(TargetKind) - {TargetKind.UNKNOWN}


@pytest.fixture
def world(ec2: Ec2, dual: Vpc, clock: TurningClock) -> World:
    return World(ec2, dual.id, clock)


def planned(world: World, vpc: Vpc) -> list[Change]:
    check = SourceDestCheck(vpc.director.eni, value="on")
    route = TableRoute(vpc.private_table, EVERYBODY, Target(vpc.nat))
    del world
    return [
        Update(check, check.with_value("off")),
        Update(route, replace(route, target=Target(vpc.director.eni))),
    ]


def test_a_change_that_is_never_seen_is_taken_back(
    world: World, dual: Vpc, clock: TurningClock, ec2_server: Ec2Server, tmp_path: Path
) -> None:
    wished = planned(world, dual)
    again = look(world.ec2, dual.director.eni)
    ec2_server.orders.lag = 1000

    with pytest.raises(AwsError, match="still not to be seen"):
        apply(world, wished, again, folder=tmp_path, where=WHERE, tell=lambda _: None)

    assert clock.time - 1_000_000 >= world.seen_within
    assert ec2_server.changes == ["ModifyNetworkInterfaceAttribute"]


def test_a_route_that_is_there_already_is_no_failure(
    world: World, dual: Vpc, api: EC2Client
) -> None:
    route = TableRoute(dual.private_table, ip_network("192.0.2.0/24"), Target(dual.director.eni))
    api.create_route(
        RouteTableId=route.table,
        DestinationCidrBlock=str(route.destination),
        NetworkInterfaceId=dual.director.eni,
    )

    world.make(Create(route))

    elsewhere = replace(route, target=Target(dual.peer.eni))
    with pytest.raises(AwsError) as told:
        world.make(Create(elsewhere))
    assert told.value.reason == "RouteAlreadyExists"


def test_what_is_gone_already_needs_no_removal(world: World, dual: Vpc) -> None:
    rule = GroupRule(dual.group, "tcp", 80, 80, EVERYBODY)
    route = TableRoute(dual.private_table, ip_network("192.0.2.0/24"), Target(dual.director.eni))

    world.make(Delete(route))
    world.make(Delete(rule))

    assert world.read(rule) is None
    assert world.read(route) is None


def test_an_interface_that_is_gone_is_nothing(world: World) -> None:
    assert world.read(SourceDestCheck("eni-0123456789abcdef0", value="on")) is None


@dataclass
class FakeVpc:
    """A VPC in memory."""

    clock: TurningClock
    there: dict[object, AwsResource] = field(default_factory=dict)
    allocations: dict[str, str] = field(default_factory=dict)
    broken: set[object] = field(default_factory=set)
    """Keys whose changes are refused."""
    breaks_with: set[object] = field(default_factory=set)
    """Keys that are broken, too, once a change was refused."""
    arriving: AwsResource | None = None
    """The effect of a call that is not seen yet."""
    looks: int = 0
    """How many looks go by until it is."""

    def read(self, resource: AwsResource) -> AwsResource | None:
        self.looks -= 1
        if self.arriving is not None and self.looks < 0:
            self.there[self.arriving.key] = self.arriving
            self.arriving = None
        return self.there.get(resource.key)

    def make(self, change: Change) -> None:
        before, after = both(change)
        found = after or before
        assert found is not None
        if found.key in self.broken:
            self.broken |= self.breaks_with
            raise AwsError(f"{found.describe()}: refused")
        self.there.pop(found.key, None)
        if after is not None:
            self.there[after.key] = after

    def wait(self, resource: AwsResource, wanted: AwsResource | None) -> None:
        assert self.read(resource) == wanted


def everything_of(vpc: FakeVpc) -> dict[object, AwsResource]:
    return dict(vpc.there)


@pytest.mark.parametrize("place", range(5))
def test_wherever_it_fails_everything_is_as_before(
    clock: TurningClock, tmp_path: Path, place: int
) -> None:
    wished = decided(picture(), eip_allocation="eipalloc-00000001").plan.changes
    vpc = FakeVpc(clock, {b.key: b for c in wished if (b := both(c)[0]) is not None})
    before = everything_of(vpc)
    broken = both(wished[place])[1]
    assert broken is not None
    vpc.broken = {broken.key}

    with pytest.raises(AwsError, match="refused"):
        apply(vpc, wished, picture(), folder=tmp_path, where=WHERE, tell=lambda _: None)

    assert everything_of(vpc) == before
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("made", range(6))
def test_killed_anywhere_undo_puts_everything_back(
    clock: TurningClock, tmp_path: Path, made: int
) -> None:
    wished = decided(picture(), eip_allocation="eipalloc-00000001").plan.changes
    vpc = FakeVpc(clock, {b.key: b for c in wished if (b := both(c)[0]) is not None})
    before = everything_of(vpc)
    journal = Journal.begin(tmp_path, 1.0, WHERE, wished)
    for number, change in enumerate(wished[:made]):
        journal.mark(number, Stand.BEGUN)
        vpc.make(change)
        if number < made - 1:
            journal.mark(number, Stand.MADE)

    told: list[Undone] = []
    for left in unfinished(tmp_path):
        assert undo(vpc, left, told.append) == []

    assert everything_of(vpc) == before
    assert len(told) == made
    assert unfinished(tmp_path) == []


def test_a_call_that_was_cut_off_is_waited_for(clock: TurningClock, tmp_path: Path) -> None:
    route = TableRoute(PRIVATE, EVERYBODY, Target("nat-0000000c"))
    wished = replace(route, target=Target(LB))
    vpc = FakeVpc(clock, {route.key: route}, arriving=wished, looks=2)
    journal = Journal(tmp_path / "a.json", 1.0, WHERE, [Step(Update(route, wished), Stand.BEGUN)])

    told: list[Undone] = []
    assert undo(vpc, journal, told.append) == []

    assert [one.back for one in told] == [Update(wished, route)]
    assert vpc.there[route.key] == route
    assert clock.sleeps == [1.0, 1.0]


def test_what_is_left_is_told_with_how_to_go_on(clock: TurningClock, tmp_path: Path) -> None:
    wished = decided(picture()).plan.changes
    vpc = FakeVpc(clock, {b.key: b for c in wished if (b := both(c)[0]) is not None})
    vpc.broken, vpc.breaks_with = {key_of(wished[-1])}, {key_of(wished[0])}

    with pytest.raises(PartlyAppliedError, match=f"FAILED   {LB}") as told:
        apply(vpc, wished, picture(), folder=tmp_path, where=WHERE, tell=lambda _: None)

    assert told.value.hint is not None
    assert "lvsnat aws undo" in told.value.hint
    assert len(unfinished(tmp_path)) == 1


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "InternalError"])
def test_faults_of_ec2_are_tried_again(
    dual: Vpc, ec2_server: Ec2Server, clock: TurningClock, code: str
) -> None:
    from lvsnat.aws.client import connect
    from lvsnat.model.aws import AwsOptions

    world = World(connect(AwsOptions(region="eu-west-1"), lambda: ""), dual.id, clock)
    ec2_server.orders.faults.append(Fault("ReplaceRoute", code, status=503))

    for change in planned(world, dual):
        world.make(change)

    assert ec2_server.changes.count("ReplaceRoute") == 2
