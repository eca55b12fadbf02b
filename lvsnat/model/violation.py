"""One thing that is wrong with a configuration, and where. A value."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule."""

    path: Path
    """The key that is wrong, as ``("service", 2, "servers", 0, "weight")``."""
    message: str
    hint: str | None
    also: tuple[Path, ...] = ()
    """The other keys that the rule looked at."""
