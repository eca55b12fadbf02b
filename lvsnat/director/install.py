"""Have this host start lvsnat at boot: files and systemd. What to do is decided before it is done.

Only what ``install`` wrote is ever changed or removed, and only as long as nobody changed it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvsnat.director import units
from lvsnat.director.units import ProxyService, Service
from lvsnat.errors import LvsnatError, PartlyAppliedError
from lvsnat.system import read_file, remove_file, run, write_file

BOOTED = Path("/run/systemd/system")
"""There while systemd runs (sd_booted(3))."""
_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Write:
    """Give a file its contents."""

    path: Path
    text: str
    new: bool

    def describe(self) -> str:
        return f"{'create' if self.new else 'change'} {self.path}"

    def carry_out(self) -> None:
        try:
            write_file(self.path, self.text)
        except LvsnatError as error:
            hint = error.hint or "--root DIR writes the files elsewhere"
            raise LvsnatError(error.message, hint) from None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file, and its folder if that was the last one."""

    path: Path

    def describe(self) -> str:
        return f"remove {self.path}"

    def carry_out(self) -> None:
        remove_file(self.path)
        if self.path.parent.name == "lvsnat":
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()


@dataclass(frozen=True, slots=True)
class Systemctl:
    """Tell systemd."""

    words: tuple[str, ...]

    def describe(self) -> str:
        return f"run systemctl {' '.join(self.words)}"

    def carry_out(self) -> None:
        done = run(["systemctl", *self.words])
        if done.returncode != 0:
            said = done.stderr.strip() or f"exit status {done.returncode}"
            raise LvsnatError(f"systemctl {' '.join(self.words)}: {said.splitlines()[0]}")


Step = Write | Remove | Systemctl


@dataclass(frozen=True, slots=True)
class Place:
    """The files of an installation."""

    unit: Path
    daemon: Path
    """The unit of the daemon."""
    proxy: Path
    """The unit of our own HAProxy."""
    config: Path

    @classmethod
    def below(cls, root: Path, config: Path) -> Place:
        """Below another root than ``/``: an image, or the folder of a package to be."""
        here = root.absolute()
        system = here / "etc/systemd/system"
        return cls(
            system / units.NAME,
            system / units.DAEMON_NAME,
            system / units.PROXY_NAME,
            here / config.absolute().relative_to(_ROOT),
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there."""

    unit: str | None = None
    daemon: str | None = None
    proxy: str | None = None
    config: str | None = None
    systemd: bool = True
    """Whether systemd runs, and is about these files."""
    enabled: bool = False
    """Whether the configuration is applied at boot."""
    daemon_enabled: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do, and what is left to say."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def look(place: Place, root: Path) -> Seen:
    """See what is there."""
    systemd = root.resolve() == _ROOT and BOOTED.is_dir() and bool(shutil.which("systemctl"))
    paths = (place.unit, place.daemon, place.proxy, place.config)
    unit, daemon, proxy, config = map(read_file, paths)
    enabled = systemd and _is_enabled(units.NAME)
    return Seen(
        unit, daemon, proxy, config, systemd, enabled, systemd and _is_enabled(units.DAEMON_NAME)
    )


def _is_enabled(unit: str) -> bool:
    return run(["systemctl", "is-enabled", "--quiet", unit]).returncode == 0


def installing(place: Place, seen: Seen, service: Service, proxy: ProxyService) -> Work:
    """Decide what to do to have lvsnat started at boot."""
    steps: list[Step] = []
    notes: list[str] = []
    for path, old, text in (
        (place.unit, seen.unit, service.render()),
        (place.daemon, seen.daemon, service.render_daemon()),
        (place.proxy, seen.proxy, proxy.render()),
    ):
        if old is None or (old != text and units.is_as_written(old)):
            steps.append(Write(path, text, new=old is None))
        elif old != text:
            notes.append(
                f"{path} was changed by hand and is kept; 'systemctl edit {path.name}' is the"
                " way to change it that lasts: move the file away and install again"
            )
    if steps and seen.systemd:
        steps.append(Systemctl(("daemon-reload",)))
    if seen.config is None:
        steps.append(Write(place.config, units.starter(), new=True))
    if not seen.systemd:
        notes.append(
            f"systemd does not run these files here: 'systemctl enable {units.NAME}' where it does,"
            " or have another init system run 'lvsnat apply --boot' once the network is up"
        )
    elif not seen.enabled:
        steps.append(Systemctl(("enable", units.NAME)))
    if seen.systemd and not seen.daemon_enabled:
        notes.append(
            f"'systemctl enable --now {units.DAEMON_NAME}' has servers checked and drift repaired,"
            " now and from boot on"
        )
    return Work(tuple(steps), tuple(notes))


def uninstalling(place: Place, seen: Seen) -> Work:
    """Decide what to do to have all that ``installing`` did undone."""
    steps: list[Step] = []
    notes: list[str] = []
    for name, text, enabled in (
        (units.DAEMON_NAME, seen.daemon, seen.daemon_enabled),
        (units.NAME, seen.unit, seen.enabled),
    ):
        goes = text is not None and units.is_as_written(text)
        if enabled:
            # Nothing is taken away at a stop: the kernel goes on serving.
            steps.append(Systemctl(("disable", *(["--now"] if goes else []), name)))
    gone: list[Step] = []
    for path, old in (
        (place.unit, seen.unit),
        (place.daemon, seen.daemon),
        (place.proxy, seen.proxy),
    ):
        if old is not None and units.is_as_written(old):
            gone.append(Remove(path))
        elif old is not None:
            notes.append(f"{path} was changed by hand and is kept")
    steps += gone
    if gone and seen.systemd:
        steps.append(Systemctl(("daemon-reload",)))
    if seen.config == units.starter():
        steps.append(Remove(place.config))
    elif seen.config is not None:
        notes.append(f"{place.config} is kept: it is your configuration")
    if steps and seen.systemd:
        notes.append(
            "what lvsnat made in the kernel stays, and so does its HAProxy: 'lvsnat clear' takes"
            " it away"
        )
    return Work(tuple(steps), tuple(notes))


def carry_out(steps: Sequence[Step], report: Callable[[Step], None]) -> None:
    """Do the steps in order; a second run begins where a failure ended the first."""
    for number, step in enumerate(steps):
        try:
            step.carry_out()
        except LvsnatError as error:
            if number == 0:
                raise
            cure = f"{error.hint}; " if error.hint else ""
            raise PartlyAppliedError(
                f"{error.message}\n{number} of {len(steps)} steps were done",
                f"{cure}the same command finishes it once that is cured",
            ) from None
        report(step)
