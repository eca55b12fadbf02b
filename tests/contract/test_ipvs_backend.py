"""What every IPVS backend promises: the one in memory always, the kernel's own in the lab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

import pytest

from lvsnat.director.traffic import TrafficSource
from lvsnat.errors import LvsnatError
from lvsnat.ipvs.backend import IpvsBackend, Stats
from lvsnat.ipvs.resources import IpvsResource, IpvsServer, IpvsService
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, MarkListener, parse_kernel_listener
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import Persistence, RealServer, Scheduler, VirtualService
from lvsnat.model.status import ServerStats, ServiceStats
from lvsnat.plan.apply import StepError, apply
from lvsnat.plan.backend import Backend
from lvsnat.plan.change import Change, Create, Delete, Update, inverse
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan
from lvsnat.testing import FakeBackend, network_apart

WEB = VirtualService(
    "web",
    parse_kernel_listener("tcp/192.168.1.50:80"),
    Scheduler.WRR,
    servers=(
        RealServer(Endpoint.parse("192.168.2.55:80"), 3, 100, 50),
        RealServer(Endpoint.parse("192.168.2.56:80")),
    ),
)
MAIL = VirtualService(
    "mail",
    parse_kernel_listener("fwmark/4294967295/ipv6"),
    Scheduler.SH,
    persistence=Persistence(300, 64),
    servers=(RealServer(Endpoint.parse("[2001:db8::55]:0")),),
)
CONFIG = Config(services=(WEB, MAIL))
LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
ONE = Endpoint.parse("192.168.2.55:80")


class StatsBackend(Backend, TrafficSource, Protocol):
    """A backend that counts as well."""

    def read(self) -> tuple[list[IpvsResource], dict[Key, Stats]]: ...

    def stats(self) -> dict[Key, Stats]: ...


def ignore(_: Change) -> None:
    pass


def create(backend: Backend, *resources: IpvsResource) -> None:
    backend.apply([Create(resource) for resource in resources], ignore)


def converge(backend: Backend, config: Config) -> None:
    """Make the world as the configuration wants it, everything there being ours."""
    desired, observed = state_of(backend.expand(config)), state_of(backend.observe(()))
    ledger = Ledger(frozenset(desired) | frozenset(observed))
    apply(plan(desired, observed, ledger).changes, [backend], ignore)


class Laws:
    """Run on whatever the fixture ``backend`` gives."""

    def test_what_was_asked_for_is_what_is_seen(self, backend: Backend) -> None:
        converge(backend, CONFIG)

        assert state_of(backend.observe(())) == state_of(backend.expand(CONFIG))

    def test_each_service_is_seen_before_its_servers(self, backend: Backend) -> None:
        converge(backend, CONFIG)

        seen: set[Key] = set()
        for resource in backend.observe(()):
            seen.add(resource.key)
            assert resource.owner in seen

    def test_an_empty_table_has_nothing(self, backend: Backend) -> None:
        assert list(backend.observe(())) == []

    def test_keys_that_do_not_exist_are_not_seen(self, backend: Backend) -> None:
        converge(backend, CONFIG)
        stranger = Key("server", "tcp/192.0.2.1:80 192.0.2.2:80")

        assert stranger not in state_of(backend.observe([stranger]))

    def test_settled_means_no_change(self, backend: Backend) -> None:
        converge(backend, CONFIG)

        desired, observed = state_of(backend.expand(CONFIG)), state_of(backend.observe(()))

        assert not plan(desired, observed, Ledger(frozenset(desired))).changes

    def test_every_setting_is_changed_in_place(self, backend: Backend) -> None:
        converge(backend, CONFIG)
        servers = (replace(WEB.servers[0], weight=0, upper=7, lower=0), WEB.servers[1])
        changed = replace(
            WEB, scheduler=Scheduler.LC, persistence=Persistence(60, 24), servers=servers
        )

        converge(backend, Config(services=(changed, replace(MAIL, persistence=None))))

        wish = Config(services=(changed, replace(MAIL, persistence=None)))
        assert state_of(backend.observe(())) == state_of(backend.expand(wish))

    def test_an_edit_of_one_setting_keeps_the_others(self, backend: Backend) -> None:
        converge(backend, CONFIG)
        before = IpvsServer(LISTEN, ONE, 3, 100, 50)

        backend.apply([Update(before, replace(before, weight=0))], ignore)

        assert state_of(backend.observe(()))[before.key] == replace(before, weight=0)

    def test_what_is_no_longer_asked_for_goes(self, backend: Backend) -> None:
        converge(backend, CONFIG)
        rest = Config(services=(replace(WEB, servers=WEB.servers[:1]),))

        converge(backend, rest)

        assert state_of(backend.observe(())) == state_of(backend.expand(rest))

    def test_a_service_takes_its_servers_along(self, backend: Backend) -> None:
        converge(backend, Config(services=(WEB,)))

        backend.apply([Delete(IpvsService(LISTEN, "wrr"))], ignore)

        assert list(backend.observe(())) == []

    def test_removing_what_is_gone_is_done(self, backend: Backend) -> None:
        service, server = IpvsService(LISTEN, "rr"), IpvsServer(LISTEN, ONE)
        removals: list[Change] = [Delete(server), Delete(service)]
        done: list[Change] = []

        backend.apply(removals, done.append)
        create(backend, service)
        backend.apply(removals, done.append)

        assert done == removals * 2

    def test_each_change_is_reported_once_and_in_order(self, backend: Backend) -> None:
        changes: list[Change] = [Create(resource) for resource in backend.expand(CONFIG)]
        changes.sort(key=lambda change: isinstance(change, Create) and change.resource.stage)
        done: list[Change] = []

        backend.apply(changes, done.append)

        assert done == changes

    @pytest.mark.parametrize(
        ("refused", "reason"),
        [
            (Create(IpvsService(LISTEN, "rr")), "it exists already"),
            (Create(IpvsServer(LISTEN, ONE)), "it exists already"),
            (
                Update(*[IpvsService(parse_kernel_listener("fwmark/9"), "rr")] * 2),
                "it was removed since the plan was made",
            ),
            (
                Update(*[IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"))] * 2),
                "it was removed since the plan was made",
            ),
            (Create(IpvsServer(parse_kernel_listener("fwmark/9"), ONE)), "fwmark/9 does not exist"),
            (
                Update(*[IpvsServer(parse_kernel_listener("fwmark/9"), ONE)] * 2),
                "fwmark/9 does not exist",
            ),
            (
                Create(IpvsService(parse_kernel_listener("fwmark/9"), "homemade")),
                "no scheduler 'homemade'",
            ),
            (
                Create(IpvsService(parse_kernel_listener("fwmark/9"), "rr", 1, 60, None, "odd")),
                "or no persistence engine 'odd'",
            ),
            (Update(*[IpvsService(LISTEN, "homemade")] * 2), "no scheduler 'homemade'"),
            (
                Create(IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"), 1, 5, 6)),
                "thresholds 5/6 are out of range",
            ),
            (
                Create(IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"), 2**31)),
                "weight 2147483648",
            ),
            (
                Create(IpvsServer(LISTEN, Endpoint.parse("224.0.0.1:80"))),
                "rejects this address",
            ),
            (
                Create(IpvsService(parse_kernel_listener("fwmark/9/ipv6"), "rr", 1, 60, 0)),
                "rejects these settings",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_refusal_says_which_change_and_why(
        self, backend: Backend, refused: Change, reason: str
    ) -> None:
        converge(backend, Config(services=(WEB,)))
        before = state_of(backend.observe(()))

        with pytest.raises(StepError, match=reason) as error:
            backend.apply([refused], ignore)

        assert error.value.change == refused
        assert error.value.hint
        assert state_of(backend.observe(())) == before

    def test_after_a_refusal_nothing_more_is_begun(self, backend: Backend) -> None:
        service = IpvsService(LISTEN, "rr")
        create(backend, service)
        other = IpvsService(parse_kernel_listener("udp/192.168.1.50:53"), "rr")
        changes: list[Change] = [Create(service), Create(IpvsServer(LISTEN, ONE)), Delete(other)]
        create(backend, other)
        done: list[Change] = []

        with pytest.raises(StepError):
            backend.apply(changes, done.append)

        assert done == []
        assert state_of(backend.observe(())) == state_of([service, other])

    def test_what_was_done_with_a_refused_change_is_reported(self, backend: Backend) -> None:
        good = IpvsService(parse_kernel_listener("tcp/192.168.1.51:80"), "rr")
        bad = IpvsService(parse_kernel_listener("tcp/192.168.1.52:80"), "homemade")
        last = IpvsService(parse_kernel_listener("tcp/192.168.1.53:80"), "rr")
        done: list[Change] = []

        with pytest.raises(StepError):
            backend.apply([Create(good), Create(bad), Create(last)], done.append)

        reported = state_of(change.resource for change in done if isinstance(change, Create))
        assert state_of(backend.observe(())) == reported

    def test_a_failed_plan_leaves_the_world_as_it_was(self, backend: Backend) -> None:
        converge(backend, CONFIG)
        before = state_of(backend.observe(()))
        web = before[Key("service", str(LISTEN))]
        assert isinstance(web, IpvsService)
        changes: list[Change] = [
            Create(IpvsService(parse_kernel_listener("tcp/192.168.1.51:80"), "rr")),
            Update(web, replace(web, scheduler="lc")),
            Update(IpvsServer(LISTEN, ONE, 3, 100, 50), IpvsServer(LISTEN, ONE, 9)),
            Create(IpvsServer(LISTEN, Endpoint.parse("224.0.0.1:80"))),
        ]

        with pytest.raises(LvsnatError, match="were undone"):
            apply(changes, [backend], ignore)

        assert state_of(backend.observe(())) == before

    def test_the_inverse_brings_back_what_was_removed(self, backend: Backend) -> None:
        strangers = IpvsServer(LISTEN, ONE, 5, 0, 0, 2, (1, 0xE815, 0x100))
        create(backend, IpvsService(LISTEN, "rr"), strangers)
        before = state_of(backend.observe(()))

        backend.apply([Delete(strangers)], ignore)
        backend.apply([inverse(Delete(strangers))], ignore)

        assert before[strangers.key] == strangers
        assert state_of(backend.observe(())) == before

    def test_no_change_is_no_work(self, backend: Backend) -> None:
        backend.apply([], ignore)

        assert list(backend.observe(())) == []

    def test_everything_seen_is_counted(self, backend: StatsBackend) -> None:
        converge(backend, CONFIG)

        resources, stats = backend.read()

        assert state_of(resources) == state_of(backend.expand(CONFIG))
        assert set(stats) == {resource.key for resource in resources}
        assert backend.read()[1] == stats

    def test_the_counters_of_a_service_and_its_servers_can_be_zeroed(
        self, backend: StatsBackend
    ) -> None:
        converge(backend, CONFIG)
        services = [have for have in backend.read()[0] if isinstance(have, IpvsService)]

        for service in services:
            backend.zero(service.listen)

        assert len(services) > 1
        assert set(backend.read()[1].values()) == {ServiceStats(), ServerStats()}

    def test_zeroing_what_does_not_exist_says_so(self, backend: StatsBackend) -> None:
        with pytest.raises(LvsnatError, match="cannot zero the counters of fwmark/9"):
            backend.zero(MarkListener(9))

    def test_a_table_without_connections_has_its_titles(self, backend: StatsBackend) -> None:
        converge(backend, CONFIG)

        (titles,) = backend.connection_lines()

        assert titles.split()[:7] == ["Pro", "FromIP", "FPrt", "ToIP", "TPrt", "DestIP", "DPrt"]
        assert backend.table_state().estimating


class TestFakeBackend(Laws):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()

    def test_it_refuses_what_a_test_tells_it_to(self) -> None:
        service = IpvsService(LISTEN, "rr")
        backend = FakeBackend([service])
        backend.refusals[service.key] = 12

        with pytest.raises(StepError, match="out of memory"):
            backend.apply([Delete(service)], ignore)

        assert backend.carried_out == []
        assert list(backend.observe(())) == [service]


@pytest.mark.kernel
class TestIpvsBackend(Laws):
    @pytest.fixture
    def backend(self) -> Iterator[IpvsBackend]:
        with network_apart():
            backend = IpvsBackend()
            yield backend
            backend.close()


def test_the_laws_are_for_backends() -> None:
    backends: Iterable[Backend] = (FakeBackend(), IpvsBackend())

    assert {kind for backend in backends for kind in backend.kinds} == {"service", "server"}
