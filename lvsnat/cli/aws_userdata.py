"""lvsnat aws user-data: what makes an instance a director or a real server, boot after boot."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvsnat.cli import output, words
from lvsnat.cli.context import Session
from lvsnat.cli.gateway_options import LocalClientsOption, ReplyOnlyOption
from lvsnat.errors import LvsnatError, UsageError
from lvsnat.model.endpoint import IPAddress, parse_address

if TYPE_CHECKING:
    from lvsnat.gateway.wish import GatewayWish, ReplyPort
    from lvsnat.model.config import Config


class Part(StrEnum):
    """What an instance is to be."""

    DIRECTOR = "director"
    REAL_SERVER = "real-server"


RoleOption = Annotated[
    Part,
    typer.Option(
        "--role",
        parser=words.one_of(Part, "a role"),
        metavar="ROLE",
        help="director or real-server.",
        show_default=False,
    ),
]
PackageOption = Annotated[
    str | None,
    typer.Option(
        "--package",
        metavar="SPEC",
        help="For a director: what pip installs, a name or a URL; this version, if not said.",
    ),
]
StandbyOption = Annotated[
    bool,
    typer.Option(
        "--standby", help="For a director of a pair: take nothing at boot, only be ready to."
    ),
]
ViaOption = Annotated[
    list[Any] | None,
    typer.Option(
        "--via",
        parser=parse_address,
        metavar="ADDR",
        help="For a real server: the director; repeat it for IPv6. The VIPs, if not said.",
    ),
]
EverythingOption = Annotated[
    bool,
    typer.Option("--everything", help="For a real server: send all that it sends to the director."),
]
GzipOption = Annotated[
    bool, typer.Option("--gzip", help="Compress it, to stay within EC2's limit of 16 KB.")
]


def user_data(
    ctx: typer.Context,
    *,
    role: RoleOption,
    package: PackageOption = None,
    standby: StandbyOption = False,
    via: ViaOption = None,
    reply_only: ReplyOnlyOption = None,
    everything: EverythingOption = False,
    local_clients: LocalClientsOption = False,
    compress: GzipOption = False,
) -> None:
    """Print a #cloud-config that makes an instance a director or a real server, at each boot.

    A director gets the present configuration; a real server, a way back to its VIPs.
    """
    Session.of(ctx).insist_on_config()
    if role is Part.DIRECTOR:
        _refuse(
            Part.DIRECTOR, via=via, reply_only=reply_only, everything=everything,
            local_clients=local_clients,
        )  # fmt: skip
        text = _director(ctx, package, standby=standby)
    else:
        _refuse(Part.REAL_SERVER, package=package, standby=standby)
        wishes = _wishes(ctx, via, reply_only, everything=everything, local_clients=local_clients)
        from lvsnat.gateway.render import cloudinit

        text = cloudinit.render(wishes).files[0].text
    _print(text, compress=compress)


def _refuse(role: Part, **options: object) -> None:
    """Refuse what is said about the other role."""
    for name, value in options.items():
        if value:
            option = "--" + name.replace("_", "-")
            raise UsageError(f"{option} has no meaning for a {role}", "leave it out")


def _director(ctx: typer.Context, package: str | None, *, standby: bool) -> str:
    from lvsnat.aws import userdata
    from lvsnat.system import read_file

    director = Session.of(ctx).director(mention=False)
    config, path = director.config(), director.paths.config
    text = read_file(path)
    if text is None or not config.services:
        raise UsageError(
            f"{path} has no service that a director could serve",
            "'lvsnat service add' makes one; or name another file: lvsnat --config FILE aws"
            " user-data",
        )
    userdata.insist_on_any_instance(config.aws)
    if config.aws is not None and config.aws.eni is not None:
        output.talk(
            f"note: eni = {config.aws.eni!r} names one interface: without it, each instance finds"
            " its own"
        )
    spec = userdata.parse_package(package or _this_version())
    return userdata.user_data(userdata.Told(text, config.mode, spec, standby))


def _this_version() -> str:
    from importlib import metadata

    try:
        return f"lvsnat=={metadata.version('lvsnat')}"
    except metadata.PackageNotFoundError:
        return "lvsnat"


def _wishes(
    ctx: typer.Context,
    via: list[IPAddress] | None,
    reply_only: list[tuple[ReplyPort, ...]] | None,
    *,
    everything: bool,
    local_clients: bool,
) -> list[GatewayWish]:
    from lvsnat.cli.gateway_options import wished
    from lvsnat.gateway.render import servers

    config = Session.of(ctx).director(mention=False).config()
    _refuse_dual(config)
    directors = via or servers.directors(config.services)
    if not directors:
        raise UsageError(
            "it is not known which director the real server is to answer through",
            "name it: --via 10.0.1.200; or give the configuration: lvsnat --config FILE aws"
            " user-data",
        )
    if len({one.version for one in directors}) < len(directors):
        raise UsageError(
            "--via is given twice for one address family", "the way back leads to one director"
        )
    if everything and reply_only:
        raise UsageError("--everything and --reply-only are two ways back", "leave one of them out")
    if everything or reply_only:
        return [wished(one, reply_only, local_clients=local_clients) for one in directors]
    return servers.wishes(config.services, directors, local_clients=local_clients)


def _refuse_dual(config: Config) -> None:
    from lvsnat.model.aws import Layout

    if config.aws is not None and config.aws.layout is Layout.DUAL_SUBNET:
        raise UsageError(
            "in the layout dual-subnet the VPC's route tables make the way back",
            "the real servers need nothing; 'lvsnat aws apply' makes the routes",
        )


def _print(text: str, *, compress: bool) -> None:
    from lvsnat.aws.cloudconfig import insist_on_size, packed

    if not compress:
        insist_on_size(text.encode(), "--gzip compresses it, and cloud-init unpacks it")
        output.text(text)
        return
    data = packed(text)
    insist_on_size(data, "have the instance fetch its configuration itself, from S3 or an image")
    if sys.stdout.isatty():
        raise LvsnatError("compressed data is nothing for a terminal", "write it: > user-data.gz")
    output.data(data)
