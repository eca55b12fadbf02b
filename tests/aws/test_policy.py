"""``lvsnat aws iam-policy``: what a role may do, to what, and nothing that is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws.call import ACCOUNT
from aws.imds import Imds
from aws.server import Ec2Server
from aws.vpcs import Vpc
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = pytest.mark.usefixtures("imds")
ARN = f"arn:aws:ec2:eu-west-1:{ACCOUNT}"


def policy(lvsnat: CommandLine, *args: str) -> dict[str, Any]:
    """The statements by their sid."""
    found = json.loads(lvsnat("aws", "iam-policy", "--role", *args).stdout)
    assert found["Version"] == "2012-10-17"
    return {one["Sid"]: one for one in found["Statement"]}


def test_a_reader_only_looks(lvsnat: CommandLine, ec2_server: Ec2Server) -> None:
    found = policy(lvsnat, "reader")

    assert set(found) == {"Look"}
    assert found["Look"]["Resource"] == ["*"]
    assert all(a.startswith(("ec2:Describe", "ec2:Get")) for a in found["Look"]["Action"])
    assert ec2_server.changes == []


def test_a_failover_may_take_these_things_and_no_others(lvsnat: CommandLine, dual: Vpc) -> None:
    found = policy(
        lvsnat, "failover", "--peer-eni", dual.peer.eni, "--eip-allocation", dual.allocation
    )
    enis = [f"{ARN}:network-interface/{one.eni}" for one in (dual.director, dual.peer)]

    assert set(found) == {"Look", "Routes", "Vip", "Eip"}
    assert found["Routes"]["Resource"] == [f"{ARN}:route-table/{dual.private_table}"]
    assert found["Vip"]["Action"] == ["ec2:AssignPrivateIpAddresses"]
    assert found["Vip"]["Resource"] == enis
    assert found["Eip"]["Action"] == ["ec2:AssociateAddress"]
    assert found["Eip"]["Resource"] == [
        f"{ARN}:elastic-ip/{dual.allocation}",
        *enis,
        *(f"{ARN}:instance/{one.instance}" for one in (dual.director, dual.peer)),
    ]


@pytest.mark.parametrize("peer", [[], ["--peer-eni", "eni-0123456789abcdef0"]])
def test_a_failover_needs_its_peer(lvsnat: CommandLine, peer: list[str]) -> None:
    result = lvsnat("aws", "iam-policy", "--role", "failover", *peer)

    assert result.exit_code == ExitCode.USAGE
    assert "--peer-eni" in result.stderr
    assert result.stdout == ""


def test_an_operator_may_undo_too(lvsnat: CommandLine, dual: Vpc) -> None:
    found = policy(lvsnat, "operator", "--security-groups", "--allocate-eip")

    assert found["Groups"]["Resource"] == [
        f"{ARN}:security-group/{dual.group}",
        f"{ARN}:security-group/{dual.server_group}",
    ]
    assert found["Eni"]["Action"] == [
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:UnassignPrivateIpAddresses",
    ]
    assert found["CreateTags"]["Condition"] == {
        "StringEquals": {"ec2:CreateAction": "AllocateAddress"}
    }
    assert found["ReleaseAddress"]["Condition"] == {
        "StringLike": {"aws:ResourceTag/lvsnat:vip": f"{dual.id}/*"}
    }


def test_tags_may_be_written_for_an_undo_and_for_nothing_else(
    lvsnat: CommandLine, dual: Vpc
) -> None:
    found = policy(lvsnat, "operator")["UndoTags"]

    assert found["Action"] == ["ec2:CreateTags", "ec2:DeleteTags"]
    assert found["Resource"] == [f"{ARN}:route-table/{dual.private_table}"]
    assert found["Condition"] == {
        "ForAllValues:StringLike": {"aws:TagKeys": ["lvsnat:undo:*"]},
        "Null": {"aws:TagKeys": "false"},
    }


def test_what_the_command_does_not_use_is_not_allowed(lvsnat: CommandLine) -> None:
    assert set(policy(lvsnat, "operator")) == {
        "Look", "Routes", "Unroute", "Vip", "Eni", "UndoTags",
    }  # fmt: skip


def test_a_role_is_one_of_three(lvsnat: CommandLine, ec2_server: Ec2Server) -> None:
    result = lvsnat("aws", "iam-policy", "--role", "admin")

    assert result.exit_code == ExitCode.USAGE
    assert "reader, failover, operator" in result.stderr
    assert ec2_server.calls == []


def test_a_policy_is_enough_for_its_role(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    options = ("--eip-allocation", dual.allocation)
    allowed = {
        role: {
            action.removeprefix("ec2:")
            for one in policy(lvsnat, role, *options, "--peer-eni", dual.peer.eni, *more).values()
            for action in one["Action"]
        }
        for role, more in {"operator": ["--security-groups"], "failover": [], "reader": []}.items()
    }

    ec2_server.forget()
    lvsnat.ok("aws", "apply", *options, "--security-groups", "--yes")
    lvsnat.ok("aws", "undo", "--yes")
    assert set(ec2_server.calls) <= allowed["operator"]

    api.modify_network_interface_attribute(
        NetworkInterfaceId=dual.director.eni, SourceDestCheck={"Value": False}
    )
    api.replace_route(
        RouteTableId=dual.private_table,
        DestinationCidrBlock="0.0.0.0/0",
        NetworkInterfaceId=dual.peer.eni,
    )
    lvsnat.ok("apply")
    ec2_server.forget()
    lvsnat.ok("aws", "takeover", *options)
    assert set(ec2_server.calls) <= allowed["failover"]

    ec2_server.forget()
    lvsnat("aws", "verify", *options)
    lvsnat.ok("aws", "show")
    assert set(ec2_server.calls) <= allowed["reader"]


def test_one_subnet_has_no_routes_to_allow(lvsnat: CommandLine, single: Vpc, imds: Imds) -> None:
    del imds
    web = lvsnat.paths.config.read_text()
    lvsnat.paths.config.write_text(web.replace("10.0.2.55", "10.0.1.55").replace(".3.56", ".1.56"))

    assert set(policy(lvsnat, "failover", "--peer-eni", single.peer.eni)) == {"Look", "Vip"}
