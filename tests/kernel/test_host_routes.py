"""Our routing rule and local route on a real kernel; ip(8) is the oracle."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lvsnat.host.backend import HostBackend
from lvsnat.host.resources import expand
from lvsnat.host.routes import LocalRoute, PolicyRule
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.endpoint import Family, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.resource import Resource, state_of
from lvsnat.model.service import VirtualService
from lvsnat.plan.apply import StepError, apply
from lvsnat.plan.change import Change, Create, Delete
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, plan
from lvsnat.system import run

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("fresh_netns")]

BOTH = ("tcp/192.168.1.50:80", "tcp/[2001:db8::50]:80", "udp/192.168.1.50:53")


def ok(*argv: str) -> str:
    done = run(argv)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


@pytest.fixture(autouse=True)
def _loopback(fresh_netns: None) -> None:  # noqa: ARG001 - in that namespace
    ok("ip", "link", "set", "lo", "up")


def config(*listeners: str, mode: Mode = Mode.HAPROXY_TPROXY, **options: int) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen))
        for number, listen in enumerate(listeners)
    )
    haproxy = HaproxyOptions(**options)  # type: ignore[arg-type] # only numbers are given here
    return Config(
        mode, services, HostOptions(manage_vip=False, manage_sysctl=False), haproxy=haproxy
    )


def routing(wish: Config) -> list[Resource]:
    return [one for one in expand(wish) if isinstance(one, PolicyRule | LocalRoute)]


class Director:
    """The routing part of a director, with a ledger in memory."""

    def __init__(self) -> None:
        self.backend = HostBackend()
        self.ledger = Ledger()

    def plan(self, wish: Config) -> Plan:
        desired = state_of(routing(wish))
        known = [*desired, *self.ledger.owned]
        return plan(desired, state_of(self.backend.observe(known)), self.ledger)

    def converge(self, wish: Config) -> None:
        changes = self.plan(wish).changes
        self.ledger = self.ledger.intending(changes)
        apply(changes, [self.backend], lambda _: None)
        self.ledger = self.ledger.after(changes)
        assert not self.plan(wish)


def rules(*family: str) -> list[str]:
    """All rules but the kernel's own three."""
    lines = [" ".join(line.split()) for line in ok("ip", *family, "rule").splitlines()]
    return [line for line in lines if line.rpartition(" ")[2] not in {"local", "main", "default"}]


def routes(table: int = 233) -> list[str]:
    both = [run(["ip", family, "route", "show", "table", str(table)]) for family in ("-4", "-6")]
    return [" ".join(line.split()) for done in both for line in done.stdout.splitlines()]


def carry_out(changes: Iterable[Change]) -> None:
    HostBackend().apply([*changes], lambda _: None)


def test_each_family_gets_its_rule_and_its_route() -> None:
    Director().converge(config(*BOTH))

    assert rules("-4") == rules("-6") == ["100: from all fwmark 0x1/0x1 lookup 233"]
    four, six = routes()
    assert four.startswith("local default dev lo")
    assert six.startswith("local default dev lo")


def test_a_family_without_tcp_gets_none() -> None:
    Director().converge(config("udp/192.168.1.50:53", "tcp/[2001:db8::50]:80"))

    assert rules("-4") == []
    assert rules("-6") == ["100: from all fwmark 0x1/0x1 lookup 233"]
    assert len(routes()) == 1


def test_they_go_when_nothing_needs_them() -> None:
    director = Director()
    director.converge(config(*BOTH))

    director.converge(config(*BOTH, mode=Mode.LVS_NAT))

    assert rules("-4") == rules("-6") == routes() == []
    assert director.ledger == Ledger()


def test_the_new_rule_is_there_before_the_old_one_goes() -> None:
    director = Director()
    director.converge(config(*BOTH))
    wish = config(*BOTH, mark=0x10000000, table=77, priority=50)

    changes = director.plan(wish).changes
    director.converge(wish)

    assert [type(one) for one in changes] == [Create] * 4 + [Delete] * 4
    assert rules() == ["50: from all fwmark 0x10000000/0x10000000 lookup 77"]
    assert routes() == []
    assert len(routes(77)) == 2


@pytest.mark.parametrize(
    "edit",
    [
        "rule del pref 100",
        "-6 rule del pref 100",
        "route flush table 233",
        "-6 route del local default dev lo table 233",
    ],
)
def test_what_was_taken_away_by_hand_is_brought_back(edit: str) -> None:
    director = Director()
    director.converge(config(*BOTH))
    ok("ip", *edit.split())

    (change,) = director.plan(config(*BOTH)).changes
    director.converge(config(*BOTH))

    assert isinstance(change, Create)
    assert len(rules("-4") + rules("-6") + routes()) == 4


def test_the_same_rule_and_route_of_somebody_else_are_conflicts_and_stay() -> None:
    ok("ip", "rule", "add", "pref", "100", "fwmark", "0x1/0x1", "lookup", "233")
    ok("ip", "route", "add", "local", "default", "dev", "lo", "table", "233")

    found = Director().plan(config("tcp/192.168.1.50:80"))

    assert found.changes == ()
    assert [one.describe() for one in found.conflicts] == [
        "local route ipv4 default dev lo table 233",
        "routing rule ipv4 100: fwmark 0x1/0x1 lookup 233",
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        "pref 100 fwmark 0x1/0x1 lookup 234",
        "pref 100 fwmark 0x1 lookup 233",
        "pref 101 fwmark 0x1/0x1 lookup 233",
        "pref 99 from 10.0.0.0/8 fwmark 0x1/0x1 lookup 233",
        "pref 100 fwmark 0x1/0x1 prohibit",
    ],
)
def test_a_rule_that_differs_in_anything_is_another_one(theirs: str) -> None:
    ok("ip", "rule", "add", *theirs.split())
    before = rules()
    director = Director()

    director.converge(config("tcp/192.168.1.50:80"))
    assert "100: from all fwmark 0x1/0x1 lookup 233" in rules()
    director.converge(Config())

    assert rules() == before


@pytest.mark.parametrize(
    "theirs",
    [
        "pref 100 not fwmark 0x1/0x1 lookup 233",
        "pref 100 from 10.0.0.0/8 fwmark 0x1/0x1 lookup 233",
    ],
)
def test_where_the_kernel_takes_a_narrower_rule_for_ours_its_priority_is_named(theirs: str) -> None:
    ok("ip", "rule", "add", *theirs.split())
    before = rules()

    with pytest.raises(StepError, match="another routing rule has the priority 100 already"):
        carry_out(map(Create, routing(config("tcp/192.168.1.50:80"))))

    assert rules() == before


def test_making_and_removing_twice_is_fine() -> None:
    wanted = routing(config(*BOTH))

    carry_out(map(Create, wanted))
    carry_out(map(Create, wanted))
    assert len(rules("-4") + rules("-6") + routes()) == 4
    carry_out(map(Delete, wanted))
    carry_out(map(Delete, wanted))

    assert rules("-4") + rules("-6") + routes() == []


def test_another_default_route_in_the_table_is_named() -> None:
    ok("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    ok("ip", "link", "set", "eth0", "up")
    ok("ip", "route", "add", "default", "dev", "eth0", "table", "233")

    with pytest.raises(StepError, match="table 233 has another default route already"):
        carry_out([Create(LocalRoute(Family.IPV4, 233))])

    assert routes() == ["default dev eth0 scope link linkdown"]


def test_a_packet_with_the_mark_is_for_this_host_and_others_are_not() -> None:
    Director().converge(config(*BOTH))

    assert ok("ip", "route", "get", "198.18.0.1", "mark", "1").startswith("local 198.18.0.1 dev lo")
    assert ok("ip", "-6", "route", "get", "2001:2::1", "mark", "3").startswith("local 2001:2::1")
    assert run(["ip", "route", "get", "198.18.0.1"]).returncode != 0
