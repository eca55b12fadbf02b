"""Take a server out of traffic without cutting a connection: weight 0, wait, remove."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from lvsnat.cli import changing, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.override import Override, Reason
from lvsnat.plan.guard import Risk
from lvsnat.system import interrupted_by_every_end
from lvsnat.ui.words import span

if TYPE_CHECKING:
    from lvsnat.director.director import Director
    from lvsnat.director.drain import Patience, Target


FIVE_MINUTES = 300


@dataclass(frozen=True, slots=True)
class Drain:
    """What the operator asks for."""

    service: str
    address: Endpoint
    deadline: int | None
    wait: bool = False
    everything: bool = False
    """Wait for inactive connections and persistent clients, too."""
    remove: bool = False


def drain(ctx: typer.Context, wish: Drain, manner: Manner, *, idle: bool = False) -> None:
    """Hold the server at weight 0; wait for its connections and remove it, if so wished.

    With an ``idle`` server to be removed, weight 0 is a step that nobody needs to see.
    """
    from lvsnat.director import drain as draining

    director = Session.of(ctx).director()
    server = draining.target(director.config(), wish.service, wish.address)
    for caution in draining.cautions(director, server, removing=wish.remove):
        output.talk(f"note: {caution}")
    if wish.remove and not server.drains:
        remove(director, wish, manner)
        return
    override = draining.holding_at_zero(wish.service, wish.address, Override(Reason.DRAINED))
    # The document for a program is that of the last step.
    unseen = wish.remove and not manner.dry_run and (idle or manner.output is not Output.TABLE)
    first = replace(manner, output=Output.TABLE, quiet=True) if unseen else manner
    with director.overriding(override, manner.options()) as transaction:
        changing.finish(transaction, first)
    if manner.dry_run:
        return
    if wish.wait or wish.remove:
        patience = draining.Patience(
            FIVE_MINUTES if wish.deadline is None else wish.deadline,
            wish.everything or not server.drains,
        )
        _watch(director, server, patience)
    if wish.remove:
        remove(director, wish, manner)
    else:
        _say_what_is_left(director, server)


def remove(director: Director, wish: Drain, manner: Manner) -> None:
    """Remove the server from configuration and kernel."""
    with director.editing(
        lambda document: document.remove_server(wish.service, wish.address), manner.options()
    ) as transaction:
        changing.finish(transaction, manner)


def remove_gently(ctx: typer.Context, wish: Drain, manner: Manner, *, now: bool) -> None:
    """Remove a server; drain it first if that would cut connections, unless ``now``."""
    from lvsnat.director import drain as draining

    director = Session.of(ctx).director()
    server = draining.target(director.config(), wish.service, wish.address)
    held = director.held(server.seat) if server.drains else None
    if server.ends_softly:
        if held is not None and held.active:
            output.talk(
                f"note: it holds {draining.counts(held)} connections: they go on until they end,"
                f" for {span(server.goes_on)} at most"
            )
        remove(director, wish, manner)
    elif now or held is None:
        remove(director, wish, manner.accept(Risk.CUTS_CONNECTIONS) if now else manner)
    elif manner.dry_run:
        if held.active:
            output.talk(f"it holds {draining.counts(held)} connections: it is drained first")
        remove(director, wish, manner.accept(Risk.CUTS_CONNECTIONS))
    else:
        # An idle server, too: while it takes connections, one may come between look and removal.
        drain(ctx, replace(wish, remove=True), manner, idle=held.active == 0)


def _watch(director: Director, server: Target, patience: Patience) -> None:
    from lvsnat.director import drain as draining

    try:
        with interrupted_by_every_end(), output.watching(f"draining {server.endpoint}") as show:
            for look in draining.watch(director, server, patience):
                show(draining.counts(look.held), look.left)
    except KeyboardInterrupt:
        name = f"{server.service.name} {server.endpoint}"
        output.talk(f"it stays at weight 0: 'lvsnat server enable {name}' takes it back")
        raise


def _say_what_is_left(director: Director, server: Target) -> None:
    from lvsnat.director import drain as draining

    held = director.held(server.seat)
    if held is not None:
        output.talk(f"{server.endpoint} holds {draining.counts(held)}")
