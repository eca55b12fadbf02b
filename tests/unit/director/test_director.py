"""The front door, on an IPVS in memory: what changes, what is left alone, what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lvsnat.config.edit import ConfigDocument
from lvsnat.director import ledgerfile
from lvsnat.director.director import Director, Options
from lvsnat.director.paths import Paths
from lvsnat.errors import LvsnatError, PartlyAppliedError, RefusedError, UsageError
from lvsnat.ipvs.resources import IpvsServer, IpvsService
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.override import Override, Reason
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import Sync
from lvsnat.plan.guard import Risk
from lvsnat.testing import FakeBackend

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
FIRST, SECOND = Endpoint.parse("192.168.2.55:80"), Endpoint.parse("192.168.2.56:80")
WEB = VirtualService("web", LISTEN, servers=(RealServer(FIRST), RealServer(SECOND)))
SERVICE = IpvsService(LISTEN, "wlc")
EINVAL = 22


def server_key(endpoint: Endpoint) -> Key:
    return IpvsServer(LISTEN, endpoint).key


class Box:
    """A director with its files in a folder and its kernel in memory."""

    def __init__(self, folder: Path) -> None:
        self.kernel = FakeBackend()
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.director = Director(self.paths, self.kernel)

    def edit(self, change: Callable[[ConfigDocument], None], *, force: bool = False) -> None:
        with self.director.editing(change, Options()) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk) if force else ())

    def add_web(self) -> None:
        self.edit(lambda document: document.add_service(WEB))

    def apply(self, options: Options | None = None) -> int:
        with self.director.applying(options or Options()) as transaction:
            transaction.carry_out(lambda _: None)
            return len(transaction.plan.changes)

    def weights(self) -> dict[str, int]:
        return {
            str(resource.endpoint): resource.weight
            for resource in self.kernel.state.values()
            if isinstance(resource, IpvsServer)
        }


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_adding_a_service_writes_the_kernel_the_file_and_the_ledger(box: Box) -> None:
    box.add_web()

    assert [str(key) for key in box.kernel.state] == [
        "service tcp/192.168.1.50:80",
        "server tcp/192.168.1.50:80 192.168.2.55:80",
        "server tcp/192.168.1.50:80 192.168.2.56:80",
    ]
    assert box.director.config().services == (WEB,)
    assert box.director.view().ledger.owned == {SERVICE.key}
    assert box.apply() == 0


def test_nothing_is_written_before_a_transaction_is_carried_out(box: Box) -> None:
    with box.director.editing(lambda document: document.add_service(WEB), Options()) as planned:
        assert len(planned.plan.changes) == 3

    assert box.kernel.carried_out == []
    assert not box.paths.config.exists()
    assert not box.paths.ledger.exists()


def test_a_refusal_leaves_kernel_file_and_ledger_as_they_were(box: Box) -> None:
    box.kernel.refusals[server_key(SECOND)] = EINVAL

    with pytest.raises(LvsnatError):
        box.add_web()

    assert box.kernel.state == {}
    assert not box.paths.config.exists()
    assert box.director.view().ledger.owned == frozenset()
    assert list(box.paths.config.parent.glob(".*")) == []


def test_an_edit_that_makes_no_sense_is_refused_as_the_commands_fault(box: Box) -> None:
    box.add_web()

    with pytest.raises(UsageError) as caught:
        box.edit(lambda document: document.add_server("web", RealServer(FIRST)))

    assert "192.168.2.55:80 is already" in caught.value.message
    assert str(box.paths.config) not in caught.value.message


def test_an_edit_leaves_other_drift_and_apply_repairs_it(box: Box) -> None:
    box.add_web()
    del box.kernel.state[server_key(SECOND)]
    third = RealServer(Endpoint.parse("192.168.2.57:80"))

    with box.director.editing(lambda d: d.add_server("web", third), Options()) as transaction:
        transaction.carry_out(lambda _: None)

    assert len(transaction.drift.changes) == 1
    assert box.weights() == {"192.168.2.55:80": 1, "192.168.2.57:80": 1}
    assert box.apply() == 1
    assert len(box.weights()) == 3


def test_a_change_of_a_server_brings_back_the_service_that_it_needs(box: Box) -> None:
    box.add_web()
    box.kernel.state.clear()
    third = RealServer(Endpoint.parse("192.168.2.57:80"))

    box.edit(lambda document: document.add_server("web", third))

    assert len(box.weights()) == 3


def test_what_a_killed_run_created_is_ours_to_remove(box: Box) -> None:
    with box.director.editing(lambda d: d.add_service(WEB), Options()) as transaction:
        box.paths.ledger.parent.mkdir(parents=True)
        box.kernel.apply(transaction.plan.changes[:2], lambda _: None)
        intended = transaction.ledger.intending(transaction.plan.changes)
        box.paths.ledger.write_text(ledgerfile.render(intended))

    box.apply()

    assert box.kernel.state == {}
    assert box.director.view().plan().changes == ()


def test_a_service_of_somebody_else_is_refused_without_adopt_and_kept_with_it(box: Box) -> None:
    box.kernel.state[SERVICE.key] = IpvsService(LISTEN, "rr")

    with pytest.raises(RefusedError):
        box.add_web()
    assert list(box.kernel.state.values()) == [IpvsService(LISTEN, "rr")]

    with box.director.editing(lambda d: d.add_service(WEB), Options(adopt=True)) as transaction:
        transaction.carry_out(lambda _: None)
    assert box.kernel.state[SERVICE.key] == SERVICE
    assert box.director.view().ledger.owns(SERVICE.key)


def test_adopting_what_is_already_as_wished_changes_only_the_ledger(box: Box) -> None:
    box.add_web()
    box.paths.ledger.unlink()
    assert box.director.view().plan().conflicts == (SERVICE,)

    assert box.apply(Options(adopt=True)) == 0

    assert box.director.view().ledger.owns(SERVICE.key)


def test_emptying_a_service_needs_force(box: Box) -> None:
    box.add_web()

    def drop_both(document: ConfigDocument) -> None:
        document.remove_server("web", FIRST)
        document.remove_server("web", SECOND)

    with pytest.raises(RefusedError) as caught:
        box.edit(drop_both)
    assert len(box.weights()) == 2
    assert "--force" in (caught.value.hint or "")

    box.edit(drop_both, force=True)
    assert box.weights() == {}


def test_an_override_holds_a_server_at_weight_0_until_it_ends(box: Box) -> None:
    box.add_web()
    key = server_key(FIRST)

    def lay(override: Override | None) -> None:
        change = {} if override is None else {key: override}
        with box.director.overriding(lambda _config, _held: change, Options()) as transaction:
            transaction.carry_out(lambda _: None)

    lay(Override(Reason.DISABLED))
    assert box.weights() == {str(FIRST): 0, str(SECOND): 1}
    assert box.apply() == 0

    lay(Override(Reason.DISABLED, until=1.0))
    assert box.weights()[str(FIRST)] == 1

    lay(None)
    assert box.director.overrides() == {}


def test_the_override_of_a_server_that_goes_is_forgotten(box: Box) -> None:
    box.add_web()
    held = {server_key(FIRST): Override(Reason.DRAINED)}
    with box.director.overriding(lambda _config, _held: held, Options()) as transaction:
        transaction.carry_out(lambda _: None)

    box.edit(lambda document: document.remove_server("web", FIRST))

    assert box.director.overrides() == {}


class Unyielding(FakeBackend):
    """An IPVS in memory from which nothing can be removed once something was refused."""

    def _carry_out(self, change: object) -> int:
        number = super()._carry_out(change)  # type: ignore[arg-type]
        if number:
            self.refusals = dict.fromkeys(self.state, EINVAL)
        return number


def test_what_could_not_be_undone_stays_ours(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.kernel = Unyielding()
    box.director = Director(box.paths, box.kernel)
    box.kernel.refusals[server_key(SECOND)] = EINVAL

    with pytest.raises(PartlyAppliedError):
        box.add_web()
    box.kernel.refusals.clear()

    assert SERVICE.key in box.kernel.state
    box.apply()
    assert box.kernel.state == {}


def test_status_puts_wish_and_kernel_side_by_side(box: Box) -> None:
    box.add_web()
    theirs = IpvsService(parse_kernel_listener("udp/192.168.1.50:53"), "rr")
    box.kernel.state[theirs.key] = theirs
    del box.kernel.state[server_key(SECOND)]
    rogue = IpvsServer(LISTEN, Endpoint.parse("192.168.2.99:80"))
    box.kernel.state[rogue.key] = rogue

    web, other = box.director.status().services

    assert (web.name, web.sync) == ("web", Sync.IN_SYNC)
    assert {str(server.endpoint): server.sync for server in web.servers} == {
        "192.168.2.55:80": Sync.IN_SYNC,
        "192.168.2.56:80": Sync.MISSING,
        "192.168.2.99:80": Sync.EXTRA,
    }
    assert (other.name, other.sync) == (None, Sync.UNMANAGED)
