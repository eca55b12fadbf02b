"""A switch of modes on fakes: its steps, its waits, what a failure or a kill leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lvsnat.director import switchfile
from lvsnat.director.director import Director, Options, Text
from lvsnat.director.paths import Paths
from lvsnat.director.switch import ACCEPTED, DRAIN_TIMEOUT, Switch
from lvsnat.director.transaction import Transaction
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.haproxy.resources import INSTANCE_KEY
from lvsnat.ipvs.resources import IpvsService
from lvsnat.model.connection import Connection
from lvsnat.model.endpoint import Endpoint, parse_address, parse_kernel_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import RealServer
from lvsnat.model.switch import Look, OldSide, Standing
from lvsnat.system import locked
from lvsnat.testing import FakeBackend, FakeClock
from lvsnat.testing.proxy import FakeProxy

WEB = parse_kernel_listener("tcp/192.168.1.50:80")
DNS = parse_kernel_listener("udp/192.168.1.50:53")
FIRST = Endpoint.parse("192.168.2.55:80")
WEB_KEY, DNS_KEY = IpvsService(WEB, "wlc").key, IpvsService(DNS, "wlc").key
CLIENT = parse_address("203.0.113.7")
TPROXY, LVS_NAT = Mode.HAPROXY_TPROXY, Mode.LVS_NAT
EINVAL = 22
CONFIGURATION = f"""\
# by hand
mode = "lvs-nat"

[[service]]
name = "web"
listen = "{WEB}"
servers = [{{ address = "{FIRST}" }}]

[[service]]
name = "dns"
listen = "{DNS}"
servers = [{{ address = "192.168.2.55:53" }}]
"""


class Killed(BaseException):
    """What happens in place of kill -9: nothing is undone by whoever is killed."""


class Box:
    """A director whose IPVS, HAProxy and clock are in memory; it serves in lvs-nat."""

    def __init__(self, folder: Path, *meanwhile: Callable[[], object]) -> None:
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.kernel, self.proxy = FakeBackend(), FakeProxy()
        self.clock = FakeClock(*meanwhile)
        self.director = Director(self.paths, self.kernel, proxy=self.proxy, clock=self.clock)
        self.passed: list[Phase] = []
        self.looks: list[Look] = []
        with self.director.applying(Options(), Text(CONFIGURATION, "test")) as transaction:
            transaction.carry_out(lambda _: None)

    def switch(self, limit: float | None = None) -> Switch:
        return Switch(self.director, Options(), limit)

    def begin(self, mode: Mode) -> None:
        with self.switch().beginning(mode) as transaction:
            transaction.carry_out(lambda _: None, accepted=ACCEPTED)
        self.passed.append(self.phase)

    def go_on(self, mode: Mode, limit: float | None = None) -> None:
        def carry_out(here: Standing, transaction: Transaction) -> None:
            transaction.carry_out(lambda _: None, accepted=ACCEPTED)
            self.passed.append(here.next)

        self.switch(limit).go_on(mode, carry_out, self.looks.extend)

    def to(self, mode: Mode, limit: float | None = None) -> None:
        self.begin(mode)
        self.go_on(mode, limit)

    def apply(self) -> None:
        with self.switch().applying() as transaction:
            transaction.carry_out(lambda _: None)
        self.go_on(self.director.config().mode)

    def die_in_the_step_to(self, phase: Phase) -> None:
        """Leave what a kill leaves when a step has begun and nothing of it is made."""
        journal = switchfile.load(self.paths.switch)
        origin = Phase.LVS_NAT if journal is None else journal.phase
        self.paths.switch.write_text(switchfile.render(switchfile.Journal(phase, origin)))

    def hold_by_ipvs(self, active: int) -> None:
        virtual = Endpoint.parse("192.168.1.50:80")
        self.kernel.connections[:] = [
            Connection("tcp", Endpoint(CLIENT, port), virtual, FIRST, "ESTABLISHED", 900)
            for port in range(4000, 4000 + active)
        ]

    @property
    def phase(self) -> Phase:
        return self.director.config().phase

    @property
    def standing(self) -> Standing:
        return self.switch().standing()

    @property
    def text(self) -> str:
        return self.paths.config.read_text()

    @property
    def carriers(self) -> tuple[bool, bool]:
        """Whether IPVS and HAProxy have the TCP service."""
        return WEB_KEY in self.kernel.state, INSTANCE_KEY in self.proxy.state


@pytest.fixture(name="box")
def served_by_ipvs(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_switch_goes_through_every_phase_to_the_mode(box: Box) -> None:
    box.to(TPROXY)

    assert box.passed == [
        Phase.BOTH, Phase.PROXY_STEERED, Phase.PROXY_SETTLING, Phase.HAPROXY_TPROXY,
    ]  # fmt: skip
    assert box.carriers == (False, True)
    assert DNS_KEY in box.kernel.state
    assert box.text == CONFIGURATION.replace('"lvs-nat"', '"haproxy-tproxy"')
    assert box.director.config().switching is None


def test_the_way_back_ends_without_a_trace(box: Box) -> None:
    box.to(TPROXY)
    box.passed.clear()
    box.to(LVS_NAT)

    assert box.passed == [
        Phase.PROXY_STEERED, Phase.BOTH, Phase.IPVS_SETTLING, Phase.LVS_NAT,
    ]  # fmt: skip
    assert box.carriers == (True, False)
    assert box.text == CONFIGURATION
    assert not box.paths.switch.exists()
    assert INSTANCE_KEY not in box.director.view().ledger.owned


def test_ipvs_keeps_its_services_until_it_holds_no_connection(tmp_path: Path) -> None:
    def end_one() -> None:
        box.hold_by_ipvs(next(held))

    held = iter([2, 1, 0])
    box = Box(tmp_path, end_one, end_one, end_one)
    box.hold_by_ipvs(3)

    box.to(TPROXY)

    assert [look.connections for look in box.looks] == [3, 2, 1]
    assert {look.side for look in box.looks} == {OldSide.IPVS}
    assert box.looks[0].left == DRAIN_TIMEOUT
    assert box.carriers == (False, True)


def test_a_connection_that_one_side_has_closed_is_waited_for_too(tmp_path: Path) -> None:
    def forget() -> None:
        box.kernel.connections.clear()

    box = Box(tmp_path, forget)
    client, virtual = Endpoint(CLIENT, 4000), Endpoint.parse("192.168.1.50:80")
    for state in ("FIN_WAIT", "TIME_WAIT", "SYN_SENT"):
        box.kernel.connections.append(Connection("tcp", client, virtual, FIRST, state, 100))

    box.to(TPROXY)

    assert [look.connections for look in box.looks] == [1]


def test_connections_of_services_that_stay_with_ipvs_are_nobodys_concern(box: Box) -> None:
    virtual, server = Endpoint.parse("192.168.1.50:53"), Endpoint.parse("192.168.2.55:53")
    dns = Connection("udp", Endpoint(CLIENT, 4000), virtual, server, "ESTABLISHED", 300)
    box.kernel.connections.append(dns)

    box.to(TPROXY)

    assert box.looks == []


def test_at_the_deadline_the_step_is_made_all_the_same(box: Box) -> None:
    box.hold_by_ipvs(1)
    began = box.clock.now()

    box.to(TPROXY, limit=5)

    assert box.clock.now() == began + 5
    assert box.looks[-1] == Look(OldSide.IPVS, 1, 0)
    assert box.carriers == (False, True)


def test_now_waits_for_nothing(box: Box) -> None:
    box.hold_by_ipvs(1)
    began = box.clock.now()

    box.to(TPROXY, limit=0)

    assert box.clock.now() == began
    assert box.carriers == (False, True)


def test_what_came_by_the_side_ports_is_waited_for(tmp_path: Path) -> None:
    def end() -> None:
        box.proxy.at_side_ports = 0

    box = Box(tmp_path, end)
    box.proxy.at_side_ports = 4

    box.to(TPROXY)

    assert box.looks == [Look(OldSide.SIDE_PORTS, 4, DRAIN_TIMEOUT)]


def test_haproxy_keeps_its_connections_until_the_deadline_and_ends_then(box: Box) -> None:
    box.to(TPROXY)
    box.proxy.at_its_end = 2
    box.to(LVS_NAT, limit=3)

    assert [(look.side, look.connections) for look in box.looks] == [(OldSide.HAPROXY, 2)] * 4
    assert box.proxy.at_its_end == 0
    assert box.phase is Phase.LVS_NAT


def test_nothing_is_waited_for_under_the_lock(tmp_path: Path) -> None:
    def look() -> None:
        with locked(box.paths.lock, wait=False):
            box.hold_by_ipvs(0)

    box = Box(tmp_path, look)
    box.hold_by_ipvs(1)

    box.to(TPROXY)

    assert box.phase is Phase.HAPROXY_TPROXY


def test_services_are_edited_in_the_phase_that_is_in_force(tmp_path: Path) -> None:
    def add() -> None:
        second = RealServer(Endpoint.parse("192.168.2.56:80"))
        edit = box.director.editing(lambda d: d.add_server("web", second), Options())
        with edit as transaction:
            transaction.carry_out(lambda _: None)
        seen.append(len(transaction.plan.changes))
        box.hold_by_ipvs(0)

    seen: list[int] = []
    box = Box(tmp_path, add)
    box.hold_by_ipvs(1)

    box.to(TPROXY)

    assert seen == [2]  # with IPVS and with HAProxy
    assert "192.168.2.56" in box.text


def test_another_command_may_turn_the_switch_round(tmp_path: Path) -> None:
    box = Box(tmp_path, lambda: box.to(LVS_NAT))
    box.hold_by_ipvs(1)

    with pytest.raises(LvsnatError, match="turned the switch round"):
        box.to(TPROXY)

    assert box.passed == [Phase.BOTH, Phase.IPVS_SETTLING, Phase.LVS_NAT]
    assert box.carriers == (True, False)
    assert box.text == CONFIGURATION


def test_another_command_may_finish_the_switch(tmp_path: Path) -> None:
    box = Box(tmp_path, lambda: box.to(TPROXY, limit=0))
    box.hold_by_ipvs(1)

    box.to(TPROXY)

    assert box.phase is Phase.HAPROXY_TPROXY


def test_who_comes_last_says_how_long_to_wait(tmp_path: Path) -> None:
    def shorten() -> None:
        here = box.switch().standing()
        next(box.switch(limit=4).waiting(here))

    box = Box(tmp_path, shorten)
    box.hold_by_ipvs(1)
    began = box.clock.now()

    box.to(TPROXY)

    assert box.clock.now() == began + 1 + 4


def test_the_whole_way_is_asked_for_before_the_first_change(box: Box) -> None:
    box.proxy.unfit = "haproxy is not installed"

    with pytest.raises(LvsnatError, match="not installed") as caught:
        box.begin(TPROXY)

    assert caught.value.hint == "lvs-nat is still in force"
    assert (box.carriers, box.text) == ((True, False), CONFIGURATION)
    assert not box.paths.switch.exists()


def test_a_first_step_that_fails_leaves_the_mode_as_it_was(box: Box) -> None:
    box.proxy.refusals[INSTANCE_KEY] = "it did not start"

    with pytest.raises(LvsnatError, match="did not start"):
        box.begin(TPROXY)

    assert (box.carriers, box.text) == ((True, False), CONFIGURATION)
    assert not box.paths.switch.exists()


def test_a_later_step_that_fails_says_where_the_switch_stands(box: Box) -> None:
    box.to(TPROXY)
    box.kernel.refusals[WEB_KEY] = EINVAL

    with pytest.raises(LvsnatError) as caught:
        box.to(LVS_NAT)

    assert box.standing == Standing(Phase.PROXY_STEERED, LVS_NAT)
    assert caught.value.hint is not None
    assert "stands at proxy-steered: 'lvsnat mode lvs-nat' goes on" in caught.value.hint
    del box.kernel.refusals[WEB_KEY]
    box.to(TPROXY)
    assert box.phase is Phase.HAPROXY_TPROXY


def test_a_service_of_somebody_else_that_ipvs_would_prefer_stops_the_switch(box: Box) -> None:
    box.paths.ledger.unlink()

    with pytest.raises(RefusedError, match="made by somebody else"):
        box.begin(TPROXY)

    assert box.text == CONFIGURATION


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("phase", [Phase.BOTH, Phase.IPVS_SETTLING, Phase.PROXY_STEERED])
def test_a_step_that_was_cut_off_is_finished_or_undone(box: Box, phase: Phase, mode: Mode) -> None:
    box.die_in_the_step_to(phase)

    box.to(mode)

    assert box.carriers == (mode is LVS_NAT, mode is TPROXY)
    assert box.phase is Phase.of(mode)
    assert box.director.planned().plan.changes == ()


def test_an_edit_after_a_kill_makes_the_whole_of_the_step(box: Box) -> None:
    box.die_in_the_step_to(Phase.BOTH)
    third = RealServer(Endpoint.parse("192.168.2.57:80"))

    with box.director.editing(lambda d: d.add_server("web", third), Options()) as transaction:
        transaction.carry_out(lambda _: None)

    assert box.carriers == (True, True)
    assert box.switch().standing() == Standing(Phase.BOTH, LVS_NAT)


def test_apply_goes_on_where_the_switch_stands(box: Box) -> None:
    box.begin(TPROXY)
    box.hold_by_ipvs(0)

    box.apply()

    assert box.phase is Phase.HAPROXY_TPROXY


def test_a_mode_written_by_hand_is_a_switch_for_apply(box: Box) -> None:
    box.paths.config.write_text(CONFIGURATION.replace("lvs-nat", "haproxy-tproxy"))
    assert box.phase is Phase.LVS_NAT

    box.apply()

    assert box.carriers == (False, True)
    assert box.passed == [Phase.PROXY_STEERED, Phase.PROXY_SETTLING, Phase.HAPROXY_TPROXY]


def test_apply_holds_to_the_plan_that_was_shown(box: Box) -> None:
    box.paths.config.write_text(CONFIGURATION.replace("lvs-nat", "haproxy-tproxy"))
    with box.switch().showing() as foresight:
        shown = foresight.end.plan.fingerprint
    assert box.director.planned().plan.fingerprint == shown

    with pytest.raises(RefusedError), box.switch().applying(expect="0"):
        pass
    with box.switch().applying(expect=shown) as transaction:
        transaction.carry_out(lambda _: None)

    assert box.phase is Phase.BOTH


def test_where_nothing_is_made_yet_the_mode_holds_at_once(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with box.director.clearing(Options()) as transaction:
        transaction.carry_out(lambda _: None, accepted=ACCEPTED)
    box.paths.config.write_text(CONFIGURATION.replace("lvs-nat", "haproxy-tproxy"))

    assert box.phase is Phase.HAPROXY_TPROXY
    box.apply()

    assert box.passed == []
    assert box.carriers == (False, True)
    assert switchfile.load(box.paths.switch) == switchfile.Journal(Phase.HAPROXY_TPROXY)


def test_after_another_boot_the_mode_holds_at_once(box: Box) -> None:
    box.begin(TPROXY)
    journal = switchfile.render(switchfile.Journal(Phase.BOTH), "another boot")
    box.paths.switch.write_text(journal)
    box.paths.ledger.unlink()
    box.kernel.state.clear()
    box.proxy.state.clear()

    box.apply()

    assert box.carriers == (False, True)
    assert switchfile.load(box.paths.switch) == switchfile.Journal(Phase.HAPROXY_TPROXY)


def test_clear_in_the_midst_takes_everything_away_and_forgets_the_switch(box: Box) -> None:
    box.begin(TPROXY)

    with box.director.clearing(Options()) as transaction:
        transaction.carry_out(lambda _: None, accepted=ACCEPTED)

    assert (box.kernel.state, box.proxy.state) == ({}, {})
    assert not box.paths.switch.exists()


def test_a_foreseen_switch_changes_nothing(box: Box) -> None:
    with box.switch().foreseeing(TPROXY) as foresight:
        foresight.prepare()

    assert [*foresight.here.way()] == [
        Phase.BOTH, Phase.PROXY_STEERED, Phase.PROXY_SETTLING, Phase.HAPROXY_TPROXY,
    ]  # fmt: skip
    assert (box.carriers, box.text) == ((True, False), CONFIGURATION)


def test_the_mode_that_is_in_force_needs_no_switch(box: Box) -> None:
    with box.switch().beginning(LVS_NAT) as transaction:
        assert transaction.plan.changes == ()
        assert transaction.files == ()


def test_in_lvs_nat_haproxy_is_not_touched(box: Box) -> None:
    box.director.status()
    box.apply()

    assert box.proxy.looks == 0
    assert not box.paths.switch.exists()
