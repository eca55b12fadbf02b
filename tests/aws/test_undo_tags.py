"""Where routes led is noted on their tables: another machine can undo without our journal."""

from __future__ import annotations

import shutil
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aws.pictures import (
    EVERYBODY,
    IGW,
    LB,
    NAT,
    PEER,
    PRIVATE,
    carried_out,
    codes,
    decided,
    inside,
    leads,
    picture,
)
from aws.server import Ec2Server, Fault
from aws.test_apply import default_route, journals, state, tags
from aws.vpcs import Vpc
from cli.commandline import CommandLine

from lvsnat.aws.calls import both
from lvsnat.aws.picture import Picture
from lvsnat.aws.resources import NOTHING, TableRoute, UndoTag
from lvsnat.aws.tags import noted
from lvsnat.aws.target import Target
from lvsnat.errors import ExitCode
from lvsnat.plan.change import Create, Update

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

KEY = "lvsnat:undo:0.0.0.0/0"


def tagged(seen: Picture, *pairs: tuple[str, str]) -> Picture:
    """The picture with these tags on the real servers' table."""
    tables = (replace(one, tags=pairs) if one.id == PRIVATE else one for one in seen.tables)
    return replace(seen, tables=tuple(tables))


def wished(seen: Picture) -> list[UndoTag]:
    changes = decided(seen).plan.changes
    return [one for change in changes if isinstance(one := both(change)[1], UndoTag)]


@pytest.mark.parametrize(
    ("seen", "before"),
    [
        (picture(), NAT),
        (picture(tables=inside()), NOTHING),
        (picture(tables=inside(leads("0.0.0.0/0", PEER))), PEER),
        (tagged(picture(), (KEY, IGW)), NAT),
    ],
)
def test_what_a_route_led_to_is_noted(seen: Picture, before: str) -> None:
    assert wished(seen) == [UndoTag(PRIVATE, EVERYBODY, before)]


def test_a_note_stays_where_another_director_has_the_route() -> None:
    seen = tagged(picture(tables=inside(leads("0.0.0.0/0", PEER))), (KEY, NAT))

    assert wished(seen) == []


def test_a_route_that_is_ours_needs_no_note() -> None:
    assert wished(picture(tables=inside(leads("0.0.0.0/0", LB)))) == []


def test_a_table_that_is_full_of_tags_is_told_and_gets_none() -> None:
    full = [(f"tag-{number}", "x") for number in range(50)]
    by_aws = [(f"aws:tag-{number}", "x") for number in range(9)]

    assert wished(tagged(picture(), *full[1:], *by_aws)) != []
    assert wished(tagged(picture(), *full)) == []
    assert "UNDO_TAGS_FULL" in codes(decided(tagged(picture(), *full)))[0]


def test_notes_are_read_as_the_changes_that_they_are_about() -> None:
    seen = carried_out(picture(), decided(picture()).plan.changes)

    [found] = noted(seen, [LB])

    assert found.changes == (
        Create(UndoTag(PRIVATE, EVERYBODY, NAT)),
        Update(
            TableRoute(PRIVATE, EVERYBODY, Target(NAT)), TableRoute(PRIVATE, EVERYBODY, Target(LB))
        ),
    )


@pytest.mark.parametrize(
    "pair",
    [
        ("lvsnat:undo:everything", NAT),
        ("lvsnat:undo:", NAT),
        (KEY, "somewhere"),
        (KEY, ""),
    ],
)
def test_what_lvsnat_did_not_write_is_left_alone(pair: tuple[str, str]) -> None:
    [found] = noted(tagged(picture(), pair), [LB])

    assert found.changes == ()
    assert "is not what lvsnat writes" in found.alone


def test_the_notes_of_another_pair_of_directors_are_none_of_ours() -> None:
    seen = tagged(picture(tables=inside(leads("0.0.0.0/0", PEER))), (KEY, NAT))

    [alone] = noted(seen, [LB])
    [found] = noted(seen, [LB, PEER])

    assert "left alone" in alone.alone
    assert len(found.changes) == 2


def test_a_route_that_is_back_already_leaves_the_note_to_remove() -> None:
    [found] = noted(tagged(picture(), (KEY, NAT)), [LB])

    assert found.changes == (Create(UndoTag(PRIVATE, EVERYBODY, NAT)),)


def test_a_note_for_ipv6_is_read() -> None:
    seen = tagged(picture(tables=inside(leads("::/0", LB))), ("lvsnat:undo:::/0", NOTHING))

    [found] = noted(seen, [LB])

    assert found.changes[1] == Create(TableRoute(PRIVATE, ip_network("::/0"), Target(LB)))


def on_another_machine(lvsnat: CommandLine) -> None:
    """Nothing of what this machine knew is there."""
    shutil.rmtree(lvsnat.paths.state / "aws")


@pytest.mark.usefixtures("imds")
class TestInTheVpc:
    def test_apply_notes_it_and_undo_takes_the_note_away(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes")
        assert tags(api, dual.private_table)[KEY] == dual.nat

        lvsnat.ok("aws", "undo", "--yes")
        assert tags(api, dual.private_table) == {"Name": "private"}

    def test_the_note_is_there_before_the_route_changes(
        self, lvsnat: CommandLine, ec2_server: Ec2Server
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes")

        assert ec2_server.changes[-2:] == ["CreateTags", "ReplaceRoute"]

    def test_another_machine_undoes_the_routes_by_the_notes(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes")
        on_another_machine(lvsnat)

        result = lvsnat("aws", "undo", "--yes", "--eni", dual.director.eni)

        assert result.exit_code == ExitCode.DONE
        assert "no journal is on this machine" in result.stderr
        assert default_route(api, dual.private_table)["NatGatewayId"] == dual.nat
        assert tags(api, dual.private_table) == {"Name": "private"}
        assert journals(lvsnat) == []
        assert "nothing to undo" in lvsnat("aws", "undo", "--yes").stderr

    def test_a_route_that_was_made_is_removed_by_its_note(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes", "--client", "198.51.100.0/24")
        on_another_machine(lvsnat)

        lvsnat.ok("aws", "undo", "--yes")

        assert ec2_server.changes[-2:] == ["DeleteRoute", "DeleteTags"]
        assert tags(api, dual.private_table) == {"Name": "private"}

    def test_after_a_takeover_the_notes_are_still_right(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes")
        api.replace_route(
            RouteTableId=dual.private_table,
            DestinationCidrBlock="0.0.0.0/0",
            NetworkInterfaceId=dual.peer.eni,
        )
        on_another_machine(lvsnat)

        unknown = lvsnat("aws", "undo", "--yes")
        lvsnat.ok("aws", "undo", "--yes", "--peer-eni", dual.peer.eni)

        assert "which is not this director" in unknown.stderr
        assert default_route(api, dual.private_table)["NatGatewayId"] == dual.nat
        assert tags(api, dual.private_table) == {"Name": "private"}

    def test_the_note_stays_as_long_as_its_route_is_left(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client
    ) -> None:
        """The other director took over: who undoes there needs it."""
        lvsnat.ok("aws", "apply", "--yes")
        api.replace_route(
            RouteTableId=dual.private_table,
            DestinationCidrBlock="0.0.0.0/0",
            NetworkInterfaceId=dual.peer.eni,
        )

        result = lvsnat("aws", "undo", "--yes")

        assert result.exit_code == ExitCode.PARTLY_APPLIED
        assert tags(api, dual.private_table)[KEY] == dual.nat

    def test_what_somebody_changed_meanwhile_is_a_conflict_by_notes_too(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client
    ) -> None:
        lvsnat.ok("aws", "apply", "--yes")
        api.replace_route(
            RouteTableId=dual.private_table,
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=dual.gateway,
        )
        on_another_machine(lvsnat)

        result = lvsnat("aws", "undo", "--yes")

        assert result.exit_code == ExitCode.PARTLY_APPLIED
        assert f"CONFLICT {dual.private_table} 0.0.0.0/0 is {dual.gateway}" in result.stdout
        assert KEY in tags(api, dual.private_table)

    @pytest.mark.parametrize("code", ["TagLimitExceeded", "UnauthorizedOperation"])
    def test_a_table_that_cannot_be_noted_on_is_not_changed(
        self, lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server, code: str
    ) -> None:
        before = state(api, dual)
        ec2_server.orders.faults = [Fault("CreateTags", code)]

        result = lvsnat("aws", "apply", "--yes")

        assert result.exit_code == ExitCode.FAILED
        assert state(api, dual) == before
        assert journals(lvsnat) == []
