"""A rule of nft's JSON in the words that nft(8) prints. No I/O here.

Knows what lvsnat writes and what is often met; the rest is shown as the JSON that it is.
"""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def words_of(listed: dict[str, Json]) -> tuple[str, list[str]]:
    """The chain that an object belongs to, and its rule; one without a chain stands by itself."""
    ((kind, body),) = listed.items()
    match kind, body:
        case "rule", {"chain": str(chain), "expr": [*expressions]}:
            return chain, [rule_words(expressions)]
        case "chain", {"name": str(chain), "policy": "accept"}:
            return chain, []
        case "chain", {"name": str(chain), "policy": str(policy)}:
            return chain, [f"policy {policy}"]
        case "table", {"name": str(name), **more} if more.keys() == {"family"}:
            return name, []
        case _, {"name": str(name)}:
            return f"{kind} {name}", [_json(body)]
        case _:
            return kind, [_json(body)]


def rule_words(expressions: list[Json]) -> str:
    """``ip daddr 192.168.1.50 tcp dport { 8000-8100, 9000 } meta mark set 0x4c000002``."""
    return " ".join(map(_statement, expressions))


def _statement(statement: Json) -> str:
    match statement:
        case {"match": {"op": str(op), "left": left, "right": right}}:
            sign = f"{op} " if op not in ("==", "in") else ""
            return f"{_left(left)} {sign}{_value(right, mark=_is_mark(left))}"
        case {"mangle": {"key": key, "value": value}}:
            return f"{_left(key)} set {_value(value, mark=_is_mark(key))}"
        case {"snat": {"addr": str(address)}}:
            return f"snat to {address}"
        case {"counter": _}:
            return "counter"
        case dict() if len(statement) == 1 and None in statement.values():  # a verdict
            return next(iter(statement))
        case _:
            return _json(statement)


def _left(left: Json) -> str:
    match left:
        case {"payload": {"protocol": str(protocol), "field": str(field)}}:
            return f"{protocol} {field}"
        case {"meta": {"key": str(key)}}:
            return f"meta {key}"
        case {"ct": {"key": str(key), "dir": str(direction)}}:
            return f"ct {direction} {key}"
        case {"fib": {"flags": [*flags], "result": str(result)}}:
            return f"fib {' . '.join(map(str, flags))} {result}"
        case _:
            return _json(left)


def _value(value: Json, *, mark: bool) -> str:
    match value:
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            return f"{address}/{length}"
        case {"range": [first, last]}:
            return f"{first}-{last}"
        case {"set": [*elements]}:
            return f"{{ {', '.join(_value(one, mark=mark) for one in elements)} }}"
        case int() if mark:
            return f"{value:#x}"
        case str():
            return value
        case _:
            return _json(value)


def _is_mark(left: Json) -> bool:
    return left == {"meta": {"key": "mark"}}


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))
