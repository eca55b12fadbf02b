"""Options of the commands about EC2, and how they go over the table [aws] of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvsnat.cli import words
from lvsnat.cli.context import Session
from lvsnat.errors import UsageError
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import Egress
from lvsnat.model.endpoint import parse_address
from lvsnat.model.service import VirtualService

if TYPE_CHECKING:
    from lvsnat.director.paths import Paths

LayoutOption = Annotated[
    Layout | None,
    typer.Option(
        "--layout",
        parser=words.one_of(Layout, "a layout"),
        metavar="LAYOUT",
        help="dual-subnet or single-subnet; as the subnets are, if not said.",
    ),
]
EniOption = Annotated[
    str | None,
    typer.Option("--eni", metavar="ENI", help="The director's interface; this instance's own."),
]
VipOption = Annotated[
    Any | None,
    typer.Option(
        "--vip",
        parser=parse_address,
        metavar="ADDR",
        help="The VIP, a private address; those of the services, if not said.",
    ),
]
SubnetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--real-server-subnet",
        metavar="SUBNET",
        help="A subnet of real servers; repeat it. Those that hold their addresses, if not said.",
    ),
]
ClientsOption = Annotated[
    list[Any] | None,
    typer.Option(
        "--client",
        parser=words.parse_network,
        metavar="NETWORK",
        help="Whose replies go back through the director; repeat it. Everybody's, if not said.",
    ),
]
EipOption = Annotated[
    str | None,
    typer.Option(
        "--eip-allocation", metavar="EIPALLOC", help="The Elastic IP that stands for the VIP."
    ),
]
AllocateOption = Annotated[
    bool | None,
    typer.Option("--allocate-eip", help="Allocate an Elastic IP for a VIP that has none."),
]
GroupsOption = Annotated[
    bool | None,
    typer.Option("--security-groups", help="Let the clients in, in the security groups."),
]
PeerOption = Annotated[
    str | None,
    typer.Option("--peer-eni", metavar="ENI", help="The interface of the other director."),
]
StandbyOption = Annotated[
    bool,
    typer.Option(
        "--standby",
        help="Only what this director needs to be ready; the other one has VIP and routes.",
    ),
]
RegionOption = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="The region: eu-west-1.")
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="A profile of AWS's own configuration."),
]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Where the EC2 API answers."),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command is about: options over [aws], the services, and where files are."""

    options: AwsOptions
    services: tuple[VirtualService, ...]
    paths: Paths
    tcp_idle: int | None = None
    """Seconds for which IPVS keeps an idle TCP connection, where the configuration says it."""
    egress: Egress | None = None
    """From where the real servers' own connections leave."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Whose EC2 API, and which machine is the director; by the names of [aws], None is not said."""

    eni: EniOption = None
    region: RegionOption = None
    profile: ProfileOption = None
    endpoint_url: EndpointOption = None


@dataclass(frozen=True, slots=True)
class Placed:
    """What is where."""

    layout: LayoutOption = None
    vip: VipOption = None
    real_server_subnets: SubnetsOption = None
    clients: ClientsOption = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """The VIP's Elastic IP."""

    eip_allocation: EipOption = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is made only where it is asked for."""

    allocate_eip: AllocateOption = None
    security_groups: GroupsOption = None


@dataclass(frozen=True, slots=True)
class Paired:
    """The other director."""

    peer_eni: PeerOption = None


Given = Reached | Placed | Mapped | Wanted | Paired
"""Options of one command line."""


_WORDS = {"real_server_subnets": "real-server-subnet", "clients": "client"}


def asked(ctx: typer.Context, *given: Given) -> Asked:
    """Lay the options over [aws] of the configuration. Raises UsageError for a wrong one."""
    session = Session.of(ctx)
    session.insist_on_config()
    director = session.director(mention=False)
    config = director.config()
    options = over(config.aws or AwsOptions(), *given)
    _insist_on_sense(options)
    return Asked(
        options, config.services, director.paths, config.ipvs.timeouts.tcp, config.host.egress
    )


def over(base: AwsOptions, *given: Given) -> AwsOptions:
    """The options that were given take the place of those of the configuration."""
    said: dict[str, Any] = {}
    for one in given:
        for field in fields(one):
            value = getattr(one, field.name)
            if value is not None and value != []:
                said[field.name] = tuple(value) if isinstance(value, list) else value
    # Naming one Elastic IP on the command line ends the wish for a new one, and the reverse.
    if "eip_allocation" in said and "allocate_eip" not in said:
        said["allocate_eip"] = False
    if said.get("allocate_eip") and "eip_allocation" not in said:
        said["eip_allocation"] = None
    return replace(base, **said)


def _insist_on_sense(options: AwsOptions) -> None:
    from lvsnat.model.aws_rules import aws_violations

    for found in aws_violations(options):
        key = str(found.path[1])
        option = _WORDS.get(key, key.replace("_", "-"))
        raise UsageError(f"--{option}: {found.message}", found.hint)
