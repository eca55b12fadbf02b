"""A switch that cannot be made changes nothing; one that is cut off is finished or undone."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest
from e2e.conftest import lvsnat
from e2e.mode.switching import (
    PATIENCE,
    Scene,
    ended,
    hundred_more,
    scene,
    started,
    under_traffic,
)
from labkit.load import long_connections

from lvsnat.errors import ExitCode
from lvsnat.model.mode import Mode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

TPROXY, LVS_NAT = "haproxy-tproxy", "lvs-nat"
BROKEN = '[service.haproxy]\nfrontend_lines = ["no-such-keyword here"]'


@pytest.fixture
def here() -> Iterator[Scene]:
    with scene("dual-subnet", 4) as one:
        yield one


def refused(here: Scene) -> str:
    """Try to switch and fail; nothing of this host or of the files is another than before."""
    before = here.facts()
    done = here.net.director.run("lvsnat", "mode", TPROXY, check=False)
    assert done.returncode in (ExitCode.FAILED, ExitCode.REFUSED), done.stdout + done.stderr
    assert here.facts() == before
    assert here.haproxies() == []
    assert "lvs-nat is still in force" in done.stderr
    return done.stderr


def test_a_line_that_haproxy_refuses_changes_nothing() -> None:
    with scene("dual-subnet", 4, BROKEN) as here:
        said = refused(here)

    assert "no-such-keyword" in said


@pytest.mark.parametrize("port", [80, 10080], ids=["port", "side port"])
def test_a_port_that_is_taken_changes_nothing(here: Scene, port: int) -> None:
    here.net.director.serve_tcp(port)

    said = refused(here)

    assert f"{here.vip}:{port} is taken by" in said


def test_without_haproxy_nothing_changes(here: Scene) -> None:
    before = here.facts()
    hidden = f"mount --bind /dev/null /usr/sbin/haproxy; exec lvsnat mode {TPROXY}"

    done = here.net.director.run("unshare", "--mount", "sh", "-c", hidden, check=False)

    assert done.returncode == ExitCode.FAILED, done.stdout + done.stderr
    assert "the program haproxy is not installed" in done.stderr
    assert here.facts() == before


def test_turned_round_half_way_nothing_breaks(here: Scene) -> None:
    with (
        under_traffic(here) as (short, udp),
        long_connections(here.net.client, here.vip, 80, count=10, pause=1) as old,
    ):
        with started(here, "mode", TPROXY) as there:
            here.until("both", there)
            hundred_more(short)
            with (
                long_connections(here.net.client, here.vip, 80, count=10, pause=1) as new,
                started(here, "mode", LVS_NAT) as back,
            ):
                here.until("ipvs-settling", back)
                hundred_more(short)
                new.go_round(within=PATIENCE)
                assert new.stop().failures == {}
                ended(back)
            there.wait(PATIENCE)
        hundred_more(short)
        old.go_round(within=PATIENCE)

    assert (old.report.failures, short.report.failures, udp.report.failures) == ({}, {}, {})
    assert there.returncode == ExitCode.FAILED
    here.until_no_haproxy()
    assert here.seen() == {here.client}


ENDINGS = {0: "apply", 1: "mode", 2: "apply", 3: "mode"}
"""What is run after a kill in a step; the other way round on the way back."""


@pytest.mark.parametrize("killed_in", ENDINGS)
@pytest.mark.parametrize("mode", [TPROXY, LVS_NAT])
def test_killed_in_any_step_it_is_finished_by_the_next_command(
    killed_here: Scene, mode: str, killed_in: int
) -> None:
    other = LVS_NAT if mode == TPROXY else TPROXY
    ending = ENDINGS[killed_in if mode == TPROXY else 3 - killed_in]
    lvsnat(killed_here.net, "mode", other, "--now")

    die_in_step(killed_here, Mode(mode), killed_in)
    lvsnat(killed_here.net, *(["mode", mode, "--now"] if ending == "mode" else ["apply"]))

    state = killed_here.state()
    assert (state["phase"], state["switch"]) == (state["mode"], None)
    assert state["mode"] == mode or (ending, killed_in) == ("apply", 0)
    assert lvsnat(killed_here.net, "plan", "--exit-code").returncode == ExitCode.DONE
    assert killed_here.net.client.ask_tcp(killed_here.vip, 80).client == killed_here.client


@pytest.fixture(scope="module")
def killed_here() -> Iterator[Scene]:
    with scene("dual-subnet", 4) as one:
        yield one


PROGRAM = """
import os, signal, sys
from lvsnat.director.director import Options
from lvsnat.director.switch import ACCEPTED, Switch
from lvsnat.director.wiring import open_director
from lvsnat.director.director import Options
from lvsnat.model.mode import Mode

mode, killed_in = Mode(sys.argv[1]), int(sys.argv[2])
step = 0

def carry_out(here, transaction):
    global step
    # One change is confirmed, and what comes after it is not.
    report = (lambda _: os.kill(os.getpid(), signal.SIGKILL)) if step == killed_in else id
    step += 1
    transaction.carry_out(report, accepted=ACCEPTED)

switch = Switch(open_director(os.environ), Options(), 0)
with switch.beginning(mode) as transaction:
    carry_out(None, transaction)
switch.go_on(mode, carry_out)
"""


def die_in_step(here: Scene, mode: Mode, number: int) -> None:
    """Switch, and be killed when the first change of a step has been made."""
    director = here.net.director
    words = (sys.executable, "-c", PROGRAM, str(mode), str(number))
    done = director.run(*words, check=False)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
