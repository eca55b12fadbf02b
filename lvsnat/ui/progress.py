"""A bar for work that takes a while, on a terminal alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


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
