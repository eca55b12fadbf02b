"""What changes make of HAProxy's resources, and how they are brought about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lvsnat.config.parse import parse_config
from lvsnat.haproxy.answers import ServerState
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.outcome import (
    after,
    forgetting,
    not_up,
    observed_weights,
    places,
    side_places,
    to_drain,
    to_wait_for,
    weight_commands,
    weights_alone,
    with_weights,
    without_twins,
)
from lvsnat.haproxy.resources import INSTANCE_KEY, ProxiedServer, ProxiedService
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.phase import Phase
from lvsnat.model.resource import Key, Resource, state_of
from lvsnat.plan.change import Create, Delete, Update

CONFIG = """
mode = "haproxy-tproxy"
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
persistence = 300
check = { type = "tcp", interval = "3s", timeout = "2s", rise = 2 }
servers = [{ address = "10.0.0.1:80", weight = 3 }, { address = "10.0.0.2:80" }]
[[service]]
name = "six"
listen = "tcp/[2001:db8::50]:8000-8001,9000"
servers = [{ address = "[2001:db8::1]:0" }]
"""
WEB = Key("proxied service", "tcp/192.168.1.50:80")
FIRST = Key("proxied server", "tcp/192.168.1.50:80 10.0.0.1:80")


def state(text: str = CONFIG, phase: Phase | None = None) -> dict[Key, Resource]:
    config = replace(parse_config(text, "test"), switching=phase)
    return state_of(expand(config, Path("/run")))


def server(weight: int = 3) -> ProxiedServer:
    found = state()[FIRST]
    assert isinstance(found, ProxiedServer)
    return found.with_weight(weight)


def states(weight: int, *, forced: bool = False) -> list[ServerState]:
    return [
        ServerState(backend, "10.0.0.1:80", 7, weight, forced=forced)
        for backend in ("web:tproxy", "web:local")
    ]


def test_changes_make_the_state_that_a_plan_wants() -> None:
    wanted = state()
    assert after({}, [Create(one) for one in wanted.values()]) == wanted
    assert after(wanted, [Delete(wanted[FIRST])]) == {
        key: one for key, one in wanted.items() if key != FIRST
    }


def test_servers_go_with_their_service_and_all_goes_with_the_instance() -> None:
    wanted = state()
    assert not {key for key in after(wanted, [Delete(wanted[WEB])]) if "192.168" in key.name}
    assert after(wanted, [Delete(wanted[INSTANCE_KEY])]) == {}


def test_weights_alone_take_no_reload() -> None:
    assert weights_alone([Update(server(), server(5))]) == [server(5)]
    assert weights_alone([Update(server(), replace(server(5), words=("backup",)))]) is None
    assert weights_alone([Create(server(5))]) is None


def test_weights_are_set_in_both_backends() -> None:
    assert list(weight_commands([server(5)], state(), states(3))) == [
        "set weight web:tproxy/10.0.0.1:80 5",
        "set weight web:local/10.0.0.1:80 5",
    ]


def test_a_server_that_was_taken_out_by_hand_is_brought_back_first() -> None:
    commands = list(weight_commands([server(5)], state(), states(3, forced=True)[:1]))

    assert commands[0] == "set server web:tproxy/10.0.0.1:80 state ready"


def test_a_drained_server_is_forgotten_where_clients_are_remembered() -> None:
    wanted = state()
    assert list(forgetting(wanted, {FIRST}, states(0))) == [
        "clear table web:tproxy data.server_id eq 7"
    ]
    bare = state(CONFIG.replace("persistence = 300\n", ""))
    assert list(forgetting(bare, {FIRST}, states(0))) == []


def test_the_weights_in_force_are_what_is_observed() -> None:
    seen = state_of(with_weights([*state().values()], observed_weights(states(9))))  # type: ignore[list-item]
    assert seen[FIRST] == server(9)
    held = state_of(with_weights([*state().values()], observed_weights(states(9, forced=True))))  # type: ignore[list-item]
    assert held[FIRST] == server(0)


def test_backends_that_differ_show_the_weight_that_the_file_has_not() -> None:
    one, other = states(3)
    seen = with_weights([*state().values()], observed_weights([one, replace(other, weight=8)]))  # type: ignore[list-item]
    assert state_of(seen)[FIRST] == server(8)


def test_every_place_is_known_with_its_service() -> None:
    assert {str(place): name for place, name in places(state()).items()} == {
        "192.168.1.50:80": "web",
        "[2001:db8::50]:8000": "six",
        "[2001:db8::50]:8001": "six",
        "[2001:db8::50]:9000": "six",
    }


def test_side_ports_are_those_of_a_switch() -> None:
    def beside(phase: Phase | None) -> list[Endpoint]:
        service = state(phase=phase)[WEB]
        assert isinstance(service, ProxiedService)
        return side_places(service)

    assert beside(None) == []
    assert beside(Phase.BOTH) == [Endpoint.parse("192.168.1.50:10080")]


def test_only_a_switch_waits_for_servers_and_not_for_those_without_weight() -> None:
    assert to_wait_for(state()) == {}
    assert to_wait_for(state(phase=Phase.BOTH)) == {"web": 18.0, "six": 16.0}
    drained = {
        key: one.with_weight(0) if isinstance(one, ProxiedServer) else one
        for key, one in state(phase=Phase.BOTH).items()
    }
    assert to_wait_for(drained) == {}


def test_a_server_is_up_once_it_has_passed_a_check() -> None:
    def row(status: str, check: str) -> dict[str, str]:
        return {"pxname": "web:tproxy", "svname": "s", "status": status, "check_status": check}

    assert not_up([row("UP", "INI"), row("DOWN", "L4CON")], ["web"]) == {"web"}
    assert not_up([row("UP 1/2", "* L4OK")], ["web"]) == set()
    assert not_up([row("no check", "")], ["web"]) == set()


def test_of_two_services_of_a_name_the_new_one_stays() -> None:
    old = state()
    moved = state(CONFIG.replace("1.50:80", "1.50:81"))
    made = [Create(one) for key, one in moved.items() if key not in old]

    kept, aside = without_twins(after(old, made), made, {})

    assert kept == moved
    assert set(aside) == set(old) - set(moved)
    # When the new one goes again, the old one is what is left.
    gone = [Delete(change.resource) for change in made]
    assert without_twins(after({**kept, **aside}, gone), gone, aside) == (old, {})


def test_servers_are_drained_that_took_connections_and_are_to_take_none() -> None:
    drained = {**state(), FIRST: server(0)}

    assert to_drain(state(), drained) == [server(0)]
    assert to_drain(drained, drained) == []
    assert to_drain(drained, state()) == []
    assert to_drain({}, drained) == []
