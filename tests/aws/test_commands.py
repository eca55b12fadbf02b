"""``lvsnat aws`` at the command line: options, documents, exit codes, and what it loads when."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws.imds import Imds
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc
from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS, keys

from lvsnat.errors import ExitCode
from lvsnat.system import run

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def document(lvsnat: CommandLine, *args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lvsnat("aws", *args, "-o", "json").stdout)
    return found


@pytest.mark.usefixtures("imds")
@pytest.mark.parametrize(
    "command", [["plan"], ["apply", "--yes"], ["verify"], ["show"], ["undo", "--yes"]]
)
def test_every_key_of_a_document_is_documented(lvsnat: CommandLine, command: list[str]) -> None:
    if command[0] == "undo":
        lvsnat.ok("aws", "apply", "--yes")

    found = document(lvsnat, *command)

    assert f"\n## {found.pop('schema')}\n" in DOCUMENTS
    words = set(re.findall(r"`[\w\[\].]*?(\w+)`", DOCUMENTS))
    assert set(keys(found)) <= words


@pytest.mark.usefixtures("imds")
def test_plan_says_by_its_exit_code_that_something_differs(lvsnat: CommandLine) -> None:
    assert lvsnat("aws", "plan").exit_code == ExitCode.DONE
    assert lvsnat("aws", "plan", "--exit-code").exit_code == ExitCode.DRIFT
    assert lvsnat("aws", "verify").exit_code == ExitCode.FAILED

    lvsnat.ok("aws", "apply", "--yes")

    assert lvsnat("aws", "plan", "--exit-code").exit_code == ExitCode.DONE


@pytest.mark.usefixtures("imds")
def test_a_permission_that_is_missing_is_known_before(
    lvsnat: CommandLine, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"ReplaceRoute"}

    said = lvsnat.ok("aws", "plan")
    may = {one["operation"]: one["allowed"] for one in document(lvsnat, "plan")["permissions"]}

    assert "denied ReplaceRoute" in said
    assert "'Routes'" in said
    assert may == {
        "ModifyNetworkInterfaceAttribute": True,
        "AssignPrivateIpAddresses": None,
        "CreateTags": True,
        "ReplaceRoute": False,
    }
    assert ec2_server.changes == []


def test_options_stand_in_for_the_metadata(lvsnat: CommandLine, dual: Vpc) -> None:
    said = document(lvsnat, "plan", "--eni", dual.director.eni, "--region", "eu-west-1")

    assert said["director"] == dual.director.eni
    assert said["vips"] == [VIP]


@pytest.mark.usefixtures("dual")
def test_without_metadata_the_missing_options_are_named(lvsnat: CommandLine) -> None:
    result = lvsnat("aws", "plan")

    assert result.exit_code == ExitCode.FAILED
    assert "--eni" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--eni", "i-0a1b2c3d"),
        ("--real-server-subnet", "10.0.2.0/24"),
        ("--eip-allocation", "203.0.113.7"),
        ("--region", "eu-west-1a"),
        ("--endpoint-url", "ec2.example"),
        ("--layout", "triple"),
        ("--vip", "web.example"),
        ("--client", "everybody"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(
    lvsnat: CommandLine, ec2_server: Ec2Server, option: str, value: str
) -> None:
    result = lvsnat("aws", "plan", option, value)

    assert result.exit_code == ExitCode.USAGE
    assert ec2_server.calls == []


@pytest.mark.usefixtures("imds")
def test_the_configuration_says_the_same_as_options(lvsnat: CommandLine, dual: Vpc) -> None:
    text = f'\n[aws]\neip_allocation = "{dual.allocation}"\nclients = ["198.51.100.0/24"]\n'
    lvsnat.paths.config.write_text(lvsnat.paths.config.read_text() + text)

    configured = document(lvsnat, "plan")
    over = document(lvsnat, "plan", "--client", "192.0.2.0/24")

    assert configured["clients"] == ["198.51.100.0/24"]
    assert over["clients"] == ["192.0.2.0/24"]
    assert "elastic ip" in {one["kind"] for one in configured["changes"]}


@pytest.mark.usefixtures("imds")
def test_a_loop_is_refused_by_plan_and_apply(
    lvsnat: CommandLine, dual: Vpc, api: EC2Client, ec2_server: Ec2Server
) -> None:
    for table in (dual.private_table, dual.public_table):
        found = api.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]
        for link in found["Associations"]:
            api.disassociate_route_table(AssociationId=link["RouteTableAssociationId"])
    ec2_server.forget()

    planned, applied = lvsnat("aws", "plan"), lvsnat("aws", "apply", "--yes")

    assert "refused SAME_TABLE_LOOP" in planned.stdout
    assert planned.exit_code == applied.exit_code == ExitCode.REFUSED
    assert "SAME_TABLE_LOOP" in applied.stderr
    assert ec2_server.changes == []


@pytest.mark.usefixtures("imds")
def test_a_look_that_is_denied_is_told_with_its_permission(
    lvsnat: CommandLine, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"DescribeVpcs"}

    result = lvsnat("aws", "apply", "--yes")

    assert result.exit_code == ExitCode.FAILED
    assert "ec2:DescribeVpcs" in result.stderr
    assert ec2_server.changes == []


@pytest.mark.usefixtures("imds")
def test_show_draws_the_vpc(lvsnat: CommandLine, dual: Vpc) -> None:
    lvsnat.ok("aws", "apply", "--yes", "--eip-allocation", dual.allocation)

    said = lvsnat.ok("aws", "show")

    assert f"VIP {VIP}  on {dual.director.eni} Elastic IP {dual.public_ip}" in said
    assert f"{dual.director.eni} (the director)" in said
    assert dual.servers[1].address in said


def test_a_secret_is_never_told(lvsnat: CommandLine, imds: Imds, ec2_server: Ec2Server) -> None:
    del imds
    ec2_server.orders.denied = {"DescribeSubnets", "DescribeVpcs"}

    for command in ("plan", "verify", "show"):
        assert "not-a-secret" not in lvsnat("aws", command).output


HEAVY = ("boto3", "botocore", "mypy_boto3_ec2")


@pytest.mark.parametrize(
    "args",
    [["--help"], ["aws", "--help"], ["aws", "plan", "--help"], ["plan"], ["service", "list"]],
)
def test_no_other_command_loads_boto3(tmp_path: Path, args: list[str]) -> None:
    code = (
        "import os, sys; from lvsnat.__main__ import main\n"
        f"os.environ['LVSNAT_CONFIG'] = {str(tmp_path / 'lvsnat.toml')!r}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *(sys.modules.keys() & set({HEAVY!r})))"
    )

    done = run([sys.executable, "-c", code, *args])

    assert done.stdout.splitlines()[-1].strip() == "loaded:", done.stderr
