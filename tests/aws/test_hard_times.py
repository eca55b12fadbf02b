"""What can go wrong between here and EC2, met by whole commands: told once, bounded, and secretly.

The meaning of each code of EC2 is in ``test_errors``; what it does to a change, here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws.call import Call
from aws.conftest import NOBODY
from aws.imds import Imds
from aws.server import Ec2Server, Fault
from aws.test_apply import journals, state
from aws.vpcs import Vpc
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.mark.parametrize(
    "case",
    [
        ("AssignPrivateIpAddresses", "PrivateIpAddressLimitExceeded", "larger type"),
        ("AssociateAddress", "Gateway.NotAttached", "attach an internet gateway"),
        ("AssociateAddress", "Resource.AlreadyAssociated", "in use elsewhere"),
        ("AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded", "--client"),
        ("CreateTags", "TagLimitExceeded", "as many tags"),
        ("ModifyNetworkInterfaceAttribute", "OperationNotPermitted", "AWS keeps this one"),
        ("ModifyNetworkInterfaceAttribute", "InvalidNetworkInterfaceID.NotFound", "not exist"),
        ("ReplaceRoute", "InvalidParameterValue", "lvsnat aws plan"),
        ("ReplaceRoute", "InvalidRouteTableId.NotFound", "not exist"),
        ("ReplaceRoute", "IncorrectState", "being changed"),
        ("ReplaceRoute", "ExpiredToken", "aws sso login"),
    ],
)
@pytest.mark.usefixtures("imds")
def test_a_change_that_ec2_refuses_leaves_everything_as_it_was(
    lvsnat: CommandLine,
    dual: Vpc,
    api: EC2Client,
    ec2_server: Ec2Server,
    case: tuple[str, str, str],
) -> None:
    action, code, told = case
    before = state(api, dual)
    ec2_server.orders.faults = [Fault(action, code)]

    result = lvsnat(
        "aws", "apply", "--yes", "--security-groups", "--eip-allocation", dual.allocation
    )

    assert result.exit_code == ExitCode.FAILED, result.output
    assert code in result.stderr
    assert told in " ".join(result.stderr.split())
    assert state(api, dual) == before
    assert journals(lvsnat) == []


@pytest.mark.usefixtures("imds")
def test_a_table_that_is_full_is_told_before_and_refused_by_ec2(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client
) -> None:
    for number in range(48):
        api.create_route(
            RouteTableId=dual.private_table,
            DestinationCidrBlock=f"192.0.{number}.0/24",
            NatGatewayId=dual.nat,
        )
    before = state(api, dual)
    clients = [word for n in range(3) for word in ("--client", f"198.51.{n}.0/24")]

    said = lvsnat.ok("aws", "plan", *clients)
    result = lvsnat("aws", "apply", "--yes", *clients)

    assert "warn QUOTA" in said
    assert result.exit_code == ExitCode.FAILED
    assert "the route table is full" in result.stderr
    assert state(api, dual) == before


@pytest.mark.usefixtures("imds")
@pytest.mark.parametrize("code", ["ExpiredToken", "RequestExpired", "AuthFailure"])
@pytest.mark.parametrize("command", ["plan", "apply", "verify", "show", "takeover", "iam-policy"])
def test_credentials_that_are_no_good_end_each_command_at_once(
    lvsnat: CommandLine, ec2_server: Ec2Server, command: str, code: str
) -> None:
    more = {"apply": ["--yes"], "iam-policy": ["--role", "reader"]}.get(command, [])
    lvsnat.ok("apply")
    ec2_server.orders.faults = [Fault("DescribeNetworkInterfaces", code, times=99)]

    result = lvsnat("aws", command, *more)

    assert result.exit_code == ExitCode.FAILED
    assert f"({code}" in result.stderr
    assert len(ec2_server.calls) == 1


@pytest.mark.usefixtures("imds")
def test_an_interface_that_goes_between_plan_and_apply_ends_it(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server
) -> None:
    def go(call: Call) -> None:
        """Right after the last look of the plan."""
        if call.action == "DescribeInstanceTypes":
            call.backend.enis.pop(dual.director.eni, None)

    ec2_server.orders.after = go
    result = lvsnat("aws", "apply", "--yes")

    assert result.exit_code == ExitCode.FAILED
    assert dual.director.eni in result.stderr
    assert ec2_server.changes == []
    assert journals(lvsnat) == []


@pytest.mark.usefixtures("imds")
def test_a_subnet_whose_table_is_not_to_be_seen_is_told_with_its_owner(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server
) -> None:
    """A VPC that another account shares shows its subnets, and no route table."""

    def hide(call: Call) -> None:
        if call.action == "DescribeVpcs":
            call.backend.route_tables.clear()

    ec2_server.orders.after = hide
    result = lvsnat("aws", "plan")

    assert result.exit_code == ExitCode.USAGE
    assert f"route table of {dual.private_subnets[0]} is not to be seen" in result.stderr
    assert "123456789012" in result.stderr


@pytest.mark.parametrize(
    ("fault", "told"), [("off", "switched off"), ("version_1_only", "it is not IMDSv2")]
)
def test_without_imdsv2_the_options_are_named(
    lvsnat: CommandLine, imds: Imds, ec2_server: Ec2Server, fault: str, told: str
) -> None:
    setattr(imds.orders, fault, True)

    result = lvsnat("aws", "plan")

    assert result.exit_code == ExitCode.FAILED
    assert told in result.stderr
    assert "--eni" in result.stderr
    assert ec2_server.calls == []
    assert not [one for one in imds.requests if one.startswith("v1")]


@pytest.mark.usefixtures("imds")
def test_an_endpoint_that_nobody_answers_at_is_given_up_in_time(lvsnat: CommandLine) -> None:
    began = time.monotonic()

    result = lvsnat("aws", "plan", "--endpoint-url", NOBODY)

    assert result.exit_code == ExitCode.FAILED
    assert f"cannot be reached ({NOBODY})" in result.stderr
    assert "interface endpoint" in result.stderr
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("imds")
@pytest.mark.parametrize("lag", [1, 2])
def test_apply_and_undo_wait_for_what_ec2_shows_late(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server, lag: int
) -> None:
    before = state(api, dual)
    ec2_server.orders.lag = lag

    lvsnat.ok("aws", "apply", "--yes")
    lvsnat.ok("aws", "undo", "--yes")

    ec2_server.orders.lag = 0
    assert state(api, dual) == before


SECRETS = ("wJalrXUtnFEMI-K7MDENG", "FwoGZXIvYXdzEHoaDNzx")
"""A secret key and a session token, as only these tests have them."""


@pytest.fixture
def with_secrets(ec2_server: Ec2Server, monkeypatch: pytest.MonkeyPatch) -> None:
    del ec2_server
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[0])
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS[1])


EVERY = [
    ["plan"], ["plan", "-o", "json"], ["verify"], ["show"], ["apply", "--yes"],
    ["apply", "--yes", "-o", "yaml"], ["takeover", "--dry-run"], ["takeover", "--timeout", "1"],
    ["iam-policy", "--role", "operator"], ["undo", "--yes"],
]  # fmt: skip
TROUBLES: dict[str, Callable[[Ec2Server], None]] = {
    "none": lambda _: None,
    "denied": lambda server: server.orders.denied.update({"DescribeVpcs", "ReplaceRoute"}),
    "signature": lambda server: server.orders.faults.append(
        Fault(
            "DescribeVpcs",
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided",
            status=403,
            times=99,
        )
    ),
    "expired": lambda server: server.orders.faults.append(
        Fault("DescribeNetworkInterfaces", "ExpiredToken", times=99)
    ),
}


@pytest.mark.usefixtures("imds", "with_secrets")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_secret_is_told_or_written(
    lvsnat: CommandLine, ec2_server: Ec2Server, trouble: str, tmp_path: Path
) -> None:
    lvsnat.ok("apply")
    TROUBLES[trouble](ec2_server)

    told = "".join(lvsnat("aws", *command).output for command in EVERY)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    assert told
    for secret in SECRETS:
        assert secret not in told
        assert not [text for text in written if secret.encode() in text]


@pytest.mark.usefixtures("imds", "with_secrets")
def test_what_is_written_to_a_journal_is_for_its_owner_alone(lvsnat: CommandLine) -> None:
    lvsnat.ok("aws", "apply", "--yes")

    [path] = (lvsnat.paths.state / "aws").glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["steps"]
