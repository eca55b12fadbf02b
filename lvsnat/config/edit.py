"""A command's edit of lvsnat.toml: what a person wrote (comments, order, layout) survives it.

Edits the text only. Whether the result makes sense is for ``parse_config`` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

from lvsnat.config import render, splice, toml
from lvsnat.config.keys import (
    CHECK_KEYS,
    PERSISTENCE_KEYS,
    PROXY_KEYS,
    SERVER_KEYS,
    SERVICE_KEYS,
    TIMEOUT_KEYS,
    TOP_KEYS,
)
from lvsnat.config.locate import Kind, Layout
from lvsnat.config.parse import parse_config
from lvsnat.errors import UsageError
from lvsnat.model.config import Config, IPNetwork, Timeouts
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.health import HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.violation import Path


class _Edit(NamedTuple):
    """What a table that may also be written short is to become."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    short: str
    order: Sequence[str]


class ConfigDocument:
    """A configuration as text and as model; each edit changes both alike.

    A service is named by its name or its listener. Unknown ones raise UsageError.
    """

    def __init__(self, text: str, config: Config) -> None:
        self._windows = "\r\n" in text
        self._text = text.replace("\r\n", "\n")
        self._config = config

    @classmethod
    def parse(cls, text: str, source: str = "the configuration") -> Self:
        """Begin with a file's text; an empty one begins a new file. Raises ConfigError."""
        return cls(text, parse_config(text, source))

    @property
    def text(self) -> str:
        """The text with all edits, with the line ends that it came with."""
        return self._text.replace("\n", "\r\n") if self._windows else self._text

    @property
    def config(self) -> Config:
        """The model with all edits; its rules have not been asked."""
        return self._config

    def set_mode(self, mode: Mode) -> None:
        """Make this the mode; a file that says nothing of it gets a line at its top."""
        if mode is self._config.mode:
            return
        self._config = replace(self._config, mode=mode)
        if self._text.strip():
            order = TOP_KEYS[: TOP_KEYS.index("mode")]
            self._text = splice.set_top_key(self._text, "mode", toml.string(mode), order)
        else:
            self._begin()

    def add_service(self, service: VirtualService) -> None:
        self.add_services([service])

    def add_services(self, services: Iterable[VirtualService]) -> None:
        """Add services behind those that are there, all in one pass."""
        self._begin()
        added = tuple(services)
        item = Layout(self._text).find(("service",))
        if item is not None:  # written as an array of inline tables: it stays one
            for service in added:
                self._text = splice.append_element(
                    self._text, ("service",), render.service_inline(service)
                )
        else:
            blocks = [render.service_block(service) for service in added]
            self._text = splice.append_blocks(self._text, ("service",), blocks)
        self._config = self._config.with_services(self._config.services + added)

    def remove_service(self, name: str) -> None:
        index = self._index(name)
        self._text = splice.remove(self._text, ("service", index))
        services = self._config.services
        self._config = self._config.with_services(services[:index] + services[index + 1 :])

    def set_service(self, name: str, service: VirtualService) -> None:
        """Make the named service like this one, servers too; only what differs is written."""
        index = self._index(name)
        path: Path = ("service", index)
        old = self._config.services[index]
        old = self._set_tables(path, old, service)
        before, after = render.service_values(old), render.service_values(service)
        self._text = splice.update_table(self._text, path, before, after, SERVICE_KEYS)
        self._set_servers(index, service)
        self._store(index, service)

    def add_server(self, service_name: str, server: RealServer) -> None:
        index = self._index(service_name)
        service = self._config.services[index]
        self._append_server(index, server)
        self._store(index, replace(service, servers=(*service.servers, server)))

    def set_server(self, service_name: str, server: RealServer) -> None:
        """Make the server with this endpoint like this one; only what differs is written."""
        index, position = self._position(service_name, server.endpoint)
        service = self._config.services[index]
        self._update_server(index, position, server)
        servers = service.servers
        self._store(
            index, replace(service, servers=(*servers[:position], server, *servers[position + 1 :]))
        )

    def remove_server(self, service_name: str, endpoint: Endpoint) -> None:
        index, position = self._position(service_name, endpoint)
        service = self._config.services[index]
        self._text = splice.remove(self._text, ("service", index, "servers", position))
        servers = service.servers[:position] + service.servers[position + 1 :]
        self._store(index, replace(service, servers=servers))

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Make IPVS's timeouts these; only what differs is written."""
        self._begin()
        before = render.timeout_values(self._config.ipvs.timeouts)
        after = render.timeout_values(timeouts)
        layout, path = Layout(self._text), ("ipvs", "timeouts")
        if layout.find(path) is None and layout.find(path[:1]) is None:
            # Absent, or written as ipvs.timeouts.tcp = 900 at the top: a table of its own, then.
            block = f"[ipvs]\ntimeouts = {toml.inline(after)}\n"
            text = splice.remove(self._text, path[:1])
            self._text = splice.append_blocks(text, path[:1], [block])
        elif any(True for _ in layout.under(path)):
            self._text = splice.update_table(self._text, path, before, after, TIMEOUT_KEYS)
        else:
            self._text = splice.set_key(self._text, path[:1], path[1], toml.inline(after))
        self._config = replace(self._config, ipvs=replace(self._config.ipvs, timeouts=timeouts))

    def set_local_networks(self, networks: Iterable[IPNetwork]) -> None:
        """Make HAProxy's local networks these, at least one; no other key is touched."""
        self._begin()
        options = replace(self._config.haproxy, local_networks=tuple(networks))
        key, path = "local_networks", ("haproxy",)
        value = render.haproxy_values(options)[key]
        if any(True for _ in Layout(self._text).under(path)):
            self._text = splice.set_key(self._text, path, key, value)
        else:
            block = f"[haproxy]\n{key} = {value}\n"
            self._text = splice.append_blocks(self._text, path, [block])
        self._config = replace(self._config, haproxy=options)

    def _begin(self) -> None:
        if not self._text.strip():
            self._text = render.render_config(Config(self._config.mode))

    def _index(self, name: str) -> int:
        return self._config.services.index(self._config.find(name))

    def _position(self, service_name: str, endpoint: Endpoint) -> tuple[int, int]:
        index = self._index(service_name)
        service = self._config.services[index]
        for position, server in enumerate(service.servers):
            if server.endpoint == endpoint:
                return index, position
        known = ", ".join(str(server.endpoint) for server in service.servers) or "none yet"
        raise UsageError(
            f"{service.name} has no real server {endpoint}", f"its real servers: {known}"
        )

    def _store(self, index: int, service: VirtualService) -> None:
        services = self._config.services
        self._config = self._config.with_services(
            (*services[:index], service, *services[index + 1 :])
        )

    def _set_tables(self, path: Path, old: VirtualService, new: VirtualService) -> VirtualService:
        """Edit within the tables that both have; return the old one with what is edited now."""
        if old.persistence is not None and new.persistence is not None:
            was, now = map(render.persistence_values, (old.persistence, new.persistence))
            short = render.persistence_value(new.persistence)
            self._set_table((*path, "persistence"), _Edit(was, now, short, PERSISTENCE_KEYS))
            old = replace(old, persistence=new.persistence)
        if len(old.checks) == len(new.checks):
            self._set_checks((*path, "check"), old.checks, new.checks)
            old = replace(old, check=new.check, more_checks=new.more_checks)
        was, now = map(render.proxy_values, (old.proxy, new.proxy))
        where: Path = (*path, "haproxy")
        if now and was != now and any(True for _ in Layout(self._text).under(where)):
            self._set_table(where, _Edit(was, now, toml.inline(now), PROXY_KEYS))
            old = replace(old, proxy=new.proxy)
        return old

    def _set_checks(
        self, where: Path, old: Sequence[HealthCheck], new: Sequence[HealthCheck]
    ) -> None:
        """Edit each check in its place."""
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            if before == after:
                continue
            listed = any(True for _ in Layout(self._text).under((*where, index)))
            place = (*where, index) if listed else where
            was, now = map(render.check_values, (before, after))
            if Layout(self._text).find((*place, "type")) is None:
                del was["type"]  # not told so far; told now, it keeps the table from vanishing
            self._set_table(place, _Edit(was, now, render.check_value(after), CHECK_KEYS))

    def _set_table(self, where: Path, edit: _Edit) -> None:
        if edit.before == edit.after:
            return
        item = Layout(self._text).find(where)
        if item is None or item.kind is Kind.HEADER or self._text[item.value] == "{":
            self._text = splice.update_table(self._text, where, edit.before, edit.after, edit.order)
        elif item.kind is Kind.ELEMENT:
            self._text = splice.replaced(self._text, item.start, item.end, edit.short)
        else:
            self._text = splice.set_key(self._text, where[:-1], str(where[-1]), edit.short)

    def _set_servers(self, index: int, new: VirtualService) -> None:
        old = self._config.services[index].servers
        have = {server.endpoint: server for server in old}
        wanted = {server.endpoint: server for server in new.servers}
        kept = [endpoint for endpoint in have if endpoint in wanted]
        order = [*kept, *(endpoint for endpoint in wanted if endpoint not in have)]
        if [server.endpoint for server in new.servers] != order:  # another order: write it anew
            self._text = splice.remove(self._text, ("service", index, "servers"))
            old, have, kept = (), {}, []
        for position in reversed(range(len(old))):
            server = wanted.get(old[position].endpoint)
            if server is None:
                path = ("service", index, "servers", position)
                self._text = splice.remove(self._text, path)
            elif server != old[position]:
                self._update_server(index, position, server)
        for server in new.servers[len(kept) :]:
            self._append_server(index, server)

    def _update_server(self, index: int, position: int, server: RealServer) -> None:
        old = self._config.services[index].servers[position]
        path = ("service", index, "servers", position)
        before, after = render.server_values(old), render.server_values(server)
        self._text = splice.update_table(self._text, path, before, after, SERVER_KEYS)

    def _append_server(self, index: int, server: RealServer) -> None:
        path: Path = ("service", index, "servers")
        layout = Layout(self._text)
        if layout.find(path) is not None:
            self._text = splice.append_element(self._text, path, render.server_inline(server))
        elif any(True for _ in layout.under(path)):
            self._text = splice.append_blocks(self._text, path, [render.server_block(server)])
        else:
            value = render.servers_array((server,))
            self._text = splice.set_key(self._text, path[:-1], "servers", value, SERVICE_KEYS)
