"""Programs are told of transitions: in order, each by itself, whatever one of them does."""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from lvsnat.daemon.logs import LOGGER
from lvsnat.daemon.programs import Message, Programs
from lvsnat.errors import LvsnatError
from lvsnat.system import Completed

DONE = Completed(0, "", "")


class Told:
    """Remembers what each program was told."""

    def __init__(self) -> None:
        self.by: dict[str, list[Message]] = defaultdict(list)
        self.answers: dict[str, Completed | LvsnatError] = {}
        self.held = threading.Event()
        self.held.set()
        self.quick = threading.Event()

    def __call__(self, path: str, text: str) -> Completed:
        if path == "/slow":
            self.held.wait(60)
        self.by[path].append(json.loads(text))
        if path != "/slow":
            self.quick.set()
        answer = self.answers.get(path, DONE)
        if isinstance(answer, LvsnatError):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _log_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "propagate", True)


def test_each_program_is_told_all_in_order() -> None:
    told = Told()
    several = Programs(told)

    several.tell(["/a", "/b", "/a"], [{"n": 1}, {"n": 2}])
    several.tell(["/a"], [{"n": 3}])
    several.end(60)

    assert told.by == {"/a": [{"n": 1}, {"n": 2}, {"n": 3}], "/b": [{"n": 1}, {"n": 2}]}


def test_a_slow_program_delays_no_other_and_not_the_end() -> None:
    told = Told()
    told.held.clear()
    several = Programs(told)

    several.tell(["/slow", "/a"], [{"n": 1}])
    assert told.quick.wait(30)
    several.end(0.2)

    assert told.by == {"/a": [{"n": 1}]}
    told.held.set()


def test_what_fails_is_logged_and_told_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.answers = {
        "/bad": Completed(3, "", "no\nroute\n"),
        "/gone": LvsnatError("/gone: not found"),
    }
    several = Programs(told)

    with caplog.at_level(logging.WARNING):
        several.tell(["/bad", "/gone"], [{"n": 1}, {"n": 2}])
        several.end(60)

    assert caplog.messages.count("notify: /bad ended with 3: route") == 2
    assert caplog.messages.count("notify: /gone: not found") == 2


def test_a_program_that_falls_behind_misses_the_new_ones(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    told.held.clear()
    several = Programs(told, room=2)

    with caplog.at_level(logging.WARNING):
        several.tell(["/slow"], [{"n": number} for number in range(10)])
    told.held.set()
    several.end(5)

    assert any("transitions behind" in message for message in caplog.messages)
    numbers = [message["n"] for message in told.by["/slow"]]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) < 10


def test_a_real_program_gets_one_object_on_standard_input(tmp_path: Path) -> None:
    program, heard = tmp_path / "told", tmp_path / "heard"
    program.write_text(f"#!/bin/sh\ncat >>{heard}\n")
    program.chmod(0o755)
    several = Programs()

    several.tell([str(program)], [{"service": "web"}, {"service": "dns"}])
    several.end(60)

    lines = heard.read_text().splitlines()
    assert [json.loads(line)["service"] for line in lines] == ["web", "dns"]
