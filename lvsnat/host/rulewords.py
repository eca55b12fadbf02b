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
            return _match(left, op, right)
        case {"mangle": {"key": key, "value": value}}:
            return f"{_left(key)} set {_new_value(value, mark=_is_mark(key))}"
        case {"snat": _} | {"dnat": _}:
            return _translation(statement)
        case {"counter": _}:
            return "counter"
        case _:
            return _verdict(statement)


def _verdict(statement: Json) -> str:
    match statement:
        case {"reject": _}:
            return "reject"
        case {"jump": {"target": str(chain)}}:
            return f"jump {chain}"
        case {"goto": {"target": str(chain)}}:
            return f"goto {chain}"
        case {"xt": {"name": str(name)}}:  # iptables made it, and nft says no more of it.
            return name
        case dict() if len(statement) == 1 and None in statement.values():
            return next(iter(statement))
        case _:
            return _json(statement)


def _match(left: Json, op: str, right: Json) -> str:
    match left, op:
        case {"&": [flags, [*these]]}, "==" if isinstance(right, str):
            return f"{_left(flags)} {right} / {','.join(map(str, these))}"
        case _:
            sign = f"{op} " if op not in ("==", "in") else ""
            return f"{_left(left)} {sign}{_value(right, mark=_is_mark(left))}"


def _new_value(value: Json, *, mark: bool) -> str:
    match value:
        case {"|": [left, bits]}:
            return f"{_left(left)} | {_value(bits, mark=mark)}"
        case _:
            return _value(value, mark=mark)


def _translation(statement: Json) -> str:
    match statement:
        case {"snat": {"family": str(family), "addr": str(address)}}:
            return f"snat {family} to {address}"
        case {"dnat": {"family": str(family), "addr": str(address), "port": port}}:
            bare = address if family == "ip" else f"[{address}]"
            return f"dnat {family} to {bare}:{_port(port)}"
        case _:
            return _json(statement)


def _port(port: Json) -> str:
    match port:
        case {"map": {"key": key, "data": {"set": [*pairs]}}}:
            elements = (f"{pair[0]} : {pair[1]}" for pair in pairs if isinstance(pair, list))
            return f"{_left(key)} map {{ {', '.join(elements)} }}"
        case _:
            return _value(port, mark=False)


def _left(left: Json) -> str:
    match left:
        case {"payload": {"protocol": str(protocol), "field": str(field)}}:
            return f"{protocol} {field}"
        case {"meta": {"key": str(key)}}:
            return f"meta {key}"
        case {"socket": {"key": str(key)}}:
            return f"socket {key}"
        case {"ct": {"key": str(key), **more}}:
            return " ".join(["ct", *map(str, more.values()), key])
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
