"""A switch of modes: phase by phase, each an ordinary plan, with waits between them.

The lock is held while a step is made, never while connections are waited for. So everything is read
anew after each wait, and whoever comes later goes on from where the switch stands, or turns round.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.problems import ConfigError
from lvsnat.director import phases, switchfile
from lvsnat.director.director import Director, Options, Text, Wish
from lvsnat.director.rewrite import Rewrite
from lvsnat.director.shadows import refuse_shadows
from lvsnat.director.transaction import Transaction
from lvsnat.director.wish import checked
from lvsnat.errors import LvsnatError, PartlyAppliedError
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.switch import Look, Progress, Standing
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change
from lvsnat.plan.guard import Risk
from lvsnat.plan.overlay import holding
from lvsnat.system import write_file

DRAIN_TIMEOUT: Final = 600.0
"""Seconds that each wait may last where nobody says otherwise."""
INTERVAL: Final = 1.0
"""Seconds between two looks at what the old side holds, at least."""
ACCEPTED: Final = frozenset({Risk.EMPTIES, Risk.REMOVES_MANY, Risk.CUTS_CONNECTIONS})
"""What a step is about; whatever it cuts was waited for as long as was asked."""
_ENDS: Final = frozenset(map(Phase.of, Mode))


@dataclass(frozen=True, slots=True)
class Foresight:
    """A switch before it begins."""

    end: Transaction
    """All that is different when it has ended."""
    here: Standing
    prepare: Callable[[], None]
    """Raises LvsnatError if some step of the way can be seen to fail."""


class Switch:
    """The way from where a director stands to the mode of its configuration."""

    def __init__(self, director: Director, options: Options, limit: float | None = None) -> None:
        """``limit``: how many seconds each wait may last; 0 waits for nothing.

        None is what the command before this one said, or ``DRAIN_TIMEOUT``.
        """
        self._director = director
        self._options = options
        self._limit = limit
        self.here: Standing | None = None
        """Where ``beginning`` or ``applying`` found the switch; once they have ended, left it."""

    def progress(self) -> Progress:
        """Where the switch stands, and what the next step waits for."""
        here = self.standing()
        if here.awaited is None:
            return Progress(here)
        now = self._director.clock.now()
        left = None if here.deadline is None else max(0.0, here.deadline - now)
        return Progress(here, Look(here.awaited, self._director.left(here.awaited), left))

    def standing(self) -> Standing:
        """Where the switch stands now."""
        return phases.standing(self._director.paths, self._director.config())

    @contextlib.contextmanager
    def foreseeing(self, mode: Mode) -> Iterator[Foresight]:
        """Prepare to show a switch: what is different at its end, and the way there."""
        director = self._director
        with director.locked(self._options):
            before, document = self._edited(mode)
            after = Wish(checked(document.text), before.overrides)
            here = phases.standing(director.paths, after.config)
            end = director.transaction(after.at(Phase.of(mode)), self._options, before=before)
            yield Foresight(end, here, lambda: self._prepare(here, before, after))

    @contextlib.contextmanager
    def beginning(self, mode: Mode) -> Iterator[Transaction]:
        """Prepare to write the mode into the configuration, and the first step towards it.

        Asks first whether the whole way can be gone: what can be seen to fail is refused here.
        """
        director = self._director
        with director.locked(self._options):
            text = director.text()
            before, document = self._edited(mode)
            after = Wish(checked(document.text), before.overrides)
            self.here = here = phases.standing(director.paths, after.config)
            step = here.phase if here.awaited or here.done else here.next
            files = [Rewrite(director.paths.config, text or None, document.text)]
            with _explained(here):
                self._prepare(here, before, after)
                yield director.transaction(
                    after.at(step),
                    self._options,
                    before=before,
                    files=files if document.text != text else (),
                )
            self._arrive(here, step)

    @contextlib.contextmanager
    def showing(self, given: Text | None = None) -> Iterator[Foresight]:
        """Prepare to show what ``applying`` and all steps after it lead to."""
        director = self._director
        with director.locked(self._options):
            wish, here = self._wish(given)
            end = director.transaction(wish.at(Phase.of(wish.config.mode)), self._options)
            yield Foresight(end, here, lambda: self._prepare(here, wish, wish))

    @contextlib.contextmanager
    def applying(
        self, given: Text | None = None, expect: str | None = None
    ) -> Iterator[Transaction]:
        """Prepare to make the world as the configuration, or a text in its place, says.

        In the midst of a switch that is the present phase; from an end of the way, the first step.
        ``expect`` is the fingerprint of what ``showing`` has shown.
        """
        director = self._director
        with director.locked(self._options):
            wish, here = self._wish(given)
            self.here = here
            steps = here.origin is not None or here.phase in _ENDS
            step = here.next if steps else here.phase
            files = () if given is None else director.replaced(given.text)
            with _explained(here):
                transaction = director.transaction(wish.at(step), self._options, files=files)
                if here.done:
                    transaction.expect(expect)
                else:
                    end = director.transaction(wish.at(Phase.of(here.mode)), self._options)
                    end.expect(expect)
                    self._prepare(here, wish, wish)
                refuse_shadows(transaction, wish.at(step).config)
                yield transaction
            self._arrive(here, step)

    def go_on(
        self,
        mode: Mode,
        carry_out: Callable[[Standing, Transaction], None],
        show: Callable[[Iterator[Look]], object] = list,
        leave: Callable[[Standing], bool] = lambda _: False,
    ) -> Standing:
        """Make every step that is left, each when its time has come; where the switch then stands.

        ``show`` goes through the looks at the old side, of one wait after the other; ``leave`` says
        where to stop before the end. Raises LvsnatError if somebody turns round.
        """
        while True:
            here = self.standing()
            if here.mode is not mode:
                raise LvsnatError(
                    f"the mode is to be {here.mode} now: another command has turned the switch"
                    " round, or the configuration",
                    "'lvsnat mode' shows where it stands, 'lvsnat apply' goes on with it",
                )
            if here.done or leave(here):
                return here
            show(self.waiting(here))
            with self.stepping(here) as transaction:
                if transaction is not None:
                    carry_out(here, transaction)

    @contextlib.contextmanager
    def stepping(self, here: Standing) -> Iterator[Transaction | None]:
        """Prepare the next step from where the switch stood; None if it stands elsewhere now."""
        director = self._director
        with director.locked(self._options):
            config = director.config()
            now = phases.standing(director.paths, config)
            if (now.phase, now.mode, now.origin) != (here.phase, here.mode, here.origin):
                yield None
                return
            wish = Wish(config, director.overrides())
            with _explained(now):
                yield director.transaction(wish.at(now.next), self._options, before=wish)
            self._arrive(now, now.next)

    def waiting(self, here: Standing) -> Iterator[Look]:
        """Look at the old side until it holds nothing, or its time is over.

        Ends too when another command goes on with the switch, or turns it round.
        """
        director, side = self._director, here.awaited
        if side is None or self._limit == 0 or (now := self._begin_waiting(here)) is None:
            return
        clock = director.clock
        while True:
            # A file that somebody is writing just now is no reason to stop waiting.
            with contextlib.suppress(ConfigError):
                now = self.standing()
            if (now.phase, now.mode) != (here.phase, here.mode) or now.deadline is None:
                return
            began = clock.monotonic()
            connections = director.left(side)
            # A table of a million connections takes seconds to read: most of the time is a pause.
            pause = max(INTERVAL, 4 * (clock.monotonic() - began))
            left = max(0.0, now.deadline - clock.now())
            if connections == 0:
                return
            yield Look(side, connections, left)
            if left == 0:
                return
            clock.sleep(min(pause, left))

    def _begin_waiting(self, here: Standing) -> Standing | None:
        """Note how long this wait may last; None if the switch stands elsewhere by now.

        Whoever comes last has the say.
        """
        director = self._director
        with director.locked(self._options):
            journal = switchfile.load(director.paths.switch)
            if journal is None or journal.phase is not here.phase:
                return None
            limit = self._limit if self._limit is not None else journal.limit or DRAIN_TIMEOUT
            noted = replace(journal, deadline=director.clock.now() + limit, limit=limit)
            write_file(director.paths.switch, switchfile.render(noted))
        return replace(here, deadline=noted.deadline)

    def _prepare(self, here: Standing, before: Wish, after: Wish) -> None:
        """Raise LvsnatError if some step of the way can be seen to fail."""
        director = self._director
        asked: list[tuple[Backend, tuple[Change, ...]]] = []
        end = after.at(Phase.of(here.mode))
        whole = director.transaction(end, self._options)
        whole.refuse_conflicts()
        refuse_shadows(whole, end.config)
        for phase in here.way():
            step = director.transaction(after.at(phase), self._options, before=before)
            for part in step.parts():
                if part not in asked:
                    asked.append(part)
                    part[0].prepare(part[1])

    def _edited(self, mode: Mode) -> tuple[Wish, ConfigDocument]:
        """What is wished for now, and the configuration with another mode."""
        director = self._director
        document = ConfigDocument.parse(director.text(), str(director.paths.config))
        before = Wish(phases.in_force(director.paths, document.config), director.overrides())
        document.set_mode(mode)
        return before, document

    def _wish(self, given: Text | None) -> tuple[Wish, Standing]:
        director = self._director
        config = director.config() if given is None else director.parsed(given.text, given.source)
        overrides = holding(director.overrides(), director.clock.now())
        return Wish(config, overrides), phases.standing(director.paths, config)

    def _arrive(self, here: Standing, step: Phase) -> None:
        """Note where the switch stands; what HAProxy still has is cut at the end of its time."""
        self.here = Standing(step, here.mode)
        if step is Phase.LVS_NAT and not here.done:
            self._director.end_proxy()


@contextlib.contextmanager
def _explained(here: Standing) -> Iterator[None]:
    """Say of a failure where the switch stands after it, and how it goes on or back."""
    try:
        yield
    except PartlyAppliedError:
        raise
    except LvsnatError as error:
        error.hint = "; ".join(filter(None, (error.hint, _where(here))))
        raise


def _where(here: Standing) -> str | None:
    if here.done:
        return None
    if here.origin is None and here.phase in _ENDS:
        return f"{here.phase} is still in force"
    (other,) = set(Mode) - {here.mode}
    return (
        f"the switch stands at {here.phase}: 'lvsnat mode {here.mode}' goes on with it,"
        f" 'lvsnat mode {other}' turns round"
    )
