"""The text of haproxy.cfg to virtual services: all lines, and every problem at once.

Taken is what balances TCP: ``listen`` sections, and frontends with their backends. Notes say what
becomes of lines that nobody misses; what clients would miss is a problem, and so is what makes no
sense.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.errors import RefusedError, UsageError
from lvsnat.interop.haproxy import leftovers
from lvsnat.interop.haproxy.assemble import Assembly, Entry
from lvsnat.interop.haproxy.binds import Vips
from lvsnat.interop.haproxy.lexer import lines_of
from lvsnat.interop.haproxy.local import local_networks
from lvsnat.interop.haproxy.proxy import Proxy, proxy_of
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.sections import PROXIES, Section, sections_of
from lvsnat.interop.imported import Imported
from lvsnat.model.config import Config, HaproxyOptions, IPNetwork
from lvsnat.model.rules import violations
from lvsnat.model.service import VirtualService


def read(text: str, vips: Vips | None = None) -> Imported:
    """Read a file. ``vips`` are the addresses that stand for every address of a family."""
    reader = _Reader(vips or {})
    return reader.read(text)


class _Reader:
    """Reads section after section, and pairs them."""

    def __init__(self, vips: Vips) -> None:
        self._vips = vips
        self._report = Report()
        self._entries: list[Entry] = []
        self._networks: dict[IPNetwork, None] = {}
        self._used: set[str] = set()

    def read(self, text: str) -> Imported:
        sections = sections_of(lines_of(text), self._report)
        proxies = [
            proxy_of(section, self._vips, self._report)
            for section in sections
            if section.kind in PROXIES and not self._is_statistics(section)
        ]
        for section in sections:
            if section.kind == "global":
                self._process(section)
        backs = {one.section.name: one for one in proxies if one.section.kind != "frontend"}
        assembly = Assembly(backs, self._report)
        for proxy in proxies:
            if proxy.section.kind != "backend" and not proxy.disabled:
                self._pair(proxy, backs, assembly)
        for proxy in proxies:
            if proxy.section.kind == "backend" and proxy.section.name not in self._used:
                self._report.note(proxy.section.line, "no frontend that is taken names it")
        services = tuple(self._judged())
        return Imported(
            services,
            self._report.problems,
            notes=self._report.notes,
            networks=tuple(self._networks),
            proxied=True,
        )

    def _is_statistics(self, section: Section) -> bool:
        """Whether nothing is balanced here; its lines are not read, and need not make sense."""
        keywords = {line.keyword for line in section.lines}
        page = "stats" in keywords and not keywords & {"server", "default_backend", "use_backend"}
        if page:
            self._report.note(
                section.line,
                "a page of statistics and no service: 'lvsnat stats' shows the numbers",
            )
        return page

    def _process(self, section: Section) -> None:
        for line in section.lines:
            leftovers.process(line, self._report)

    def _pair(self, front: Proxy, backs: dict[str, Proxy], assembly: Assembly) -> None:
        """Make services of a section that listens, or say why there is none."""
        line = front.section.line
        if not _listens(front):
            self._report.note(line, "listens nowhere: nothing of it is taken")
            return
        back = self._back(front, backs)
        if back is None:
            return
        self._used |= {back.section.name, *(choice.arguments[0] for choice in front.choices)}
        found = list(assembly.entries(front, back))
        self._entries += found
        own = {endpoint.address for entry in found for endpoint in entry.endpoints}
        for network in local_networks(front, back, backs, self._report):
            if network.num_addresses > 1 or network.network_address not in own:
                self._networks[network] = None
        if not back.usesrc and not any(server.usesrc for server in back.servers):
            self._report.note(
                back.section.line,
                "its servers saw HAProxy's own address; with lvsnat they see the client's, and"
                " their replies must pass this director",
            )

    def _back(self, front: Proxy, backs: dict[str, Proxy]) -> Proxy | None:
        named = front.default_backend
        if named is None:
            if front.section.kind == "listen":
                return front
            self._report.refuse(
                front.section.line,
                RefusedError(
                    "this frontend has no 'default_backend', and so no servers that all its"
                    " clients get",
                    "name one, or give each backend a listener of its own",
                ),
            )
            return None
        back = backs.get(named.arguments[0])
        if back is None:
            self._report.refuse(
                named,
                UsageError(
                    f"there is no backend {named.arguments[0]!r}", "correct the name, or add it"
                ),
            )
        return back

    def _judged(self) -> Iterator[VirtualService]:
        """The services that break no rule; a line that breaks one becomes a problem."""
        services = tuple(entry.service for entry in self._entries)
        options = HaproxyOptions(local_networks=tuple(self._networks))
        bad: set[int] = set()
        for violation in violations(Config(services=services, haproxy=options)):
            where = violation.path
            if where[0] != "service" or not isinstance(where[1], int):
                continue
            entry, line = self._entries[where[1]], self._entries[where[1]].line
            match where[2:]:
                case ("listen", *_):
                    line = entry.bind
                case ("servers", int(index), *_):
                    line = entry.servers[index]
                case _:
                    pass
            self._report.refuse(line, UsageError(violation.message, violation.hint))
            bad.add(where[1])
        return (one for index, one in enumerate(services) if index not in bad)


def _listens(front: Proxy) -> bool:
    return bool(front.binds) or _has(front, "bind")


def _has(proxy: Proxy, keyword: str) -> bool:
    return any(line.keyword == keyword for line in proxy.section.all_lines)
