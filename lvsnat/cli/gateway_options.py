"""Options of the commands about the way back on a real server, and the wish that they make."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lvsnat.cli import words
from lvsnat.errors import UsageError
from lvsnat.gateway.wish import PRIORITY, TABLE, GatewayWish, ReplyPort, parse_reply_ports
from lvsnat.model.endpoint import IPAddress, parse_address

OptionalViaArgument = Annotated[
    Any | None,
    typer.Argument(
        metavar="VIA",
        parser=parse_address,
        help="The director's VIP, or its address in this server's network; IPv4 or IPv6.",
        show_default=False,
    ),
]
ReplyOnlyOption = Annotated[
    list[Any] | None,
    typer.Option(
        "--reply-only",
        parser=parse_reply_ports,
        metavar="PORT[,PORT]",
        help="Only what this server answers from these ports of its own: tcp/80,udp/53; repeat it.",
    ),
]
LocalClientsOption = Annotated[
    bool,
    typer.Option(
        "--local-clients",
        help="With --reply-only: answer clients in the servers' own network through it, too.",
    ),
]
InterfaceOption = Annotated[
    str | None,
    typer.Option(
        "--interface",
        metavar="IF",
        help="By which the director is reached; that of the network that holds VIA, if not said.",
    ),
]
TableOption = Annotated[
    int | None,
    typer.Option(
        "--table",
        parser=words.parse_table,
        metavar="N",
        help="The routing table of the replies; 234 if not said.",
    ),
]
PriorityOption = Annotated[
    int | None,
    typer.Option(
        "--priority",
        parser=words.parse_table,
        metavar="N",
        help="When the rules for the replies are asked, before main (32766); 110 if not said.",
    ),
]


def wished(
    via: IPAddress,
    reply_only: list[tuple[ReplyPort, ...]] | None = None,
    *,
    local_clients: bool = False,
    interface: str | None = None,
    table: int | None = None,
    priority: int | None = None,
) -> GatewayWish:
    """The wish that the options make. Raises UsageError for one that makes no sense."""
    ports = dict.fromkeys(port for several in reply_only or () for port in several)
    if not ports and (table, priority) != (None, None):
        raise UsageError(
            "--table and --priority are for --reply-only",
            "the default gateway stands in the main table and needs no rule",
        )
    return GatewayWish(
        via,
        interface,
        reply_ports=tuple(ports),
        local_clients=local_clients,
        table=TABLE if table is None else table,
        priority=PRIORITY if priority is None else priority,
    )
