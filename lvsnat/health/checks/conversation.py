"""What a check says and hears over a connection, and what comes of it. No sockets here."""

from __future__ import annotations

from typing import Protocol

from lvsnat.health.values import Answer


class Conversation(Protocol):
    """What is said and heard, without a socket."""

    @property
    def missing(self) -> str:
        """What has not come yet: ``no answer``."""
        ...

    def outgoing(self) -> bytes:
        """What is to be sent now; each byte is returned once."""
        ...

    def receive(self, data: bytes) -> Answer | None:
        """Hear the next bytes; none are the end. After that there is always an answer."""
        ...
