"""The host's part of a configuration as text for people who load it themselves. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from lvsnat.host.expressions import FAMILY, NAME, Object
from lvsnat.host.routes import LocalRoute, PolicyRule, routes_for
from lvsnat.host.rules import WANTED
from lvsnat.host.rulewords import words_of
from lvsnat.host.table import NftTable, table_for
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Family


def script(config: Config) -> str:
    """A file for ``nft -f``: the table, and before it, as comments, what it needs beside it."""
    table = table_for(config)
    rules = "# It needs no nft rules.\n" if table is None else _whole(table)
    return "".join(f"# {line}".rstrip() + "\n" for line in _beside(config)) + rules


def _beside(config: Config) -> Iterator[str]:
    yield f"What lvsnat sets on the host for {config.mode}; 'nft -f FILE' loads the rules."
    routes = [_command(one) for one in routes_for(config)]
    if routes:
        yield ""
        yield "Routing; these lines are for a shell:"
        yield from (f"  {line}" for line in routes)
    settings = [f"{rule.name} = {rule.value}" for rule in WANTED if rule.when.holds(config)]
    if settings:
        yield ""
        yield "Kernel settings; these lines are for a file in /etc/sysctl.d:"
        yield from (f"  {line}" for line in settings)
    yield ""


def _command(resource: LocalRoute | PolicyRule) -> str:
    program = "ip" if resource.family is Family.IPV4 else "ip -6"
    match resource:
        case LocalRoute(table=table):
            return f"{program} route add local default dev lo table {table}"
        case PolicyRule(mark=mark, table=table, priority=priority):
            where = f"pref {priority} fwmark {mark:#x}/{mark:#x}"
            return f"{program} rule add {where} lookup {table}"


def _whole(table: NftTable) -> str:
    """The table in nft's own language; loading it again replaces it in one transaction."""
    lines = [f"table {FAMILY} {NAME}", f"delete table {FAMILY} {NAME}", f"table {FAMILY} {NAME} {{"]
    objects: list[Object] = [json.loads(text) for text in table.objects]
    for one in objects:
        match one:
            case {"chain": {"name": str(name), **rest}}:
                lines += [f"\tchain {name} {{", f"\t\t{_head(rest)}"]
                lines += [f"\t\t{rule}" for rule in _rules(objects, name)]
                lines += ["\t}"]
            case _:
                pass
    return "\n".join([*lines, "}", ""])


def _head(head: Mapping[object, object]) -> str:
    place = f"type {head['type']} hook {head['hook']} priority {head['prio']}"
    return f"{place}; policy {head['policy']};"


def _rules(objects: list[Object], chain: str) -> Iterator[str]:
    for one in objects:
        if "rule" in one:
            name, words = words_of(one)
            if name == chain:
                yield from words
