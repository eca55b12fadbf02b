"""Read HAProxy, and the host beneath it, for the doctor. Never writes, starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lvsnat.doctor.finding import Unread
from lvsnat.doctor.proxyfacts import Load, ProxyFacts, Serving
from lvsnat.errors import LvsnatError
from lvsnat.haproxy import answers, preflight, sockets
from lvsnat.haproxy.answers import Row, Worker, number
from lvsnat.haproxy.deployment import description
from lvsnat.haproxy.process import Daemon, Files, Instance, processes_of, program, supervisor
from lvsnat.haproxy.runtime import HangsError
from lvsnat.haproxy.words import local, tproxy
from lvsnat.host import returning
from lvsnat.host.routes import PolicyRule, routes_for
from lvsnat.host.routing import Routing
from lvsnat.host.shadows import tables_asked
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.proxied import places_of, proxied_services
from lvsnat.system import read_file

_FRONTEND = "FRONTEND"
_BACKEND = "BACKEND"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")


def read_proxy(config: Config, files: Files) -> tuple[ProxyFacts | None, tuple[Unread, ...]]:
    """What there is of our HAProxy and of its way back; None where the configuration has none."""
    if not config.phase.diverts:
        return None, ()
    reader = _Reader(config, files)
    parts: list[tuple[str, Callable[[ProxyFacts], ProxyFacts]]] = [
        ("routing rules", reader.with_rules),
        ("the way of replies", reader.with_returns),
    ]
    if proxied_services(config):
        parts += [
            ("HAProxy's process", reader.with_process),
            ("the program haproxy", reader.with_program),
            ("listening sockets", reader.with_listening),
            ("HAProxy's load", reader.with_loads),
            ("source ports in use", reader.with_ports),
        ]
    facts = ProxyFacts(runtime=str(files.runtime))
    unread: list[Unread] = []
    for part, fill in parts:
        try:
            facts = fill(facts)
        except (LvsnatError, OSError) as error:
            unread.append(Unread.of(part, error))
    return facts, tuple(unread)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Each part of the facts, from those before it."""

    config: Config
    files: Files

    def with_process(self, known: ProxyFacts) -> ProxyFacts:
        known = replace(known, processes=frozenset(processes_of(self.files)))
        instance = Instance(self.files)
        try:
            worker = instance.worker()
            if worker is None:
                return replace(known, lost=str(self.files.runtime))
            known = replace(known, serving=self._serving(worker))
            processes = instance.processes()
        except HangsError as error:
            return replace(known, hangs=Caution(error.message, error.hint or ""))
        failed = 0 if processes is None else processes.failed
        lost = str(self.files.master) if processes is None else ""
        return replace(known, failed=failed, lost=lost)

    def with_program(self, known: ProxyFacts) -> ProxyFacts:
        installed = program() is not None
        try:
            preflight.check_program()
            if not known.processes and isinstance(supervisor(self.files), Daemon):
                preflight.check_start(self._descriptors())
        except LvsnatError as error:
            unfit = Caution(error.message, error.hint or "")
            return replace(known, installed=installed, unfit=unfit)
        return known

    def with_listening(self, known: ProxyFacts) -> ProxyFacts:
        """A socket whose process /proc does not show counts as ours."""
        taken = dict(sockets.conflicts(places_of(self.config)))
        pids = sockets.holders({one.inode for one in taken.values()})
        # A reload since they were listed has made another one.
        ours = known.processes | processes_of(self.files) if taken else known.processes
        others = {
            place: pid
            for place, one in taken.items()
            if (pid := pids.get(one.inode)) is not None and pid not in ours
        }
        return replace(
            known,
            heard=frozenset(taken.keys() - others.keys()),
            takers={place: preflight.process_name(pid) for place, pid in others.items()},
        )

    def with_loads(self, known: ProxyFacts) -> ProxyFacts:
        if known.serving is None:
            return known
        rows = answers.table(Instance(self.files).runtime.ask("show stat"))
        return replace(known, loads=_loads(rows))

    def with_ports(self, known: ProxyFacts) -> ProxyFacts:
        span, reserved = (read_file(path) or "" for path in (_RANGE, _RESERVED))
        return replace(known, ports=sockets.ports_used(self._servers()), room=room(span, reserved))

    def with_rules(self, known: ProxyFacts) -> ProxyFacts:
        wished = [one for one in routes_for(self.config) if isinstance(one, PolicyRule)]
        with Routing() as routing:
            rules = {one.family: tuple(routing.rules(one.family)) for one in wished}
            numbers = {
                (ours.family, number)
                for ours in wished
                for number in tables_asked(ours, rules[ours.family])
            }
            routes = {one: tuple(routing.routes(*one)) for one in sorted(numbers)}
        return replace(known, rules=rules, routes=routes)

    def with_returns(self, known: ProxyFacts) -> ProxyFacts:
        return replace(known, returns=tuple(returning.answers(self.config)))

    def _serving(self, worker: Worker) -> Serving:
        written = read_file(self.files.config) or ""
        return Serving(
            worker.pid,
            worker.description == description(written),
            preflight.may_spoof(worker.pid),
            worker.connections,
            worker.limit,
        )

    def _servers(self) -> set[Endpoint]:
        services = proxied_services(self.config)
        return {server.endpoint for one in services for server in one.servers}

    def _descriptors(self) -> int:
        places = len(places_of(self.config))
        return preflight.descriptors(self.config.haproxy.maxconn, places, len(self._servers()))


def room(span: str, reserved: str) -> int:
    """How many ports a range of the kernel's has, without those that it keeps for others."""
    first, last = (int(word) for word in span.split())
    kept = (part.partition("-") for part in reserved.strip().split(",") if part)
    lost = sum(
        max(0, min(last, int(end or begin)) - max(first, int(begin)) + 1) for begin, _, end in kept
    )
    return last - first + 1 - lost


def _loads(rows: Iterable[Row]) -> dict[str, Load]:
    """What 'show stat' says of each frontend, and of the queues of its backends."""
    by_place = {(row.get("pxname", ""), row.get("svname", "")): row for row in rows}
    return {
        name: Load(
            number(row, "scur"),
            number(row, "slim"),
            sum(
                number(by_place.get((backend, _BACKEND), {}), "qcur")
                for backend in (tproxy(name), local(name))
            ),
        )
        for (name, kind), row in by_place.items()
        if kind == _FRONTEND
    }
