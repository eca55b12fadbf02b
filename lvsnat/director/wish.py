"""What somebody wants of a director, and how it is to be done. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.config.problems import ConfigError
from lvsnat.errors import UsageError
from lvsnat.model.config import Config
from lvsnat.model.phase import Phase
from lvsnat.plan.overlay import HealthOverlay, Overrides

read = lru_cache(maxsize=2)(parse_config)
"""A text and its source as a configuration: one command may ask several times."""

Edit = Callable[[ConfigDocument], None]
Overriding = Callable[[Config, Overrides], Overrides]


@dataclass(frozen=True, slots=True)
class Options:
    """How a change is to be made."""

    adopt: bool = False
    """Take over what somebody else made, where the configuration asks for it."""
    wait: bool = True
    """Wait for another command that is at work."""
    waiting: Callable[[str], None] = lambda _: None
    """Told, before such a wait, which process it is for."""


@dataclass(frozen=True, slots=True)
class Text:
    """A configuration to be, and where it comes from."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be: the configuration, and what the operator laid over it."""

    config: Config
    overrides: Overrides
    health: HealthOverlay | None = None
    """What checks lay over it; None: what follows from the published health."""

    def at(self, phase: Phase) -> Wish:
        """The same in another phase of a switch."""
        return replace(self, config=at_phase(self.config, phase))


def at_phase(config: Config, phase: Phase) -> Config:
    """The configuration as it is to be made in a phase."""
    return replace(config, switching=None if phase is Phase.of(config.mode) else phase)


def checked(text: str) -> Config:
    """The configuration after an edit; what is wrong with it is the command's fault."""
    try:
        return parse_config(text, "the configuration after this change")
    except ConfigError as error:
        problems = error.problems
        raise UsageError(
            "\n".join(problem.message for problem in problems), problems[0].hint
        ) from None
