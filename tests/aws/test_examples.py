"""Every example of ``lvsnat aws`` in the documentation is run against an EC2 API on loopback.

A page has them in blocks ```text that begin with ``$ lvsnat aws``. The VPC is that of ``aws.vpcs``,
and the ids on a page stand for the real ones: see ``pretty``. A page about one subnet says so in a
comment that no reader sees: ``<!-- vpc: single-subnet -->``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from aws.imds import Imds
from aws.vpcs import Machine, Vpc
from cli.commandline import CommandLine
from docs.test_examples import Example, matches

from lvsnat.errors import ExitCode

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```text\n(\$ lvsnat aws .*?)^```$", re.MULTILINE | re.DOTALL)
SINGLE = "<!-- vpc: single-subnet -->"


def examples(text: str) -> list[Example]:
    found = []
    for block in BLOCK.findall(text):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            found.append(Example(command.strip(), output.strip()))
    return found


PAGES = sorted(
    path.relative_to(DOCS)
    for path in DOCS.glob("**/*.md")
    if examples(path.read_text(encoding="utf-8"))
)


def pretty(vpc: Vpc) -> Mapping[str, str]:
    """What the documentation calls the things of a VPC."""
    names = {
        vpc.id: "vpc-0a1b2c3d",
        vpc.gateway: "igw-0a1b2c3d",
        vpc.nat: "nat-0a1b2c3d",
        vpc.allocation: "eipalloc-0a1b2c3d",
        vpc.public_table: "rtb-0a1b2c3d",
        vpc.private_table: "rtb-0b1b2c3d",
        vpc.public_subnet: "subnet-0a1b2c3d",
        vpc.group: "sg-0a1b2c3d",
        vpc.server_group: "sg-0b1b2c3d",
    }
    machines: list[tuple[Machine, str]] = [
        (vpc.director, "0a1b2c3d"),
        (vpc.servers[0], "0b1b2c3d"),
        (vpc.servers[1], "0c1b2c3d"),
        (vpc.peer, "0d1b2c3d"),
    ]
    for machine, number in machines:
        names |= {machine.eni: f"eni-{number}", machine.instance: f"i-{number}"}
    for subnet, number in zip(vpc.private_subnets, ("0b1b2c3d", "0c1b2c3d"), strict=False):
        names[subnet] = f"subnet-{number}"
    return {real: name for real, name in names.items() if real}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_tells_the_truth_about_ec2(
    request: pytest.FixtureRequest,
    lvsnat: CommandLine,
    imds_of: Callable[[Machine], Imds],
    page: Path,
) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    single = SINGLE in text
    vpc: Vpc = request.getfixturevalue("single" if single else "dual")
    imds_of(vpc.director)
    if single:
        web = lvsnat.paths.config.read_text()
        web = web.replace("10.0.2.55", "10.0.1.55").replace("10.0.3.56", "10.0.1.56")
        lvsnat.paths.config.write_text(web)
    untrue = []
    for example in examples(text):
        said, code = spoken(lvsnat, vpc, example.command)
        refused = example.output.startswith(("error", "refused"))
        if (code != ExitCode.DONE) != refused or not matches(example.output, said):
            untrue.append(f"$ {example.command}\n({code})\n{said}")

    if untrue:
        pytest.fail("\n\n".join(untrue), pytrace=False)


def spoken(lvsnat: CommandLine, vpc: Vpc, command: str) -> tuple[str, int]:
    """What a command of the documentation says, in the documentation's names."""
    names = pretty(vpc)
    for real, name in names.items():
        command = command.replace(name, real)
    result = lvsnat(*shlex.split(command)[1:])
    said = result.output
    for real, name in names.items():
        said = said.replace(real, name)
    return said, result.exit_code
