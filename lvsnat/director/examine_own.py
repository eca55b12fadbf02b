"""What the doctor asks of lvsnat itself: its files, its daemon, its units. Never writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lvsnat.director import ledgerfile, overridefile, phases, switchfile, trial
from lvsnat.director.director import Director
from lvsnat.director.install import BOOTED, Place, look
from lvsnat.director.paths import DEFAULT_CONFIG, Paths
from lvsnat.director.units import DAEMON_NAME, NAME
from lvsnat.director.wish import read
from lvsnat.doctor import processes
from lvsnat.doctor.facts import Fault, FileMode, SelfFacts
from lvsnat.errors import LvsnatError
from lvsnat.haproxy.resources import SERVICE_KIND as PROXIED
from lvsnat.ipvs.resources import SERVICE_KIND
from lvsnat.model.config import Config
from lvsnat.system import is_locked

_CONFIG = re.compile(r'LVSNAT_CONFIG=([^"\n]+)')


def examine_own(director: Director) -> SelfFacts:
    """Everything about it; where a file is broken, that alone."""
    paths = director.paths
    try:
        config = read(director.text(), str(paths.config))
    except LvsnatError as error:
        fault = Fault(str(paths.config), error.message, error.hint or "")
        return SelfFacts(broken_config=fault)
    broken = tuple(_broken(paths))
    found = SelfFacts(
        None,
        broken,
        director.health_problem(),
        tuple(_modes(paths)),
        director.daemon_runs(),
        config=str(paths.config),
    )
    if broken:
        return found
    found = _with_units(_with_switch(_with_ledger(found, paths), director, config), paths)
    left = trial.unfinished(paths)
    return replace(
        _with_news(found, director),
        trial=None if left is None else str(paths.trial),
        others=(*found.others, *_others(paths.config)),
    )


def _broken(paths: Paths) -> Iterator[Fault]:
    for path, load in (
        (paths.ledger, ledgerfile.load),
        (paths.overrides, overridefile.load),
        (paths.switch, switchfile.load),
        (paths.trial, lambda _: trial.unfinished(paths)),
    ):
        try:
            load(path)
        except LvsnatError as error:
            problem = error.message.removeprefix(f"{path}: ")
            yield Fault(str(path), problem, error.hint or "")


def _modes(paths: Paths) -> Iterator[FileMode]:
    """Files, and their folders: who may write there may put another file in a file's place."""
    files = (paths.config, paths.ledger, paths.overrides, paths.switch, paths.trial)
    for path in dict.fromkeys((*files, paths.config.parent, paths.state, paths.run)):
        if path.exists():
            seen = path.stat()
            yield FileMode(str(path), seen.st_mode & 0o7777, seen.st_uid in (0, os.geteuid()))


def _with_ledger(found: SelfFacts, paths: Paths) -> SelfFacts:
    owned = ledgerfile.load(paths.ledger).owned
    made = {key.name for key in owned if key.kind in (SERVICE_KIND, PROXIED)}
    return replace(found, absent=not paths.config.exists(), owned=len(made))


def _with_switch(found: SelfFacts, director: Director, config: Config) -> SelfFacts:
    here = phases.standing(director.paths, config)
    # A command at work makes a step just now, or begins a wait.
    if here.done or is_locked(director.paths.lock):
        return found
    over = here.deadline is None or here.deadline < director.clock.now()
    return replace(found, standing=here, overdue=over)


def _with_news(found: SelfFacts, director: Director) -> SelfFacts:
    known = director.published() if found.daemon else None
    if known is None:
        return found
    quiet = max(0.0, director.clock.now() - known.at)
    return replace(found, daemon_problems=known.problems, daemon_quiet=quiet)


def _with_units(found: SelfFacts, paths: Paths) -> SelfFacts:
    if not BOOTED.is_dir():
        return found
    seen = look(Place.below(Path("/"), paths.config), Path("/"))
    others = [
        f"{name}, which is started at boot, reads {given[1]}"
        for name, text, enabled in (
            (NAME, seen.unit, seen.enabled),
            (DAEMON_NAME, seen.daemon, seen.daemon_enabled),
        )
        if enabled and (given := _CONFIG.search(text or "")) and not _same(given[1], paths.config)
    ]
    return replace(
        found,
        systemd=seen.systemd,
        enabled=seen.enabled,
        daemon_enabled=seen.daemon_enabled,
        others=tuple(others),
    )


def _others(config: Path) -> Iterable[str]:
    for pid, given in processes.daemons():
        path = given or DEFAULT_CONFIG
        if not _same(path, config):
            yield f"the daemon (process {pid}) reads {path}"


def _same(one: str, other: Path) -> bool:
    """Whether both are one file; a relative path is another process's, and is believed."""
    path = Path(one)
    return not path.is_absolute() or path.resolve() == other.resolve()
