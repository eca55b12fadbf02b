"""What the nft table has in it, and when it counts as changed."""

from __future__ import annotations

import json
from copy import deepcopy
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from lvsnat.host.table import NftTable, table_for
from lvsnat.model.config import Config, Egress, HostOptions
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.resource import Stage
from lvsnat.model.service import VirtualService

RANGE = "tcp/192.168.1.50:8000-8100,9000"


def config(
    *listeners: str, imds: bool = False, egress: Egress | None = None, to: str = ""
) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen))
        for number, listen in enumerate(listeners)
    )
    networks = tuple(map(ip_network, to.split()))
    return Config(
        services=services,
        host=HostOptions(block_imds=imds, egress=egress, egress_networks=networks),
    )


def rules(wish: Config) -> dict[str, str]:
    table = table_for(wish)
    return {} if table is None else dict(table.settings())


def listing(table: NftTable) -> list[dict[str, Any]]:
    """As nft would list it: with a head, handles and counts."""
    objects = [json.loads(text) for text in table.objects]
    for handle, one in enumerate(objects):
        (body,) = one.values()
        body["handle"] = handle
        for expression in body.get("expr", []):
            if "counter" in expression:
                expression["counter"] = {"packets": 17, "bytes": 1020}
    return [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, *objects]


FULL = table_for(config(RANGE, imds=True, egress="masquerade", to="192.168.2.0/24 192.168.4.0/24"))
assert FULL is not None


@pytest.mark.parametrize(
    "wish",
    [
        Config(),
        Config(host=HostOptions(egress="masquerade", egress_networks=(ip_network("10.0.0.0/8"),))),
        config("tcp/192.168.1.50:80", "tcp/192.168.1.50:0", "fwmark/7"),
    ],
)
def test_where_no_rule_is_needed_there_is_no_table(wish: Config) -> None:
    assert table_for(wish) is None


def test_several_ports_are_marked_on_both_ways_in() -> None:
    wish = rules(config(RANGE, "sctp/[2001:db8::50]:9-10"))

    assert wish == {
        "prerouting": "ip daddr 192.168.1.50 tcp dport { 8000-8100, 9000 } meta mark set"
        " 0x4c001c12; ip6 daddr 2001:db8::50 sctp dport 9-10 meta mark set 0x4c001534",
        "output": wish["prerouting"],
    }


def test_real_servers_are_kept_from_the_metadata_service() -> None:
    assert rules(config("tcp/192.168.1.50:80", imds=True)) == {
        "forward": "ip daddr 169.254.169.254 counter drop; ip6 daddr fd00:ec2::254 counter drop"
    }


def test_egress_leaves_the_directors_own_and_ipvs_alone() -> None:
    wish = config(
        "tcp/192.168.1.50:80", "udp/192.168.1.51:53", "fwmark/7", "fwmark/7/ipv6",
        egress="masquerade", to="192.168.2.0/24 192.168.3.0/24 192.168.9.9",
    )  # fmt: skip

    assert rules(wish)["egress"].split("; ") == [
        "fib saddr type local return",
        "ct original ip daddr { 192.168.1.50, 192.168.1.51 } return",
        "meta mark 0x7 return",
        (
            "ip saddr { 192.168.9.9, 192.168.2.0/23 } ip daddr != { 192.168.9.9, 192.168.2.0/23 }"
            " masquerade"
        ),
    ]


def test_egress_serves_each_family_by_itself() -> None:
    networks = "192.168.2.0/24 2001:db8:2::/64"
    wish = config("tcp/[2001:db8::50]:80", egress="masquerade", to=networks)

    assert rules(wish)["egress"].split("; ")[1:] == [
        "ct original ip6 daddr 2001:db8::50 return",
        "ip saddr 192.168.2.0/24 ip daddr != 192.168.2.0/24 masquerade",
        "ip6 saddr 2001:db8:2::/64 ip6 daddr != 2001:db8:2::/64 masquerade",
    ]


def test_egress_can_be_one_address() -> None:
    wish = config("fwmark/7", egress=ip_address("192.168.1.50"), to="192.168.2.0/24")

    assert rules(wish)["egress"].endswith("snat ip to 192.168.1.50")


def test_the_table_is_made_last_and_is_nobody_elses() -> None:
    assert FULL is not None
    assert FULL.stage > Stage.SERVER
    assert not FULL.shared
    assert FULL.describe() == "nft table inet lvsnat"


def test_the_same_wish_is_the_same_table() -> None:
    nets = "192.168.4.0/24 192.168.2.0/24"

    assert table_for(config(RANGE, imds=True, egress="masquerade", to=nets)) == FULL


def test_handles_counts_and_the_order_in_a_set_are_no_drift() -> None:
    assert FULL is not None
    seen = listing(FULL)
    for one in seen:
        for expression in one.get("rule", {}).get("expr", []):
            right = expression.get("match", {}).get("right")
            if isinstance(right, dict) and "set" in right:
                right["set"].reverse()

    assert NftTable.of(seen) == FULL


@pytest.mark.parametrize("index", range(1, 13))
def test_everything_that_is_missing_is_drift(index: int) -> None:
    assert FULL is not None
    seen = listing(FULL)
    assert len(seen) == 13

    del seen[index]

    assert NftTable.of(seen) != FULL


def test_a_changed_rule_and_one_too_many_are_drift_and_shown() -> None:
    assert FULL is not None
    seen = listing(FULL)
    added = deepcopy(seen[-1])
    added["rule"]["expr"] = [{"xt": {"type": "match", "name": "ipvs"}}, {"accept": None}]

    changed = NftTable.of([*seen, added])

    assert changed != FULL
    assert changed.settings()["prerouting"].endswith("; ipvs accept")


def test_a_table_put_to_sleep_and_a_policy_are_drift_and_shown() -> None:
    assert FULL is not None
    seen = listing(FULL)
    seen[1]["table"]["flags"] = ["dormant"]
    chain = next(one["chain"] for one in seen if one.get("chain", {}).get("name") == "forward")
    chain["policy"] = "drop"
    seen.append({"set": {"family": "inet", "table": "lvsnat", "name": "mine", "type": "mark"}})

    words = NftTable.of(seen).settings()

    assert "dormant" in words["table lvsnat"]
    assert words["forward"].startswith("policy drop; ")
    assert "mark" in words["set mine"]
