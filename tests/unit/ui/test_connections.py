"""Connections on wide and narrow terminals."""

from __future__ import annotations

from unit.ui.drawing import drawn

from lvsnat.model.connection import Connection, Grouping, Ranking, Tally
from lvsnat.model.endpoint import Endpoint
from lvsnat.ui.connections import connection_table, ranking_view

VIP, SERVER = Endpoint.parse("192.168.1.50:80"), Endpoint.parse("192.168.2.55:80")
CLIENT, NETWORK = Endpoint.parse("203.0.113.9:40001"), Endpoint.parse("203.0.113.0:0")
CONNECTIONS = [
    Connection("tcp", CLIENT, VIP, SERVER, "SYN_RECV", 59, service="web"),
    Connection("udp", NETWORK, VIP, SERVER, "ASSURED", 3600, "sip", "abc@host"),
]


def table(width: int) -> list[str]:
    return drawn(*connection_table(CONNECTIONS, width), width=width).splitlines()


def test_a_wide_terminal_has_every_column() -> None:
    assert table(200) == [
        (
            "CLIENT             SERVICE              SERVER           STATE       EXPIRES"
            "  LISTEN               ENGINE"
        ),
        (
            "203.0.113.9:40001  web                  192.168.2.55:80  SYN_RECV       59 s"
            "  tcp/192.168.1.50:80"
        ),
        (
            "203.0.113.0        udp/192.168.1.50:80  192.168.2.55:80  ASSURED   1:00:00 h"
            "  udp/192.168.1.50:80  sip abc@host"
        ),
    ]


def test_80_columns_have_what_tells_one_from_another() -> None:
    assert table(80)[0].split() == ["CLIENT", "SERVICE", "SERVER", "STATE", "EXPIRES"]
    assert all(len(line) <= 80 for line in table(80))


def test_40_columns_have_both_ends() -> None:
    assert table(40) == [
        "CLIENT             SERVER",
        "203.0.113.9:40001  192.168.2.55:80",
        "203.0.113.0        192.168.2.55:80",
    ]


def test_groups_of_connections_alone_have_no_column_for_templates() -> None:
    groups = (("ESTABLISHED", Tally(12)), ("CLOSE", Tally(3)))
    text = drawn(*ranking_view(Ranking(Grouping.STATE, groups, Tally(15))))

    assert text.splitlines() == [
        "STATE        CONNECTIONS  SHARE",
        "ESTABLISHED           12    80%",
        "CLOSE                  3    20%",
    ]


def test_numbers_that_are_not_exact_say_so() -> None:
    groups = (("203.0.113.9", Tally(12)),)
    text = drawn(*ranking_view(Ranking(Grouping.CLIENT, groups, Tally(90), too_low_by=3)))

    assert text.endswith("numbers may be 3 too low: too many clients to count each\n")
