"""A ``server`` line to what lvsnat knows of a real server, and a ``default-server`` to its rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.values import number, seconds
from lvsnat.model.endpoint import parse_port

_NAME_AND_ADDRESS = 2


@dataclass(frozen=True, slots=True)
class Server:
    """A line's values. Nothing that has a default is None by chance: it was not said."""

    line: Line
    name: str = ""
    place: str = ""
    """Its address as written."""
    weight: int = 1
    maxconn: int = 0
    backup: bool = False
    disabled: bool = False
    cookie: str | None = None
    checks: bool = False
    interval: float | None = None
    fast_interval: float | None = None
    rise: int | None = None
    fall: int | None = None
    check_port: int | None = None
    check_tls: bool = False
    verify: bool = True
    sni: str | None = None
    """The name that a check by TLS asks for."""
    certificate: str | None = None
    """What a check by TLS shows of itself."""
    warmup: float = 0.0
    cuts: bool = False
    """Whether its connections end when it goes down."""
    usesrc: bool = False
    """Whether the line itself asks for the client's address."""


Taking = Callable[[Server, str], Server]

_FLAGS: dict[str, Callable[[Server], Server]] = {
    "check": lambda server: replace(server, checks=True),
    "no-check": lambda server: replace(server, checks=False),
    "backup": lambda server: replace(server, backup=True),
    "no-backup": lambda server: replace(server, backup=False),
    "disabled": lambda server: replace(server, disabled=True),
    "enabled": lambda server: replace(server, disabled=False),
    "check-ssl": lambda server: replace(server, check_tls=True),
    "no-check-ssl": lambda server: replace(server, check_tls=False),
}
_VALUES: dict[str, Taking] = {
    "weight": lambda server, text: replace(server, weight=number(text, "a weight")),
    "maxconn": lambda server, text: replace(server, maxconn=number(text, "a number")),
    "cookie": lambda server, text: replace(server, cookie=text),
    "inter": lambda server, text: replace(server, interval=seconds(text)),
    "fastinter": lambda server, text: replace(server, fast_interval=seconds(text)),
    "rise": lambda server, text: replace(server, rise=number(text, "a number")),
    "fall": lambda server, text: replace(server, fall=number(text, "a number")),
    "port": lambda server, text: replace(server, check_port=parse_port(text)),
    "check-sni": lambda server, text: replace(server, sni=text),
    "verify": lambda server, text: replace(server, verify=text != "none"),
    "crt": lambda server, text: replace(server, certificate=_whole_path(text)),
    "slowstart": lambda server, text: replace(server, warmup=seconds(text)),
    "on-marked-down": lambda server, text: replace(server, cuts=text == "shutdown-sessions"),
}
_OWN_WORDS = "lvsnat chooses it"
_IDLE = {
    "downinter": (1, "the interval and the fast one hold for a server that is down, too"),
    "id": (1, _OWN_WORDS),
    "minconn": (1, "a threshold of lvsnat does not move: 'maxconn' alone is taken"),
    "maxqueue": (1, "'[haproxy] queue_timeout' bounds the queue"),
    "observe": (1, "checks alone decide"),
    "on-error": (1, "checks alone decide"),
    "error-limit": (1, "checks alone decide"),
    "on-marked-up": (1, "connections to a backup server end by themselves"),
    "init-addr": (1, "lvsnat resolves no names"),
    "resolvers": (1, "lvsnat resolves no names"),
    "resolve-prefer": (1, "lvsnat resolves no names"),
    "verifyhost": (1, "a check asks for the name of its host"),
    "ca-file": (1, "a check trusts the system's own authorities"),
    "log-proto": (1, "it is of log servers"),
    "pool-max-conn": (1, _OWN_WORDS),
    "pool-low-conn": (1, _OWN_WORDS),
    "pool-purge-delay": (1, _OWN_WORDS),
    "tcp-ut": (1, "the timeouts say when a silent server is given up"),
    "track": (1, "a service has checks of its own"),
    "tfo": (0, "TCP Fast Open is not used"),
    "non-stick": (0, "each server of a persistent service is in its table"),
}
_LOSSES = {
    "ssl": "lvsnat opens no TLS to servers: it passes the clients' bytes on",
    "send-proxy": "in lvs-nat nobody writes the header of the PROXY protocol; none is needed,"
    " for the server sees the client's address",
    "send-proxy-v2": "in lvs-nat nobody writes the header of the PROXY protocol; none is needed,"
    " for the server sees the client's address",
    "addr": "a check goes to the address that is served",
    "agent-check": 'the daemon asks agents: write check = "agent:PORT" into lvsnat.toml',
    "redir": "lvsnat sends no redirects",
    "namespace": "lvsnat reaches servers in its own network namespace",
    "socks4": "lvsnat reaches servers directly",
    "proto": "lvsnat speaks HTTP/1 or bytes with servers",
}


def server_of(line: Line, template: Server, report: Report) -> Server:
    """Read a ``server`` line; UsageError or RefusedError leave the server out."""
    if len(line.arguments) < _NAME_AND_ADDRESS:
        raise UsageError(
            "this 'server' has no name or no address", "write 'server web1 192.168.2.55:80'"
        )
    name, place, *words = line.arguments
    named = replace(template, line=line, name=name, place=place)
    return _with_options(named, words, report)


def template_of(line: Line, template: Server, report: Report) -> Server:
    """Read a ``default-server`` line over the one before it."""
    return replace(_with_options(replace(template, line=line), line.arguments, report))


def _with_options(server: Server, given: tuple[str, ...] | list[str], report: Report) -> Server:
    words = iter(given)
    for word in words:
        if word in _FLAGS:
            server = _FLAGS[word](server)
        elif word in _VALUES:
            server = _VALUES[word](server, _value(word, words))
        elif word == "source":
            server = _source(server, words, report)
        elif word in _IDLE:
            count, reason = _IDLE[word]
            shown = " ".join([word, *(_value(word, words) for _ in range(count))])
            report.note(server.line, f"'{shown}' is not taken: {reason}")
        else:
            raise _refusal(word)
    return server


def _source(server: Server, words: Iterator[str], report: Report) -> Server:
    address = _value("source", words)
    if next(words, "") != "usesrc":
        raise RefusedError(
            f"'source {address}': the server would see that address, and lvsnat shows it the"
            " client's own",
            "leave the words out",
        )
    form = _value("usesrc", words)
    report.note(server.line, f"'usesrc {form}' needs no word: that is what haproxy-tproxy is")
    return replace(server, usesrc=True)


def _value(word: str, words: Iterator[str]) -> str:
    value = next(words, None)
    if value is None:
        raise UsageError(f"{word!r} needs a value, and the line ends", "write the value")
    return value


def _whole_path(text: str) -> str:
    if not text.startswith("/"):
        raise UsageError(
            f"'crt {text}' is not the whole path of a file",
            "write it from '/' on: lvsnat knows no 'crt-base'",
        )
    return text


def _refusal(word: str) -> RefusedError:
    reason = _LOSSES.get(word)
    if reason is None:
        return RefusedError(f"{word!r} is not a word that lvsnat takes", "leave it out")
    return RefusedError(f"{word!r}: {reason}", "leave it out, or serve it by another program")
