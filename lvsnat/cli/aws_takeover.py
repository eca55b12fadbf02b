"""lvsnat aws takeover, iam-policy: what another director has becomes ours; who may do what."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvsnat.cli import output, words
from lvsnat.cli.aws_looking import draw, see
from lvsnat.cli.aws_options import Asked, Mapped, Paired, Placed, Reached, Wanted, asked
from lvsnat.cli.context import Session
from lvsnat.cli.gathered import gathered
from lvsnat.cli.options import Output, OutputOption
from lvsnat.errors import LvsnatError, PartlyAppliedError
from lvsnat.model.resource import Stage
from lvsnat.plan.change import Create, key_of, subject
from lvsnat.system import SystemClock

if TYPE_CHECKING:
    from lvsnat.aws.client import Ec2
    from lvsnat.aws.handover import Handover
    from lvsnat.aws.outcome import Taken
    from lvsnat.aws.scene import Opened
    from lvsnat.aws.takeover import Deadline
    from lvsnat.ui.lines import Line

TIMEOUT = 10.0

DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be taken; change nothing.")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=1.0, max=600.0, help="Give up after so many seconds."
    ),
]


@gathered
def takeover(
    ctx: typer.Context,
    *,
    placed: Placed,
    mapped: Mapped,
    paired: Paired,
    reached: Reached,
    timeout: TimeoutOption = TIMEOUT,
    dry_run: DryOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Take VIP, Elastic IP and routes from the other director; never asks.

    Run it on the director that is to be active. A second run changes nothing. Exits with 5 where
    something is not ours in the end.
    """
    from lvsnat.aws.handover import handover
    from lvsnat.aws.takeover import Deadline

    # Without the lock of 'aws apply': that one may be waiting for an answer, and this cannot.
    about = asked(ctx, placed, mapped, paired, reached)
    deadline = Deadline.within(SystemClock(), timeout)
    _insist_on_serving(ctx)
    opened = _see(about, deadline, timeout)
    work = handover(opened.scene, about.options.peer_eni)
    _insist_on(work)
    if dry_run:
        _show(opened, work, output_format)
    else:
        _take(opened.ec2, work, deadline, timeout, output_format)


def _insist_on_serving(ctx: typer.Context) -> None:
    """Refuse to fetch traffic that nobody here would forward."""
    planned = Session.of(ctx).director(mention=False).planned().plan
    missing = [
        key_of(change).name
        for change in planned.changes
        if isinstance(change, Create) and subject(change).stage is not Stage.SERVER
    ]
    if missing:
        raise LvsnatError(
            f"this director does not serve yet: {', '.join(missing[:3])} is not there",
            "'lvsnat apply' makes it, 'lvsnat plan' shows it; nothing was taken",
        )


def _see(about: Asked, deadline: Deadline, timeout: float) -> Opened:
    from lvsnat.aws.client import Patience
    from lvsnat.aws.scene import open_scene

    patience = Patience(min(2.0, timeout), min(5.0, timeout), attempts=1)
    # The peer may be gone for good, and that must not stop who replaces it.
    options = replace(about.options, peer_eni=None)
    return deadline.bounded(lambda: open_scene(options, about.services, os.environ, patience))


def _insist_on(work: Handover) -> None:
    if not work.problems:
        return
    if len(work.problems) == 1:
        [one] = work.problems
        raise LvsnatError(f"{one.code}: {one.message}", f"{one.hint}; nothing was taken")
    lines = [f"{len(work.problems)} things keep this director from taking over"]
    for one in work.problems:
        lines += [f"  {one.code}: {one.message}", f"    {one.hint}"]
    raise LvsnatError("\n".join(lines), "put them right; nothing was taken")


def _show(opened: Opened, work: Handover, output_format: Output) -> None:
    from lvsnat.aws.outcome import Taken
    from lvsnat.aws.rights import rights
    from lvsnat.aws.world import World
    from lvsnat.ui import aws_takeover

    may = rights(World(opened.ec2, work.scene.picture.vpc, SystemClock()), work.changes)
    steps = [Taken(change) for change in work.changes]
    document = aws_takeover.takeover_document(work, steps, may, 0.0, dry=True)
    draw(document, aws_takeover.plan_lines(work, may), output_format)


def _take(
    ec2: Ec2, work: Handover, deadline: Deadline, timeout: float, output_format: Output
) -> None:
    from lvsnat.aws.takeover import Takeover
    from lvsnat.ui import aws_takeover

    def tell(taken: Taken) -> None:
        _say(aws_takeover.taken_line(taken), output_format)

    steps = Takeover(ec2, deadline, tell).run(work) if work.changes else []
    seconds = timeout - (deadline.end - deadline.clock.monotonic())
    if output_format is not Output.TABLE:
        document = aws_takeover.takeover_document(work, steps, (), seconds, dry=False)
        output.document(document, output_format)
    elif not steps:
        _say(aws_takeover.all_ours(work), output_format)
    _insist_on_all(work, steps)
    if steps:
        output.talk(f"{len(steps)} taken, {len(work.ours)} ours already, in {seconds:.1f} s")


def _say(line: Line, output_format: Output) -> None:
    """Draw a line at once; a reader that is gone must not end a takeover half-way."""
    if output_format is Output.TABLE:
        from lvsnat.ui import theme

        with contextlib.suppress(LvsnatError):
            theme.show(theme.result_console(), line)


def _insist_on_all(work: Handover, steps: list[Taken]) -> None:
    from lvsnat.ui import aws_takeover

    left = [one for one in steps if one.seen is None]
    if not left:
        return
    lines = [aws_takeover.left_sentence(one) for one in left]
    hint = next((one.hint for one in left if one.hint), None)
    again = "then run the command again: it takes what is left"
    nothing = not work.ours and all(one.reason and one.seen is None for one in steps)
    kind, what = (
        (LvsnatError, "nothing was taken")
        if nothing
        else (PartlyAppliedError, f"{len(left)} of {len(steps) + len(work.ours)} are not ours")
    )
    raise kind("\n  ".join([what, *lines]), f"{hint}; {again}" if hint else again[5:])


def _role(text: str) -> Any:  # noqa: ANN401 - as every parser of Typer
    from lvsnat.aws.permissions import Role

    return words.one_of(Role, "a role")(text)


RoleOption = Annotated[
    Any,
    typer.Option(
        "--role", parser=_role, metavar="ROLE", help="reader, failover or operator.",
        show_default=False,
    ),
]  # fmt: skip


@gathered
def iam_policy(
    ctx: typer.Context,
    *,
    placed: Placed,
    mapped: Mapped,
    wanted: Wanted,
    paired: Paired,
    reached: Reached,
    role: RoleOption,
) -> None:
    """Print the least IAM policy of a role as JSON, for this VPC.

    reader plans and verifies, failover takes over, operator makes and undoes the way back.
    """
    from lvsnat.aws.permissions import Role
    from lvsnat.aws.policy import policy

    scene = see(asked(ctx, placed, mapped, wanted, paired, reached)).scene
    output.document(policy(scene, role), Output.JSON)
    if role is Role.READER:
        return
    if scene.around.elastic_ip is None and not scene.options.allocate_eip:
        output.talk("note: no Elastic IP is in it; --eip-allocation names one")
