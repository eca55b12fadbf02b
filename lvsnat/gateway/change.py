"""One change of the way back: planned, shown, then carried out whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from lvsnat.errors import PartlyAppliedError, RefusedError
from lvsnat.gateway import record as records
from lvsnat.gateway.backend import GatewayBackend
from lvsnat.gateway.expand import expand
from lvsnat.gateway.ground import ground_of
from lvsnat.gateway.kernel import Kernel
from lvsnat.gateway.record import Record, Trial, Wishes
from lvsnat.gateway.resources import value_of
from lvsnat.gateway.session import SshSession, session_reply
from lvsnat.model.resource import Resource, Setting, State, state_of
from lvsnat.plan.apply import apply, roll_back, sentence
from lvsnat.plan.change import Report
from lvsnat.plan.guard import Objection, Risk
from lvsnat.plan.planner import Plan, plan
from lvsnat.system import StagedFile, remove_file, uninterrupted, write_file

SAFE_WAY = "'--try 60s' takes it back unless you keep it; --force does it all the same"
AGAIN = "'lvsnat gateway show' shows what is there; 'lvsnat gateway unset' goes on"


@dataclass(frozen=True, slots=True)
class Shift:
    """A plan with all that is needed to carry it out."""

    plan: Plan
    """``unmanaged`` is what somebody has changed since: it is left alone, and ours no more."""
    objections: tuple[Objection, ...]
    wishes: Wishes
    desired: State
    on_disk: Record
    path: Path
    backend: GatewayBackend

    def insist_on_safety(self, accepted: Collection[Risk] = ()) -> None:
        """Raise RefusedError for risks that nobody accepted."""
        raised = [one for one in self.objections if one.risk not in accepted]
        if raised:
            raise RefusedError(
                "\n".join(f"{objection.message}: {objection.why}" for objection in raised),
                f"{SAFE_WAY}; nothing was changed",
            )

    def carry_out(
        self,
        report: Report,
        *,
        accepted: Collection[Risk] = (),
        trial: Trial | None = None,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Change the routing, then the record; from ``committed`` on it stands.

        What is about to be ours is noted first: whatever ends this in between, the next command
        finds what there is to finish or to take away. Raises as ``insist_on_safety``.
        """
        self.insist_on_safety(accepted)
        changes = self.plan.changes
        intended = self.on_disk.intending(self.wishes, changes, trial)
        finished = intended.after(changes, self.desired)
        result = StagedFile(self.path, records.render(finished))
        undone = StagedFile(self.path, records.render(self.on_disk))
        try:
            write_file(self.path, records.render(intended))

            def finish() -> None:
                result.commit()
                if not finished:
                    remove_file(self.path)
                committed()

            apply(
                changes,
                [self.backend],
                report,
                finish=finish,
                rolled_back=undone.commit,
                shield=uninterrupted,
            )
        except PartlyAppliedError as error:
            raise PartlyAppliedError(error.message, AGAIN) from error
        finally:
            result.discard()
            undone.discard()

    def undo(self) -> None:
        """Take back what was carried out. Raises PartlyAppliedError where some is refused."""
        with uninterrupted():
            failures = roll_back(self.plan.changes, [self.backend])
            if not failures:
                _put(self.path, self.on_disk)
                return
            _put(self.path, self.on_disk.intending(self.wishes, self.plan.changes, None))
        lines = [f"  {sentence(failure.change)}: {failure.reason}" for failure in failures]
        raise PartlyAppliedError("\n".join(["not all could be taken back:", *lines]), AGAIN)


def prepare(path: Path, wish: Callable[[Record], Wishes], ssh_connection: str = "") -> Shift:
    """Plan what turns the routing into what is wished for. Call it under the lock.

    ``ssh_connection`` is what sshd says of the connection that the operator works through.
    Raises UsageError or RefusedError where that cannot be.
    """
    record = records.load(path)
    wishes, backend = wish(record), GatewayBackend()
    with Kernel() as kernel:
        desired = state_of(
            resource
            for one in wishes.values()
            for resource in expand(one, ground_of(kernel, one.family, one.table), record.made)
        )
        observed = state_of(backend.observe({*desired, *record.made}))
        session = _session(kernel, ssh_connection)
    found = planned(desired, observed, record)
    objections = tuple(session.objections(found.changes)) if session else ()
    return Shift(found, objections, wishes, desired, record, path, backend)


def planned(desired: State, observed: State, record: Record) -> Plan:
    """What turns one state into the other, but for what somebody has changed since it was ours."""
    lost = {
        key: one for key, one in observed.items() if key not in desired and _is_lost(one, record)
    }
    ours = {key: one for key, one in observed.items() if key not in lost}
    return replace(plan(desired, ours, record.ledger), unmanaged=tuple(lost.values()))


def settle(path: Path) -> None:
    """Keep a trial that was cut off: there is nothing to go back to any more."""
    _put(path, replace(records.load(path), trial=None))


def _put(path: Path, record: Record) -> None:
    if record:
        write_file(path, records.render(record))
    else:
        remove_file(path)


def _is_lost(resource: Resource, record: Record) -> bool:
    """Whether what lvsnat has set was set to something else since."""
    original = record.originals.get(resource.key)
    back = isinstance(resource, Setting) and value_of(resource) == original
    return not back and not record.is_ours(resource)


def _session(kernel: Kernel, ssh_connection: str) -> SshSession | None:
    reply = session_reply(ssh_connection)
    return None if reply is None else SshSession(reply, kernel.ask(reply))
