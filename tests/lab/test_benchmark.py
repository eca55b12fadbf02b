"""The benchmark compares what is alike, and writes where it may."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest
from benchkit import exchange
from benchkit.measure import (
    ADMIN_FILL,
    ADMIN_READ,
    FILL,
    NOTHING,
    ONE,
    READ,
    READ_WITHIN,
    STARTS,
    Results,
)
from benchkit.modereport import modes_markdown
from benchkit.modes import Carrier, ModeResults
from benchkit.modes import Sample as ModeSample
from benchkit.process import Sample
from benchkit.report import BEGIN, END, between_the_markers, markdown
from benchkit.tables import Size, configuration, rules

from lvsnat.config.parse import parse_config
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.ipvs.resources import expand
from lvsnat.model.config import Timeouts

SIZE = Size(5003, 2)


def results(*, ours: list[float], theirs: list[float]) -> Results:
    """What a run of some rounds may have found: seconds of each fill."""
    one = [Sample(1.0, 50.0)] * len(ours)
    found = dict.fromkeys((FILL, NOTHING, ONE, READ, READ_WITHIN, ADMIN_FILL, ADMIN_READ), one)
    found[FILL] = [Sample(seconds, 60.0) for seconds in ours]
    found[ADMIN_FILL] = [Sample(seconds, 2.0) for seconds in theirs]
    return Results(len(ours), "7.2", dict.fromkeys(STARTS, one), {SIZE: found})


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_both_programs_are_given_the_same_table() -> None:
    config = parse_config(configuration(SIZE), "made up")

    assert render(expand(config), Timeouts()) == rules(SIZE)


def test_the_other_weight_is_that_of_one_server() -> None:
    before, after = (configuration(SIZE, weight=weight).splitlines() for weight in (1, 2))

    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_ratios_are_taken_within_a_round() -> None:
    text = markdown(results(ours=[1.0, 50.0, 3.0], theirs=[2.0, 100.0, 4.0]))

    assert "| fill an empty kernel | 5,003 x 2 | 3.00 s | 4.00 s | **0.50** |" in text


def test_what_stands_around_the_markers_stays() -> None:
    page = f"# Before\n{BEGIN}\nold\n{END}\nafter\n"

    assert between_the_markers(page, "new\n") == f"# Before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_modes_are_compared_within_a_round() -> None:
    found = ModeResults(3, "7.2")
    for carrier in Carrier:
        half = 2.0 if carrier is Carrier.HAPROXY_TPROXY else 1.0
        found.paths[carrier] = [
            ModeSample(rate / half, 0.5 * half, 3.0 * half) for rate in (100.0, 1000.0, 200.0)
        ]

    text = modes_markdown(found)

    row = (
        "| `haproxy-tproxy` | 100 | **0.50** | 5,000 µs | 1.00 ms | **2.00** | 6.00 ms | **2.00** |"
    )
    assert row in text
    assert "| nothing: the director only routes | 200 | **1.00** |  |" in text


def test_what_asks_counts_answers_and_says_whom_the_servers_saw(free_port: int) -> None:
    program = [sys.executable, exchange.__file__]
    with subprocess.Popen([*program, "serve", str(free_port)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        words = ["ask", "3", "2", f"127.0.0.1:{free_port}"]

        done = subprocess.run([*program, *words], stdout=subprocess.PIPE, check=True)
        server.kill()

    found = json.loads(done.stdout)
    assert (found["failures"], found["seen"]) == (0, ["127.0.0.1"])
    assert len(found["waits"]) > 0
    assert min(found["waits"]) > 0


def test_what_asks_counts_refusals_as_failures() -> None:
    # Bound, so that nobody else takes it, and not listened at.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        words = ["ask", "0.1", "1", f"127.0.0.1:{taken.getsockname()[1]}"]

        done = subprocess.run(
            [sys.executable, exchange.__file__, *words], stdout=subprocess.PIPE, check=True
        )

    found = json.loads(done.stdout)
    assert found["failures"] > 0
    assert found["waits"] == []
