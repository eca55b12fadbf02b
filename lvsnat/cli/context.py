"""What every command has at hand: where the configuration is and how a director is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from lvsnat.director.director import Director

OpenDirector = Callable[[Mapping[str, str], Path | None], "Director"]


def open_this_host(environment: Mapping[str, str], config: Path | None) -> Director:
    """Open the director on this host, with its kernel."""
    from lvsnat.director.wiring import open_director

    return open_director(environment, config)


@dataclass
class Session:
    """One run of the program. A test hands in its own, with a director over a fake."""

    open_director: OpenDirector = open_this_host
    config: Path | None = None
    """What ``--config`` says."""

    @classmethod
    def of(cls, context: typer.Context) -> Session:
        """The session of this run, made where nobody handed one in."""
        return context.find_root().ensure_object(cls)

    def director(self) -> Director:
        return self.open_director(os.environ, self.config)
