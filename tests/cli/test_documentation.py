"""docs/reference says what the program does: every command, option, example, key and exit code."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.commandline import CommandLine
from docs.test_examples import examples, matches
from typer.core import TyperGroup
from typer.main import get_command

from lvsnat.cli.main import app
from lvsnat.errors import ExitCode

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
COMMANDS = (REFERENCE / "commands.md").read_text(encoding="utf-8")
DOCUMENTS = (REFERENCE / "json.md").read_text(encoding="utf-8")


def commands(group: TyperGroup, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{path} {name}")
            if (own := getattr(command, "own", None)) is not None:
                yield f"{path} {name}", own
        else:
            yield f"{path} {name}", command


root = get_command(app)
assert isinstance(root, TyperGroup)
ALL = dict(commands(root, "lvsnat"))


def section(command: str) -> str:
    _, _, rest = COMMANDS.partition(f"\n## {command}\n")
    return rest.partition("\n## ")[0]


def long_options(command: Any) -> set[str]:  # noqa: ANN401 - Typer does not export the type
    named = {option for parameter in command.params for option in parameter.opts}
    return {option for option in named if option.startswith("--")} - {"--help"}


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_documented_with_its_options_and_an_example(command: str) -> None:
    text = section(command)

    documented = set(re.findall(r"`(--[\w-]+)", text.partition("```console")[0]))
    assert documented == long_options(ALL[command])
    assert f"$ {command}" in text


def test_no_command_is_documented_that_is_not_there() -> None:
    assert set(re.findall(r"^## (lvsnat .*)$", COMMANDS, re.MULTILINE)) == set(ALL)


def test_the_options_of_the_program_are_documented() -> None:
    documented = set(re.findall(r"`(--[\w-]+)", COMMANDS.partition("## How changes")[0]))

    assert documented == long_options(root) | {"--help"}


def test_the_examples_say_what_the_program_says(lvsnat: CommandLine) -> None:
    for example in examples(COMMANDS):
        result = lvsnat(*shlex.split(example.command)[1:])

        assert result.exit_code == ExitCode.DONE, example.command
        assert matches(example.output, result.output), f"{example.command}\n{result.output}"


def keys(value: object) -> Iterator[str]:
    """Every key of a document that is a word of ours: not the names of settings."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            yield from () if key in {"before", "after", "settings"} else keys(below)
    elif isinstance(value, list):
        for below in value:
            yield from keys(below)


@pytest.mark.parametrize(
    "command",
    [
        ["plan"],
        ["status"],
        ["health"],
        ["mode"],
        ["stats", "--zero"],
        ["doctor", "--seconds", "0.1"],
        ["connections"],
        ["connections", "--count"],
        ["connections", "--by", "client"],
        ["connections", "--top", "3"],
        ["service", "list"],
        ["service", "show", "web"],
        ["server", "remove", "web", "192.168.2.55:80"],
    ],
    ids=" ".join,
)
def test_every_key_of_a_document_is_documented(web: CommandLine, command: list[str]) -> None:
    document = json.loads(web.ok(*command, "-o", "json"))

    assert f"\n## {document.pop('schema')}\n" in DOCUMENTS
    words = set(re.findall(r"`[\w\[\].]*?(\w+)`", DOCUMENTS))
    assert set(keys(document)) <= words


def test_every_exit_code_is_documented() -> None:
    table = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")

    documented = set(map(int, re.findall(r"^\| (\d+) \|", table, re.MULTILINE)))
    assert documented == {int(code) for code in ExitCode} | {130}
