"""Where a director keeps its files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lvsnat.system import locked, sweep

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
    def replaced_config(self) -> Path:
        """The configuration that another one took the place of."""
        return self.config.with_name(f"{self.config.name}.bak")

    @property
    def trial(self) -> Path:
        """What 'lvsnat try' goes back to."""
        return self.state / "try.json"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.json"

    @property
    def overrides(self) -> Path:
        return self.state / "overrides.json"

    @property
    def switch(self) -> Path:
        """Where a switch of modes stands."""
        return self.state / "switch.json"

    @property
    def gateway(self) -> Path:
        """What 'lvsnat gateway set' has set on a real server."""
        return self.state / "gateway.json"

    @property
    def haproxy_config(self) -> Path:
        """What our own HAProxy reads."""
        return self.state / "haproxy" / "haproxy.cfg"

    @property
    def haproxy_run(self) -> Path:
        """Where our own HAProxy has its sockets."""
        return self.run / "haproxy"

    @property
    def health(self) -> Path:
        """What the daemon knows of the servers; of this boot alone."""
        return self.run / "health.json"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def daemon_lock(self) -> Path:
        """Held as long as a daemon runs."""
        return self.run / "daemon.lock"

    @property
    def probe(self) -> Path:
        """What 'lvsnat doctor --probe' has put on this host, while it asks."""
        return self.run / "probe"

    @contextlib.contextmanager
    def locked(
        self, *, wait: bool, waiting: Callable[[str], None] = lambda _: None
    ) -> Iterator[None]:
        """Hold the lock that all commands share, and tidy up after one that was killed."""
        with locked(self.lock, wait=wait, waiting=waiting):
            for path in (
                self.config,
                self.replaced_config,
                self.ledger,
                self.overrides,
                self.trial,
                self.switch,
                self.gateway,
            ):
                sweep(path)
            yield
