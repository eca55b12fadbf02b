"""The daemon's hands: what health, the configuration and its overrides ask for, carried out.

Each is an ordinary transaction under the lock that all commands share, planned anew from what is on
the disk and in the kernel. The lock is never waited for here: whoever finds it taken comes again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from lvsnat.daemon.source import Source
from lvsnat.director import phases, switchfile
from lvsnat.director.director import Director, Options, Wish
from lvsnat.director.shadows import refuse_shadows
from lvsnat.director.transaction import Transaction
from lvsnat.errors import RefusedError
from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource, Weighted
from lvsnat.plan.change import Change, Update
from lvsnat.plan.guard import Risk
from lvsnat.plan.overlay import HealthOverlay, holding
from lvsnat.plan.planner import Plan

OF_HEALTH: Final = frozenset({Risk.EMPTIES, Risk.REMOVES_MANY, Risk.CUTS_CONNECTIONS})
"""What a server that cannot serve may cost: a policy of the configuration asks for it."""
_NOT_WAITING: Final = Options(wait=False)


class BusyError(Exception):
    """A command is at work: nothing was tried."""


class PutOffError(Exception):
    """The configuration is being written, or a trial or a switch was cut off, which it says."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of comparing all."""

    changes: tuple[Change, ...]
    """Carried out."""
    drift: tuple[Change, ...]
    """Differs, and was left alone."""
    conflicts: tuple[Resource, ...]
    """Made by somebody else where the configuration wants something."""
    same: bool
    """Whether the configuration was the one of the time before: then what differed was drift."""


class Writer:
    """Carries out what is wished for, and remembers up to where."""

    def __init__(self, director: Director, source: Source) -> None:
        self._director = director
        self._source = source
        # Nothing: so the first time all that health asks for is made sure of, also what a daemon
        # that was killed had only written down.
        self._health = HealthOverlay()
        self._done: Wish | None = None

    @property
    def health(self) -> HealthOverlay:
        """What is carried out."""
        return self._health

    def config(self) -> Config:
        """The configuration in the phase that this host is in."""
        return phases.in_force(self._director.paths, self._source.config)

    def follow(self, health: HealthOverlay) -> tuple[Change, ...]:
        """Make what health says now so, and nothing else; the changes.

        Raises BusyError while a command is at work. Where that is a trial that waits for its
        operator, or where the configuration is being written just now, weights alone are set.
        """
        try:
            with self._locked():
                weights_only = self._source.pending() or self._cut_off()
                changes = self._follow(health, weights_only=weights_only)
        except BusyError:
            if not self._trial_stands():
                raise
            # Without the lock: that the trial keeps to its end, which may be minutes away. A weight
            # is one message to the kernel, the ledger does not know it, and when the trial has
            # ended all is compared.
            changes = self._follow(health, weights_only=True)
        self._health = health
        return changes

    def compare(self, *, repair: bool) -> Compared:
        """Compare all that is wished for with all that is, and make it so.

        Without ``repair`` only what the configuration and its overrides changed since the last time
        is made so. Raises BusyError, PutOffError, and LvsnatError for what is refused or fails.
        """
        with self._locked():
            self._put_off()
            wish = self._wish(self._health)
            same = self._done is not None and self._done.config == wish.config
            before = None if repair else self._done or wish
            found = self._director.transaction(wish, _NOT_WAITING, before=before)
            refuse_shadows(found, wish.config)
            # What somebody did to the kernel is undone; what somebody wrote may be a slip.
            accepted = frozenset({Risk.EMPTIES}) if repair and same else frozenset()
            _carry_out(found, accepted)
            # Without the ends of its overrides: when one has come, the next wish differs from this.
            lasting = {key: replace(one, until=None) for key, one in wish.overrides.items()}
            self._done = replace(wish, overrides=lasting)
            return Compared(found.plan.changes, found.drift.changes, found.plan.conflicts, same)

    def drain(self) -> tuple[Change, ...]:
        """Set every weight to 0, for the end; returns the changes. Raises as ``follow``."""
        return self.follow(self.everything_at_zero())

    def everything_at_zero(self) -> HealthOverlay:
        """What no server takes new connections by."""
        expanded = self._director.expand(self.config()).values()
        seats = [one.seat for one in expanded if isinstance(one, Weighted)]
        return HealthOverlay(weights=dict.fromkeys(seats, 0))

    def _follow(self, health: HealthOverlay, *, weights_only: bool) -> tuple[Change, ...]:
        wish = self._wish(health, held=False)
        before = replace(wish, health=self._health)
        found = self._director.transaction(wish, _NOT_WAITING, before=before)
        if weights_only:
            seats = _differing(self._health, health)
            changes = tuple(c for c in found.plan.changes if _sets_weight(c, seats))
            found = replace(
                found, plan=Plan(changes), ledger=found.on_disk, files=(), ahead=()
            )  # So it writes no file.
        _carry_out(found, OF_HEALTH)
        return found.plan.changes

    def _wish(self, health: HealthOverlay, *, held: bool = True) -> Wish:
        overrides = self._director.overrides()
        if held:
            overrides = holding(overrides, self._director.clock.now())
        return Wish(self.config(), overrides, health)

    def _put_off(self) -> None:
        """Raise PutOffError where what is wished for is not settled."""
        if self._source.pending():
            raise PutOffError
        # The lock is ours, so whoever began these is gone.
        if self._trial_stands():
            raise PutOffError(
                "a trial was cut off: 'lvsnat try --revert' takes it back, 'lvsnat try --keep'"
                " keeps it"
            )
        if self._cut_off():
            raise PutOffError(
                "a switch of modes was cut off: 'lvsnat mode' shows where, 'lvsnat apply' goes on"
            )

    def _trial_stands(self) -> bool:
        return self._director.paths.trial.exists()

    def _cut_off(self) -> bool:
        """Whether a step of a switch was begun and not ended: a command goes on with it."""
        journal = switchfile.load(self._director.paths.switch)
        return journal is not None and journal.origin is not None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._director.locked(_NOT_WAITING))
            except RefusedError:
                raise BusyError from None
            yield


def _carry_out(found: Transaction, accepted: frozenset[Risk]) -> None:
    """Without what somebody else made: that stays, and must not keep the rest from being done."""
    ours = replace(found, plan=Plan(found.plan.changes, found.plan.unmanaged))
    try:
        ours.carry_out(lambda _: None, accepted=accepted)
    except RefusedError as error:
        raise RefusedError(error.message, "'lvsnat apply --force' does it all the same") from None


def _differing(before: HealthOverlay, after: HealthOverlay) -> frozenset[Key]:
    """The seats of which two overlays do not say the same."""
    seats = before.weights.keys() | after.weights.keys()
    differing = {
        seat
        for seat in seats
        if (seat in before.weights, before.weights.get(seat))
        != (seat in after.weights, after.weights.get(seat))
    }
    return frozenset(differing | (before.standby ^ after.standby))


def _sets_weight(change: Change, seats: frozenset[Key]) -> bool:
    if not isinstance(change, Update) or not isinstance(change.after, Weighted):
        return False
    return change.after.seat in seats
