"""The commands, by name; the module of each is loaded when it is asked for.

A run needs one of them. Loading and describing all of them to Typer took a third of its start.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.main import get_command, get_group

from lvsnat.cli.boundary import ErrorBoundary

if TYPE_CHECKING:
    from typer._click.core import Command

PLACES: Final = {
    "service": "service:app",
    "server": "server:app",
    "plan": "plan:plan",
    "apply": "plan:apply",
    "try": "trial:try_",
    "clear": "plan:clear",
    "mode": "mode:mode",
    "status": "status:status",
    "stats": "stats:stats",
    "connections": "connections:connections",
    "health": "health:health",
    "doctor": "doctor_trace:app",
    "explain": "doctor:explain",
    "run": "run:run",
    "system": "system:app",
    "import": "importing:app",
    "export": "interop:app",
    "aws": "aws:app",
    "gateway": "gateway:app",
}
"""Where each is: a module of this package, and a function or a ``typer.Typer`` in it."""


class Commands(MutableMapping[str, "Command"]):
    """Typer's commands of a group, in the order of ``PLACES``."""

    def __init__(self) -> None:
        self._loaded: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._loaded:
            self._loaded[name] = load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


def load(name: str) -> Command:
    """Import a command and describe it to Typer; KeyError where there is none of this name."""
    module, _, member = PLACES[name].partition(":")
    found = getattr(import_module(f"lvsnat.cli.{module}"), member)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(found)
    return get_command(alone)


class Root(ErrorBoundary):
    """The root command, with the commands above."""

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**arguments)
        self.commands = Commands()
