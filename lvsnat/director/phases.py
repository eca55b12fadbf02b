"""Which phase is in force here, and how the journal says so before and after it changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lvsnat.director import ledgerfile, switchfile
from lvsnat.director.paths import Paths
from lvsnat.director.rewrite import Rewrite
from lvsnat.director.switchfile import Journal
from lvsnat.director.wish import at_phase
from lvsnat.ipvs.resources import SERVICE_KIND
from lvsnat.model.config import Config
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.proxied import is_proxied
from lvsnat.model.switch import Standing
from lvsnat.system import read_file

_TCP = "tcp/"


def in_force(paths: Paths, config: Config) -> Config:
    """The configuration in the phase that this host is in."""
    return at_phase(config, standing(paths, config).phase)


def standing(paths: Paths, config: Config) -> Standing:
    """Where this host stands on the way to the mode of a configuration."""
    journal = switchfile.load(paths.switch)
    if journal is not None:
        return Standing(journal.phase, config.mode, journal.origin, journal.deadline)
    # Nothing made yet, or not since the host started: there are no connections to spare.
    switches = config.mode is not Mode.LVS_NAT and _serves_by_ipvs(paths, config)
    return Standing(Phase.LVS_NAT if switches else Phase.of(config.mode), config.mode)


def _serves_by_ipvs(paths: Paths, config: Config) -> bool:
    """Whether IPVS has a service, ours, that HAProxy would have in haproxy-tproxy."""
    listeners = kernel_listeners(config.services)
    proxied = {str(listeners[one.listen]) for one in config.services if is_proxied(one)}
    return any(
        key.kind == SERVICE_KIND and (key.name in proxied or key.name.startswith(_TCP))
        for key in ledgerfile.load(paths.ledger).owned
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """The journal as a transaction writes it."""

    ahead: tuple[Rewrite, ...] = ()
    """Before the first change: killed from then on, the step is known to be unfinished."""
    after: tuple[Rewrite, ...] = ()
    """With the other files, when all changes are made."""
    unfinished: bool = False
    """Whether the step before was cut off: then there may be less, or more, than its phase has."""


def noted(paths: Paths, phase: Phase) -> Noted:
    """How the journal comes to say that a phase is in force."""
    text, journal = read_file(paths.switch), switchfile.load(paths.switch)
    was = Phase.LVS_NAT if journal is None else journal.phase
    unfinished = journal is not None and journal.origin is not None
    if phase is was:
        left = None if journal is None or phase is Phase.LVS_NAT else replace(journal, origin=None)
        return Noted((), _rewrite(paths, text, left), unfinished)
    torn = _rewrite(paths, text, Journal(phase, was))
    final = None if phase is Phase.LVS_NAT else Journal(phase)
    return Noted(torn, _rewrite(paths, text, final), unfinished)


def _rewrite(paths: Paths, before: str | None, journal: Journal | None) -> tuple[Rewrite, ...]:
    after = None if journal is None else switchfile.render(journal)
    return () if after == before else (Rewrite(paths.switch, before, after),)
