"""Boot: networks are waited for, trials nobody kept are taken back, strangers stay strangers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from lvsnat.director import boot, ledgerfile, trial
from lvsnat.director.director import Director, Options, Text
from lvsnat.director.paths import Paths
from lvsnat.errors import RefusedError
from lvsnat.host import resources
from lvsnat.host.resources import Vip
from lvsnat.model.config import Config
from lvsnat.model.resource import Key, Resource
from lvsnat.plan.change import Change, Report, subject
from lvsnat.testing import FakeBackend

WEB = '[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:80"\n'
BEFORE = "another boot"


class Host:
    """A host in memory: its addresses alone."""

    kinds: ClassVar[frozenset[str]] = frozenset({resources.ADDRESS})

    def __init__(self) -> None:
        self.addresses: dict[Key, Resource] = {}

    def expand(self, config: Config) -> Iterable[Resource]:
        return [one for one in resources.expand(config) if isinstance(one, Vip)]

    def observe(self, keys: Collection[Key]) -> Iterable[Resource]:
        return [one for key, one in self.addresses.items() if key in keys]

    def prepare(self, changes: Sequence[Change]) -> None:
        """Nothing is known before it is tried."""

    def apply(self, changes: Sequence[Change], done: Report) -> None:
        for change in changes:
            self.addresses[subject(change).key] = subject(change)
            done(change)


class Sleepless:
    """A clock on which time passes by sleeping alone."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Sleepless:
    return Sleepless()


@pytest.fixture
def kernel() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def director(tmp_path: Path, kernel: FakeBackend, clock: Sleepless) -> Director:
    paths = Paths(tmp_path / "lvsnat.toml", tmp_path / "state", tmp_path / "run")
    paths.config.write_text(WEB)
    return Director(paths, kernel, [Host()], clock=clock)


def apply(director: Director) -> None:
    with director.applying(Options()) as transaction:
        transaction.carry_out(lambda _: None)


def reboot(director: Director, kernel: FakeBackend) -> None:
    """Empty the kernel, and have the ledger be of the boot before."""
    kernel.state.clear()
    ledger = ledgerfile.load(director.paths.ledger)
    director.paths.ledger.write_text(ledgerfile.render(ledger, BEFORE))


def test_a_network_that_comes_ends_the_waiting(director: Director, clock: Sleepless) -> None:
    looks = iter([["a network"], ["a network"], []])
    shown: list[tuple[str, float]] = []

    missing = boot.wait_for_networks(
        director, lambda what, left: shown.append((what, left)), lambda _: next(looks)
    )

    assert missing == ()
    assert shown == [("a network", 30.0), ("a network", 29.5)]
    assert clock.time == 1001.0


def test_a_network_that_does_not_come_is_named_after_half_a_minute(
    director: Director, clock: Sleepless
) -> None:
    missing = boot.wait_for_networks(director, lambda *_: None, lambda vips: list(map(str, vips)))

    assert len(missing) == 1
    assert "192.168.1.50" in missing[0]
    assert clock.time == 1030.0


@pytest.mark.parametrize("config", ["", f"{WEB}[host]\nmanage_vip = false\n"])
def test_without_a_vip_to_add_nothing_is_looked_at(director: Director, config: str) -> None:
    director.paths.config.write_text(config)

    def look(vips: Sequence[Vip]) -> Sequence[str]:
        raise AssertionError(vips)

    assert boot.wait_for_networks(director, lambda *_: None, look) == ()


def test_after_a_reboot_everything_is_made_again(director: Director, kernel: FakeBackend) -> None:
    apply(director)
    made = dict(kernel.state)
    reboot(director, kernel)

    apply(director)

    assert kernel.state == made
    assert '"boot": "another boot"' not in director.paths.ledger.read_text()


def test_what_others_made_after_a_reboot_is_not_taken_for_ours(
    director: Director, kernel: FakeBackend
) -> None:
    apply(director)
    made = dict(kernel.state)
    reboot(director, kernel)
    kernel.state |= made  # keepalived was quicker
    director.paths.config.write_text("")

    apply(director)

    assert kernel.state == made


def test_what_others_made_and_we_want_is_refused_after_a_reboot(
    director: Director, kernel: FakeBackend
) -> None:
    director.paths.config.write_text(f'{WEB}scheduler = "rr"\n')
    apply(director)
    made = dict(kernel.state)
    reboot(director, kernel)
    kernel.state |= made
    director.paths.config.write_text(f'{WEB}scheduler = "wrr"\n')

    with pytest.raises(RefusedError, match="made by somebody else"):
        apply(director)

    assert kernel.state == made


def begin_trial(director: Director, tried: str) -> None:
    """Begin a trial, and be killed in the middle of it."""
    before = director.paths.config.read_text()
    with director.applying(Options(), Text(tried, "tried")) as transaction:
        transaction.carry_out(lambda _: None)
    journal = trial.Journal(0.0, before, None, tried)
    director.paths.trial.write_text(trial._render(journal))


def test_a_trial_that_nobody_kept_is_to_be_taken_back(director: Director) -> None:
    assert boot.trial_to_take_back(director) is None

    begin_trial(director, WEB.replace("192.168.1.50", "192.168.1.51"))

    journal = boot.trial_to_take_back(director)
    assert journal is not None
    assert journal.config == WEB


def test_a_configuration_that_was_changed_after_a_trial_decides_it(director: Director) -> None:
    begin_trial(director, WEB.replace("192.168.1.50", "192.168.1.51"))
    director.paths.config.write_text(WEB.replace("192.168.1.50", "192.168.1.52"))

    assert boot.trial_to_take_back(director) is None


def test_the_networks_of_the_configuration_to_come_back_to_are_waited_for(
    director: Director,
) -> None:
    begin_trial(director, WEB.replace("192.168.1.50", "192.168.1.51"))
    looked: list[Vip] = []

    def look(vips: Sequence[Vip]) -> Sequence[str]:
        looked.extend(vips)
        return ()

    boot.wait_for_networks(director, lambda *_: None, look)

    assert [str(vip.address) for vip in looked] == ["192.168.1.50"]
