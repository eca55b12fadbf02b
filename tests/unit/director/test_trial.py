"""A change on trial: kept, taken back, or cut off and decided later."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvsnat.director import trial
from lvsnat.director.director import Director, Options, Text
from lvsnat.director.paths import Paths
from lvsnat.director.transaction import Transaction
from lvsnat.errors import LvsnatError, PartlyAppliedError, RefusedError
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.plan.apply import StepError
from lvsnat.plan.guard import Risk
from lvsnat.system import locked
from lvsnat.testing import FakeBackend, FakeClock

LISTEN = parse_kernel_listener("tcp/192.168.1.50:80")
KEY = IpvsServer(LISTEN, Endpoint.parse("192.168.2.55:80")).key
EINVAL = 22


def web(weight: int) -> Text:
    return Text(
        f"""# by hand
[[service]]
name = "web"
listen = "{LISTEN}"
servers = [{{ address = "192.168.2.55:80", weight = {weight} }}]
""",
        "test",
    )


class Box:
    """A director whose kernel is in memory, with a server of weight 1 in it."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.kernel = FakeBackend()
        self.director = Director(self.paths, self.kernel, clock=FakeClock())
        with self.director.applying(Options(), web(1)) as transaction:
            transaction.carry_out(lambda _: None)

    @property
    def weight(self) -> int | None:
        server = self.kernel.state.get(KEY)
        return server.weight if isinstance(server, IpvsServer) else None

    @property
    def text(self) -> str:
        return self.paths.config.read_text()

    def try_and_die(self, given: Text) -> None:
        """Do what a trial does until it is killed."""
        trying = trial.trying(self.director, Options(), given)
        running = trying.__enter__()
        running.begin(lambda _: None)
        running._kept = True
        trying.__exit__(None, None, None)

    def revert(self, *, force: bool = False) -> None:
        with trial.reverting(self.director, Options(), force=force) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk))
        trial.forget(self.paths)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_what_is_kept_stays(box: Box) -> None:
    with trial.trying(box.director, Options(), web(5)) as trying:
        trying.begin(lambda _: None)
        trying.keep()

    assert (box.weight, box.text) == (5, web(5).text)
    assert not box.paths.trial.exists()


def test_what_is_not_kept_is_taken_back(box: Box) -> None:
    with trial.trying(box.director, Options(), web(5)) as trying:
        trying.begin(lambda _: None)
        assert (box.weight, box.text) == (5, web(5).text)

    assert (box.weight, box.text) == (1, web(1).text)
    assert not box.paths.trial.exists()
    assert not box.paths.replaced_config.exists()


def test_an_interruption_takes_it_back(box: Box) -> None:
    def interrupted() -> None:
        with trial.trying(box.director, Options(), Text("", "test")) as trying:
            trying.begin(lambda _: None)
            assert box.kernel.state == {}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert (box.weight, box.text) == (1, web(1).text)
    assert box.director.planned().plan.changes == ()
    assert {key.kind for key in box.director.view().ledger.owned} == {"service"}


class Pressed(trial.Trial):
    """A trial during which Ctrl-C is pressed while the files take their places."""

    def _has_begun(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # held back until the files are in place
        super()._has_begun()


@pytest.mark.usefixtures("nothing_ignored")
def test_an_interruption_that_came_when_all_was_done_takes_it_back(box: Box) -> None:
    journal = trial.Journal(0.0, box.text, None, web(5).text)

    def pressed_at_the_end() -> None:
        with box.director.applying(Options(), web(5)) as transaction:
            trying = Pressed(box.paths, transaction, journal)
            try:
                trying.begin(lambda _: None)
            finally:
                trying.end()

    with pytest.raises(KeyboardInterrupt):
        pressed_at_the_end()

    assert (box.weight, box.text) == (1, web(1).text)
    assert not box.paths.trial.exists()


class Waiting(Director):
    """While it waits for the lock, the trial that holds it is killed."""

    @contextmanager
    def applying(self, options: Options, given: Text | None = None) -> Iterator[Transaction]:
        with super().applying(options, given) as transaction:
            self.paths.trial.write_text("the way back of another trial")
            yield transaction


def test_the_way_back_of_a_trial_that_was_waited_for_is_not_lost(box: Box) -> None:
    waiting = Waiting(box.paths, box.kernel, clock=FakeClock())

    with pytest.raises(LvsnatError), trial.trying(waiting, Options(), web(5)):
        pass

    assert box.paths.trial.read_text() == "the way back of another trial"
    assert (box.weight, box.text) == (1, web(1).text)


def test_drift_of_before_comes_back_as_it_was(box: Box) -> None:
    box.kernel.state[KEY] = IpvsServer(LISTEN, Endpoint.parse("192.168.2.55:80"), 9)

    with trial.trying(box.director, Options()) as trying:
        trying.begin(lambda _: None)
        assert box.weight == 1

    assert box.weight == 9


def test_a_refused_trial_leaves_no_journal(box: Box) -> None:
    box.kernel.refusals[KEY] = EINVAL

    with pytest.raises(StepError), trial.trying(box.director, Options(), web(5)) as trying:
        trying.begin(lambda _: None)

    assert not box.paths.trial.exists()
    assert box.text == web(1).text


def test_what_cannot_be_taken_back_keeps_its_journal(box: Box) -> None:
    def stuck() -> None:
        with trial.trying(box.director, Options(), web(5)) as trying:
            trying.begin(lambda _: None)
            box.kernel.refusals[KEY] = EINVAL

    with pytest.raises(PartlyAppliedError):
        stuck()
    box.kernel.refusals.clear()

    assert box.text == web(1).text
    assert trial.unfinished(box.paths) is not None
    box.revert()
    assert box.weight == 1
    assert trial.unfinished(box.paths) is None


def test_a_trial_that_was_killed_is_taken_back_by_the_next_command(box: Box) -> None:
    box.try_and_die(web(5))
    assert trial.unfinished(box.paths) is not None

    box.revert()

    assert (box.weight, box.text) == (1, web(1).text)


def test_a_trial_of_the_first_configuration_goes_back_to_none(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with box.director.clearing(Options()) as transaction:
        transaction.carry_out(lambda _: None, accepted=tuple(Risk))
    box.paths.config.unlink()
    box.try_and_die(web(5))

    box.revert(force=True)

    assert box.kernel.state == {}
    assert not box.paths.config.exists()


def test_a_trial_that_was_killed_can_be_kept(box: Box) -> None:
    box.try_and_die(web(5))

    trial.settle(box.director)

    assert (box.weight, box.text) == (5, web(5).text)
    assert trial.unfinished(box.paths) is None


def test_there_is_no_second_trial_before_the_first_is_decided(box: Box) -> None:
    box.try_and_die(web(5))

    with pytest.raises(RefusedError), trial.trying(box.director, Options(), web(6)):
        pass

    assert box.weight == 5


def test_a_configuration_changed_since_goes_back_only_by_force(box: Box) -> None:
    box.try_and_die(web(5))
    box.paths.config.write_text(web(7).text)

    with pytest.raises(RefusedError, match="was changed since the trial"):
        box.revert()
    box.revert(force=True)

    assert box.text == web(1).text


def test_a_trial_that_is_under_way_is_not_cut_off(box: Box) -> None:
    box.try_and_die(web(5))

    with locked(box.paths.lock):
        assert trial.unfinished(box.paths) is None
