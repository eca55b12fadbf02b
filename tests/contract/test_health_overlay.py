"""What every command does with the health that a daemon has published: here and in the kernel.

The kernel is read back by ipvsadm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from watched import FIRST, SECOND, SORRY, Watched, service

from lvsnat.director.director import Options, Wish
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.model.endpoint import Protocol, parse_listener
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.model.status import HealthState, Sync
from lvsnat.plan.overlay import HealthOverlay
from lvsnat.system import run
from lvsnat.testing import FakeBackend, network_apart

Open = Callable[..., "Box"]


class Box(Watched):
    """A watched director, and its table as ipvsadm has it."""

    def __init__(
        self, folder: Path, traffic: FakeBackend | IpvsBackend, **settings: object
    ) -> None:
        self.traffic = traffic
        super().__init__(folder, traffic, service(**settings))  # type: ignore[arg-type]

    def table(self) -> dict[str, int]:
        """The weight of each server in the kernel, by its last number."""
        if isinstance(self.traffic, FakeBackend):
            text = render(self.traffic.observe(()))
        else:
            text = run(["ipvsadm", "-Sn"]).stdout
        words = [line.split() for line in text.splitlines() if line.startswith("-a")]
        return {line[4].partition(":")[0].rpartition(".")[2]: int(line[7]) for line in words}


@pytest.fixture(params=["memory", pytest.param("kernel", marks=pytest.mark.kernel)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "memory":
        yield lambda **settings: Box(tmp_path, FakeBackend(), **settings)
        return
    with network_apart():
        backend = IpvsBackend()
        yield lambda **settings: Box(tmp_path, backend, **settings)
        backend.close()


def test_without_a_daemon_all_is_as_the_configuration_says(opened: Open) -> None:
    box = opened(sorry=SORRY)

    assert box.table() == {"55": 3, "56": 3}
    assert not box.differences()
    assert box.director.published() is None
    assert box.director.status().services[0].servers[0].health is None


def test_a_dead_server_is_no_drift_and_no_command_brings_it_back(opened: Open) -> None:
    box = opened()
    box.publish(FIRST)
    assert box.apply() == 1
    assert box.table() == {"55": 0, "56": 3}

    assert not box.differences()
    assert box.apply() == 0
    box.edit(lambda document: document.set_server("web", RealServer(FIRST, 9)))
    box.edit(lambda document: document.set_service("web", edited(box)))
    assert box.table() == {"55": 0, "56": 3}
    assert not box.differences()


def edited(box: Box) -> VirtualService:
    return replace(box.director.config().services[0], listen=parse_listener("tcp/192.168.1.51:80"))


def test_a_server_that_is_well_again_has_the_weight_that_it_has_by_then(opened: Open) -> None:
    box = opened()
    box.publish(FIRST)
    box.apply()
    box.edit(lambda document: document.set_server("web", RealServer(FIRST, 9)))

    box.publish()
    box.apply()

    assert box.table() == {"55": 9, "56": 3}


def test_a_dead_server_of_udp_is_taken_out_and_made_again(opened: Open) -> None:
    box = opened(protocol=Protocol.UDP)
    box.publish(FIRST)
    box.apply()
    assert box.table() == {"56": 3}
    assert not box.differences()

    gone = box.director.status().services[0].servers[0]
    assert (gone.endpoint, gone.sync, gone.seen) == (FIRST, Sync.IN_SYNC, None)
    assert gone.health is not None
    assert gone.health.state is HealthState.DOWN
    assert gone.health.detail == "connection refused"

    box.publish()
    box.apply()
    assert box.table() == {"55": 3, "56": 3}


def test_the_sorry_server_comes_and_goes(opened: Open) -> None:
    box = opened(sorry=SORRY)
    box.publish(FIRST, SECOND)
    box.apply()
    assert box.table() == {"55": 0, "56": 0, "99": 1}
    assert not box.differences()
    assert [one.sorry for one in box.director.status().services[0].servers] == [False, False, True]

    box.publish(FIRST)
    box.apply()
    assert box.table() == {"55": 0, "56": 3}


def test_an_override_wins_over_health(opened: Open) -> None:
    box = opened(protocol=Protocol.UDP)
    box.disable(FIRST)
    box.publish(FIRST)

    box.apply()

    assert box.table() == {"55": 0, "56": 3}


def test_to_disable_the_last_server_lets_the_sorry_server_in(opened: Open) -> None:
    box = opened(sorry=SORRY)
    box.publish(FIRST)
    box.apply()

    box.disable(SECOND)

    assert box.table() == {"55": 0, "56": 0, "99": 1}


def test_what_is_forgotten_is_brought_back(opened: Open) -> None:
    box = opened()
    box.publish(FIRST)
    box.apply()

    box.paths.health.unlink()
    assert len(box.differences()) == 1
    box.apply()

    assert box.table() == {"55": 3, "56": 3}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', "\x00", "é"])
def test_a_file_that_cannot_be_read_is_passed_over_with_a_word(opened: Open, text: str) -> None:
    box = opened()
    box.publish(FIRST)
    box.paths.health.write_text(text, encoding="utf-8")

    assert not box.differences()
    problem = box.director.health_problem()
    assert problem is not None
    assert str(box.paths.health) in problem


def test_a_daemon_says_itself_what_health_is(opened: Open) -> None:
    box = opened()
    director = box.director
    box.publish(FIRST)
    seat = next(iter(director.health(Wish(director.config(), {})).overlay.weights))
    before, after = HealthOverlay(), HealthOverlay({seat: 1})

    with director.locked(Options()):
        wish = Wish(director.config(), {}, after)
        found = director.transaction(wish, Options(), before=replace(wish, health=before))
        found.carry_out(lambda _: None)

    assert len(found.plan.changes) == 1
    assert box.table() == {"55": 1, "56": 3}


def test_a_server_gains_its_weight_step_by_step_and_ends_as_configured(opened: Open) -> None:
    box = opened(policy=HealthPolicy(warmup=600))
    box.publish(FIRST)
    box.apply()
    assert box.table() == {"55": 0, "56": 3}

    box.publish()
    box.apply()

    assert box.table() == {"55": 1, "56": 12}, "12 is the least that ten steps divide"
    assert not box.differences()
