"""Whether a change takes the ssh session's way back from it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from lvsnat.gateway.resources import DefaultRoute, ReplyRule, Route
from lvsnat.gateway.seen import MAIN, Answer, Reply
from lvsnat.gateway.ways import Hop, Way
from lvsnat.gateway.wish import ReplyPort
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family
from lvsnat.plan.change import Change, Delete, subject
from lvsnat.plan.guard import Objection, Risk


def session_reply(ssh_connection: str) -> Reply | None:
    """Read SSH_CONNECTION; None where sshd knows no addresses, or there is no session."""
    try:
        client, _, server, port = ssh_connection.split()
        ends = [ip_address(end.partition("%")[0]) for end in (client, server)]
        return Reply(ends[0], ends[1], ReplyPort("tcp", int(port)))
    except ValueError:  # sshd writes UNKNOWN where it has no socket.
        return None


@dataclass(frozen=True, slots=True)
class SshSession:
    """The packets that this server sends to whoever works on it, and where they go now."""

    reply: Reply
    answer: Answer

    @property
    def family(self) -> Family:
        return Family.of(self.reply.client)

    def objections(self, changes: Iterable[Change]) -> Iterator[Objection]:
        """What speaks against changes: at most one thing, said once."""
        changes = tuple(changes)
        if self.answer.hop is None:
            return
        direct = _spared(changes)
        for change in changes:
            if self._is_moved_by(change, direct):
                yield Objection(
                    Risk.CUTS_SESSION,
                    f"{subject(change).describe()} cuts the path of this ssh session",
                    f"its packets to {self.reply.client} go {self.answer} now, and another way"
                    " then; where that leads nowhere, you are cut off",
                )
                return

    def _is_moved_by(self, change: Change, direct: frozenset[IPNetwork]) -> bool:
        match subject(change):
            case DefaultRoute() as route:
                return self._uses_main(route.family) and Way.parse(route.value).hop != self._hop
            case Route(where, hop):
                if where.table != MAIN:
                    return self.answer.table == where.table and self._meets(change, hop)
                return self._uses_main(where.family) and self._meets(change, hop)
            case ReplyRule(source, port):
                mine = (source, port) == (self.reply.source, self.reply.port)
                return mine and not any(self.reply.client in one for one in direct)
            case _:
                return False

    def _uses_main(self, family: Family) -> bool:
        return family is self.family and self.answer.table == MAIN and self.answer.whole

    def _meets(self, change: Change, hop: Hop) -> bool:
        """What goes matters where it is the present way, what comes where it is another."""
        return (hop == self._hop) is isinstance(change, Delete)

    @property
    def _hop(self) -> Hop | None:
        return self.answer.hop


def _spared(changes: Iterable[Change]) -> frozenset[IPNetwork]:
    """The networks that a new table of replies leaves alone."""
    found = (subject(change) for change in changes)
    return frozenset(
        one.destination.network
        for one in found
        if isinstance(one, Route) and one.destination.network is not None and one.hop.via is None
    )
