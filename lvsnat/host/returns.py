"""Where a reply of a real server would go, as a value. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from lvsnat.host.seen import Answer, RouteKind
from lvsnat.model.endpoint import IPAddress


@dataclass(frozen=True, slots=True)
class Return:
    """Where a reply of a real server to a client would go."""

    server: IPAddress
    interface: str
    """By which it comes in: that of the route to the server."""
    answer: Answer

    @property
    def reaches_haproxy(self) -> bool:
        return self.answer.kind == RouteKind.LOCAL
