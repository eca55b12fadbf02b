"""Server lines among a service's sections: written into them, and taken out again. Pure.

Each real server has a line in both backends. What is in the first says all; the second follows
from it, and where it does not, the server's value differs from every one that is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.haproxy.words import (
    INDENT,
    SORRY,
    local,
    parse_server_address,
    server_address,
    server_name,
    tproxy,
)
from lvsnat.model.endpoint import Endpoint, Listener

_FRONTEND: Final = "frontend "
_LAST: Final = f"{INDENT}server {SORRY} "
_MAX_DIGITS: Final = 9


def with_servers(service: ProxiedService, servers: Iterable[ProxiedServer]) -> Iterator[str]:
    """The lines of a service and its servers."""
    name = service_name(service.lines)
    ordered = sorted(servers, key=_place)
    for section in sections_of(service.lines):
        if section[0] == f"backend {tproxy(name)}":
            lines = [_tproxy_line(server) for server in ordered]
        elif section[0] == f"backend {local(name)}":
            lines = [_local_line(server, name) for server in ordered]
        else:
            lines = []
        end = len(section) - section[-1].startswith(_LAST)
        yield from (*section[:end], *lines, *section[end:])


def without_servers(
    listen: Listener, lines: Sequence[str]
) -> tuple[tuple[str, ...], tuple[ProxiedServer, ...]]:
    """The inverse: the lines of a service, and the servers that stand among them."""
    name = service_name(lines)
    rest: list[str] = []
    first: dict[Endpoint, ProxiedServer] = {}
    second: dict[Endpoint, str] = {}
    for section in sections_of(lines):
        for line in section:
            server = _parsed(listen, line)
            place = None if server is None else server.endpoint
            if section[0] == f"backend {tproxy(name)}" and server and place not in first:
                first[server.endpoint] = server
            elif section[0] == f"backend {local(name)}" and place in first and place not in second:
                second[place] = line
            else:
                rest.append(line)
    return tuple(rest), tuple(_agreeing(server, second, name) for server in first.values())


def service_name(lines: Iterable[str]) -> str:
    """What the sections call the service; nothing if there is no frontend."""
    heads = (line for line in lines if line.startswith(_FRONTEND))
    return next(heads, _FRONTEND).removeprefix(_FRONTEND)


def sections_of(lines: Iterable[str]) -> list[list[str]]:
    """Split at the lines that are not indented."""
    sections: list[list[str]] = []
    for line in lines:
        if sections and line.startswith((" ", "\t")):
            sections[-1].append(line)
        else:
            sections.append([line])
    return sections


def _place(server: ProxiedServer) -> tuple[int, int, int, int]:
    """By rank where there is one, since HAProxy asks backup servers in the order of the file."""
    endpoint = server.endpoint
    return (_rank(server.words), endpoint.address.version, int(endpoint.address), endpoint.port)


def _rank(words: Sequence[str]) -> int:
    for word, value in pairwise(words):
        if word == "id" and _is_number(value):
            return int(value)
    return 0


def _tproxy_line(server: ProxiedServer) -> str:
    note = () if server.wish in {None, server.weight} else ("#", "of", str(server.wish))
    return _line(server, (*server.words, *note))


def _local_line(server: ProxiedServer, name: str) -> str:
    """The same server without checks of its own: it is up while the other one is."""
    words: list[str] = []
    pending = iter(server.words)
    for word in pending:
        if word == "check":
            words += ("track", f"{tproxy(name)}/{server_name(server.endpoint)}")
        elif word == "port":
            next(pending, None)
        else:
            words.append(word)
    return _line(server, words)


def _line(server: ProxiedServer, words: Iterable[str]) -> str:
    endpoint = server.endpoint
    head = f"server {server_name(endpoint)} {server_address(endpoint)} weight {server.weight}"
    return " ".join([INDENT + head, *words])


def _parsed(listen: Listener, line: str) -> ProxiedServer | None:
    """Read a line that begins as ours do; None for any other."""
    match line.split():
        case ["server", name, address, "weight", weight, *words] if _is_number(weight):
            endpoint = parse_server_address(address)
            if endpoint is None or name != server_name(endpoint):
                return None
            wish = int(weight)
            if words[-3:-1] == ["#", "of"] and _is_number(words[-1]):
                wish = int(words[-1])
                del words[-3:]
            return ProxiedServer(listen, endpoint, int(weight), tuple(words), wish=wish)
        case _:
            return None


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS


def _agreeing(server: ProxiedServer, second: Mapping[Endpoint, str], name: str) -> ProxiedServer:
    found = second.get(server.endpoint)
    if found == _local_line(server, name):
        return server
    words = "no such server" if found is None else found.strip()
    return replace(server, words=(*server.words, f"({local(name)}: {words})"))
