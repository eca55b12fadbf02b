"""The text of ``ipvsadm -S`` to virtual services: all lines, and every problem at once.

Only lines that add (-A, -a) and ``--set`` say what should be. Others change or show a table that
exists, which is not what an import does, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lvsnat.errors import LvsnatError, RefusedError, UsageError
from lvsnat.interop.imported import Imported, Problem
from lvsnat.interop.ipvsadm import values
from lvsnat.interop.ipvsadm.options import Command, Line, lines_of, parse_line
from lvsnat.interop.ipvsadm.values import Ports
from lvsnat.interop.naming import name_of
from lvsnat.model.config import Config, IpvsOptions, Timeouts
from lvsnat.model.endpoint import Endpoint, KernelListener
from lvsnat.model.rules import violations
from lvsnat.model.service import RealServer, VirtualService

_CHANGES = "write the line with -A or -a as it should be in the end"
_REFUSED = {
    "edit-service": f"-E changes a service: {_CHANGES}",
    "edit-server": f"-e changes a real server: {_CHANGES}",
    "delete-service": "-D removes a service: leave out its lines instead",
    "delete-server": "-d removes a real server: leave out its line instead",
    "restore": "-R reads rules from elsewhere: import that file",
}
_LEFT_OUT = {
    "clear": "-C clears the table, and an import clears nothing",
    "save": "-S shows the table and says nothing of what should be",
    "list": "-L shows the table and says nothing of what should be",
    "zero": "-Z zeroes counters and says nothing of what should be",
    "start-daemon": "connection synchronisation is not part of the configuration",
    "stop-daemon": "connection synchronisation is not part of the configuration",
}
_MASQUERADES = "lvsnat masquerades (-m): the replies pass the director, not the servers' own router"


@dataclass(slots=True)
class _Service:
    """A service whose lines are being read."""

    line: Line
    value: VirtualService | None
    """None where its line cannot be taken."""
    unsupported: bool = False
    servers: dict[Endpoint, tuple[Line, RealServer]] = field(default_factory=dict)
    left_out: bool = False
    """Whether lvsnat does not do one of its servers."""


def read(text: str, ports: Ports) -> Imported:
    """Read rules. ``ports`` looks up names of services, as ``ipvsadm -S`` without -n writes."""
    reader = _Reader(ports)
    for line in lines_of(text):
        reader.take(line)
    return reader.finish()


class _Reader:
    """Reads line after line, and remembers what is wrong."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._services: dict[KernelListener, _Service] = {}
        self._problems: list[Problem] = []
        self._timeouts = Timeouts()
        self._timeouts_line: Line | None = None
        self._thresholds = False
        self._verbs: dict[str, Callable[[Line, Command], None]] = {
            "add-service": self._add_service,
            "add-server": self._add_server,
            "set": self._set,
        }

    def take(self, line: Line) -> None:
        try:
            command = parse_line(line.text)
            verb = self._verbs.get(command.name)
            if verb is None:
                raise _refusal(command)
            verb(line, command)
        except LvsnatError as error:
            self._object(line, error)

    def finish(self) -> Imported:
        for entry in self._services.values():
            if entry.value is not None and entry.left_out and not entry.servers:
                nobody = RefusedError("lvsnat does none of its real servers", _MASQUERADES)
                self._object(entry.line, nobody)
                entry.value = None
        entries = [entry for entry in self._services.values() if entry.value is not None]
        services = tuple(self._judged(entries))
        problems = tuple(sorted(self._problems, key=lambda problem: problem.line))
        return Imported(services, problems, self._timeouts, self._thresholds)

    def _object(self, line: Line, error: LvsnatError) -> None:
        unsupported = isinstance(error, RefusedError)
        self._problems.append(
            Problem(line.number, line.text, error.message, error.hint, unsupported)
        )

    def _add_service(self, line: Line, command: Command) -> None:
        listen = values.listener(command.given, self._ports)
        first = self._services.get(listen)
        if first is not None:
            raise UsageError(
                f"{listen} was added on line {first.line.number}", "one listener is one service"
            )
        entry = self._services[listen] = _Service(line, None)
        try:
            entry.value = _service(listen, command)
        except RefusedError:
            entry.unsupported = True
            raise

    def _add_server(self, line: Line, command: Command) -> None:
        listen = values.listener(command.given, self._ports)
        given = command.given
        if "real-server" not in given:
            raise UsageError("the line names no real server", "say one: -r ADDRESS:PORT")
        self._thresholds |= "u-threshold" in given or "l-threshold" in given
        endpoint = values.server_endpoint(given["real-server"], listen, self._ports)
        server = RealServer(
            endpoint,
            values.number(given.get("weight", "1"), "a weight"),
            values.number(given.get("u-threshold", "0"), "a number of connections"),
            values.number(given.get("l-threshold", "0"), "a number of connections"),
        )
        entry = self._service_of(listen)
        try:
            _insist_on_masquerading(command)
        except RefusedError:
            entry.left_out = True
            raise
        if endpoint in entry.servers:
            first, _ = entry.servers[endpoint]
            raise UsageError(
                f"{endpoint} was added to {listen} on line {first.number}", "say each server once"
            )
        entry.servers[endpoint] = (line, server)
        if entry.unsupported:
            raise RefusedError(
                f"its service, on line {entry.line.number}, is one that lvsnat does not do"
            )

    def _service_of(self, listen: KernelListener) -> _Service:
        entry = self._services.get(listen)
        if entry is None:
            raise UsageError(f"{listen} was not added above this line", "add the service with -A")
        return entry

    def _set(self, line: Line, command: Command) -> None:
        self._timeouts_line = line
        self._timeouts = values.timeouts(command.arguments)

    def _judged(self, entries: list[_Service]) -> Iterator[VirtualService]:
        """The services that break no rule; a line that breaks one becomes a problem."""
        services = [_complete(entry) for entry in entries]
        bad: set[int] = set()
        for violation in violations(
            Config(services=tuple(services), ipvs=IpvsOptions(self._timeouts))
        ):
            where = violation.path
            error = UsageError(violation.message, violation.hint)
            if where[0] == "ipvs" and self._timeouts_line is not None:
                self._object(self._timeouts_line, error)
            if where[0] != "service" or not isinstance(where[1], int):
                continue
            entry, line = entries[where[1]], entries[where[1]].line
            if len(where) > 3 and where[2] == "servers" and isinstance(where[3], int):  # noqa: PLR2004
                line = list(entry.servers.values())[where[3]][0]
            self._object(line, error)
            bad.add(where[1])
        return (service for index, service in enumerate(services) if index not in bad)


def _complete(entry: _Service) -> VirtualService:
    if entry.value is None:
        raise ValueError(entry.line)
    return replace(entry.value, servers=tuple(server for _, server in entry.servers.values()))


def _service(listen: KernelListener, command: Command) -> VirtualService:
    given = command.given
    scheduler = values.scheduler(given)
    flags = values.flags(given, scheduler)
    persistence = values.persistence(given, listen)
    if "ops" in given:
        raise RefusedError(
            "one-packet scheduling (-o) does not work with masquerading",
            "a reply would leave with the real server's own address, and the client drops it; for"
            " datagrams without a session set a short UDP timeout instead",
        )
    return VirtualService(name_of(listen), listen, scheduler, flags, persistence)


def _insist_on_masquerading(command: Command) -> None:
    methods = [name for name in ("masquerading", "gatewaying", "ipip") if name in command.given]
    if len(methods) > 1:
        raise UsageError("several forwarding methods", "say one: -m")
    if methods == ["masquerading"]:
        return
    if methods == ["ipip"]:
        raise RefusedError("tunnelling (-i) is not done by lvsnat", _MASQUERADES)
    default = "" if methods else ", which ipvsadm takes where no method is given,"
    raise RefusedError(f"direct routing (-g){default} is not done by lvsnat", _MASQUERADES)


def _refusal(command: Command) -> LvsnatError:
    if command.name in _LEFT_OUT:
        return RefusedError(_LEFT_OUT[command.name], "leave the line out")
    why, _, instead = _REFUSED[command.name].partition(": ")
    return UsageError(f"{why}; rules to import only add", instead)
