"""A bar for work that takes a while, on a terminal alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lvsnat.ui import words


@contextlib.contextmanager
def spinner(console: Console, title: str) -> Iterator[Callable[[str, float], None]]:
    """Draw one line that changes and is gone at the end; call what is yielded with the news."""
    with console.status(title) as status:
        yield lambda state, left: status.update(f"{title}: {state} ({words.span(left)} left)")


@contextlib.contextmanager
def looking(console: Console, seconds: float) -> Iterator[None]:
    """Say that somebody looks, and for how long; gone at the end."""
    with console.status(f"looking for {seconds:g} s..."):
        yield


@contextlib.contextmanager
def bar(console: Console, title: str, total: int) -> Iterator[Callable[[], None]]:
    """Draw a bar that is gone when the work is done; call what is yielded after each step."""
    progress = Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)
