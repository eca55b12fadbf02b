"""What every HAProxy backend promises: the one in memory always, the real one in the lab."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lvsnat.director.ports import ProxyBackend
from lvsnat.haproxy.backend import HaproxyBackend
from lvsnat.haproxy.process import Files
from lvsnat.haproxy.resources import ProxiedServer, ProxiedService
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import RealServer, Scheduler, VirtualService
from lvsnat.model.status import Counters, ServerStats, ServiceStats
from lvsnat.plan.apply import apply
from lvsnat.plan.change import Change, Delete, Update
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan
from lvsnat.testing import network_apart
from lvsnat.testing.proxy import FakeProxy

FIRST = Endpoint.parse("127.0.0.2:8080")
WEB = VirtualService(
    "web",
    parse_listener("tcp/127.0.0.1:8080"),
    Scheduler.WRR,
    servers=(RealServer(FIRST, 3, 100), RealServer(Endpoint.parse("127.0.0.3:8080"))),
)
MANY = VirtualService(
    "many",
    parse_listener("tcp/[::1]:9000-9009"),
    servers=(RealServer(Endpoint.parse("[::1]:0")),),
)
CONFIG = Config(Mode.HAPROXY_TPROXY, (WEB, MANY))


def ignore(_: Change) -> None:
    pass


def converge(backend: ProxyBackend, config: Config) -> None:
    """Make the world as the configuration wants it, everything there being ours."""
    desired, observed = state_of(backend.expand(config)), state_of(backend.observe(()))
    ledger = Ledger(frozenset(desired) | frozenset(observed))
    apply(plan(desired, observed, ledger).changes, [backend], ignore)


def with_servers(*servers: RealServer) -> Config:
    return replace(CONFIG, services=(replace(WEB, servers=servers), MANY))


class Laws:
    """Run on whatever the fixture ``backend`` gives."""

    def test_before_anything_is_made_nothing_is_there(self, backend: ProxyBackend) -> None:
        assert list(backend.observe(())) == []
        assert [*backend.read()[0]] == []
        assert list(backend.sessions()) == []
        assert dict(backend.waiting()) == {}
        assert backend.ending() == 0

    def test_what_was_asked_for_is_what_is_seen(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)

        desired, observed = state_of(backend.expand(CONFIG)), state_of(backend.observe(()))

        assert observed == desired
        assert not plan(desired, observed, Ledger(frozenset(desired))).changes

    def test_each_service_is_known_for_what_it_is(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)

        services = [one for one in backend.observe(()) if isinstance(one, ProxiedService)]

        assert {one.service and one.service.name: one.service for one in services} == {
            "web": replace(WEB, servers=()), "many": replace(MANY, servers=()),
        }  # fmt: skip

    def test_everything_is_changed_in_place(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        first, second = WEB.servers
        changed = replace(
            CONFIG,
            services=(
                replace(WEB, scheduler=Scheduler.LC, servers=(replace(first, upper=7), second)),
            ),
        )

        converge(backend, changed)

        assert state_of(backend.observe(())) == state_of(backend.expand(changed))

    def test_a_weight_is_changed_alone(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        key = ProxiedServer(WEB.listen, FIRST).key
        before = state_of(backend.observe(()))[key]
        assert isinstance(before, ProxiedServer)

        backend.apply([Update(before, before.with_weight(0))], ignore)

        seen = state_of(backend.observe(()))
        assert seen == {**state_of(backend.expand(CONFIG)), key: before.with_weight(0)}

    def test_servers_come_and_go(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        other = RealServer(Endpoint.parse("127.0.0.4:8080"), 9)
        for servers in ((WEB.servers[0],), (WEB.servers[0], other), (other,)):
            wish = with_servers(*servers)

            converge(backend, wish)

            assert state_of(backend.observe(())) == state_of(backend.expand(wish))

    def test_a_service_takes_its_servers_along(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        web = ProxiedService(WEB.listen, ())

        backend.apply([Delete(state_of(backend.observe(()))[web.key])], ignore)

        assert {one.owner for one in backend.observe(())}.isdisjoint({web.key})

    def test_removing_what_is_gone_is_done(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        removal = Delete(ProxiedServer(WEB.listen, Endpoint.parse("127.0.0.9:8080")))
        done: list[Change] = []

        backend.apply([removal], done.append)

        assert done == [removal]
        assert state_of(backend.observe(())) == state_of(backend.expand(CONFIG))

    def test_when_nothing_is_asked_for_nothing_is_left(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)

        converge(backend, Config())

        assert list(backend.observe(())) == []
        assert [*backend.read()[1]] == []

    def test_everything_seen_is_counted_and_packets_are_not(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)

        found, stats = backend.read()

        assert stats.keys() == {
            one.key for one in found if isinstance(one, ProxiedService | ProxiedServer)
        }
        assert {one.totals for one in stats.values()} == {Counters(0, None, None, 0, 0)}
        assert {one.rates.bytes_in for one in stats.values()} == {None}
        assert {type(one) for one in stats.values()} == {ServiceStats, ServerStats}

    def test_the_counters_can_be_zeroed(self, backend: ProxyBackend) -> None:
        converge(backend, CONFIG)
        key = ProxiedService(WEB.listen, ()).key
        carry(backend, key)

        backend.zero()

        assert backend.read()[1][key].totals == Counters(0, None, None, 0, 0)


def carry(backend: ProxyBackend, service: Key) -> None:
    """Let a service carry a connection."""
    if isinstance(backend, FakeProxy):
        backend.counters[service] = ServiceStats(Counters(1, None, None, 5, 6))
    else:
        with socket.create_connection(("127.0.0.1", 8080)):
            pass
    assert backend.read()[1][service].totals.connections == 1


class TestFakeProxy(Laws):
    """The one in memory."""

    @pytest.fixture
    def backend(self) -> ProxyBackend:
        return FakeProxy()


@pytest.mark.kernel
class TestHaproxyBackend(Laws):
    """The real one, in a network of its own."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[ProxyBackend]:
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        with network_apart():
            backend = HaproxyBackend(Files(tmp_path / "haproxy" / "haproxy.cfg", tmp_path / "run"))
            yield backend
            converge(backend, Config())
            backend.end_now()
