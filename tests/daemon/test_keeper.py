"""The keeper: what answers, drift, files and commands make of the kernel."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from daemon.stand import FIRST, SECOND, Stand, web

from lvsnat.daemon.keeper import BACK_OFF, RETRY
from lvsnat.daemon.systemd import Manager
from lvsnat.director import overridefile
from lvsnat.director.director import Options
from lvsnat.director.drain import holding_at_zero
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.override import Override, Reason
from lvsnat.model.status import HealthState

ALL = {FIRST: 3, SECOND: 5}
THIRD = "192.168.2.57:25"
MAIL = """
[[service]]
name = "mail"
listen = "tcp/192.168.1.50:25"
check = "tcp"
servers = [{ address = "192.168.2.57:25" }]
"""


def test_what_is_well_is_left_alone(stand: Stand) -> None:
    stand.kernel.carried_out.clear()

    stand.answers(FIRST, ok=True)
    stand.turn()
    stand.turn(10)

    assert stand.kernel.carried_out == []
    assert stand.weights() == ALL


def test_a_server_that_fails_gets_nothing_new_in_the_same_turn(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.turn()

    assert stand.weights() == {FIRST: 0, SECOND: 5}
    assert stand.states()[FIRST] is HealthState.DOWN


def test_a_server_that_recovers_has_its_weight_again(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.turn()
    stand.answers(FIRST, ok=True)
    stand.turn()

    assert stand.weights() == ALL


def test_the_last_server_of_a_service_goes_too(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.answers(SECOND, ok=False)
    stand.turn()

    assert stand.weights() == {FIRST: 0, SECOND: 0}


def test_what_is_made_is_published_before_it_is_made(stand: Stand) -> None:
    """Killed in between, the next daemon makes it."""
    stand.kernel.refusals = {
        key: errno.EINVAL for key, one in stand.kernel.state.items() if isinstance(one, IpvsServer)
    }
    stand.answers(FIRST, ok=False)
    stand.turn()
    assert stand.weights() == ALL

    stand.kernel.refusals.clear()
    stand.start()
    stand.turn()

    assert stand.weights() == {FIRST: 0, SECOND: 5}


def test_a_restart_changes_no_weight(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.turn()
    stand.kernel.carried_out.clear()

    stand.start()
    for _ in range(3):
        stand.turn(6)

    assert stand.kernel.carried_out == []


def test_a_transition_is_logged_with_its_reason(
    stand: Stand, log: pytest.LogCaptureFixture
) -> None:
    stand.answers(FIRST, ok=True)
    stand.answers(FIRST, ok=False)
    stand.turn()

    assert f"web {FIRST}: up -> down: connection refused" in log.messages


def test_programs_are_told_of_a_transition(tmp_path: Path) -> None:
    stand = Stand(tmp_path, web(more='notify = ["/usr/bin/tell"]\n'))
    stand.turn()

    stand.answers(FIRST, ok=False)
    stand.turn()
    stand.programs.end(60)

    [(path, text)] = [one for one in stand.told if '"server"' in one[1]]
    told = json.loads(text)
    assert path == "/usr/bin/tell"
    assert told["schema"] == "lvsnat/transition/1"
    assert (told["service"], told["server"], told["to"]) == ("web", FIRST, "down")
    assert told["reason"] == "connection refused"


def test_drift_is_repaired_at_the_next_comparison(
    stand: Stand, log: pytest.LogCaptureFixture
) -> None:
    stand.set_weight(SECOND, 77)

    stand.turn(1)
    assert stand.weights()[SECOND] == 77
    stand.turn(5)

    assert stand.weights() == ALL
    assert any(message.startswith("repaired: ") for message in log.messages)


def test_a_dead_server_that_somebody_wakes_is_put_to_sleep_again(stand: Stand) -> None:
    for server in (FIRST, SECOND):
        stand.answers(server, ok=False)
    stand.turn()
    stand.set_weight(SECOND, 5)

    stand.turn(6)

    assert stand.weights() == {FIRST: 0, SECOND: 0}


def test_drift_is_only_reported_where_that_is_wished_for_and_once(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    stand = Stand(tmp_path, web(more='drift = "report"\n'))
    stand.turn()
    stand.set_weight(SECOND, 77)

    for _ in range(3):
        stand.turn(6)

    assert stand.weights() == {FIRST: 3, SECOND: 77}
    drift = [message for message in log.messages if message.startswith("drift: ")]
    assert len(drift) == 1
    assert "weight 77 -> 5" in drift[0]

    stand.set_weight(SECOND, 5)
    stand.turn(6)
    assert log.messages[-1] == "drift: there is none any more"


def test_where_drift_is_reported_health_is_followed_all_the_same(tmp_path: Path) -> None:
    stand = Stand(tmp_path, web(more='drift = "report"\n'))
    stand.turn()
    stand.set_weight(SECOND, 77)

    stand.answers(FIRST, ok=False)
    stand.turn()

    assert stand.weights() == {FIRST: 0, SECOND: 77}


def test_a_change_of_the_file_is_carried_out(stand: Stand) -> None:
    stand.write(web(weight=9))

    stand.turn(1)
    assert stand.weights() == ALL
    stand.settle()

    assert stand.weights() == {FIRST: 9, SECOND: 5}


def test_a_change_of_the_file_is_carried_out_where_drift_is_only_reported(tmp_path: Path) -> None:
    report = 'drift = "report"\n'
    stand = Stand(tmp_path, web(more=report))
    stand.turn()
    stand.set_weight(SECOND, 77)

    stand.write(web(weight=9, more=report))
    stand.settle()

    assert stand.weights() == {FIRST: 9, SECOND: 77}


def test_sighup_reads_the_file_at_once(stand: Stand) -> None:
    stand.write(web(weight=9))

    stand.mailbox.reload()
    stand.turn()
    stand.turn()

    assert stand.weights() == {FIRST: 9, SECOND: 5}


def test_a_reload_knows_what_the_checks_knew(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.turn()

    stand.write(web(weight=9).replace('interval = "2s"', 'interval = "7s"'))
    stand.settle()

    assert stand.weights() == {FIRST: 0, SECOND: 5}
    assert stand.states()[FIRST] is HealthState.DOWN


def test_a_broken_file_leaves_the_old_one_in_force_and_is_published(
    stand: Stand, log: pytest.LogCaptureFixture
) -> None:
    stand.write(web() + "[[service]\n")
    stand.settle()
    stand.set_weight(SECOND, 77)

    stand.answers(FIRST, ok=False)
    stand.turn(6)

    assert stand.weights() == {FIRST: 0, SECOND: 5}
    (problem,) = stand.known().problems
    assert str(stand.paths.config) in problem
    assert stand.known().in_force == web()
    assert sum(message.startswith("configuration: ") for message in log.messages) == 1


def test_a_file_that_is_mended_is_no_problem_any_more(stand: Stand) -> None:
    stand.write(web() + "[[service]\n")
    stand.settle()
    stand.write(web(weight=9))
    stand.settle()

    assert (stand.known().problems, stand.known().in_force) == ((), None)
    assert stand.weights() == {FIRST: 9, SECOND: 5}


def test_a_change_by_a_command_is_never_undone(stand: Stand) -> None:
    """The file is another one at the next comparison, before anybody has looked at it."""
    stand.clock.sleep(6)
    stand.write(web(weight=9))
    stand.apply()

    for _ in range(8):
        stand.turn(0.7)
        assert stand.weights() == {FIRST: 9, SECOND: 5}


def test_a_change_that_empties_a_service_is_refused_and_said(stand: Stand) -> None:
    empty = web().replace("weight = 3", "weight = 0").replace("weight = 5", "weight = 0")
    stand.write(empty)
    stand.settle()
    stand.turn(6)

    assert stand.weights() == ALL
    assert any("without a server" in problem for problem in stand.known().problems)


def test_health_of_others_is_followed_while_a_change_is_refused(tmp_path: Path) -> None:
    stand = Stand(tmp_path, web(more=MAIL))
    stand.turn()
    empty = web(more=MAIL).replace("weight = 3", "weight = 0").replace("weight = 5", "weight = 0")
    stand.write(empty)
    stand.settle()

    stand.answers(THIRD, ok=False)
    stand.turn()

    assert stand.weights() == {**ALL, THIRD: 0}


def hold(stand: Stand, server: str, until: float | None = None) -> None:
    override = Override(Reason.DISABLED, until)
    change = holding_at_zero("web", Endpoint.parse(server), override)
    with stand.director.overriding(change, Options()) as transaction:
        transaction.carry_out(lambda _: None)


def test_what_an_operator_disabled_stays_so(stand: Stand) -> None:
    hold(stand, FIRST)

    stand.answers(FIRST, ok=True)
    for _ in range(4):
        stand.turn(3)

    assert stand.weights() == {FIRST: 0, SECOND: 5}


@pytest.mark.parametrize("drift", ["repair", "report"])
def test_what_was_disabled_for_a_while_comes_back_by_itself(tmp_path: Path, drift: str) -> None:
    stand = Stand(tmp_path, web(more=f'drift = "{drift}"\n'))
    stand.turn()
    hold(stand, FIRST, stand.clock.now() + 20)
    for _ in range(3):
        stand.turn(5)
    assert stand.weights() == {FIRST: 0, SECOND: 5}

    for _ in range(4):
        stand.turn(3)

    assert stand.weights() == ALL
    assert overridefile.load(stand.paths.overrides) == {}


def test_a_command_at_work_is_waited_for(stand: Stand) -> None:
    with stand.director.locked(Options()):
        stand.answers(FIRST, ok=False)
        stand.turn()
        assert stand.weights() == ALL
        # What it knows is published all the same.
        assert stand.states()[FIRST] is HealthState.DOWN
    stand.turn(RETRY)

    assert stand.weights() == {FIRST: 0, SECOND: 5}


def test_while_a_trial_stands_weights_are_set_and_drift_is_left(stand: Stand) -> None:
    stand.paths.trial.parent.mkdir(exist_ok=True)
    with stand.director.locked(Options()):
        stand.paths.trial.write_text("{}")
        stand.set_weight(SECOND, 77)
        stand.answers(FIRST, ok=False)
        for _ in range(3):
            stand.turn(6)
        assert stand.weights() == {FIRST: 0, SECOND: 77}
        stand.paths.trial.unlink()
    for _ in range(3):
        stand.turn(6)

    assert stand.weights() == {FIRST: 0, SECOND: 5}


def test_a_trial_that_was_cut_off_is_a_problem_until_it_is_decided(stand: Stand) -> None:
    stand.paths.trial.write_text("{}")
    stand.set_weight(SECOND, 77)
    stand.turn(6)
    stand.turn(6)
    assert stand.weights()[SECOND] == 77
    assert "a trial was cut off" in stand.known().problems[0]

    stand.paths.trial.unlink()
    stand.turn(6)
    stand.turn(6)

    assert stand.weights() == ALL
    assert stand.known().problems == ()


def test_a_refusal_of_the_kernel_is_tried_again_and_said_once(
    stand: Stand, log: pytest.LogCaptureFixture
) -> None:
    key = next(
        key
        for key, one in stand.kernel.state.items()
        if isinstance(one, IpvsServer) and str(one.endpoint) == FIRST
    )
    stand.kernel.refusals[key] = errno.EINVAL
    stand.answers(FIRST, ok=False)
    for _ in range(5):
        stand.turn(BACK_OFF[1])
    assert stand.weights() == ALL
    assert sum(message.startswith("health: ") for message in log.messages) == 1

    stand.kernel.refusals.clear()
    stand.turn(BACK_OFF[1])

    assert stand.weights() == {FIRST: 0, SECOND: 5}
    assert "health: well again" in log.messages


def test_at_the_end_the_kernel_stays_as_it_is(stand: Stand) -> None:
    stand.answers(FIRST, ok=False)
    stand.turn()
    stand.mailbox.stop()

    assert not stand.turn()
    assert stand.weights() == {FIRST: 0, SECOND: 5}


def test_at_the_end_all_is_drained_where_that_is_wished_for(tmp_path: Path) -> None:
    stand = Stand(tmp_path, web(more='on_stop = "drain"\n'))
    stand.turn()
    stand.mailbox.stop()

    assert not stand.turn()
    assert stand.weights() == {FIRST: 0, SECOND: 0}

    stand.start()
    stand.turn()
    assert stand.weights() == ALL


def test_what_somebody_else_made_is_left_alone_and_the_rest_is_kept(tmp_path: Path) -> None:
    stranger = Stand(tmp_path / "stranger", MAIL).kernel.state
    stand = Stand(tmp_path)
    stand.kernel.state |= stranger
    stand.turn()
    stand.write(web(more=MAIL))
    stand.settle()
    stand.set_weight(SECOND, 77)
    stand.turn(6)

    assert stand.weights() == {**ALL, THIRD: 1}
    assert any("made by somebody else" in problem for problem in stand.known().problems)


class Systemd(Manager):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def ready(self) -> None:
        self.heard.append("ready")

    def reloading(self, monotonic: float) -> None:
        del monotonic
        self.heard.append("reloading")


def test_systemd_is_told_when_all_is_as_it_should_be(tmp_path: Path) -> None:
    systemd = Systemd()
    stand = Stand(tmp_path, manager=systemd)
    assert systemd.heard == []

    stand.turn()
    stand.turn(6)

    assert systemd.heard == ["ready"]


def test_systemd_is_told_when_a_reload_begins_and_has_ended(tmp_path: Path) -> None:
    systemd = Systemd()
    stand = Stand(tmp_path, manager=systemd)
    stand.turn()
    stand.write(web(weight=9))

    stand.mailbox.reload()
    stand.turn()
    assert systemd.heard == ["ready", "reloading"]
    stand.turn()

    assert systemd.heard == ["ready", "reloading", "ready"]
    assert stand.weights() == {FIRST: 9, SECOND: 5}


def test_a_reload_of_a_broken_file_ends_too(tmp_path: Path) -> None:
    systemd = Systemd()
    stand = Stand(tmp_path, manager=systemd)
    stand.turn()
    stand.write("[[service]\n")

    stand.mailbox.reload()
    stand.turn()

    assert systemd.heard == ["ready", "reloading", "ready"]
