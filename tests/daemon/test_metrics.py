"""The metrics as Prometheus reads them: over HTTP, with its own parser."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from daemon.scrapes import ONE, TWO, health, metrics, samples, scraped, server, service, status
from prometheus_client.parser import text_string_to_metric_families

from lvsnat.daemon.exposition import Exposition
from lvsnat.daemon.metrics import Metrics
from lvsnat.errors import LvsnatError
from lvsnat.health.outcome import Concern, Transition
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.status import Counters, Health, HealthState, ServerStats, ServiceStats

ANY = Endpoint.parse("127.0.0.1:0")
WEB = ("service", "web")
PLACE = {one: (("server", str(one)), WEB) for one in (ONE, TWO)}


@pytest.fixture
def told() -> Iterator[Metrics]:
    found = metrics()
    yield found
    found.serve(None)


def text_of(found: Metrics) -> str:
    exposition = Exposition(ANY, found.registry)
    try:
        return scraped(exposition.port)
    finally:
        exposition.close()


def test_what_was_counted_is_served(told: Metrics) -> None:
    seen = samples(text_of(told))

    assert seen["lvsnat_checks_total"] == {
        (("result", "success"), ("type", "tcp")): 1,
        (("result", "failure"), ("type", "tcp")): 1,
        (("result", "maintenance"), ("type", "agent")): 1,
    }
    assert seen["lvsnat_check_duration_seconds_count"][(("type", "tcp"),)] == 2
    assert seen["lvsnat_apply_duration_seconds_sum"][()] == pytest.approx(0.5)
    assert seen["lvsnat_apply_failures_total"][()] == 1
    assert seen["lvsnat_changes_total"][()] == 3
    assert seen["lvsnat_config_last_reload_successful"][()] == 1
    assert seen["lvsnat_config_last_reload_success_timestamp_seconds"][()] == 1000
    transition = (("concern", "server"), WEB, ("to", "down"))
    assert seen["lvsnat_health_transitions_total"] == {transition: 2}


def test_what_was_seen_is_served_by_the_names_of_services(told: Metrics) -> None:
    seen = samples(text_of(told))

    assert seen["lvsnat_service_info"] == {(("listen", "tcp/192.168.1.50:80"), WEB): 1}
    assert seen["lvsnat_service_servers"][WEB, ("state", "up")] == 1
    assert seen["lvsnat_service_servers"][WEB, ("state", "down")] == 1
    assert seen["lvsnat_service_servers"][WEB, ("state", "unknown")] == 0
    assert seen["lvsnat_service_quorum_servers"][(WEB,)] == 2
    assert seen["lvsnat_service_quorum_lost"][(WEB,)] == 1
    assert seen["lvsnat_service_fail_open"][(WEB,)] == 0
    assert seen["lvsnat_service_sorry_active"][(WEB,)] == 1
    assert seen["lvsnat_service_current_connections"][WEB, ("state", "active")] == 4
    assert seen["lvsnat_service_persistent_clients"][(WEB,)] == 2
    assert seen["lvsnat_service_connections_total"][(WEB,)] == 10
    assert seen["lvsnat_service_bytes_total"][("direction", "in"), WEB] == 10000
    assert seen["lvsnat_service_packets_total"][("direction", "out"), WEB] == 80
    assert seen["lvsnat_drift_resources"][()] == 4
    assert seen["lvsnat_problems"][()] == 1
    assert seen["lvsnat_check_lag_seconds"][()] == 0.25
    assert seen["lvsnat_last_look_timestamp_seconds"][()] == 1002.5
    assert seen["lvsnat_mode_info"] == {(("mode", "lvs-nat"),): 1}


def test_servers_have_series_of_their_own(told: Metrics) -> None:
    seen = samples(text_of(told))

    assert seen["lvsnat_server_up"] == {PLACE[ONE]: 1, PLACE[TWO]: 0}
    assert seen["lvsnat_server_weight"] == {PLACE[ONE]: 1, PLACE[TWO]: 0}
    assert seen["lvsnat_server_connections_total"][PLACE[ONE]] == 5


def test_no_address_is_told_where_services_alone_are_wished() -> None:
    with_servers, without = (text_of(metrics(per_server=each)) for each in (True, False))

    assert "192.168.2.5" in with_servers
    assert "192.168.2.5" not in without
    assert samples(without)["lvsnat_service_bytes_total"]


def test_what_somebody_else_made_has_no_series() -> None:
    found = Metrics()
    found.update(status(service(), service(None, "tcp/192.168.1.51:80")), [], at=1.0)

    assert "192.168.1.51" not in text_of(found)


def test_a_service_that_went_leaves_no_series_behind() -> None:
    found = Metrics()
    gone = Transition(Concern.QUORUM, "old", None, "kept", "lost", "", 1.0)
    found.changed([gone])

    found.update(status(), [], at=2.0)

    assert "lvsnat_health_transitions_total" not in samples(text_of(found))


def test_what_a_carrier_does_not_count_is_left_out() -> None:
    unknown = Counters(5, None, None, 7, None)
    some = replace(
        service(),
        stats=ServiceStats(unknown),
        servers=(replace(server(ONE), stats=ServerStats(totals=unknown)),),
    )
    found = Metrics()
    found.update(status(some), [], at=1.0)

    seen = samples(text_of(found))

    assert "lvsnat_service_packets_total" not in seen
    assert seen["lvsnat_service_bytes_total"] == {(("direction", "in"), WEB): 7}


@pytest.mark.parametrize("state", HealthState)
def test_a_server_that_nobody_finds_down_is_up(state: HealthState) -> None:
    one = replace(server(ONE), checked=Health(state))
    found = Metrics()
    found.update(status(replace(service(), servers=(one,))), [], at=1.0)

    seen = samples(text_of(found))

    out = state in {HealthState.DOWN, HealthState.MAINTENANCE}
    assert seen["lvsnat_server_up"] == {PLACE[ONE]: 0 if out else 1}
    states = {dict(labels)["state"]: n for labels, n in seen["lvsnat_service_servers"].items()}
    assert states == {**dict.fromkeys(HealthState, 0), state: 1}


def test_the_sorry_server_is_none_of_the_servers() -> None:
    last = replace(server(TWO), sorry=True)
    found = Metrics()
    found.update(status(replace(service(), servers=(server(ONE), last))), [], at=1.0)

    seen = samples(text_of(found))

    assert sum(seen["lvsnat_service_servers"].values()) == 1
    assert set(seen["lvsnat_server_up"]) == {PLACE[ONE]}
    assert seen["lvsnat_service_current_connections"][WEB, ("state", "active")] == 4


def test_a_broken_file_keeps_the_time_of_the_good_one(told: Metrics) -> None:
    told.reloaded(2000.0, good=False)

    seen = samples(text_of(told))

    assert seen["lvsnat_config_last_reload_successful"][()] == 0
    assert seen["lvsnat_config_last_reload_success_timestamp_seconds"][()] == 1000


def test_the_names_are_those_of_prometheuss_conventions(told: Metrics) -> None:
    for family in text_string_to_metric_families(text_of(told)):
        assert family.documentation, family.name
        if family.name.startswith("process_"):
            continue
        assert re.fullmatch("lvsnat(_[a-z]+)+", family.name)
        counts = {sample.name.endswith("_total") for sample in family.samples}
        assert family.type != "counter" or counts == {True}
        assert family.type == "counter" or True not in counts


def test_a_place_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Endpoint.parse(f"127.0.0.1:{taken.getsockname()[1]}")

        with pytest.raises(LvsnatError, match=f"cannot serve metrics on {place}: address already"):
            Metrics().serve(place)


@pytest.fixture
def port() -> Iterator[int]:
    """One that is free on both loopback addresses, and that nobody else is given meanwhile."""
    with contextlib.ExitStack() as kept:
        while True:
            number = 0
            with contextlib.suppress(OSError):
                for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                    one = kept.enter_context(socket.socket(family))
                    # So that a server that asks for it by its number gets it all the same.
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    one.bind((host, number))
                    number = one.getsockname()[1]
                break
        yield number


def test_the_place_may_change_and_come_back(port: int) -> None:
    first, second = Endpoint.parse(f"127.0.0.1:{port}"), Endpoint.parse(f"[::1]:{port}")
    found = metrics()

    for place, host in ((first, "127.0.0.1"), (first, "127.0.0.1"), (second, "[::1]")):
        found.serve(place)
        assert "lvsnat_build_info" in scraped(port, host)
    found.serve(None)
    with pytest.raises(OSError, match="refused"):
        scraped(port)


def test_a_client_that_says_nothing_keeps_nobody_waiting(told: Metrics) -> None:
    exposition = Exposition(ANY, told.registry)
    with socket.create_connection(("127.0.0.1", exposition.port)):
        assert "lvsnat_build_info" in scraped(exposition.port)
    exposition.close()


def test_it_may_be_asked_while_everything_changes(told: Metrics) -> None:
    exposition = Exposition(ANY, told.registry)
    done = threading.Event()
    texts: list[str] = []

    def ask() -> None:
        while not done.is_set():
            texts.append(scraped(exposition.port))

    thread = threading.Thread(target=ask)
    thread.start()
    for number in count():
        names = [f"s{number % 7}", "web"]
        services = [service(name, f"tcp/192.168.1.50:{i + 1}") for i, name in enumerate(names)]
        gone = Transition(Concern.QUORUM, names[0], None, "kept", "lost", "", 1.0)
        told.changed([gone])
        told.update(status(*services), [health(name) for name in names], at=float(number))
        if number >= 300 and (len(texts) > 1 or not thread.is_alive()):
            break
    done.set()
    thread.join()
    exposition.close()

    assert texts
    assert all(len(samples(text)["lvsnat_service_info"]) <= 2 for text in texts)
