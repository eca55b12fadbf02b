"""lvsnat aws apply, undo: change the VPC, and put it back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import asking, output
from lvsnat.cli.aws_looking import see
from lvsnat.cli.aws_options import (
    AllocateOption,
    Asked,
    ClientsOption,
    EipOption,
    EndpointOption,
    EniOption,
    Given,
    GroupsOption,
    LayoutOption,
    ProfileOption,
    RegionOption,
    SubnetsOption,
    VipOption,
    asked,
)
from lvsnat.cli.options import NoWaitOption, Output, OutputOption, YesOption
from lvsnat.cli.plan import ExpectOption
from lvsnat.errors import LvsnatError, PartlyAppliedError, RefusedError, UsageError
from lvsnat.model.caution import Caution
from lvsnat.system import SystemClock, interrupted_by_every_end, locked, sweep

if TYPE_CHECKING:
    from lvsnat.aws.decide import Decision
    from lvsnat.aws.journal import Journal
    from lvsnat.aws.outcome import Left, Made, Undone
    from lvsnat.aws.scene import Opened
    from lvsnat.director.paths import Paths
    from lvsnat.ui.lines import Line

    Back = tuple[str, list[Undone], list[Left]]

JournalArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOURNAL]",
        help="What one 'aws apply' did, by the name that it said; everything, if not said.",
        show_default=False,
    ),
]


def apply(
    ctx: typer.Context,
    *,
    layout: LayoutOption = None,
    eni: EniOption = None,
    vip: VipOption = None,
    real_server_subnet: SubnetsOption = None,
    client: ClientsOption = None,
    eip_allocation: EipOption = None,
    allocate_eip: AllocateOption = None,
    security_groups: GroupsOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    endpoint_url: EndpointOption = None,
    expect: ExpectOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Make the way back through the director in the VPC, all or nothing.

    A journal of what was there is written first; 'lvsnat aws undo' puts it back.
    """
    given = Given(
        layout, eni, vip, real_server_subnet, client, eip_allocation, allocate_eip,
        security_groups, region, profile, endpoint_url,
    )  # fmt: skip
    about = asked(ctx, given)
    asking.insist(yes=yes)
    with _locked(about.paths, wait=not no_wait):
        _apply(about, expect, output_format, yes=yes)


def _apply(about: Asked, expect: str | None, output_format: Output, *, yes: bool) -> None:
    from lvsnat.aws.decide import decide
    from lvsnat.ui import aws_json

    opened = see(about)
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
        _say(aws_plan.made_line(made), output_format)

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


def _say(line: Line, output_format: Output) -> None:
    """Draw a line at once; a reader that is gone must not end the changes half-way."""
    if output_format is Output.TABLE:
        from lvsnat.ui import theme

        with contextlib.suppress(LvsnatError):
            theme.show(theme.result_console(), line)


def undo(
    ctx: typer.Context,
    journal: JournalArgument = None,
    *,
    profile: ProfileOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Put the VPC back as it was before 'lvsnat aws apply', the last change first.

    Only what is still as it was left is put back; the rest is a CONFLICT and left alone (5). An
    Elastic IP that was allocated is kept: once released, the address would be lost.
    """
    about = asked(ctx, Given(profile=profile))
    asking.insist(yes=yes)
    with _locked(about.paths, wait=not no_wait):
        found = _journals(about.paths, journal)
        if not found:
            output.talk("there is nothing to undo")
        elif not yes:
            _preview_undo(found)
            asking.confirm("Put this back?")
        results = [_undo(about, one, output_format) for one in found]
    _finish(about.paths, results, output_format)


def _journals(paths: Paths, name: str | None) -> list[Journal]:
    from lvsnat.aws.journal import unfinished

    found = unfinished(paths.state / "aws")
    if name is None:
        return found
    chosen = [one for one in found if one.id == name]
    if not chosen:
        known = ", ".join(one.id for one in found) or "none"
        raise UsageError(f"there is no journal {name!r} to undo", f"known: {known}")
    return chosen


def _preview_undo(journals: list[Journal]) -> None:
    from lvsnat.aws.resources import ELASTIC_ADDRESS
    from lvsnat.plan.change import inverse, key_of
    from lvsnat.ui import diff, theme
    from lvsnat.ui.tables import Lines

    changes = [
        inverse(journal.steps[place].change)
        for journal in journals
        for place in reversed(journal.open)
    ]
    lines = [
        line
        for change in changes
        if key_of(change).kind != ELASTIC_ADDRESS
        for line in diff.change_lines(change)
    ]
    theme.show(theme.talk_console(), Lines(lines))


def _undo(about: Asked, journal: Journal, output_format: Output) -> Back:
    from dataclasses import replace

    from lvsnat.aws.client import connect
    from lvsnat.aws.undo import undo as put_back
    from lvsnat.aws.world import World
    from lvsnat.ui import aws_plan

    where = journal.where
    options = replace(about.options, region=where.region, endpoint_url=where.endpoint)
    ec2 = connect(options, lambda: where.region)
    world = World(ec2, where.vpc, SystemClock(), allocations=journal.allocations)
    undone: list[Undone] = []

    def tell(one: Undone) -> None:
        undone.append(one)
        _say(aws_plan.undone_line(one), output_format)

    with interrupted_by_every_end():
        left = put_back(world, journal, tell)
    if not left:
        journal.close()
    for one in left:
        _say(aws_plan.left_line(one), output_format)
    return journal.id, undone, left


def _finish(paths: Paths, results: list[Back], output_format: Output) -> None:
    from lvsnat.ui import aws_json

    if output_format is not Output.TABLE:
        output.document(aws_json.undo_document(results), output_format)
    number = sum(len(left) for _, _, left in results)
    if results and not number:
        output.talk("the VPC is as it was")
    if number:
        names = [str(paths.state / "aws" / f"{name}.json") for name, _, left in results if left]
        raise PartlyAppliedError(
            f"{number} {'change was' if number == 1 else 'changes were'} not put back",
            f"what is to stay so can be forgotten: 'rm {' '.join(names)}'",
        )


@contextlib.contextmanager
def _locked(paths: Paths, *, wait: bool) -> Iterator[None]:
    """Let one command at a time change the VPC; those about the kernel do not wait for EC2."""

    def say(holder: str) -> None:
        output.talk(f"waiting for another lvsnat command to end ({holder})")

    with locked(paths.run / "aws.lock", wait=wait, waiting=say):
        folder = paths.state / "aws"
        for path in folder.glob(".*.json.*"):
            sweep(path.with_name(path.name[1:].rpartition(".")[0]))
        yield
