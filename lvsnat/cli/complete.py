"""What the shell offers at the Tab key. It reads the configuration alone, and never complains."""

from __future__ import annotations

import os
from collections.abc import Iterator

import typer

from lvsnat.errors import LvsnatError
from lvsnat.model.config import Config
from lvsnat.model.connection import STATES, Grouping
from lvsnat.model.endpoint import Protocol
from lvsnat.model.policy import OnFail
from lvsnat.model.service import SchedulerFlag

Offer = list[tuple[str, str]]


def services(ctx: typer.Context, incomplete: str) -> Offer:
    """Names; listeners as soon as one is begun."""
    found = _config(ctx).services
    if "/" in incomplete:
        return [(str(service.listen), service.name) for service in found]
    return [(service.name, str(service.listen)) for service in found]


def doctored(ctx: typer.Context, incomplete: str) -> Offer:
    """Services, and the command that stands below 'lvsnat doctor'."""
    return [*services(ctx, incomplete), ("trace", "follow one client's packet")]


def servers(ctx: typer.Context) -> Offer:
    """The servers of the service that stands before them."""
    try:
        service = _config(ctx).find(str(ctx.params.get("service")))
    except LvsnatError:
        return []
    return [(str(server.endpoint), f"weight {server.weight}") for server in service.servers]


def places(ctx: typer.Context) -> list[str]:
    """The servers of the service that is asked for, or of all: with their ports, and without."""
    chosen = ctx.params.get("service")
    found = [
        server.endpoint
        for service in _config(ctx).services
        if chosen in (None, service.name, str(service.listen))
        for server in service.servers
    ]
    return [*dict.fromkeys([*map(str, found), *(str(one.address) for one in found)])]


def checks() -> list[str]:
    """The beginnings of checks, and what takes a check away."""
    words = ["tcp", "http:/", "https:/", "udp", "dns:", "ping", "grpc", "agent:", "file:/"]
    return [*words, "none"]


def failures() -> list[str]:
    return [*OnFail, "none"]


def states() -> list[str]:
    return [*STATES]


def protocols() -> list[str]:
    return [*Protocol]


def groupings() -> list[str]:
    return [*Grouping]


def findings() -> Offer:
    """What the doctor may find, and the groups that it is in."""
    from lvsnat.doctor.codes import TABLE
    from lvsnat.doctor.names import Group

    groups = ((group, "a group of findings") for group in Group)
    return [*groups, *((code, entry.title) for code, entry in TABLE.items())]


def flags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Flags of the chosen scheduler, one after the other between commas."""
    chosen = ctx.params.get("scheduler")
    begun, comma, _ = incomplete.rpartition(",")
    return [
        f"{begun}{comma}{flag}"
        for flag in _flags(None if chosen is None else str(chosen))
        if flag not in begun.split(",")
    ]


def _flags(scheduler: str | None) -> Iterator[SchedulerFlag]:
    return (flag for flag in SchedulerFlag if scheduler in (None, flag.scheduler))


def _config(ctx: typer.Context) -> Config:
    # Reads what Director.config() reads, without opening a director: no pyroute2 at the Tab key.
    from lvsnat.config.parse import parse_config
    from lvsnat.director.paths import Paths
    from lvsnat.system import read_file

    path = Paths.from_environment(os.environ, ctx.find_root().params.get("config")).config
    try:
        return parse_config(read_file(path) or "", str(path))
    except LvsnatError:
        return Config()
