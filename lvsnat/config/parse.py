"""The text of lvsnat.toml to the model: whole, or not at all, with every problem at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from lvsnat.config.explain import diagnose, existing, judge
from lvsnat.config.locate import Layout
from lvsnat.config.problems import ConfigError, Problem, key_path
from lvsnat.config.schema import VERSION, ConfigForm
from lvsnat.model.config import Config
from lvsnat.model.violation import Violation

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse_config(text: str, source: str) -> Config:
    """Read a configuration; an empty text is an empty one.

    ``source`` names the text in problems: the path of its file. Raises ConfigError (exit code 2)
    with all problems, in the order of their lines.
    """
    try:
        return _parse(text, source)
    except RecursionError:
        problem = Problem(source, None, "", "brackets are nested too deeply to be read")
        raise ConfigError([problem]) from None


def _parse(text: str, source: str) -> Config:
    data = _toml(text, source)
    try:
        form = ConfigForm.model_validate(data)
    except ValidationError as error:
        raise _located(diagnose(data, error), data, text, source) from None
    config = form.to_model()
    if found := list(judge(form, config)):
        raise _located(found, data, text, source)
    return config


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number too long for Python
        problem = _syntax(str(error), text, source)
    else:
        version = data.get("version")
        if not isinstance(version, int) or version == VERSION or isinstance(version, bool):
            return data
        problem = _version(version, text, source)
    raise ConfigError([problem])


def _syntax(message: str, text: str, source: str) -> Problem:
    if text.startswith("\ufeff"):
        hint = "save the file as UTF-8 without a byte order mark"
        return Problem(source, 1, "", "the text begins with a byte order mark", hint, 1)
    position = _POSITION.search(message)
    if position is None:
        return Problem(source, None, "", f"not TOML: {message}", "correct the syntax")
    lines = text.split("\n")
    line, column = position.groups() if position[1] else (len(lines), len(lines[-1]) + 1)
    what = message[: position.start()]
    hint = "the file is TOML (https://toml.io): strings stand in quotes, a table in [brackets]"
    return Problem(source, int(line), "", f"not TOML: {what}", hint, int(column))


def _version(version: int, text: str, source: str) -> Problem:
    if version > VERSION:
        message = f"the file has the form of version {version}; this lvsnat reads version {VERSION}"
        hint = "install a newer lvsnat, or write the file in the older form"
    else:
        message, hint = f"{version} is not a version", f"write version = {VERSION}, or leave it out"
    return Problem(source, Layout(text).line(("version",)), "version", message, hint)


def _located(
    found: Iterable[Violation], data: dict[str, Any], text: str, source: str
) -> ConfigError:
    layout = Layout(text)
    problems = []
    for violation in found:
        path = existing(violation.path, data)
        line = layout.line(path)
        hint = violation.hint or None
        problems.append(Problem(source, line, key_path(path), violation.message, hint))
    return ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
