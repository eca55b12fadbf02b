"""Answers that may be long, and may be given again and again: ``--watch``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count as counting
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import words
from lvsnat.cli.options import Output
from lvsnat.system import interrupted_by_every_end
from lvsnat.ui import pipes

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from lvsnat.ui.jsonout import Notation

WatchOption = Annotated[
    float | None,
    typer.Option(
        "--watch",
        parser=words.parse_seconds,
        metavar="SECONDS",
        help="Show it again every so many seconds, until Ctrl-C.",
    ),
]


@dataclass(frozen=True, slots=True)
class Room:
    """How much a place holds; a pipe holds any number of lines."""

    width: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in both its forms, of which one is asked for."""

    draw: Callable[[Room], Iterable[RenderableType]]
    write: Callable[[Notation], Iterable[str]]


def ticks(
    every: float | None, sleep: Callable[[float], None], count: int | None = None
) -> Iterator[int]:
    """Once; or again after so many seconds, for ever or ``count`` times."""
    yield 0
    if every is None:
        return
    for number in counting(1) if count is None else range(1, count):
        sleep(every)
        yield number


def show(answer: Answer, output: Output) -> None:
    """Give an answer once."""
    _give(lambda: answer, output, iter([0]))


def repeat(
    read: Callable[[], Answer], output: Output, every: float, sleep: Callable[[float], None]
) -> None:
    """Give the answer again and again. Ctrl-C is the way to end this, and so no failure.

    So is kill: it must not leave a terminal on its other screen.
    """
    with contextlib.suppress(KeyboardInterrupt), interrupted_by_every_end():
        if output is Output.TABLE and sys.stdout.isatty():
            _redraw(read, ticks(every, sleep))
        else:
            _give(read, output, ticks(every, sleep))


def _give(read: Callable[[], Answer], output: Output, times: Iterator[int]) -> None:
    """Answer below answer, for as long as somebody reads."""
    for number in times:
        answer = read()
        if output is Output.TABLE:
            listening = _print(answer, again=number > 0)
        else:
            listening = _write(answer, output, again=number > 0)
        if not listening:
            return


def _print(answer: Answer, *, again: bool) -> bool:
    from lvsnat.ui import theme

    console = theme.result_console()
    if again:
        theme.show(console, "")
    for renderable in answer.draw(_room(console)):
        theme.show(console, renderable)
        if console.quiet:  # The reader went away.
            return False
    return True


def _write(answer: Answer, output: Output, *, again: bool) -> bool:
    from lvsnat.ui.jsonout import Notation

    notation = Notation(output)
    try:
        if again and notation is Notation.YAML:
            sys.stdout.write("---\n")
        for text in answer.write(notation):
            sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        pipes.give_up(sys.stdout, error)
        return False
    return True


def _redraw(read: Callable[[], Answer], times: Iterator[int]) -> None:
    from lvsnat.ui import theme
    from lvsnat.ui.screen import Screen

    console = theme.result_console()
    screen = Screen(console)
    with screen.shown():
        for _ in times:
            screen.draw(read().draw(Room(console.width, screen.rows)))


def _room(console: Console) -> Room:
    return Room(console.width)
