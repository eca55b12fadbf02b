"""The scenes on EC2: real commands, an EC2 API and a metadata service on loopback (tests/aws).

Nothing of it needs the network that the lab lays out; ids come from a seed, the same each time.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
from labkit.host import Host
from labkit.topology import Network
from terminal import Terminal, claim

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from aws.imds import Imds, facts_of  # noqa: E402 - they are found by the line above
from aws.server import Ec2Server  # noqa: E402
from aws.vpcs import REGION, Vpc, dual_subnet  # noqa: E402
from moto.moto_api._internal import mock_random  # noqa: E402

WEB = """\
[[service]]
name = "web"
listen = "tcp/10.0.1.200:80"
servers = [{ address = "10.0.2.55:8080" }, { address = "10.0.3.56:8080" }]
"""


class Director(Host):
    """The director as a machine of the cloud: this very machine, with an environment of its own."""

    def command(self, *command: str) -> list[str]:
        return list(command)


@contextlib.contextmanager
def director() -> Iterator[tuple[Director, Vpc]]:
    """A VPC with a director, which knows itself by its metadata."""
    with (
        Ec2Server() as server,
        tempfile.TemporaryDirectory() as home,
        Imds(lambda: facts_of(REGION, vpc.director.instance)) as imds,
    ):
        server.reset()
        mock_random.seed(1)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_EC2": server.url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
        }
        vpc = dual_subnet(boto3.client("ec2", region_name=REGION))
        Path(home, "lvsnat.toml").write_text(WEB, encoding="utf-8")
        yield Director("director", "", Path(home)), vpc


def plan(terminal: Terminal, net: Network) -> None:
    """What a VPC lacks, and what making it so does to others."""
    del net
    with director() as (here, vpc):
        eip = f"--eip-allocation={vpc.allocation}"
        terminal.type(here, "lvsnat", "aws", "plan", eip, "--security-groups")


def verify(terminal: Terminal, net: Network) -> None:
    """All is made, and somebody's network ACL drops the replies."""
    del net
    with director() as (here, vpc):
        _apply(here, vpc)
        api = boto3.client("ec2", region_name=REGION)
        [acl] = api.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}])[
            "NetworkAcls"
        ]
        name = acl["NetworkAclId"]
        api.delete_network_acl_entry(NetworkAclId=name, RuleNumber=100, Egress=True)
        api.create_network_acl_entry(
            NetworkAclId=name, RuleNumber=100, Egress=True, Protocol="-1", RuleAction="allow",
            CidrBlock="10.0.0.0/16",
        )  # fmt: skip
        said = terminal.type(here, "lvsnat", "aws", "verify", status=1)
        claim("NACL" in said, "the ACL that drops the replies is found")


def show(terminal: Terminal, net: Network) -> None:
    """The VPC once all is made."""
    del net
    with director() as (here, vpc):
        _apply(here, vpc)
        terminal.type(here, "lvsnat", "aws", "show")


def _apply(here: Director, vpc: Vpc) -> None:
    eip = f"--eip-allocation={vpc.allocation}"
    here.run("lvsnat", "aws", "apply", "--yes", "--security-groups", eip)
