"""The comparison with keepalived asks the same of the same servers, and reports what it found."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchkit import acceptor, checker
from benchkit.checkplace import ask, megabytes, processor_seconds
from benchkit.checkreport import checks_markdown
from benchkit.checks import Checker, CheckResults, Load, _keepalived, _lvsnat
from benchkit.report import BEGIN, CHECKS_BEGIN, END, between_the_markers

from lvsnat.config.parse import parse_config


def test_both_programs_watch_the_same_servers_alike() -> None:
    config = parse_config('mode = "lvs-nat"\n\n' + _lvsnat(50, 1.0), "made up")
    theirs = _keepalived(50, 1.0)

    ours = [str(server.endpoint) for service in config.services for server in service.servers]
    listed = re.findall(r"real_server (\S+) (\S+)", theirs)
    assert ours == [f"{address}:{port}" for address, port in listed]
    assert len(set(ours)) == 50
    check = config.services[0].check
    assert check is not None
    assert (check.interval, check.fast_interval, check.timeout) == (1.0, 1.0, 1.0)
    assert "delay_loop 1\n" in theirs
    assert "connect_timeout 1\n" in theirs
    # The first try and two more are three.
    assert (check.fall, "retry 2\n" in theirs) == (3, True)


def test_a_ratio_is_taken_within_its_round() -> None:
    def loads(*seconds: float, lag: float | None = None) -> list[Load]:
        return [Load(1000, 1000.0, used, 20.0, lag) for used in seconds]

    few = {
        Checker.DAEMON: loads(0.4, 0.8, 0.2),
        Checker.ENGINE: loads(0.1, 0.2, 0.3, lag=0.025),
        Checker.KEEPALIVED: loads(0.2, 0.4, 0.1),
    }
    found = {("refuses", Checker.DAEMON): [2.0, 3.0, 2.5]}

    text = checks_markdown(CheckResults(3, "7.2", few, few, found))

    assert "| `lvsnat run` | 100% | 400 µs | **2.00** | 20 MB |  |" in text
    assert "25 ms" in text
    assert "| refuses | `lvsnat run` | 2.5 s | 3.0 s |" in text


def test_a_page_may_have_tables_of_either_kind() -> None:
    page = f"a\n{BEGIN}\nold\n{END}\nb\n{CHECKS_BEGIN}\nold\n{END}\nc\n"

    both = between_the_markers(between_the_markers(page, "one"), "two", CHECKS_BEGIN)

    assert both == f"a\n{BEGIN}\n\none\n{END}\nb\n{CHECKS_BEGIN}\n\ntwo\n{END}\nc\n"


def test_what_is_accepted_is_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-I", "-S", str(Path(acceptor.__file__)), str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(3):
            socket.create_connection(("127.0.0.1", port)).close()
        deadline = time.monotonic() + 120
        while (count := int(ask(process))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert megabytes(process.pid) > 1
        assert processor_seconds(process.pid) >= 0
        process.communicate()

    assert count == 3


def test_the_engine_alone_says_its_pace() -> None:
    words = [sys.executable, str(Path(checker.__file__)), "3", "100"]
    pipe = subprocess.PIPE
    root = str(Path(checker.__file__).parents[2])
    with subprocess.Popen(
        words, stdin=pipe, stdout=pipe, text=True, env={"PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        pace = ask(process)
        process.communicate()

    assert '"targets": 3' in pace
