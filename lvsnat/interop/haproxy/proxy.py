"""The lines of one ``listen``, ``frontend`` or ``backend``, and what each of them says."""

from __future__ import annotations

from dataclasses import dataclass, field

from lvsnat.errors import LvsnatError, UsageError
from lvsnat.interop.haproxy import leftovers
from lvsnat.interop.haproxy.binds import Bind, Vips, binds_of
from lvsnat.interop.haproxy.lexer import Line
from lvsnat.interop.haproxy.question import Question
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.sections import Section
from lvsnat.interop.haproxy.servers import Server, server_of, template_of
from lvsnat.interop.haproxy.stick import Stick, Table, cookie_of, stick_of, table_of
from lvsnat.interop.haproxy.values import number, seconds
from lvsnat.interop.haproxy.words import RENAMED, TIMEOUTS

_TAKEN_TIMEOUTS = ("client", "server", "connect", "check")


@dataclass(slots=True)
class Proxy:
    """What the lines of a section say, its defaults included."""

    section: Section
    http: bool = False
    disabled: bool = False
    binds: list[Bind] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    default_backend: Line | None = None
    choices: list[Line] = field(default_factory=list)
    """Its ``use_backend`` lines."""
    acls: list[Line] = field(default_factory=list)
    balance: Line | None = None
    hash_type: Line | None = None
    hash_factor: int = 0
    question: Question = field(default_factory=Question)
    timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds, without those that are no limit."""
    maxconn: int | None = None
    forward_for: Line | None = None
    cookie: Line | None = None
    cookie_name: str | None = None
    table: Table | None = None
    stick: Stick | None = None
    usesrc: bool = False
    """Whether servers see the client's address."""


def proxy_of(section: Section, vips: Vips, report: Report) -> Proxy:
    """Read all lines of a section; what cannot be taken is reported."""
    reading = _Reading(Proxy(section), vips, report)
    for line in section.all_lines:
        try:
            reading.take(line)
        except LvsnatError as error:
            report.refuse(line, error)
    return reading.proxy


class _Reading:
    """Takes line after line."""

    def __init__(self, proxy: Proxy, vips: Vips, report: Report) -> None:
        self.proxy = proxy
        self._vips = vips
        self._report = report
        self._template = Server(proxy.section.line)
        self._verbs = {
            "bind": self._bind,
            "server": self._server,
            "default-server": self._default_server,
            "mode": self._mode,
            "balance": self._balance,
            "hash-type": self._hash_type,
            "hash-balance-factor": self._hash_factor,
            "timeout": self._timeout,
            "maxconn": self._maxconn,
            "option": self._option,
            "http-check": self._http_check,
            "tcp-check": self._tcp_check,
            "cookie": self._cookie,
            "stick-table": self._stick_table,
            "stick": self._stick,
            "source": self._source,
            "default_backend": self._default_backend,
            "use_backend": self._use_backend,
            "acl": self._acl,
            "disabled": self._disabled,
        } | dict.fromkeys(RENAMED, self._renamed_timeout)

    def take(self, line: Line) -> None:
        verb = self._verbs.get(line.keyword)
        if verb is not None:
            verb(line)
        elif line.keyword == "no":
            self._no(line)
        else:
            leftovers.take(line, self._report)

    def _bind(self, line: Line) -> None:
        self.proxy.binds += list(binds_of(line, self._vips, self._report))

    def _server(self, line: Line) -> None:
        self.proxy.servers.append(server_of(line, self._template, self._report))

    def _default_server(self, line: Line) -> None:
        self._template = template_of(line, self._template, self._report)

    def _mode(self, line: Line) -> None:
        mode = _argument(line, "a mode, http or tcp")
        if mode not in ("http", "tcp"):
            raise UsageError(
                f"the mode {mode!r} is no mode of a service", "lvsnat has tcp and http"
            )
        self.proxy.http = mode == "http"

    def _balance(self, line: Line) -> None:
        _argument(line, "a way to balance, such as 'roundrobin'")
        self.proxy.balance = line

    def _hash_type(self, line: Line) -> None:
        self.proxy.hash_type = line

    def _hash_factor(self, line: Line) -> None:
        self.proxy.hash_factor = number(_argument(line, "a number"), "a factor")

    def _renamed_timeout(self, line: Line) -> None:
        name, value = RENAMED[line.keyword], _argument(line, "a time, such as 30s")
        self._set_timeout(line, name, value)
        self._report.note(
            line, f"obsolete, and refused since HAProxy 2.1: read as 'timeout {name} {value}'"
        )

    def _timeout(self, line: Line) -> None:
        name = _argument(line, "a name and a time")
        if name in TIMEOUTS:
            self._report.note(line, TIMEOUTS[name])
        elif name in _TAKEN_TIMEOUTS and len(line.arguments) > 1:
            self._set_timeout(line, name, line.arguments[1])
        else:
            raise UsageError(
                f"'timeout {' '.join(line.arguments)}' is not a timeout that lvsnat knows",
                "write 'timeout client 30s', or leave the line out",
            )

    def _set_timeout(self, line: Line, name: str, value: str) -> None:
        given = seconds(value)
        if given:
            self.proxy.timeouts[name] = given
        else:
            self._report.note(line, "0 sets no limit: lvsnat keeps its own")

    def _maxconn(self, line: Line) -> None:
        self.proxy.maxconn = number(_argument(line, "a number"), "a number of connections")

    def _option(self, line: Line) -> None:
        proxy = self.proxy
        match _argument(line, "an option's name"):
            case "httpchk":
                proxy.question.take_httpchk(line, self._report)
            case "tcp-check":
                proxy.question = Question()
            case "forwardfor":
                proxy.forward_for = line
                leftovers.forward_for(line)
            case _:
                leftovers.option(line, self._report)

    def _no(self, line: Line) -> None:
        match line.arguments:
            case ("option", "httpchk" | "tcp-check", *_):
                self.proxy.question = Question()
            case ("option", "forwardfor", *_):
                self.proxy.forward_for = None
            case _:
                self._report.note(line, "not needed: lvsnat does not do it")

    def _http_check(self, line: Line) -> None:
        self.proxy.question.take_rule(line, self._report)

    def _tcp_check(self, line: Line) -> None:
        if line.arguments != ("connect",):
            leftovers.tcp_check(line)

    def _cookie(self, line: Line) -> None:
        self.proxy.cookie = line
        self.proxy.cookie_name = cookie_of(line, self._report)

    def _stick_table(self, line: Line) -> None:
        self.proxy.table = table_of(line, self._report)

    def _stick(self, line: Line) -> None:
        self.proxy.stick = stick_of(line)

    def _source(self, line: Line) -> None:
        leftovers.source(line, self._report)
        self.proxy.usesrc = "usesrc" in line.words

    def _default_backend(self, line: Line) -> None:
        _argument(line, "the name of a backend")
        self.proxy.default_backend = line

    def _use_backend(self, line: Line) -> None:
        _argument(line, "the name of a backend")
        self.proxy.choices.append(line)

    def _acl(self, line: Line) -> None:
        self.proxy.acls.append(line)

    def _disabled(self, line: Line) -> None:
        self.proxy.disabled = True
        self._report.note(line, "the section is switched off, and nothing of it is taken")


def _argument(line: Line, what: str) -> str:
    if not line.arguments:
        raise UsageError(f"{line.keyword!r} needs {what}, and the line ends", "write it")
    return line.arguments[0]
