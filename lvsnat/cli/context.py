"""What every command has at hand: where the configuration is and how a director is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import output
from lvsnat.errors import RefusedError, UsageError

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

    named: bool = False
    """Whether ``--config`` itself says it, and not the environment."""

    @classmethod
    def of(cls, context: typer.Context) -> Session:
        """The session of this run, made where nobody handed one in."""
        return context.find_root().ensure_object(cls)

    def director(self, *, mention: bool = True) -> Director:
        """Open the director, and say where a trial or a daemon on it has ended untimely."""
        director = self.open_director(os.environ, self.config)
        if mention:
            _mention_trial(director)
            _mention_health(director)
        return director

    def insist_on_config(self) -> None:
        """Refuse a file that the command names and that is not there: a slip of the hand.

        To apply it would be to take everything away.
        """
        if self.named and self.config is not None and not self.config.exists():
            raise UsageError(
                f"there is no configuration {self.config}",
                "look for a slip in --config; 'lvsnat service add' begins a new one",
            )

    def insist_on_file(self) -> None:
        """Refuse to take everything away because the configuration is not where it was."""
        from lvsnat.director import ledgerfile

        paths = self.director(mention=False).paths
        if not paths.config.exists() and ledgerfile.load(paths.ledger).owned:
            raise RefusedError(
                f"there is no configuration {paths.config}: all that lvsnat made here would go",
                "put the file back; 'lvsnat clear' takes everything away, if that is meant",
            )


def _mention_trial(director: Director) -> None:
    from lvsnat.director import trial
    from lvsnat.ui import words

    if journal := trial.unfinished(director.paths):
        output.talk(
            f"note: the trial of {words.moment(journal.began)} was cut off and its changes may"
            " stand: 'lvsnat try --revert' takes it back, 'lvsnat try --keep' keeps it"
        )


def _mention_health(director: Director) -> None:
    if not director.paths.health.exists() or director.daemon_runs():
        return
    from lvsnat.ui import words

    if (known := director.published()) is not None:
        output.talk(
            f"note: no daemon runs; what it knew of the servers at {words.moment(known.at)} still"
            " holds: 'systemctl start lvsnat-daemon' finds out anew, 'lvsnat health --forget'"
            " forgets it"
        )
    elif problem := director.health_problem():
        output.talk(f"note: {problem}")
