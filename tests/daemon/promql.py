"""Which metrics and labels a PromQL expression asks for. No more of the language than that."""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_STRING = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<word>{_WORD})|(?P<span>\[[^\]]*\])"
    rf"|(?P<variable>\$\{{?\w+\}}?)|(?P<number>[0-9.]+\w*)|(?P<sign>\S)"
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


class Asked(NamedTuple):
    """What an expression needs."""

    metrics: dict[str, set[str]]
    """By name; with the labels that a selector of it names."""
    grouped: set[str]
    """The labels that results are grouped by, ``le`` of histograms among them."""


def asked(expression: str) -> Asked:
    """Read an expression; ValueError where brackets do not match."""
    found = Asked({}, set())
    tokens = [match for match in _TOKEN.finditer(expression) if match.lastgroup != "span"]
    at = 0
    while at < len(tokens):
        at = _next(tokens, at, found)
    return found


def _next(tokens: list[re.Match[str]], at: int, found: Asked) -> int:
    token = tokens[at]
    behind = tokens[at + 1][0] if at + 1 < len(tokens) else ""
    if token.lastgroup != "word" or token[0] in _OPERATORS:
        return at + 1
    if token[0] in _GROUPING and behind == "(":
        end = _closing(tokens, at + 1, ")")
        found.grouped.update(one[0] for one in tokens[at:end] if one.lastgroup == "word")
        found.grouped.discard(token[0])
        return end
    if behind in {"(", "by", "without"}:
        return at + 1  # a function
    labels = found.metrics.setdefault(token[0], set())
    if behind != "{":
        return at + 1
    end = _closing(tokens, at + 1, "}")
    labels.update(one[0] for one in tokens[at + 2 : end] if one.lastgroup == "word")
    return end


def _closing(tokens: list[re.Match[str]], at: int, sign: str) -> int:
    for place in range(at, len(tokens)):
        if tokens[place][0] == sign:
            return place + 1
    msg = f"no {sign!r} behind {tokens[at][0]!r}"
    raise ValueError(msg)
