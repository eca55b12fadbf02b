"""lvsnat status: what is configured, what is there and what it carries."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lvsnat.cli import complete, output
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output, OutputOption
from lvsnat.errors import UsageError
from lvsnat.model.status import DirectorStatus
from lvsnat.ui.counts import Overview

OneServiceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVICE",
        help="Show this service alone: its name or listener.",
        autocompletion=complete.services,
    ),
]


def status(
    ctx: typer.Context,
    service: OneServiceArgument = None,
    *,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show the services and servers, their state and their traffic."""
    found = Session.of(ctx).director().status()
    if service is not None:
        found = _only(found, service)
    output.status(found, output_format)
    if Overview.of(found).drift:
        output.talk("'lvsnat plan' shows the differences, 'lvsnat apply' ends them")


def _only(whole: DirectorStatus, name: str) -> DirectorStatus:
    services = tuple(
        service for service in whole.services if name in (service.name, str(service.listen))
    )
    if not services:
        known = ", ".join(service.name or str(service.listen) for service in whole.services)
        raise UsageError(f"no service {name!r}", f"services here: {known or 'none yet'}")
    return replace(whole, services=services, host=())
