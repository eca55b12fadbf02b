"""``lvsnat aws apply`` and ``undo``: all, nothing, or what is left is told exactly."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from aws.call import Call
from aws.imds import Imds
from aws.server import Ec2Server, Fault
from aws.vpcs import VIP, Vpc, add_tables
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = pytest.mark.usefixtures("imds")


def default_route(api: EC2Client, table: str) -> dict[str, Any]:
    found = api.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    routes = [dict(one) for one in found if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
    return routes[0] if routes else {}


def state(api: EC2Client, vpc: Vpc) -> dict[str, Any]:
    """Everything that apply may change."""
    nics = api.describe_network_interfaces(NetworkInterfaceIds=[vpc.director.eni])
    nic = nics["NetworkInterfaces"][0]
    addresses = api.describe_addresses(AllocationIds=[vpc.allocation])["Addresses"][0]
    groups = api.describe_security_groups(GroupIds=[vpc.group, vpc.server_group])
    return {
        "check": nic["SourceDestCheck"],
        "addresses": sorted(one["PrivateIpAddress"] for one in nic["PrivateIpAddresses"]),
        "mapped": addresses.get("PrivateIpAddress"),
        "interface": addresses.get("NetworkInterfaceId"),
        "rules": [len(one["IpPermissions"]) for one in groups["SecurityGroups"]],
        "route": default_route(api, vpc.private_table or vpc.public_table),
        "tags": tags(api, vpc.private_table or vpc.public_table),
    }


def tags(api: EC2Client, table: str) -> dict[str, str]:
    found = api.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Tags"]
    return {one["Key"]: one["Value"] for one in found}


def journals(lvsnat: CommandLine) -> list[str]:
    return [path.stem for path in sorted((lvsnat.paths.state / "aws").glob("*.json"))]


def everything(vpc: Vpc) -> tuple[str, ...]:
    return ("--eip-allocation", vpc.allocation, "--security-groups")


def test_apply_makes_the_way_back_and_undo_puts_everything_back(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client
) -> None:
    before = state(api, dual)

    lvsnat.ok("aws", "apply", "--yes", *everything(dual))

    after = state(api, dual)
    assert after["check"] is False
    assert after["addresses"] == ["10.0.1.10", VIP]
    assert (after["mapped"], after["interface"]) == (VIP, dual.director.eni)
    assert after["route"]["NetworkInterfaceId"] == dual.director.eni
    assert after["rules"] == [1, 1]

    lvsnat.ok("aws", "undo", "--yes")

    assert state(api, dual) == before
    assert journals(lvsnat) == []


def test_a_second_apply_changes_nothing(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("aws", "apply", "--yes", *everything(dual))
    ec2_server.forget()

    result = lvsnat("aws", "apply", "--yes", *everything(dual))

    assert result.exit_code == ExitCode.DONE
    assert "in sync" in result.stderr
    assert ec2_server.changes == []
    assert len(journals(lvsnat)) == 1


@pytest.mark.usefixtures("single")
def test_in_one_subnet_no_route_is_touched(lvsnat: CommandLine, ec2_server: Ec2Server) -> None:
    text = lvsnat.paths.config.read_text()
    text = text.replace("10.0.2.55", "10.0.1.55").replace("10.0.3.56", "10.0.1.56")
    lvsnat.paths.config.write_text(text)

    said = lvsnat.ok("aws", "plan")
    lvsnat.ok("aws", "apply", "--yes")

    assert "single-subnet" in said
    assert "RS_GATEWAY" in said
    assert ec2_server.changes == ["ModifyNetworkInterfaceAttribute", "AssignPrivateIpAddresses"]


def test_a_missing_route_is_created_and_removed_again(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    client = "198.51.100.0/24"

    lvsnat.ok("aws", "apply", "--yes", "--client", client)
    assert "CreateRoute" in ec2_server.changes
    assert default_route(api, dual.private_table)["NatGatewayId"] == dual.nat

    lvsnat.ok("aws", "undo", "--yes")
    assert ec2_server.changes[-4:-2] == ["DeleteRoute", "DeleteTags"]


@pytest.mark.usefixtures("dual")
def test_a_change_that_is_seen_late_is_waited_for(
    lvsnat: CommandLine, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.lag = 1

    said = lvsnat.ok("aws", "apply", "--yes")

    assert "seen after 0.5 s" in said or "seen after 0.6 s" in said


def test_a_refused_change_undoes_those_before_it(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    before = state(api, dual)
    ec2_server.orders.denied = {"ReplaceRoute"}

    result = lvsnat("aws", "apply", "--yes", *everything(dual))

    assert result.exit_code == ExitCode.FAILED
    assert "ec2:ReplaceRoute" in result.stderr
    assert "put back" in result.stderr
    assert state(api, dual) == before
    assert journals(lvsnat) == []


def test_what_cannot_be_put_back_is_told_exactly(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    before = state(api, dual)
    ec2_server.orders.denied = {"ReplaceRoute", "UnassignPrivateIpAddresses"}

    result = lvsnat("aws", "apply", "--yes")

    assert result.exit_code == ExitCode.PARTLY_APPLIED
    assert f"FAILED   secondary address {VIP}" in result.stderr
    assert f"put back {dual.director.eni} source/dest check" in result.stderr
    assert state(api, dual) == {**before, "addresses": ["10.0.1.10", VIP]}

    ec2_server.orders.denied = set()
    lvsnat.ok("aws", "undo", "--yes", *journals(lvsnat))
    assert state(api, dual) == before


def test_undo_leaves_alone_what_somebody_changed_meanwhile(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client
) -> None:
    lvsnat.ok("aws", "apply", "--yes")
    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=dual.peer.eni,
    )

    result = lvsnat("aws", "undo", "--yes")

    assert result.exit_code == ExitCode.PARTLY_APPLIED
    assert f"CONFLICT {dual.private_table} 0.0.0.0/0 is {dual.peer.eni}" in result.stdout
    after = state(api, dual)
    assert after["route"]["NetworkInterfaceId"] == dual.peer.eni
    assert after["check"] is True
    assert after["addresses"] == ["10.0.1.10"]
    assert len(journals(lvsnat)) == 1


def test_a_world_that_moved_since_the_plan_is_refused(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server
) -> None:
    moved = False

    def move(call: Call) -> None:
        """Take the route away once the plan is made: right after its last look."""
        nonlocal moved
        if call.action == "DescribeSecurityGroups" and not moved:
            moved = True
            call.backend.delete_route(dual.private_table, "0.0.0.0/0")

    ec2_server.orders.after = move
    result = lvsnat("aws", "apply", "--yes")

    assert result.exit_code == ExitCode.REFUSED
    assert f"DRIFT {dual.private_table} 0.0.0.0/0 is nothing, the plan said {dual.nat}" in (
        result.stderr
    )
    assert ec2_server.changes == []
    assert journals(lvsnat) == []


def test_a_plan_that_was_looked_at_is_the_one_that_is_made(lvsnat: CommandLine, dual: Vpc) -> None:
    planned = json.loads(lvsnat.ok("aws", "plan", "-o", "json"))

    wrong = lvsnat("aws", "apply", "--yes", "--expect", "0123456789ab")
    made = json.loads(
        lvsnat.ok("aws", "apply", "--yes", "-o", "json", "--expect", planned["fingerprint"])
    )

    assert wrong.exit_code == ExitCode.REFUSED
    assert made["changes"] == planned["changes"]
    assert (planned["applied"], made["applied"]) == (False, True)
    assert made["director"] == dual.director.eni


def test_a_new_elastic_ip_is_kept_by_undo_and_used_again(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    number = len(api.describe_addresses()["Addresses"])

    lvsnat.ok("aws", "apply", "--yes", "--allocate-eip")
    said = lvsnat.ok("aws", "undo", "--yes")
    lvsnat.ok("aws", "apply", "--yes", "--allocate-eip")

    addresses = api.describe_addresses()["Addresses"]
    ours = [one for one in addresses if one.get("PrivateIpAddress") == VIP]
    assert len(addresses) == number + 1
    assert ours[0]["NetworkInterfaceId"] == dual.director.eni
    assert f"{ours[0]['AllocationId']} is kept" in said
    assert ec2_server.changes.count("AllocateAddress") == 1


def test_a_new_elastic_ip_is_released_when_apply_fails(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    number = len(api.describe_addresses()["Addresses"])
    ec2_server.orders.faults.append(Fault("ReplaceRoute", "RouteLimitExceeded"))

    result = lvsnat("aws", "apply", "--yes", "--allocate-eip")

    assert result.exit_code == ExitCode.FAILED
    assert len(api.describe_addresses()["Addresses"]) == number
    assert state(api, dual)["check"] is True


def test_an_elastic_ip_that_stood_for_the_vip_is_put_back(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client
) -> None:
    eni = dual.director.eni
    api.assign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=[VIP])
    old = api.allocate_address(Domain="vpc")["AllocationId"]
    api.associate_address(AllocationId=old, NetworkInterfaceId=eni, PrivateIpAddress=VIP)

    said = lvsnat.ok("aws", "plan", *everything(dual))
    lvsnat.ok("aws", "apply", "--yes", *everything(dual))
    lvsnat.ok("aws", "undo", "--yes")

    assert "EIP_MOVES" in said
    found = api.describe_addresses(AllocationIds=[old])["Addresses"][0]
    assert (found["NetworkInterfaceId"], found["PrivateIpAddress"]) == (eni, VIP)


def test_nobody_to_ask_is_a_refusal(lvsnat: CommandLine, ec2_server: Ec2Server) -> None:
    result = lvsnat("aws", "apply")

    assert result.exit_code == ExitCode.REFUSED
    assert "--yes" in result.stderr
    assert ec2_server.changes == []


def test_there_may_be_nothing_to_undo(lvsnat: CommandLine) -> None:
    unknown = lvsnat("aws", "undo", "--yes", "20260101T000000Z")

    assert "nothing to undo" in lvsnat("aws", "undo", "--yes").stderr
    assert unknown.exit_code == ExitCode.USAGE


def test_a_broken_journal_is_told_with_its_place(lvsnat: CommandLine) -> None:
    path = lvsnat.paths.state / "aws" / "20260101T000000Z.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")

    result = lvsnat("aws", "undo", "--yes")

    assert result.exit_code == ExitCode.FAILED
    assert str(path) in result.stderr


def test_five_hundred_tables_take_a_bounded_number_of_looks(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server
) -> None:
    subnets = add_tables(dual, tables=500, subnets=200)
    named = [word for name in subnets for word in ("--real-server-subnet", name)]
    ec2_server.forget()

    document = json.loads(lvsnat.ok("aws", "plan", "-o", "json", *named))

    assert document["summary"]["change"] == 201
    asked = [call for call in ec2_server.calls if call.startswith("Describe")]
    assert len(asked) <= 20
    assert len(ec2_server.calls) <= 55


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
def test_an_apply_that_is_ended_half_way_can_be_put_back(
    lvsnat: CommandLine,
    dual: Vpc,
    api: EC2Client,
    ec2_server: Ec2Server,
    number: signal.Signals,
) -> None:
    before = state(api, dual)
    ended = False

    def end(call: Call) -> None:
        nonlocal ended
        if call.action == "AuthorizeSecurityGroupIngress" and not ended:
            ended = True
            process.send_signal(number)
            time.sleep(0.3)

    ec2_server.orders.after = end
    process = apply_as_a_process(lvsnat, dual)
    said, _ = process.communicate(timeout=120)
    ec2_server.orders.after = None

    assert process.returncode != ExitCode.DONE, said
    if number is signal.SIGKILL:
        assert state(api, dual) != before
        lvsnat.ok("aws", "undo", "--yes")
    assert state(api, dual) == before
    assert journals(lvsnat) == []


def apply_as_a_process(lvsnat: CommandLine, vpc: Vpc) -> subprocess.Popen[str]:
    code = (
        "import os, sys; from lvsnat.__main__ import main;"
        f"os.environ['LVSNAT_CONFIG'] = {str(lvsnat.paths.config)!r};"
        f"os.environ['LVSNAT_STATE_DIR'] = {str(lvsnat.paths.state)!r};"
        f"os.environ['LVSNAT_RUN_DIR'] = {str(lvsnat.paths.run)!r};"
        "main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "aws", "apply", "--yes", *everything(vpc)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_metadata_service_is_asked_by_version_2_alone(lvsnat: CommandLine, imds: Imds) -> None:
    lvsnat.ok("aws", "plan")

    assert imds.requests
    assert not [one for one in imds.requests if one.startswith("v1")]
