"""Draw answers: which view belongs to which value. stdout is the result, stderr is the talk."""
# Rich takes 0.1 s to import. It is imported where something is drawn, so that --help, --version,
# completion and JSON do without.

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lvsnat.cli.options import Output
from lvsnat.errors import LvsnatError
from lvsnat.model.caution import Caution
from lvsnat.model.service import VirtualService
from lvsnat.plan.change import Change, Report
from lvsnat.plan.guard import Objection
from lvsnat.plan.planner import Plan
from lvsnat.ui import pipes, words

if TYPE_CHECKING:
    from lvsnat.ui.jsonout import Document

MANY = 50
"""So many changes are drawn as they are made; more are drawn at the end, behind a bar."""


def plan(value: Plan, risks: Sequence[Objection], output: Output) -> None:
    from lvsnat.ui import jsonout

    if output is not Output.TABLE:
        return document(jsonout.plan_document(value, risks), output)
    from lvsnat.ui import diff, theme
    from lvsnat.ui.tables import Lines

    return theme.show(theme.result_console(), Lines([*diff.plan_lines(value, risks)]))


def preview(value: Plan, risks: Sequence[Objection]) -> None:
    """Draw a plan beside a question: the result is what comes of the answer."""
    from lvsnat.ui import diff, theme
    from lvsnat.ui.tables import Lines

    theme.show(theme.talk_console(), Lines([*diff.plan_lines(value, risks)]))


def services(values: Sequence[VirtualService], output: Output) -> None:
    from lvsnat.ui import jsonout

    if output is not Output.TABLE:
        return document(jsonout.services_document(values), output)
    if not values:
        return talk("no services yet: 'lvsnat service add --help' shows how to add one")
    from lvsnat.ui import services as view
    from lvsnat.ui import theme

    return theme.show(theme.result_console(), view.service_table(values))


def service(value: VirtualService, output: Output) -> None:
    from lvsnat.ui import jsonout

    if output is not Output.TABLE:
        return document(jsonout.service_document(value), output)
    from lvsnat.ui import services as view
    from lvsnat.ui import theme

    return theme.show(theme.result_console(), *view.service_detail(value))


@contextlib.contextmanager
def carrying_out(value: Plan, risks: Sequence[Objection], output: Output) -> Iterator[Report]:
    """Draw changes as they are confirmed; of many, a bar on a terminal and the lines at the end."""
    if output is not Output.TABLE:
        yield _silent
        from lvsnat.ui import jsonout

        document(jsonout.plan_document(value, risks, applied=True), output)
    elif len(value.changes) <= MANY:
        from lvsnat.ui import diff, theme

        console = theme.result_console()
        lost: list[LvsnatError] = []

        def draw(change: Change) -> None:
            # A full disk behind stdout must not end a change of the kernel half-way.
            try:
                theme.show(console, *diff.change_lines(change))
            except LvsnatError as error:
                lost.append(error)

        yield draw
        if lost:
            raise lost[0]
    else:
        # Thousands of lines one by one would take longer than the changes.
        with _bar(len(value.changes)) as report:
            yield report
        from lvsnat.ui import diff, theme
        from lvsnat.ui.tables import Lines

        lines = [line for change in value.changes for line in diff.change_lines(change)]
        theme.show(theme.result_console(), Lines(lines))


@contextlib.contextmanager
def watching(title: str) -> Iterator[Callable[[str, float], None]]:
    """Show what is waited for, and how long still: one line that changes, or a line per change."""
    if sys.stderr.isatty():
        from lvsnat.ui import progress, theme

        with progress.spinner(theme.talk_console(), title) as show:
            yield show
        return
    said = ""

    def say(state: str, left: float) -> None:
        nonlocal said
        if state != said:
            said = state
            talk(f"{title}: {state} ({words.span(left)} left)")

    yield say


@contextlib.contextmanager
def looking(seconds: float, output: Output) -> Iterator[None]:
    """Say so while it lasts, to a person at a terminal alone."""
    if output is not Output.TABLE or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield
        return
    from lvsnat.ui import progress, theme

    with progress.looking(theme.talk_console(), seconds):
        yield


def talk(message: str, style: str = "") -> None:
    """Say something to the person, beside the result."""
    from rich.text import Text

    from lvsnat.ui import theme

    theme.show(theme.talk_console(), Text(message, style))


def warnings(values: Sequence[Caution]) -> None:
    """Say what will stop the traffic although the plan is carried out, and the cure."""
    if not values:
        return
    from rich.text import Text

    from lvsnat.ui import theme

    console = theme.talk_console()
    for value in values:
        theme.show(console, Text.assemble(("warning: ", "warn"), value.message))
        theme.show(console, Text.assemble(("hint: ", "hint"), value.hint))


def error(message: str, hint: str | None) -> None:
    """Say what went wrong, and what to do next."""
    from rich.text import Text

    from lvsnat.ui import theme

    console = theme.talk_console()
    theme.show(console, Text.assemble(("error: ", "error"), message))
    if hint:
        theme.show(console, Text.assemble(("hint: ", "hint"), hint))


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Report]:
    if not sys.stderr.isatty():
        yield _silent
        return
    from lvsnat.ui import progress, theme

    with progress.bar(theme.talk_console(), "Applying", total) as step:
        yield lambda _: step()


def _silent(change: Change) -> None:
    del change


def document(document: Document, output: Output) -> None:
    from lvsnat.ui import jsonout

    text(jsonout.render(document, jsonout.Notation(output)))


def data(value: bytes) -> None:
    """Write what is no text."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()
    except OSError as error:
        pipes.give_up(sys.stdout, error)


def text(value: str) -> None:
    """Write a text as it is."""
    try:
        sys.stdout.write(value)
        sys.stdout.flush()
    except OSError as error:
        pipes.give_up(sys.stdout, error)
