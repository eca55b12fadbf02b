"""Which settings are asked for, and that the page about them says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lvsnat.host.rules import WANTED, SysctlRule, When
from lvsnat.model.config import Config
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.service import Persistence, VirtualService

PAGE = Path(__file__).parents[3] / "docs/reference/host-settings.md"


def config_with(listen: str, persistence: Persistence | None = None) -> Config:
    service = VirtualService("web", parse_listener(listen), persistence=persistence)
    return Config(services=(service,))


def row(rule: SysctlRule) -> str:
    return f"| `{rule.name}` | {rule.value} | {rule.when} | {rule.reason} |"


@pytest.mark.parametrize("when", When)
def test_nothing_holds_without_services(when: When) -> None:
    assert not when.holds(Config())


@pytest.mark.parametrize(
    ("listen", "holding"),
    [
        ("tcp/192.168.1.50:80", {When.IPVS, When.IPV4}),
        ("udp/[2001:db8::50]:53", {When.IPVS, When.IPV6}),
        ("fwmark/7", {When.IPVS, When.IPV4}),
        ("fwmark/7/ipv6", {When.IPVS, When.IPV6}),
    ],
)
def test_the_family_of_a_service_decides(listen: str, holding: set[When]) -> None:
    config = config_with(listen)

    assert {when for when in When if when.holds(config)} == holding


def test_persistence_decides() -> None:
    config = config_with("tcp/192.168.1.50:80", Persistence(300))

    assert When.PERSISTENT.holds(config)


@pytest.mark.parametrize(
    ("listen", "holding"),
    [
        ("tcp/192.168.1.50:80", {When.IPV4, When.DIVERTED, When.DIVERTED_IPV4}),
        ("tcp/[2001:db8::50]:80", {When.IPV6, When.DIVERTED}),
        ("udp/192.168.1.50:53", {When.IPVS, When.PERSISTENT, When.IPV4}),
        ("fwmark/7/ipv6", {When.IPVS, When.PERSISTENT, When.IPV6}),
    ],
)
def test_nothing_is_asked_for_ipvs_where_haproxy_has_the_service(
    listen: str, holding: set[When]
) -> None:
    config = replace(config_with(listen, Persistence(300)), mode=Mode.HAPROXY_TPROXY)

    assert {when for when in When if when.holds(config)} == holding


@pytest.mark.parametrize("phase", [Phase.BOTH, Phase.IPVS_SETTLING])
def test_in_a_switch_both_ask(phase: Phase) -> None:
    config = replace(config_with("tcp/192.168.1.50:80"), switching=phase)

    assert When.IPVS.holds(config)
    assert When.DIVERTED_IPV4.holds(config)


def test_forwarding_comes_before_everything_that_it_resets() -> None:
    names = [rule.name for rule in WANTED]

    assert names[0] == "net.ipv4.ip_forward"
    assert names.index("net.ipv6.conf.*.accept_ra") < names.index("net.ipv6.conf.all.forwarding")


def test_the_reference_page_has_exactly_this_table() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `net.")]

    assert rows == [row(rule) for rule in WANTED]
