"""lvsnat status --live: the director behind the screen that reads it and changes it."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import typer

from lvsnat.cli.context import Session
from lvsnat.errors import RefusedError, UsageError
from lvsnat.model.connection import Selection
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import MAX_WEIGHT
from lvsnat.model.status import DirectorStatus
from lvsnat.ui import words
from lvsnat.ui.counts import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from lvsnat.config.edit import ConfigDocument
    from lvsnat.director.director import Director
    from lvsnat.director.transaction import Transaction
    from lvsnat.director.watch import Watch
    from lvsnat.health.report import Report
    from lvsnat.ui.live.doors import Detail, Doors, Proposal, Reading, Wish

CONNECTIONS = 200
"""So many connections are shown of a service or a server."""


def insist_on_terminal() -> None:
    """Raise UsageError where nobody could see it or press a key."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--live needs a terminal", "--watch 2 shows it again and again in a pipe")


def live(session: Session, only: Callable[[DirectorStatus], DirectorStatus]) -> None:
    """Show the status until somebody quits; ``only`` leaves out what was not asked for."""
    insist_on_terminal()
    # What opens it says what is to be said before the screen is taken.
    only(session.director().status())
    from lvsnat.ui.live.app import run

    if code := run(doors(lambda: session.director(mention=False), only)):
        raise typer.Exit(code)


def doors(
    open_director: Callable[[], Director], only: Callable[[DirectorStatus], DirectorStatus]
) -> Doors:
    """The functions that the screen calls: ``read`` in one thread, the others in another."""
    from lvsnat.director.watch import Watch
    from lvsnat.ui.live.doors import Doors

    # A director is opened by the thread that uses it: sockets belong to one.
    reading, changing = lru_cache(maxsize=1)(open_director), lru_cache(maxsize=1)(open_director)
    watch = lru_cache(maxsize=1)(lambda: Watch(reading()))
    return Doors(
        lambda: _read(reading(), watch(), only),
        lambda wish: _propose(changing(), wish),
        lambda wish, fingerprint: _carry_out(changing(), wish, fingerprint),
        lambda service, server: _detail(changing(), service, server),
    )


def _read(
    director: Director, watch: Watch, only: Callable[[DirectorStatus], DirectorStatus]
) -> Reading:
    from lvsnat.ui.live.doors import Reading

    status = only(watch.status())
    return Reading(status, director.clock.monotonic(), director.clock.now())


def _begin(director: Director, wish: Wish) -> AbstractContextManager[Transaction]:
    """The same transaction as that of the command of this name."""
    from lvsnat.director.director import Options
    from lvsnat.director.drain import holding_at_zero, letting_go
    from lvsnat.ui.live.doors import Action

    # Nobody could tell the screen from a dead one while it waits for another command.
    options, where = Options(wait=False), (wish.service, wish.server)
    match wish.action:
        case Action.DRAIN:
            return director.overriding(holding_at_zero(*where, Override(Reason.DRAINED)), options)
        case Action.DISABLE:
            return director.overriding(holding_at_zero(*where, Override(Reason.DISABLED)), options)
        case Action.ENABLE:
            return director.overriding(letting_go(*where), options)
        case Action.HEAVIER:
            return director.editing(_weighing(wish, 1), options)
        case Action.LIGHTER:
            return director.editing(_weighing(wish, -1), options)


def _weighing(wish: Wish, more: int) -> Callable[[ConfigDocument], None]:
    def change(document: ConfigDocument) -> None:
        servers = {one.endpoint: one for one in document.config.find(wish.service).servers}
        have = servers.get(wish.server)
        if have is None:
            raise UsageError(f"the configuration has no server {wish.server} of {wish.service}")
        weight = max(0, min(have.weight + more, MAX_WEIGHT))
        document.set_server(wish.service, replace(have, weight=weight))

    return change


def _propose(director: Director, wish: Wish) -> Proposal:
    from lvsnat.director import drain
    from lvsnat.ui.diff import plan_lines
    from lvsnat.ui.live.doors import Action, Proposal

    notes = []
    with _begin(director, wish) as transaction:
        plan = transaction.plan
        writes = any(file.before != file.after for file in transaction.files)
        refusal: RefusedError | None = None
        try:
            transaction.insist_on_safety()
        except RefusedError as error:
            refusal = error
    if not plan and writes:
        notes.append("the kernel stays as it is; a file alone changes")
    if wish.action is Action.DRAIN:
        server = drain.target(director.config(), wish.service, wish.server)
        notes += drain.cautions(director, server, removing=False)
    return Proposal(
        tuple(plan_lines(plan, transaction.objections)),
        plan.fingerprint,
        tuple(notes),
        None if refusal is None else refusal.message,
        None if refusal is None else _by_hand(wish),
        idle=not plan and not writes and refusal is None,
    )


def _by_hand(wish: Wish) -> str:
    """The command that does it all the same."""
    from lvsnat.ui.live.doors import Action

    where = f"{wish.service} {wish.server}"
    if wish.action in (Action.HEAVIER, Action.LIGHTER):
        return f"'lvsnat server set {where} --weight N --force' does it all the same"
    return f"'lvsnat server {wish.action} {where} --force' does it all the same"


def _carry_out(director: Director, wish: Wish, fingerprint: str) -> str:
    with _begin(director, wish) as transaction:
        transaction.expect(fingerprint)
        transaction.carry_out(lambda _: None)
    others = len(transaction.drift.changes)
    done = Tally.of(transaction.plan.changes).done()
    return f"{done}; {words.count(others, 'other difference')} left alone" if others else done


def _detail(director: Director, service: str, server: Endpoint | None) -> Detail:
    from lvsnat.ui.live.doors import Detail

    config = director.config()
    found = next((one for one in config.services if service in (one.name, str(one.listen))), None)
    address, port = (None, None) if server is None else (server.address, server.port)
    selection = Selection(service, None, address, port or None)
    some = list(islice(director.traffic().connections(selection), CONNECTIONS + 1))
    return Detail(
        found,
        _health(director, service, server),
        tuple(some[:CONNECTIONS]),
        more=len(some) > CONNECTIONS,
    )


def _health(director: Director, service: str, server: Endpoint | None) -> Report | None:
    """What the checks of one service say, or of one server; None where nobody checks."""
    from lvsnat.daemon import report as reports

    report = reports.report(director)
    services, elsewhere = (
        tuple(
            replace(one, servers=tuple(s for s in one.servers if server in (None, s.endpoint)))
            for one in part
            if service in (one.name, str(one.listen))
        )
        for part in (report.services, report.elsewhere)
    )
    if not any(one.servers for one in (*services, *elsewhere)):
        return None
    return replace(report, services=services, elsewhere=elsewhere)
