"""Where a director keeps its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_CONFIG = "/etc/lvsnat/lvsnat.toml"


@dataclass(frozen=True, slots=True)
class Paths:
    """The configuration, what must outlive a reboot, and what must not."""

    config: Path
    state: Path
    run: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], config: Path | None = None) -> Paths:
        """Read LVSNAT_CONFIG, LVSNAT_STATE_DIR and LVSNAT_RUN_DIR; ``config`` goes before them."""
        return cls(
            config or Path(environment.get("LVSNAT_CONFIG") or DEFAULT_CONFIG),
            Path(environment.get("LVSNAT_STATE_DIR") or "/var/lib/lvsnat"),
            Path(environment.get("LVSNAT_RUN_DIR") or "/run/lvsnat"),
        )

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.json"

    @property
    def overrides(self) -> Path:
        return self.state / "overrides.json"

    @property
    def lock(self) -> Path:
        return self.run / "lock"
