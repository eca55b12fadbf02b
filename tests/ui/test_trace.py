"""The picture of a packet's way: at any width, without colour, in ASCII alone; and its document."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from unit.doctor.patients import CLIENT, FIRST, SECOND, setting
from unit.doctor.test_diagnose import patients
from unit.doctor.trace.travellers import LOOKUPS, followed, probed

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.trace.step import Trace
from lvsnat.host.seen import Answer
from lvsnat.ui.hanging import wrapped
from lvsnat.ui.theme import THEME
from lvsnat.ui.trace import Picture, trace_document

DROPPED = {one.address: Answer(None, error=113) for one in (FIRST, SECOND)}


def drawn(trace: Trace, width: int = 80, encoding: str = "utf-8") -> str:
    """As a terminal of this width without colours has it."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file, width=width, theme=THEME, force_terminal=True, color_system=None, highlight=False
    )
    console.print(Picture(trace, (Unread("routes", "no right to"),)), crop=False)
    file.seek(0)
    return file.read()


def ill() -> Trace:
    facts = replace(setting("net.ipv4.ip_forward", "0"), probes=probed().probes)
    return followed(facts, lookups=replace(LOOKUPS, replies=DROPPED))


def test_the_first_step_that_fails_is_marked_and_those_behind_are_not_reached() -> None:
    lines = drawn(ill()).splitlines()

    assert lines[0] == "203.0.113.10:40000 → web tcp/192.168.1.50:80, by IPVS"
    (failing,) = (at for at, line in enumerate(lines) if line.startswith("✗"))
    assert lines[failing].startswith("✗ reply      fails   IP_FORWARD: ")
    assert [line for line in lines if line.endswith("not reached")] == [
        "○ forward    not reached",
        "○ to client  not reached",
    ]
    assert any("remedy  'lvsnat apply'" in line for line in lines[failing:])
    assert lines[-1] == "fails at 'reply'; 'lvsnat explain IP_FORWARD' says more"
    assert lines[-2] == "unknown routes: no right to"


def test_each_server_is_listed_with_what_would_become_of_the_packet() -> None:
    text = drawn(ill())

    assert "▶ 192.168.2.55:8080  fails at 'reply' (IP_FORWARD)" in text
    assert "  192.168.2.56:8080  fails at 'reply' (IP_FORWARD)" in text


def test_a_terminal_without_such_signs_gets_ascii() -> None:
    text = drawn(ill(), encoding="ascii")

    assert text.isascii()
    assert "X reply" in text
    assert "?" not in text.replace("? ", "")


def test_a_healthy_way_says_so_in_its_last_line() -> None:
    assert drawn(followed()).splitlines()[-1] == "the client gets its answer"


def test_of_many_servers_the_one_that_is_followed_is_listed() -> None:
    trace = ill()
    last = replace(trace.outlooks[1], server=replace(SECOND, port=9999), fails=None)
    many = tuple(replace(last, server=replace(SECOND, port=port)) for port in range(1000, 1040))

    text = drawn(replace(trace, outlooks=(*many, last), server=last.server))

    assert "▶ 192.168.2.56:9999  may get it" in text
    assert "and 21 more" in text


@given(patients(), st.integers(72, 160), st.sampled_from(["utf-8", "ascii"]))
def test_what_has_blanks_is_as_wide_as_the_terminal_at_most(
    facts: Facts, width: int, encoding: str
) -> None:
    for line in drawn(followed(facts), width, encoding).splitlines()[1:-2]:
        text = line[21:].strip()
        assert len(line) <= width or wrapped(text, 0) == [text]


@pytest.mark.parametrize("port", [0, 40000])
def test_the_document_says_what_the_picture_says(port: int) -> None:
    facts = replace(setting("net.ipv4.ip_forward", "0"), probes=probed().probes)
    lookups = replace(LOOKUPS, replies=DROPPED)
    trace = followed(facts, lookups=lookups, client=replace(CLIENT, port=port))

    document = trace_document(trace, ())

    assert json.loads(json.dumps(document)) == document
    assert document["client"] == ("203.0.113.10:40000" if port else "203.0.113.10")
    assert (document["works"], document["failing"]) == (False, "reply")
    reached = [one["step"] for one in document["steps"] if one["reached"]]
    assert reached[-1] == "reply"
    assert document["servers"][0]["fails_at"] == "reply"
