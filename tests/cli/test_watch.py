"""--watch: the same answer again and again."""

from __future__ import annotations

import json

import pytest
import yaml
from cli.commandline import CommandLine

from lvsnat.cli.watching import ticks
from lvsnat.errors import ExitCode
from lvsnat.system import SystemClock


class FewTicks(SystemClock):
    """Whoever sleeps is woken at once, and by Ctrl-C when the ticks are used up."""

    def __init__(self, ticks: int) -> None:
        self.left = ticks
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


def test_without_an_interval_there_is_one_tick() -> None:
    slept: list[float] = []

    assert list(ticks(None, slept.append)) == [0]
    assert slept == []


def test_ticks_are_an_interval_apart() -> None:
    slept: list[float] = []

    assert list(ticks(0.5, slept.append, count=3)) == [0, 1, 2]
    assert slept == [0.5, 0.5]


@pytest.mark.parametrize("command", ["status", "stats", "connections"])
def test_a_pipe_gets_answer_below_answer_until_ctrl_c(web: CommandLine, command: str) -> None:
    once = web.ok(command)
    web.clock = FewTicks(2)

    result = web(command, "--watch", "0.5")

    assert result.exit_code == ExitCode.DONE
    assert result.stdout == "\n".join([once] * 3)
    assert web.clock.slept == [0.5] * 3


def test_watched_json_is_document_after_document(web: CommandLine) -> None:
    web.clock = FewTicks(1)
    text = web.ok("stats", "--watch", "1", "-o", "json")

    first, end = json.JSONDecoder().raw_decode(text)
    second, _ = json.JSONDecoder().raw_decode(text[end:].lstrip())

    assert first == second
    assert first["schema"] == "lvsnat/stats/1"


def test_watched_yaml_is_a_stream_of_documents(web: CommandLine) -> None:
    web.clock = FewTicks(1)

    documents = list(yaml.safe_load_all(web.ok("status", "--watch", "1", "-o", "yaml")))

    assert [document["schema"] for document in documents] == ["lvsnat/status/1"] * 2
