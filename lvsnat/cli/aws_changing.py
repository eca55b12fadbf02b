"""lvsnat aws apply: change the VPC; and what every command does that changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import asking, output
from lvsnat.cli.aws_looking import see_all
from lvsnat.cli.aws_options import (
    Asked,
    Mapped,
    Placed,
    Reached,
    StandbyOption,
    Wanted,
    asked,
)
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import NoWaitOption, Output, OutputOption, YesOption
from lvsnat.cli.plan import ExpectOption
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.model.caution import Caution
from lvsnat.system import SystemClock, interrupted_by_every_end, locked, sweep

if TYPE_CHECKING:
    from lvsnat.aws.decide import Decision
    from lvsnat.aws.outcome import Made
    from lvsnat.aws.scene import Opened
    from lvsnat.director.paths import Paths
    from lvsnat.ui.lines import Line


@gathered
def apply(
    ctx: typer.Context,
    *,
    placed: Placed,
    mapped: Mapped,
    wanted: Wanted,
    reached: Reached,
    standby: StandbyOption = False,
    expect: ExpectOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Make the way back through the director in the VPC, all or nothing.

    A journal of what was there is written first; 'lvsnat aws undo' puts it back. On the other
    director of a pair, --standby makes what that one needs to be ready.
    """
    about = asked(ctx, placed, mapped, wanted, reached)
    asking.insist(yes=yes)
    with locked_vpc(about.paths, wait=not no_wait):
        opened = see_all(about, standby=standby)
        _apply(about, opened, expect, output_format, yes=yes)


def _apply(
    about: Asked, opened: Opened, expect: str | None, output_format: Output, *, yes: bool
) -> None:
    from lvsnat.aws.decide import decide
    from lvsnat.ui import aws_json

    decision = decide(opened.scene)
    decision.insist()
    _insist_on(expect, decision)
    if decision.plan and not yes:
        _preview(decision)
        asking.confirm("Change the VPC so?")
    elif decision.plan:
        output.warnings([Caution(f"{one.code}: {one.message}", one.hint) for one in decision.risks])
    if decision.plan:
        _carry_out(about, opened, decision, output_format)
    if output_format is not Output.TABLE:
        output.document(aws_json.plan_document(decision, (), applied=True), output_format)
    elif not decision.plan:
        output.talk("in sync: nothing to change")


def _insist_on(expect: str | None, decision: Decision) -> None:
    found = decision.plan.fingerprint
    if expect is not None and expect != found:
        raise RefusedError(
            f"the plan is {found} now, not {expect}: the VPC or the configuration has changed",
            "'lvsnat aws plan' shows the new one",
        )


def _preview(decision: Decision) -> None:
    from lvsnat.ui import aws_plan, theme
    from lvsnat.ui.tables import Lines

    theme.show(theme.talk_console(), Lines([*aws_plan.decision_lines(decision, ())]))


def _carry_out(about: Asked, opened: Opened, decision: Decision, output_format: Output) -> None:
    from lvsnat.aws.apply import apply as carry_out
    from lvsnat.aws.journal import Where
    from lvsnat.aws.look import look
    from lvsnat.aws.world import World
    from lvsnat.ui import aws_plan
    from lvsnat.ui.counts import Tally

    picture = opened.scene.picture
    director = opened.scene.around.director.id
    where = Where(picture.region, picture.vpc, director, about.options.endpoint_url)
    world = World(opened.ec2, picture.vpc, SystemClock())

    def tell(made: Made) -> None:
        say(aws_plan.made_line(made), output_format)

    with interrupted_by_every_end():
        journal = carry_out(
            world,
            decision.plan.changes,
            look(opened.ec2, director),
            folder=about.paths.state / "aws",
            where=where,
            tell=tell,
        )
    output.talk(Tally.of(decision.plan.changes).done())
    output.talk(f"'lvsnat aws undo {journal.id}' puts it back as it was")


def say(line: Line, output_format: Output) -> None:
    """Draw a line at once; a reader that is gone must not end the changes half-way."""
    if output_format is Output.TABLE:
        from lvsnat.ui import theme

        with contextlib.suppress(LvsnatError):
            theme.show(theme.result_console(), line)


@contextlib.contextmanager
def locked_vpc(paths: Paths, *, wait: bool) -> Iterator[None]:
    """Let one command at a time change the VPC; those about the kernel do not wait for EC2."""

    def mention(holder: str) -> None:
        output.talk(f"waiting for another lvsnat command to end ({holder})")

    with locked(paths.run / "aws.lock", wait=wait, waiting=mention):
        folder = paths.state / "aws"
        for path in folder.glob(".*.json.*"):
            sweep(path.with_name(path.name[1:].rpartition(".")[0]))
        yield
