"""lvsnat aws plan, verify, show: what is in the VPC, what would be changed, whether it holds."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import output
from lvsnat.cli.aws_options import (
    Asked,
    Mapped,
    Paired,
    Placed,
    Reached,
    StandbyOption,
    Wanted,
    asked,
)
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import Output, OutputOption
from lvsnat.cli.plan import ExitCodeOption
from lvsnat.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lvsnat.aws.scene import Opened
    from lvsnat.ui.jsonout import Document
    from lvsnat.ui.lines import Line


@gathered
def plan(
    ctx: typer.Context,
    *,
    placed: Placed,
    mapped: Mapped,
    wanted: Wanted,
    reached: Reached,
    standby: StandbyOption = False,
    exit_code: ExitCodeOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show what 'lvsnat aws apply' would change in the VPC and do to others, and change nothing.

    Says, too, which of the calls are allowed. Exits with 4 where something must be refused.
    """
    from lvsnat.aws.decide import decide
    from lvsnat.aws.rights import rights
    from lvsnat.aws.world import World
    from lvsnat.system import SystemClock
    from lvsnat.ui import aws_json, aws_plan

    opened = see_all(asked(ctx, placed, mapped, wanted, reached), standby=standby)
    decision = decide(opened.scene)
    world = World(opened.ec2, opened.scene.picture.vpc, SystemClock())
    may = rights(world, decision.plan.changes)
    document = aws_json.plan_document(decision, may)
    draw(document, aws_plan.decision_lines(decision, may), output_format)
    if decision.refusals:
        raise typer.Exit(ExitCode.REFUSED)
    if exit_code and decision.plan:
        raise typer.Exit(ExitCode.DRIFT)


@gathered
def verify(
    ctx: typer.Context,
    *,
    placed: Placed,
    mapped: Mapped,
    paired: Paired,
    reached: Reached,
    standby: StandbyOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Say of each part of the way back whether it holds, and what puts it right; change nothing.

    Exits with 1 where something does not hold; a warning is no reason.
    """
    from lvsnat.aws.verify import verify as findings_of
    from lvsnat.ui import aws_json, aws_view

    scene = see_all(asked(ctx, placed, mapped, paired, reached), standby=standby).scene
    findings = [*findings_of(scene)]
    document = aws_json.verify_document(scene, findings)
    draw(document, aws_view.finding_lines(scene, findings), output_format)
    if any(one.fails for one in findings):
        raise typer.Exit(ExitCode.FAILED)


@gathered
def show(
    ctx: typer.Context,
    *,
    placed: Placed,
    paired: Paired,
    reached: Reached,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show the VPC: subnets, route tables, interfaces, VIP, Elastic IP, and who goes which way."""
    from lvsnat.aws.paths import paths_of
    from lvsnat.ui import aws_json

    scene = see(asked(ctx, placed, paired, reached)).scene
    paths = [*paths_of(scene)]
    if output_format is not Output.TABLE:
        output.document(aws_json.show_document(scene, paths), output_format)
        return
    from lvsnat.ui import aws_tree, theme

    theme.show(theme.result_console(), aws_tree.vpc_tree(scene), "", aws_tree.path_table(paths))


def see(about: Asked) -> Opened:
    """Look at the VPC that a command is about."""
    from lvsnat.aws.scene import open_scene

    return open_scene(about.options, about.services, os.environ)


def see_all(about: Asked, *, standby: bool = False) -> Opened:
    """Look more thoroughly, for who judges it."""
    from lvsnat.aws.scene import looked_into

    opened = see(about)
    idle = about.tcp_idle or opened.scene.tcp_idle
    scene = replace(opened.scene, standby=standby, tcp_idle=idle, egress=about.egress)
    return looked_into(replace(opened, scene=scene))


def draw(document: Document, lines: Iterable[Line], output_format: Output) -> None:
    """Write an answer as a document or as lines."""
    if output_format is not Output.TABLE:
        output.document(document, output_format)
        return
    from lvsnat.ui import theme
    from lvsnat.ui.tables import Lines

    theme.show(theme.result_console(), Lines([*lines]))
