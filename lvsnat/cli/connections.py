"""lvsnat connections: who is connected to which server, one by one or counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lvsnat.cli import complete, output, watching, words
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output, OutputOption
from lvsnat.cli.watching import Answer, Room, WatchOption
from lvsnat.errors import UsageError
from lvsnat.model.connection import Grouping, Ranking, Selection
from lvsnat.model.endpoint import Protocol
from lvsnat.ui.words import count as counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lvsnat.director.traffic import Traffic

ServiceOption = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="SERVICE",
        help="Those of this service: its name or listener.",
        autocompletion=complete.services,
    ),
]
ClientOption = Annotated[
    str | None,
    typer.Option(
        "--client",
        metavar="NET",
        help="Those of clients in this network, or of this client: 203.0.113.0/24.",
    ),
]
ServerOption = Annotated[
    words.Place | None,
    typer.Option(
        "--server",
        parser=words.parse_place,
        metavar="ADDR",
        help="Those to this server: 192.168.2.55, or 192.168.2.55:80.",
        autocompletion=complete.places,
    ),
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        parser=words.parse_state,
        metavar="STATE",
        help="Those in this state: ESTABLISHED, SYN_RECV, ...",
        autocompletion=complete.states,
    ),
]
ProtocolOption = Annotated[
    Protocol | None,
    typer.Option(
        "--protocol",
        parser=words.one_of(Protocol, "a protocol"),
        metavar="P",
        help="Those of this protocol: tcp, udp or sctp.",
        autocompletion=complete.protocols,
    ),
]
CountOption = Annotated[bool, typer.Option("--count", help="Print how many there are.")]
ByOption = Annotated[
    Grouping | None,
    typer.Option(
        "--by",
        parser=words.one_of(Grouping, "something to count by"),
        metavar="WHAT",
        help="Count them by client, server, service or state; most first.",
        autocompletion=complete.groupings,
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top",
        parser=words.parse_positive,
        metavar="N",
        help="Show the N clients, services, servers and states with the most of them.",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", parser=words.parse_positive, metavar="N", help="Show at most so many lines."
    ),
]


_TOP: Final = (Grouping.CLIENT, Grouping.SERVICE, Grouping.SERVER, Grouping.STATE)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and of whom."""

    traffic: Traffic
    selection: Selection
    limit: int | None = None


def connections(
    ctx: typer.Context,
    *,
    service: ServiceOption = None,
    client: ClientOption = None,
    server: ServerOption = None,
    state: StateOption = None,
    protocol: ProtocolOption = None,
    count: CountOption = False,
    by: ByOption = None,
    top: TopOption = None,
    limit: LimitOption = None,
    watch: WatchOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Show the connections that IPVS and HAProxy balance now."""
    if count and any(one is not None for one in (by, top, limit)):
        raise UsageError("--count counts everything in one number", "leave out the others")
    if top is not None and limit is not None:
        raise UsageError("--top and --limit are two limits", "give one of them")
    address, port = server or (None, None)
    clients = None if client is None else words.parse_network(client)
    selection = Selection(service, clients, address, port, state, protocol)
    director = Session.of(ctx).director()

    def read() -> Answer:
        question = _Question(director.traffic(), selection, limit or top)
        if count:
            return _count(question, quiet=watch is not None)
        if by is not None:
            return _groups(question, by)
        return _listing(question) if top is None else _top(question)

    if watch is not None:
        return watching.repeat(read, output_format, watch, director.clock.sleep)
    return watching.show(read(), output_format)


def _listing(question: _Question) -> Answer:
    """Each by itself: read, drawn and forgotten one after the other."""
    from lvsnat.ui.listing import connections_text

    traffic, limit = question.traffic, question.limit

    def draw(room: Room) -> Iterable[RenderableType]:
        from lvsnat.ui.connections import connection_table

        found = traffic.connections(question.selection)
        # A screen keeps two of its lines for the titles and for what has no room.
        most = _least(limit, None if room.rows is None else max(room.rows - 2, 1))
        yield from connection_table(islice(found, most), room.width, carriers=traffic.proxied)
        if most is not None and next(found, None) is not None:
            more = f"the first {most}; there are more"
            if room.rows is None:
                output.talk(more)
            else:
                yield more
        if room.rows is None:
            _mention_unread(traffic)

    return Answer(
        draw,
        lambda notation: connections_text(traffic.connections(question.selection), notation, limit),
    )


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _count(question: _Question, *, quiet: bool) -> Answer:
    from lvsnat.ui import jsonout
    from lvsnat.ui.listing import count_document

    tally = question.traffic.count(question.selection)
    if tally.templates and not quiet:
        output.talk(f"and {counted(tally.templates, 'template')} of persistence")
    _mention_unread(question.traffic)
    return Answer(
        lambda _: [str(tally.connections)],
        lambda notation: [jsonout.render(count_document(tally), notation)],
    )


def _groups(question: _Question, by: Grouping) -> Answer:
    from lvsnat.ui import jsonout
    from lvsnat.ui.listing import groups_document

    (ranking,) = _rank(question, [by])

    def draw(_: Room) -> Iterable[RenderableType]:
        from lvsnat.ui.connections import ranking_view

        return ranking_view(ranking)

    return Answer(draw, lambda notation: [jsonout.render(groups_document(ranking), notation)])


def _top(question: _Question) -> Answer:
    from lvsnat.ui import jsonout
    from lvsnat.ui.listing import top_document

    rankings = _rank(question, _TOP)

    def draw(_: Room) -> Iterable[RenderableType]:
        from lvsnat.ui.connections import top_view

        return top_view(rankings)

    return Answer(draw, lambda notation: [jsonout.render(top_document(rankings), notation)])


def _rank(question: _Question, by: Sequence[Grouping]) -> list[Ranking]:
    rankings = question.traffic.rank(question.selection, by, question.limit)
    _mention_unread(question.traffic)
    return rankings


def _mention_unread(traffic: Traffic) -> None:
    if traffic.unread:
        output.talk(f"note: {counted(traffic.unread, 'line')} of the kernel made no sense")
