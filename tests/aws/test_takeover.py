"""``lvsnat aws takeover``: everything becomes this director's, or what does not is told exactly."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws.call import Call
from aws.imds import Imds
from aws.server import Ec2Server, Fault
from aws.vpcs import VIP, Vpc, add_tables
from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS, keys

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

TAKES = {"ReplaceRoute", "AssignPrivateIpAddresses", "AssociateAddress", "CreateRoute"}


@pytest.fixture
def pair(lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server, imds: Imds) -> Vpc:
    """Two directors; the other one is active, and this one is ready."""
    del imds
    lvsnat.ok("apply")
    for machine in (dual.director, dual.peer):
        api.modify_network_interface_attribute(
            NetworkInterfaceId=machine.eni, SourceDestCheck={"Value": False}
        )
    give(api, dual)
    ec2_server.forget()
    return dual


def give(api: EC2Client, vpc: Vpc) -> None:
    """Let the other director have everything."""
    peer = vpc.peer.eni
    api.assign_private_ip_addresses(
        NetworkInterfaceId=peer, PrivateIpAddresses=[VIP], AllowReassignment=True
    )
    api.associate_address(
        AllocationId=vpc.allocation, NetworkInterfaceId=peer, PrivateIpAddress=VIP
    )
    api.replace_route(
        RouteTableId=vpc.private_table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=peer,
    )


def owners(api: EC2Client, vpc: Vpc) -> dict[str, Any]:
    """Who has what."""
    found = api.describe_route_tables(RouteTableIds=[vpc.private_table])["RouteTables"][0]
    [route] = [one for one in found["Routes"] if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
    nics = api.describe_network_interfaces()["NetworkInterfaces"]
    eip = api.describe_addresses(AllocationIds=[vpc.allocation])["Addresses"][0]
    return {
        "route": route.get("NetworkInterfaceId"),
        "vip": [
            one["NetworkInterfaceId"]
            for one in nics
            if VIP in [address["PrivateIpAddress"] for address in one["PrivateIpAddresses"]]
        ],
        "eip": (eip.get("NetworkInterfaceId"), eip.get("PrivateIpAddress")),
    }


def all_of(eni: str) -> dict[str, Any]:
    return {"route": eni, "vip": [eni], "eip": (eni, VIP)}


@pytest.mark.parametrize("lag", [0, 3])
def test_everything_is_taken_in_one_run(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server, lag: int
) -> None:
    ec2_server.orders.lag = lag

    result = lvsnat("aws", "takeover")

    assert result.exit_code == ExitCode.DONE, result.output
    assert result.stdout.count("seen after") == 3
    assert owners(api, pair) == all_of(pair.director.eni)
    assert "DisassociateAddress" not in ec2_server.calls


def test_an_elastic_ip_that_follows_its_vip_needs_no_call(
    lvsnat: CommandLine, pair: Vpc, ec2_server: Ec2Server
) -> None:
    said = lvsnat.ok("aws", "takeover", "--peer-eni", pair.peer.eni)

    assert sorted(ec2_server.changes) == ["AssignPrivateIpAddresses", "ReplaceRoute"]
    assert "followed" in said


def test_an_elastic_ip_that_does_not_follow_is_fetched_once_the_vip_is_here(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    api.associate_address(
        AllocationId=pair.allocation,
        NetworkInterfaceId=pair.peer.eni,
        PrivateIpAddress=pair.peer.address,
    )
    ec2_server.forget()
    ec2_server.orders.lag = 2

    lvsnat.ok("aws", "takeover", "--eip-allocation", pair.allocation)

    assert owners(api, pair) == all_of(pair.director.eni)
    assert ec2_server.changes[-1] == "AssociateAddress"


def test_a_second_run_changes_nothing(
    lvsnat: CommandLine, pair: Vpc, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("aws", "takeover")
    ec2_server.forget()

    said = lvsnat.ok("aws", "takeover", "--peer-eni", pair.peer.eni)

    assert "nothing to take: all 3 are ours" in said
    assert ec2_server.changes == []


def test_a_dry_run_shows_the_steps_and_changes_nothing(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"ReplaceRoute"}

    said = lvsnat.ok("aws", "takeover", "--dry-run")

    assert f"{pair.private_table} 0.0.0.0/0  target {pair.peer.eni} → {pair.director.eni}" in said
    assert "denied ReplaceRoute" in said
    assert ec2_server.changes == []
    assert owners(api, pair) == all_of(pair.peer.eni)


def test_a_table_that_fails_keeps_nothing_else_back(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"ReplaceRoute"}

    result = lvsnat("aws", "takeover")

    assert result.exit_code == ExitCode.PARTLY_APPLIED
    assert f"1 of 3 are not ours\n  {pair.private_table} 0.0.0.0/0: ec2:ReplaceRoute" in (
        result.stderr
    )
    assert "--role failover" in " ".join(result.stderr.split())
    assert owners(api, pair) == {**all_of(pair.director.eni), "route": pair.peer.eni}

    ec2_server.orders.denied = set()
    lvsnat.ok("aws", "takeover")

    assert owners(api, pair) == all_of(pair.director.eni)


def test_where_all_is_denied_nothing_was_taken(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = TAKES

    result = lvsnat("aws", "takeover")

    assert result.exit_code == ExitCode.FAILED
    assert "nothing was taken" in result.stderr
    assert owners(api, pair) == all_of(pair.peer.eni)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("ReplaceRoute", "RequestLimitExceeded", status=503, times=2),
        Fault("AssignPrivateIpAddresses", "InternalError", status=500, times=2),
        Fault("DescribeSubnets", "RequestLimitExceeded", status=503, times=2),
    ],
    ids=lambda fault: fault.action,
)
def test_what_passes_is_tried_again(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server, fault: Fault
) -> None:
    ec2_server.orders.faults = [replace(fault)]

    lvsnat.ok("aws", "takeover")

    assert owners(api, pair) == all_of(pair.director.eni)


def test_what_is_never_seen_ends_with_the_time(
    lvsnat: CommandLine, pair: Vpc, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.lag = 10_000
    began = time.monotonic()

    result = lvsnat("aws", "takeover", "--timeout", "10", "-o", "json")

    document = json.loads(result.stdout)
    assert 10 < time.monotonic() - began < 60
    assert result.exit_code == ExitCode.PARTLY_APPLIED
    assert f"{pair.private_table} 0.0.0.0/0: not seen to be ours in time" in result.stderr
    assert document["ours"] is False
    assert [one["seen_after"] for one in document["steps"]] == [None, None, None]


def test_a_slow_api_ends_it_before_anything_is_taken(
    lvsnat: CommandLine, pair: Vpc, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.slow = 0.5
    began = time.monotonic()

    result = lvsnat("aws", "takeover", "--timeout", "1", "--peer-eni", pair.peer.eni)

    assert time.monotonic() - began < 30
    assert result.exit_code == ExitCode.FAILED
    assert "nothing was taken" in result.stderr
    assert ec2_server.changes == []


def test_a_peer_that_is_gone_is_replaced(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    text = f'\n[aws]\npeer_eni = "{pair.peer.eni}"\neip_allocation = "{pair.allocation}"\n'
    lvsnat.paths.config.write_text(lvsnat.paths.config.read_text() + text)
    api.terminate_instances(InstanceIds=[pair.peer.instance])
    ec2_server.forget()

    lvsnat.ok("aws", "takeover")

    assert owners(api, pair) == all_of(pair.director.eni)


def test_a_stranger_keeps_what_it_has(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    api.replace_route(
        RouteTableId=pair.private_table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=pair.servers[0].eni,
    )
    ec2_server.forget()

    unnamed = lvsnat("aws", "takeover")
    named = lvsnat("aws", "takeover", "--peer-eni", pair.peer.eni)

    assert unnamed.exit_code == named.exit_code == ExitCode.FAILED
    assert "--peer-eni" in unnamed.stderr
    assert pair.servers[0].eni in named.stderr
    assert ec2_server.changes == []


def test_a_route_to_a_nat_gateway_is_not_taken(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    api.replace_route(
        RouteTableId=pair.private_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=pair.nat
    )
    ec2_server.forget()

    result = lvsnat("aws", "takeover")

    assert result.exit_code == ExitCode.FAILED
    assert f"leads to {pair.nat}" in result.stderr
    assert ec2_server.changes == []


def test_the_source_destination_check_must_be_off(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    api.modify_network_interface_attribute(
        NetworkInterfaceId=pair.director.eni, SourceDestCheck={"Value": True}
    )
    ec2_server.forget()

    result = lvsnat("aws", "takeover")

    assert result.exit_code == ExitCode.FAILED
    assert "SRC_DST_CHECK" in result.stderr
    assert "--no-source-dest-check" in result.stderr
    assert ec2_server.changes == []


def test_a_director_that_serves_nothing_takes_nothing(
    lvsnat: CommandLine, pair: Vpc, ec2_server: Ec2Server
) -> None:
    lvsnat.ok("clear", "--yes", "--force")

    result = lvsnat("aws", "takeover")

    assert pair.id
    assert result.exit_code == ExitCode.FAILED
    assert "does not serve yet" in result.stderr
    assert ec2_server.calls == []


def test_in_one_subnet_no_route_is_taken(
    lvsnat: CommandLine, single: Vpc, api: EC2Client, ec2_server: Ec2Server, imds: Imds
) -> None:
    del imds
    web = lvsnat.paths.config.read_text()
    lvsnat.paths.config.write_text(web.replace("10.0.2.55", "10.0.1.55").replace(".3.56", ".1.56"))
    lvsnat.ok("apply")
    api.modify_network_interface_attribute(
        NetworkInterfaceId=single.director.eni, SourceDestCheck={"Value": False}
    )
    api.assign_private_ip_addresses(
        NetworkInterfaceId=single.peer.eni, PrivateIpAddresses=[VIP], AllowReassignment=True
    )
    ec2_server.forget()

    lvsnat.ok("aws", "takeover")

    assert ec2_server.changes == ["AssignPrivateIpAddresses"]


def test_many_tables_are_taken_at_once(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    subnets = add_tables(pair, 60, 60)
    found = api.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [pair.id]}])
    for table in found["RouteTables"]:
        links = {one.get("SubnetId") for one in table["Associations"]}
        if links & set(subnets):
            api.replace_route(
                RouteTableId=table["RouteTableId"],
                DestinationCidrBlock="0.0.0.0/0",
                NetworkInterfaceId=pair.peer.eni,
            )
    ec2_server.forget()
    ec2_server.orders.slow = 0.05
    options = [word for subnet in subnets for word in ("--real-server-subnet", subnet)]

    result = lvsnat("aws", "takeover", *options, "--timeout", "120", "-o", "json")

    document = json.loads(result.stdout)
    assert result.exit_code == ExitCode.DONE, result.output
    assert document["ours"] is True
    assert len(document["steps"]) == 62
    assert ec2_server.changes.count("ReplaceRoute") == 60
    looks = len(ec2_server.calls) - len(ec2_server.changes)
    assert looks < 40 + 6 * document["seconds"]


def test_every_key_of_the_document_is_documented(lvsnat: CommandLine, pair: Vpc) -> None:
    dry = json.loads(lvsnat.ok("aws", "takeover", "--dry-run", "-o", "json"))
    found = json.loads(lvsnat.ok("aws", "takeover", "-o", "json"))

    assert dry["steps"][0]["after"] == {"interface": pair.director.eni}
    assert found["peers"] == [pair.peer.eni]
    assert f"\n## {found.pop('schema')}\n" in DOCUMENTS
    for key in {*keys(found), *keys(dry)} - {"schema"}:
        assert f"{key}`" in DOCUMENTS


def test_where_an_answer_was_lost_the_next_run_ends_it(
    lvsnat: CommandLine, pair: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    """EC2 did it, and the answer did not arrive in time."""
    lost: list[str] = []

    def lose(call: Call) -> None:
        if call.action == "AssignPrivateIpAddresses" and not lost:
            lost.append(call.action)
            time.sleep(1.5)

    ec2_server.orders.after = lose

    lvsnat("aws", "takeover", "--timeout", "1")
    ec2_server.orders.after = None
    lvsnat.ok("aws", "takeover")

    assert owners(api, pair) == all_of(pair.director.eni)
