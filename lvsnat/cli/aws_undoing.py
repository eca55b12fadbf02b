"""lvsnat aws undo: put a VPC back as it was, by our journals, or by the tags on its tables."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import asking, output
from lvsnat.cli.aws_changing import locked_vpc, say
from lvsnat.cli.aws_options import Asked, Paired, Reached, asked
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import NoWaitOption, Output, OutputOption, YesOption
from lvsnat.errors import PartlyAppliedError, UsageError
from lvsnat.system import SystemClock, interrupted_by_every_end

if TYPE_CHECKING:
    from lvsnat.aws.journal import Journal
    from lvsnat.aws.outcome import Left, Undone
    from lvsnat.director.paths import Paths

    Back = tuple[str, list[Undone], list[Left]]

JournalArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOURNAL]",
        help="What one 'aws apply' did, by the name that it said; everything, if not said.",
        show_default=False,
    ),
]


@gathered
def undo(
    ctx: typer.Context,
    journal: JournalArgument = None,
    *,
    reached: Reached,
    paired: Paired,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Put the VPC back as it was before 'lvsnat aws apply', the last change first.

    Only what is still as it was left is put back; the rest is a CONFLICT and left alone (5). An
    Elastic IP that was allocated is kept: once released, the address would be lost. Where no
    journal is on this machine, the tags of the route tables say where the routes led.
    """
    about = asked(ctx, reached, paired)
    asking.insist(yes=yes)
    with locked_vpc(about.paths, wait=not no_wait):
        known = _journals(about.paths, journal)
        found = known or _by_tags(about)
        if not found:
            output.talk("there is nothing to undo")
        elif not yes:
            _preview_undo(found)
            asking.confirm("Put this back?")
        results = [_undo(about, one, output_format) for one in found]
    done = "the VPC is as it was" if known else "the routes are as they were"
    _finish(about.paths, results, done, output_format)


def _by_tags(about: Asked) -> list[Journal]:
    """What another machine noted on the route tables, as a journal of ours."""
    from lvsnat.aws.journal import Journal, Where
    from lvsnat.aws.scene import survey
    from lvsnat.aws.tags import noted

    seen = survey(about.options, about.services, os.environ)
    directors = [seen.director, *filter(None, [about.options.peer_eni])]
    found = [*noted(seen.picture, directors)]
    for one in found:
        if one.alone:
            output.talk(f"note: {one.alone}")
    changes = [change for one in found for change in one.changes]
    if not changes:
        return []
    output.talk(
        "no journal is on this machine: tags on the route tables say where the routes led, and of"
        " nothing else"
    )
    where = Where(seen.picture.region, seen.picture.vpc, seen.director, about.options.endpoint_url)
    folder = about.paths.state / "aws"
    return [Journal.of_made(folder, SystemClock().now(), where, changes)]


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
        say(aws_plan.undone_line(one), output_format)

    with interrupted_by_every_end():
        left = put_back(world, journal, tell)
    if not left:
        journal.close()
    for one in left:
        say(aws_plan.left_line(one), output_format)
    return journal.id, undone, left


def _finish(paths: Paths, results: list[Back], done: str, output_format: Output) -> None:
    from lvsnat.ui import aws_json

    if output_format is not Output.TABLE:
        output.document(aws_json.undo_document(results), output_format)
    number = sum(len(left) for _, _, left in results)
    if results and not number:
        output.talk(done)
    if number:
        names = [str(paths.state / "aws" / f"{name}.json") for name, _, left in results if left]
        raise PartlyAppliedError(
            f"{number} {'change was' if number == 1 else 'changes were'} not put back",
            f"what is to stay so can be forgotten: 'rm {' '.join(names)}'",
        )
