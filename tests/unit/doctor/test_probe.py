"""Asking real servers: who is late, and who is believed to be silent."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from unit.doctor.patients import FIRST, SECOND

from lvsnat.doctor.facts import Reply
from lvsnat.doctor.probe import repeated
from lvsnat.doctor.probesockets import Origin, ask_tcp
from lvsnat.model.endpoint import Endpoint


def test_what_has_come_counts_also_where_a_busy_machine_looks_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        place = Endpoint.parse(f"127.0.0.1:{listening.getsockname()[1]}")

        assert ask_tcp([place], seconds=0) == {place: Reply.ANSWERED}


def test_one_datagram_that_is_lost_is_no_silence() -> None:
    asked: list[list[Endpoint]] = []

    def ask(places: Sequence[Endpoint], origin: Origin) -> dict[Endpoint, Reply]:
        assert origin is Origin.FOREIGN
        asked.append([*places])
        heard = Reply.ANSWERED if len(asked) > 1 else Reply.SILENT
        return {place: Reply.SILENT if place == SECOND else heard for place in places}

    found = repeated(ask)([FIRST, SECOND], Origin.FOREIGN)

    assert found == {FIRST: Reply.ANSWERED, SECOND: Reply.SILENT}
    assert asked == [[FIRST, SECOND], [FIRST, SECOND], [SECOND]]
