"""Modes are switched under traffic: nothing fails, nothing breaks, servers see the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from e2e.conftest import TOPOLOGIES, lvsnat
from e2e.mode.switching import (
    LONG,
    PATIENCE,
    Scene,
    ended,
    hundred_more,
    scene,
    started,
    under_traffic,
)
from labkit.load import Load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

TPROXY, LVS_NAT = "haproxy-tproxy", "lvs-nat"


@pytest.fixture(params=TOPOLOGIES)
def topology(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def here(request: pytest.FixtureRequest, topology: str) -> Iterator[Scene]:
    with scene(topology, request.param) as one:
        yield one


def go_round(load: Load) -> None:
    """Wait until each of the long connections has had another answer."""
    seen = load.go_round(within=PATIENCE)
    assert (seen.failures, len(seen.rounds)) == ({}, LONG)


def end(load: Load) -> None:
    """Have the client close its connections; none has broken."""
    go_round(load)
    assert load.stop().failures == {}


def test_there_and_back_nothing_fails_and_nothing_breaks(here: Scene) -> None:
    """Each wait ends when the client closes, after the next connections have begun."""
    with ExitStack() as loads, under_traffic(here) as (short, udp):
        first = loads.enter_context(here.long())
        with started(here, "mode", TPROXY) as there:
            here.until("both", there)
            second = loads.enter_context(here.long())
            assert here.state()["switch"]["connections"] >= LONG
            hundred_more(short)
            end(first)
            here.until("proxy-settling", there)
            third = loads.enter_context(here.long())
            hundred_more(short)
            end(second)
            ended(there)
        hundred_more(short)
        go_round(third)
        with started(here, "mode", LVS_NAT) as back:
            here.until("ipvs-settling", back)
            fourth = loads.enter_context(here.long())
            hundred_more(short)
            end(third)
            ended(back)
        hundred_more(short)
        end(fourth)
        udp.go_round()

    assert short.report.failures == {}
    assert udp.report.failures == {}
    assert here.seen() == {here.client}
    here.until_no_haproxy()


ROUNDS = 20


def test_changes_in_haproxy_tproxy_fail_and_break_nothing() -> None:
    """Weights go through HAProxy's socket; timeouts, servers and services take reloads."""
    with scene("dual-subnet", 4) as here:
        lvsnat(here.net, "mode", TPROXY)
        first, second = (f"{rs.address}:8080" for rs in here.net.servers)
        config = here.net.director.home / "lvsnat.toml"
        with here.long() as old, under_traffic(here) as (short, udp):
            for number in range(ROUNDS):
                lvsnat(here.net, "server", "set", "web", first, "--weight", str(number % 9 + 2))
                text = config.read_text()
                options = f"\n[haproxy]\nqueue_timeout = {number + 20}\n"
                config.write_text(text.partition("\n[haproxy]")[0] + options)
                lvsnat(here.net, "apply")
            for number in range(3):
                more = f"tcp/{here.vip}:{8000 + number}"
                lvsnat(here.net, "service", "add", f"s{number}", more, "--server", first)
                lvsnat(here.net, "server", "drain", "web", second)
                lvsnat(here.net, "server", "enable", "web", second)
                lvsnat(here.net, "service", "remove", f"s{number}", "--force")
            hundred_more(short)
            end(old)
            udp.go_round()

        assert (short.report.failures, udp.report.failures) == ({}, {})
        assert here.seen() == {here.client}
