"""The other director of a pair is made ready before it is needed, and nothing is taken by that."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from aws.imds import Imds
from aws.pictures import PEER, VIP, carried_out, picture, scene
from aws.server import Ec2Server
from aws.vpcs import Machine, Vpc
from cli.commandline import CommandLine

from lvsnat.aws.decide import decide
from lvsnat.aws.resources import GroupRule, SecondaryAddress, SourceDestCheck
from lvsnat.aws.verify import verify
from lvsnat.errors import ExitCode
from lvsnat.plan.change import Create, subject

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ELSEWHERE = carried_out(picture(), [Create(SecondaryAddress(VIP, PEER))])


def test_a_standby_needs_its_own_interface_alone() -> None:
    decision = decide(scene(ELSEWHERE, standby=True, security_groups=True))

    assert decision.refusals == ()
    assert {type(subject(one)) for one in decision.plan.changes} == {SourceDestCheck, GroupRule}
    groups = {one.group for c in decision.plan.changes if isinstance(one := subject(c), GroupRule)}
    assert groups == {"sg-0000000a"}


def test_what_only_the_active_one_has_is_no_part_of_a_standby() -> None:
    found = {str(one.code) for one in verify(scene(ELSEWHERE, standby=True))}

    assert "SRC_DST_CHECK" in found
    assert not {"VIP_ELSEWHERE", "VIP_NOT_ON_ENI", "EIP_MAP", "ROUTE", "ROUTE_OTHER"} & found


@pytest.fixture
def standby(
    lvsnat: CommandLine, dual: Vpc, imds_of: Callable[[Machine], Imds], ec2_server: Ec2Server
) -> Vpc:
    """The director has everything, and commands run on its peer."""
    imds_of(dual.director)
    lvsnat.ok("aws", "apply", "--yes", "--security-groups", "--eip-allocation", dual.allocation)
    imds_of(dual.peer)
    ec2_server.forget()
    return dual


def test_plain_apply_on_the_standby_names_what_to_do(
    lvsnat: CommandLine, standby: Vpc, ec2_server: Ec2Server
) -> None:
    result = lvsnat("aws", "apply", "--yes")

    assert result.exit_code == ExitCode.REFUSED
    assert f"is on {standby.director.eni}" in result.stderr
    assert "lvsnat aws apply --standby" in " ".join(result.stderr.split())
    assert ec2_server.changes == []


def test_the_standby_is_made_ready_and_then_takes_over(
    lvsnat: CommandLine, standby: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    assert lvsnat("aws", "verify", "--standby").exit_code == ExitCode.FAILED

    lvsnat.ok("aws", "apply", "--standby", "--yes")
    changes = list(ec2_server.changes)
    verified = lvsnat("aws", "verify", "--standby", "--peer-eni", standby.director.eni)
    lvsnat.ok("apply")
    lvsnat.ok("aws", "takeover")

    assert changes == ["ModifyNetworkInterfaceAttribute"]
    assert verified.exit_code == ExitCode.DONE, verified.output
    nics = api.describe_network_interfaces(NetworkInterfaceIds=[standby.peer.eni])
    assert nics["NetworkInterfaces"][0]["SourceDestCheck"] is False


def test_a_second_run_on_the_standby_changes_nothing(
    lvsnat: CommandLine, standby: Vpc, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("aws", "apply", "--standby", "--yes")
    ec2_server.forget()

    document = json.loads(lvsnat.ok("aws", "apply", "--standby", "--yes", "-o", "json"))

    assert document["standby"] is True
    assert document["director"] == standby.peer.eni
    assert document["changes"] == []
    assert ec2_server.changes == []


def test_undo_on_the_standby_puts_its_own_part_back(
    lvsnat: CommandLine, standby: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("aws", "apply", "--standby", "--yes")
    ec2_server.forget()

    newest = max((lvsnat.paths.state / "aws").glob("*.json"), key=lambda path: path.stat().st_mtime)
    lvsnat.ok("aws", "undo", "--yes", newest.stem)

    assert ec2_server.changes == ["ModifyNetworkInterfaceAttribute"]
    nics = api.describe_network_interfaces(NetworkInterfaceIds=[standby.peer.eni])
    assert nics["NetworkInterfaces"][0]["SourceDestCheck"] is True


def test_plan_shows_the_part_of_the_standby(lvsnat: CommandLine, standby: Vpc) -> None:
    said = lvsnat.ok("aws", "plan", "--standby")

    assert f"standby {standby.peer.eni}" in said
    assert "1 to change" in said
    assert standby.private_table not in said
