"""Which chains of haproxy-tproxy the table has in each phase. nft's own view is in tests/kernel."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from lvsnat.host import tproxy
from lvsnat.host.export import script
from lvsnat.host.table import NftTable, table_for
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.endpoint import Endpoint, Family, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import VirtualService

DIVERT = (
    "meta l4proto tcp socket wildcard 1 return; meta l4proto tcp socket transparent 1 counter"
    " meta mark set meta mark | 0x1 accept"
)
SYN = "tcp flags syn / fin,syn,rst,ack counter"
LISTENERS = (
    "tcp/[2001:db8::50]:80",
    "tcp/192.168.1.50:443",
    "tcp/192.168.1.50:80",
    "tcp/192.168.1.51:8000-8001",
    "udp/192.168.1.50:5000-5010",
)


def config(phase: Phase, *listeners: str, mark: int = 1) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen))
        for number, listen in enumerate(listeners)
    )
    return Config(
        services=services,
        host=HostOptions(block_imds=False),
        haproxy=HaproxyOptions(mark=mark),
        switching=phase,
    )


def rules(wish: Config) -> dict[str, str]:
    table = table_for(wish)
    return {} if table is None else dict(table.settings())


def chains(wish: Config) -> set[str]:
    table = table_for(wish)
    objects = [json.loads(one) for one in table.objects] if table else []
    return {one["chain"]["name"] for one in objects if "chain" in one}


@pytest.mark.parametrize(
    ("phase", "there"),
    [
        (Phase.LVS_NAT, set()),
        (Phase.BOTH, {"divert", "keepct", "switch"}),
        (Phase.PROXY_STEERED, {"divert", "keepct", "switch"}),
        (Phase.PROXY_SETTLING, {"divert", "keepct", "switch"}),
        (Phase.HAPROXY_TPROXY, {"divert"}),
        (Phase.IPVS_SETTLING, {"divert", "keepct", "switch"}),
    ],
)
def test_each_phase_has_its_chains(phase: Phase, there: set[str]) -> None:
    assert chains(config(phase, "tcp/192.168.1.50:80")) == there


@pytest.mark.parametrize("phase", Phase)
def test_new_connections_are_steered_in_the_phases_that_steer(phase: Phase) -> None:
    assert ("switch" in rules(config(phase, *LISTENERS))) is phase.steers


def test_a_vip_is_one_rule_however_many_ports_it_has() -> None:
    assert rules(config(Phase.BOTH, *LISTENERS))["switch"].split("; ") == [
        (
            f"ip daddr 192.168.1.50 tcp dport {{ 80, 443 }} {SYN} dnat ip to"
            " 192.168.1.50:tcp dport map { 80 : 10080, 443 : 10443 }"
        ),
        (
            f"ip daddr 192.168.1.51 tcp dport {{ 8000, 8001 }} {SYN} dnat ip to"
            " 192.168.1.51:tcp dport map { 8000 : 18000, 8001 : 18001 }"
        ),
        f"ip6 daddr 2001:db8::50 tcp dport 80 {SYN} dnat ip6 to [2001:db8::50]:10080",
    ]


def test_replies_get_the_bits_of_the_configuration() -> None:
    assert rules(config(Phase.HAPROXY_TPROXY, "tcp/192.168.1.50:80"))["divert"] == DIVERT
    other = rules(config(Phase.HAPROXY_TPROXY, "tcp/192.168.1.50:80", mark=0x10000000))
    assert other["divert"] == DIVERT.replace("0x1", "0x10000000")


@pytest.mark.parametrize("phase", Phase)
def test_without_tcp_no_phase_asks_for_anything(phase: Phase) -> None:
    wish = config(phase, "udp/192.168.1.50:53", "fwmark/7")

    assert table_for(wish) is None
    assert tproxy.diverted_families(wish) == ()


def test_only_the_families_of_tcp_are_diverted() -> None:
    wish = config(Phase.BOTH, "udp/192.168.1.50:53", "tcp/[2001:db8::50]:80")

    assert tproxy.diverted_families(wish) == (Family.IPV6,)


@pytest.mark.parametrize(
    ("phase", "marked"),
    [
        (Phase.LVS_NAT, True),
        (Phase.BOTH, False),
        (Phase.PROXY_STEERED, False),
        (Phase.PROXY_SETTLING, False),
        (Phase.HAPROXY_TPROXY, False),
        (Phase.IPVS_SETTLING, True),
    ],
)
def test_several_tcp_ports_are_marked_where_ipvs_is_to_take_new_connections(
    phase: Phase,
    marked: bool,  # noqa: FBT001 - a test's own
) -> None:
    there = rules(config(phase, *LISTENERS)).get("prerouting", "").split("; ")

    assert len(there) == (2 if marked else 1)
    assert (
        there == rules(config(Phase.LVS_NAT, *LISTENERS))["prerouting"].split("; ")[-len(there) :]
    )


def test_what_a_table_does_is_read_from_it() -> None:
    steering = table_for(config(Phase.BOTH, *LISTENERS, mark=6))
    plain = table_for(config(Phase.HAPROXY_TPROXY, *LISTENERS))
    assert steering is not None
    assert plain is not None

    assert tproxy.mark_of(steering.objects) == 6
    assert tproxy.mark_of(()) is None
    assert tproxy.meets_ipvs(steering.objects)
    assert not tproxy.meets_ipvs(plain.objects)
    assert tproxy.steered_to(plain.objects) == ()
    assert set(tproxy.steered_to(steering.objects)) == {
        Endpoint.parse(place)
        for place in (
            "192.168.1.50:10080",
            "192.168.1.50:10443",
            "192.168.1.51:18000",
            "192.168.1.51:18001",
            "[2001:db8::50]:10080",
        )
    }


def newer(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """As nft 1.1 lists the flags."""
    match value:
        case {"&": [left, [*flags]]}:
            return {"&": [left, {"|": [{"|": flags[:2]}, *flags[2:]]}]}
        case dict():
            return {key: newer(one) for key, one in value.items()}
        case list():
            return [newer(one) for one in value]
        case _:
            return value


def test_the_flags_are_the_same_in_the_spelling_of_every_version_of_nft() -> None:
    table = table_for(config(Phase.BOTH, *LISTENERS))
    assert table is not None
    listed = [json.loads(one) for one in table.objects]

    seen = NftTable.of(newer(deepcopy(listed)))

    assert newer(listed) != listed
    assert seen == table


def test_the_exported_text_says_what_belongs_to_the_rules() -> None:
    wish = config(Phase.HAPROXY_TPROXY, "tcp/192.168.1.50:80", "tcp/[2001:db8::50]:80")

    lines = script(Config(Mode.HAPROXY_TPROXY, wish.services, wish.host)).splitlines()

    assert "#   ip route add local default dev lo table 233" in lines
    assert "#   ip rule add pref 100 fwmark 0x1/0x1 lookup 233" in lines
    assert "#   ip -6 rule add pref 100 fwmark 0x1/0x1 lookup 233" in lines
    assert "#   net.ipv4.conf.*.src_valid_mark = 0" in lines
    assert lines[-8:] == [
        "delete table inet lvsnat",
        "table inet lvsnat {",
        "\tchain divert {",
        "\t\ttype filter hook prerouting priority -150; policy accept;",
        *(f"\t\t{rule}" for rule in DIVERT.split("; ")),
        "\t}",
        "}",
    ]


def test_where_nothing_is_needed_the_exported_text_says_so() -> None:
    assert script(Config()).splitlines()[-1] == "# It needs no nft rules."
