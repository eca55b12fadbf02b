"""Our nft table on a real kernel, in a namespace of the test's own; nft(8) is the oracle."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from labkit.host import HUNG

from lvsnat.errors import LvsnatError
from lvsnat.host import nft
from lvsnat.host.backend import HostBackend
from lvsnat.host.table import TABLE_KEY, NftTable, table_for
from lvsnat.model.config import Config, Egress, HostOptions
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.resource import Key, state_of
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.apply import StepError, apply
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import Plan, plan
from lvsnat.system import run

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("fresh_netns")]

LISTENERS = (
    "tcp/192.168.1.50:8000-8100,9000",
    "udp/192.168.1.50:5000-5010",
    "sctp/[2001:db8::50]:9-10",
    "tcp/192.168.1.51:80",
    "fwmark/7",
    "fwmark/9/ipv6",
)


def ok(*argv: str, stdin: str | None = None) -> str:
    done = run(argv, stdin=stdin)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


def config(
    *listeners: str, imds: bool = True, egress: Egress | None = None, networks: str = ""
) -> Config:
    services = tuple(
        VirtualService(
            f"s{number}",
            parse_listener(listen),
            servers=(RealServer(Endpoint.parse("192.168.2.55:80")),),
        )
        for number, listen in enumerate(listeners)
    )
    nets = tuple(map(ip_network, networks.split()))
    return Config(
        services=services, host=HostOptions(block_imds=imds, egress=egress, egress_networks=nets)
    )


def table(wish: Config) -> NftTable:
    found = table_for(wish)
    assert found is not None
    return found


FULL = table(
    config(*LISTENERS, egress="masquerade", networks="192.168.2.0/24 192.168.8.1 2001:db8:2::/64")
)
SMALL = table(config("tcp/192.168.1.50:80"))


def carry_out(*changes: Change) -> None:
    HostBackend().apply(changes, lambda _: None)


def everything() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(ok("nft", "-j", "list", "ruleset"))["nftables"]
    return listed[1:]


def planned(owned: bool = True, want: NftTable = FULL) -> Plan:  # noqa: FBT001, FBT002 - a test's own
    """The plan for a table, as the director makes it."""
    seen = state_of(HostBackend().observe([TABLE_KEY]))
    return plan({TABLE_KEY: want}, seen, Ledger(frozenset({TABLE_KEY} if owned else ())))


@pytest.mark.parametrize(
    "wish",
    [
        config("tcp/192.168.1.50:80"),
        config("tcp/192.168.1.50:1-65535", imds=False),
        config("udp/[2001:db8::50]:53,5353,8053-8060", imds=False),
        config(*LISTENERS, egress="masquerade", networks="192.168.2.0/24 2001:db8:2::/64"),
        config(*LISTENERS, egress=ip_address("192.168.1.50"), networks="10.0.0.0/8 10.1.0.0/16"),
        config("fwmark/7", egress=ip_address("2001:db8::50"), networks="2001:db8:2::/64"),
        config(
            "tcp/192.168.1.50:80", "tcp/192.168.1.51:80", "fwmark/7", "fwmark/8",
            egress="masquerade", networks="192.168.2.0/24 192.168.4.0/24 192.168.9.9/32",
        ),
    ],
)  # fmt: skip
def test_what_is_loaded_reads_back_as_the_same(wish: Config) -> None:
    carry_out(Create(table(wish)))

    assert nft.observe() == table(wish)


def test_nft_itself_finds_no_fault_with_the_whole() -> None:
    commands = {"nftables": [{"add": json.loads(one)} for one in FULL.objects]}

    assert ok("nft", "-j", "-c", "-f", "-", stdin=json.dumps(commands)) == ""
    assert everything() == []


def test_nft_shows_the_rules_in_the_words_of_the_plan() -> None:
    carry_out(Create(FULL))

    shown = ok("nft", "-s", "list", "table", "inet", "lvsnat")

    words = "; ".join(FULL.settings().values()).replace("0x7 ", "0x00000007 ")
    words = words.replace("0x9 ", "0x00000009 ")
    for rule in words.split("; "):
        if "{" not in rule and "mark 0x" not in rule:
            assert rule in shown


def test_a_table_comes_changes_and_goes() -> None:
    carry_out(Create(SMALL))
    carry_out(Update(SMALL, FULL))
    assert nft.observe() == FULL

    carry_out(Delete(FULL))

    assert nft.observe() is None
    assert everything() == []


def test_settings_and_the_table_come_with_a_service_and_go_with_it() -> None:
    backend = HostBackend()
    desired = state_of(backend.expand(config("fwmark/7")))
    before = state_of(backend.observe(desired))
    assert TABLE_KEY in desired
    assert TABLE_KEY not in before

    coming = plan(desired, before, Ledger())
    ledger = Ledger().intending(coming.changes)
    apply(coming.changes, [backend], lambda _: None)
    between = state_of(backend.observe(desired))
    going = plan({}, between, ledger)
    apply(going.changes, [backend], lambda _: None)

    assert between == desired
    assert state_of(backend.observe(desired)) == before
    assert ledger.after(coming.changes).after(going.changes) == Ledger()


def test_what_others_have_is_not_touched() -> None:
    ok("nft", "add table inet lvsnat2; add table ip lvsnat; add chain ip lvsnat mine")
    before = everything()

    carry_out(Create(FULL), Update(FULL, SMALL), Delete(SMALL))

    assert everything() == before


def test_removing_what_is_gone_is_done() -> None:
    carry_out(Delete(FULL))

    assert everything() == []


@pytest.mark.parametrize(
    "edit",
    [
        "flush chain inet lvsnat forward",
        "delete chain inet lvsnat output",
        "add rule inet lvsnat forward ip daddr 10.0.0.1 drop",
        "insert rule inet lvsnat prerouting ip saddr 10.0.0.1 accept",
        "add chain inet lvsnat mine",
        "add set inet lvsnat mine { type mark; }",
        "add chain inet lvsnat forward { policy drop; }",
        "add table inet lvsnat { flags dormant; }",
        "flush table inet lvsnat",
    ],
)
def test_every_edit_by_hand_is_found_and_repaired(edit: str) -> None:
    carry_out(Create(FULL))
    assert not planned()
    if edit.startswith("delete chain"):
        ok("nft", "flush chain inet lvsnat output")
    ok("nft", edit)

    (change,) = planned().changes
    carry_out(change)

    assert isinstance(change, Update)
    assert change.before.settings() != change.after.settings() or "mine" in edit
    assert not planned()


def test_a_rule_changed_in_place_is_found() -> None:
    carry_out(Create(FULL))
    (handle,) = (
        one["rule"]["handle"]
        for one in everything()
        if "fd00:ec2::254" in json.dumps(one.get("rule", {}))
    )

    ok("nft", f"replace rule inet lvsnat forward handle {handle} ip6 daddr fd00::1 counter drop")

    assert planned()


def test_a_flushed_ruleset_is_made_again() -> None:
    carry_out(Create(FULL))
    ok("nft", "flush", "ruleset")

    assert planned().changes == (Create(FULL),)


def test_a_table_of_somebody_else_is_a_conflict() -> None:
    ok("nft", "add table inet lvsnat; add chain inet lvsnat theirs")

    found = planned(owned=False)

    assert found.changes == ()
    assert [one.describe() for one in found.conflicts] == ["nft table inet lvsnat"]


def test_a_table_that_came_meanwhile_is_not_replaced() -> None:
    ok("nft", "add table inet lvsnat; add chain inet lvsnat theirs")
    before = everything()

    with pytest.raises(StepError, match="File exists"):
        carry_out(Create(FULL))

    assert everything() == before


def test_a_failure_later_on_brings_back_what_was_there_by_hand() -> None:
    ok(
        "nft",
        "add table inet lvsnat;"
        "add set inet lvsnat mine { type ipv4_addr; elements = { 10.0.0.1 }; };"
        "add chain inet lvsnat theirs { type filter hook forward priority 5; policy accept; };"
        "add rule inet lvsnat theirs ip saddr @mine ct state new limit rate 5/second counter drop",
    )
    before = nft.observe()
    assert before is not None
    bad = NftTable((*FULL.objects, '{"rule":{"chain":"absent","family":"inet","table":"lvsnat"}}'))

    with pytest.raises(StepError):
        apply([Update(before, FULL), Update(FULL, bad)], [HostBackend()], lambda _: None)

    assert nft.observe() == before


def test_nothing_is_asked_of_nft_where_no_table_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert list(HostBackend().observe([Key("address", "192.0.2.1")])) == []


def test_a_missing_nft_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LvsnatError, match="nft is missing") as raised:
        list(HostBackend().observe([TABLE_KEY]))

    assert "apt install nftables" in str(raised.value.hint)


def warnings(wish: Config) -> list[str]:
    return [f"{one.message}: {one.hint}" for one in HostBackend().warnings(wish)]


WEB = config("tcp/192.168.1.50:80")


def test_our_own_table_and_an_open_firewall_are_no_reason_to_warn() -> None:
    carry_out(Create(FULL))
    ok("iptables", "-P", "FORWARD", "ACCEPT")
    ok("nft", "add table inet fw; add chain inet fw f { type filter hook forward priority 0; }")

    assert warnings(WEB) == []


def test_dockers_policy_is_warned_of_and_the_remedy_ends_it() -> None:
    ok("iptables", "-P", "FORWARD", "DROP")
    ok("iptables", "-N", "DOCKER-USER")
    ok("iptables", "-A", "FORWARD", "-j", "DOCKER-USER")
    tracked = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
    ok("iptables", "-A", "FORWARD", *tracked, "-j", "ACCEPT")

    (warning,) = warnings(WEB)
    ok(*warning.rpartition(": ")[2].split())

    assert "chain ip filter FORWARD drops by its policy what 192.168.2.55" in warning
    assert "iptables -I DOCKER-USER -s 192.168.2.55 -j ACCEPT" in warning
    assert warnings(WEB) == []


def test_a_policy_of_nft_is_warned_of_and_the_remedy_ends_it() -> None:
    ok(
        "nft",
        "add table inet fw;"
        "add chain inet fw f { type filter hook forward priority 0; policy drop; };"
        "add rule inet fw f ct state established,related accept",
    )

    (warning,) = warnings(WEB)
    ok("nft", warning.split("'")[1])

    assert "chain inet fw f drops by its policy" in warning
    assert warnings(WEB) == []


def test_the_program_says_so_beside_its_plan() -> None:
    ok("iptables", "-P", "FORWARD", "DROP")

    said = run([sys.executable, "-m", "lvsnat", "service", "add", "web", "tcp/127.0.0.1:80",
                "--server", "192.168.2.55:80", "--dry-run"], timeout=HUNG)  # fmt: skip

    if "IPVS" in said.stderr:
        pytest.skip("this kernel has no IPVS: run it with scripts/lab")
    assert said.returncode == 0
    assert "warning: the nft chain ip filter FORWARD drops by its policy" in said.stderr
    assert "hint: let their packets pass: iptables -I FORWARD" in said.stderr
