"""lvsnat doctor on a director in a VPC: the findings of ``aws verify``, and what it may cost."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from subprocess import run
from typing import TYPE_CHECKING, Any

import pytest
from aws.imds import Imds
from aws.server import Ec2Server
from aws.vpcs import VIP, Vpc
from cli.commandline import CommandLine
from unit.doctor.patients import HOST

from lvsnat.doctor.look_vpc import aliases, look
from lvsnat.errors import ExitCode
from lvsnat.model.aws import AwsOptions
from lvsnat.model.config import Config
from lvsnat.model.endpoint import parse_address, parse_listener
from lvsnat.model.service import VirtualService
from lvsnat.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client

DEAD = "http://127.0.0.1:9"


def examined(line: CommandLine, *words: str) -> dict[str, Any]:
    """What the doctor says of the VPC, with what is unread of it."""
    result = line("doctor", "-o", "json", "--only", "aws", *words)
    assert result.stdout, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == int(document["summary"]["broken"] > 0)
    return document


def codes(line: CommandLine, *words: str) -> list[str]:
    document = examined(line, *words)
    assert document["unread"] == []
    return [one["code"] for one in document["findings"]]


@pytest.fixture
def director(lvsnat: CommandLine, dual: Vpc, imds: Imds) -> CommandLine:
    """A director of which the configuration says that it is in a VPC, with all as it should be."""
    del imds
    lvsnat.clock = FakeClock()
    table = f'[aws]\neip_allocation = "{dual.allocation}"\nsecurity_groups = true\n'
    lvsnat.paths.config.write_text(table + lvsnat.paths.config.read_text())
    lvsnat.ok("aws", "apply", "--yes")
    return lvsnat


def check_on(api: EC2Client, vpc: Vpc) -> None:
    api.modify_network_interface_attribute(
        NetworkInterfaceId=vpc.director.eni, SourceDestCheck={"Value": True}
    )


def no_route(api: EC2Client, vpc: Vpc) -> None:
    api.delete_route(RouteTableId=vpc.private_table, DestinationCidrBlock="0.0.0.0/0")


def no_vip(api: EC2Client, vpc: Vpc) -> None:
    api.unassign_private_ip_addresses(NetworkInterfaceId=vpc.director.eni, PrivateIpAddresses=[VIP])


def tokenless(api: EC2Client, vpc: Vpc) -> None:
    api.modify_instance_metadata_options(
        InstanceId=vpc.director.instance, HttpTokens="optional", HttpPutResponseHopLimit=1
    )


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (check_on, "SRC_DST_CHECK"),
        (no_route, "ROUTE_MISSING"),
        (no_vip, "VIP_NOT_ON_ENI"),
        (tokenless, "IMDS_EXPOSED"),
    ],
)
def test_the_doctor_finds_what_verify_does(
    director: CommandLine,
    dual: Vpc,
    api: EC2Client,
    breaks: Callable[[EC2Client, Vpc], None],
    code: str,
) -> None:
    assert codes(director) == []
    breaks(api, dual)

    assert codes(director) == [code]
    assert f" {code}  " in director("aws", "verify").stdout


def test_in_one_subnet_too(lvsnat: CommandLine, single: Vpc, api: EC2Client, imds: Imds) -> None:
    del imds
    lvsnat.clock = FakeClock()
    web = lvsnat.paths.config.read_text()
    web = web.replace("10.0.2.55", "10.0.1.55").replace("10.0.3.56", "10.0.1.56")
    lvsnat.paths.config.write_text(f"[aws]\nsecurity_groups = true\n{web}")
    lvsnat.ok("aws", "apply", "--yes")
    assert codes(lvsnat) == []

    check_on(api, single)

    assert codes(lvsnat) == ["SRC_DST_CHECK"]


def test_an_instance_needs_no_table_in_the_configuration(
    lvsnat: CommandLine, dual: Vpc, imds: Imds
) -> None:
    del dual, imds
    lvsnat.clock = FakeClock()
    host = HOST.__class__(kernel=(6, 12), ec2=True)
    lvsnat.survey = lambda _: (host, ())

    assert "SRC_DST_CHECK" in codes(lvsnat)
    assert "SRC_DST_CHECK" not in codes(lvsnat, "--skip", "src-dst-check")


def test_a_standby_is_looked_at_as_one(director: CommandLine, dual: Vpc, api: EC2Client) -> None:
    text = director.paths.config.read_text()
    director.paths.config.write_text(
        text.replace(
            "[aws]\n", f'[aws]\npeer_eni = "{dual.director.eni}"\neni = "{dual.peer.eni}"\n'
        )
    )
    check_on(api, dual)

    found = codes(director)

    # The other one's check, and its own, which was never off; no word of VIP and routes.
    assert set(found) == {"SRC_DST_CHECK", "SG_VRRP"}
    assert found.count("SRC_DST_CHECK") == 2


def test_the_elastic_ip_as_a_vip_is_a_finding_and_no_error(
    lvsnat: CommandLine, dual: Vpc, imds: Imds
) -> None:
    del imds
    lvsnat.clock = FakeClock()
    text = lvsnat.paths.config.read_text().replace(VIP, dual.public_ip)
    lvsnat.paths.config.write_text("[aws]\n" + text)

    assert codes(lvsnat) == ["VIP_IS_EIP"]


# --- where there is nothing to look at


def test_who_has_nothing_to_do_with_aws_asks_nobody(
    lvsnat: CommandLine, dual: Vpc, ec2_server: Ec2Server, imds: Imds
) -> None:
    assert dual.id
    lvsnat.clock = FakeClock()
    ec2_server.forget()
    imds.requests.clear()

    assert codes(lvsnat) == []
    assert (ec2_server.calls, imds.requests) == ([], [])


@pytest.mark.parametrize("words", [["--skip", "aws"], ["--skip", "AWS"]])
def test_who_skips_the_group_asks_nobody(
    director: CommandLine, ec2_server: Ec2Server, words: list[str]
) -> None:
    ec2_server.forget()

    director("doctor", *words)

    assert ec2_server.calls == []


def test_boto3_is_loaded_only_where_there_is_a_vpc() -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lvsnat.director.examine import Asked, examine\n"
        "from lvsnat.director.director import Director\n"
        "from lvsnat.director.paths import Paths\n"
        "from lvsnat.doctor.diagnose import diagnose\n"
        "from lvsnat.testing import FakeBackend\n"
        "from tempfile import mkdtemp\n"
        "here = Path(mkdtemp())\n"
        "diagnose(examine(Director(Paths(here / 'c', here / 's', here / 'r'), FakeBackend()),"
        " Asked()))\n"
        "print([one for one in sys.modules if one in ('boto3', 'botocore')])"
    )

    done = run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


WEB = VirtualService("web", parse_listener(f"tcp/{VIP}:80"))


def test_a_dead_endpoint_costs_seconds(ec2_server: Ec2Server) -> None:
    assert ec2_server.url
    options = AwsOptions(endpoint_url=DEAD, eni="eni-0a1b2c3d")
    began = time.monotonic()

    facts, (lack,) = look(Config(services=(WEB,), aws=options), {})

    assert facts is not None
    assert facts.scene is None
    assert "cannot be reached" in str(facts.silent)
    assert time.monotonic() - began < 30
    assert lack.part == "the VPC"
    assert "cannot be reached" in lack.why
    assert "as keys of [aws]" in lack.why


def test_no_metadata_and_no_words_cost_seconds(lvsnat: CommandLine, ec2_server: Ec2Server) -> None:
    assert ec2_server.url
    lvsnat.clock = FakeClock()
    lvsnat.paths.config.write_text("[aws]\n" + lvsnat.paths.config.read_text())
    began = time.monotonic()

    (lack,) = examined(lvsnat)["unread"]

    assert time.monotonic() - began < 30
    assert "no metadata service answers" in lack["why"]


def test_without_credentials_the_next_step_is_told(
    director: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_NUM_ATTEMPTS", "1")

    document = examined(director)

    assert document["findings"] == []
    (lack,) = document["unread"]
    assert "there are no AWS credentials" in lack["why"]
    assert "give it a role" in lack["why"]
    told = director("doctor", "--only", "aws")
    assert told.exit_code == ExitCode.DONE
    assert "unknown the VPC: " in told.stdout


def test_a_policy_without_a_call_leaves_the_rest(
    director: CommandLine, ec2_server: Ec2Server
) -> None:
    ec2_server.orders.denied = {"DescribeNetworkAcls"}
    assert codes(director) == ["PERM"]

    ec2_server.orders.denied = {"DescribeRouteTables"}
    (lack,) = examined(director)["unread"]
    assert "iam-policy" in lack["why"]


def test_what_cannot_be_found_out_is_told_part_by_part(
    director: CommandLine,
) -> None:
    text = director.paths.config.read_text().replace("10.0.2.55", "192.0.2.55")
    director.paths.config.write_text(text.replace(VIP, "10.0.2.200"))

    document = examined(director)

    assert len(document["unread"]) == 2
    assert all("\n" not in one["why"] for one in document["unread"])


def test_the_addresses_of_the_system_are_read_from_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "70-eth0.network.d"
    folder.mkdir()
    (folder / "ec2net_alias.conf").write_text(
        "[Address]\nAddress=10.0.1.200/32\nAddPrefixRoute=false\n[Address]\nAddress=10.0.1.201/32\n"
    )
    (tmp_path / "70-eth1.network.d").mkdir()
    (tmp_path / "70-eth1.network.d" / "ec2net_alias.conf").write_text("Address=nonsense/32\n")

    assert {*aliases(tmp_path)} == {parse_address("10.0.1.200"), parse_address("10.0.1.201")}
    assert [*aliases(tmp_path / "absent")] == []


def test_egress_without_a_public_address_is_told_by_both(director: CommandLine) -> None:
    table = '[host]\negress = "masquerade"\negress_networks = ["10.0.2.0/24"]\n'
    director.paths.config.write_text(table + director.paths.config.read_text())

    assert codes(director) == ["EGRESS_UNMAPPED"]
    assert f'egress = "{VIP}" in [host]' in director.ok("aws", "verify")
