"""The host as a backend, with a folder in place of /proc/sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.host.backend import HostBackend
from lvsnat.host.resources import Sysctl
from lvsnat.model.config import Config, HostOptions
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import VirtualService
from lvsnat.plan.apply import StepError, apply
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan

FORWARD = Key("sysctl", "net.ipv4.ip_forward")
OFF, ON = (Sysctl("net.ipv4.ip_forward", value=value) for value in "01")
SECOND_OFF, SECOND_ON = (Sysctl("net.core.second", value=value) for value in "01")


@pytest.fixture
def proc_sys(tmp_path: Path) -> Path:
    for name in ("net/ipv4/ip_forward", "net/core/second", "net/ipv4/vs/expire_nodest_conn"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n")
    for interface in ("all", "default", "eth0", "lo"):
        folder = tmp_path / "net/ipv4/conf" / interface
        folder.mkdir(parents=True)
        (folder / "send_redirects").write_text("1\n")
        (folder / "forwarding").write_text("0\n")
    (tmp_path / "net/ipv4/conf/all/accept_redirects").write_text("0\n")
    return tmp_path


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text().strip()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_only_what_is_asked_for_is_looked_at(proc_sys: Path) -> None:
    backend = HostBackend(proc_sys)

    assert list(backend.observe([Key("sysctl", "net.core.second")])) == [SECOND_OFF]
    assert list(backend.observe([])) == []


def test_changes_are_carried_out_and_reported_in_order(proc_sys: Path) -> None:
    done: list[Change] = []
    changes = [Update(OFF, ON), Update(SECOND_OFF, SECOND_ON)]

    HostBackend(proc_sys).apply(changes, done.append)

    assert done == changes
    assert contents(proc_sys)["net/ipv4/ip_forward"] == "1"
    assert contents(proc_sys)["net/core/second"] == "1"


def test_after_a_refusal_nothing_more_is_begun(proc_sys: Path) -> None:
    (proc_sys / "net/ipv4/ip_forward").unlink()
    (proc_sys / "net/ipv4/ip_forward").symlink_to("/proc/sys/kernel/osrelease")
    done: list[Change] = []

    with pytest.raises(StepError, match=r"change sysctl net\.ipv4\.ip_forward") as caught:
        HostBackend(proc_sys).apply([Update(OFF, ON), Update(SECOND_OFF, SECOND_ON)], done.append)

    assert caught.value.change == Update(OFF, ON)
    assert caught.value.hint is not None
    assert done == []
    assert contents(proc_sys)["net/core/second"] == "0"


def test_undoing_a_setting_that_came_with_a_module_leaves_it(proc_sys: Path) -> None:
    HostBackend(proc_sys).apply([Create(ON), Delete(ON)], lambda _: None)

    assert contents(proc_sys)["net/ipv4/ip_forward"] == "1"


def test_a_service_comes_and_goes_and_the_host_is_as_before(proc_sys: Path) -> None:
    backend = HostBackend(proc_sys)
    before = contents(proc_sys)
    # Without a table of nft, for which root is needed; tests/kernel has it with one.
    without_table = HostOptions(block_imds=False)
    service = VirtualService("web", parse_listener("fwmark/7"))
    desired = state_of(backend.expand(Config(services=(service,), host=without_table)))

    coming = plan(desired, state_of(backend.observe(desired)), Ledger())
    ledger = Ledger().intending(coming.changes)
    apply(coming.changes, [backend], lambda _: None)
    between = state_of(backend.observe(desired))
    going = plan({}, between, ledger)
    apply(going.changes, [backend], lambda _: None)

    assert between == desired
    assert contents(proc_sys) == before
    assert ledger.after(coming.changes).after(going.changes) == Ledger()
