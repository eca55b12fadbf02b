"""What is said of facts that would spoil haproxy-tproxy. Real hosts are in tests/kernel."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from lvsnat.host.placement import AssignedAddress
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.host.transparency import (
    RP_FILTER,
    SRC_VALID_MARK,
    Facts,
    cautions,
    lost_reply,
    servers_of,
)
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.service import RealServer, VirtualService

SERVER = ip_address("192.168.2.55")


def config(*servers: str, local: str = "192.168.2.0/24", sysctl: bool = True) -> Config:
    reals = tuple(RealServer(Endpoint.parse(one)) for one in servers or ("192.168.2.55:80",))
    service = VirtualService("web", parse_listener("tcp/192.168.1.50:80"), servers=reals)
    networks = tuple(map(ip_network, local.split()))
    host = HostOptions(manage_sysctl=sysctl)
    return Config(Mode.HAPROXY_TPROXY, (service,), host, haproxy=HaproxyOptions(networks))


def assigned(interface: str, text: str) -> AssignedAddress:
    one = ip_interface(text)
    return AssignedAddress(interface, one.ip, one.network)


FACTS = Facts(
    [],
    "",
    [assigned("eth0", "192.168.1.50/24"), assigned("eth1", "192.168.2.50/24")],
    ["lo", "eth0", "eth1"],
    {SERVER: Answer(RouteKind.UNICAST, "eth1")},
    {SRC_VALID_MARK: {"all": "0", "default": "1", "eth1": "0"}, RP_FILTER: {"all": "1"}},
)


def said(wish: Config, facts: Facts = FACTS) -> list[str]:
    return [f"{one.message}: {one.hint}" for one in cautions(wish, facts)]


def test_a_plain_host_is_not_spoken_of() -> None:
    assert said(config()) == []


@pytest.mark.parametrize("values", [{"all": "1"}, {"all": "0", "eth1": "1"}])
def test_src_valid_mark_is_named_where_it_is_not_ours_to_set(values: dict[str, str]) -> None:
    facts = replace(FACTS, settings={SRC_VALID_MARK: values})

    (warning,) = said(config(sysctl=False), facts)

    wrong = [name for name, value in values.items() if value == "1"]
    assert f"sysctl -w net.ipv4.conf.{wrong[0]}.src_valid_mark=0" in warning
    assert said(config(), facts) == []


def test_tailscale_is_known_by_its_interface() -> None:
    (warning,) = said(config(), replace(FACTS, interfaces=["lo", "tailscale0"]))

    assert warning.startswith("Tailscale is here")


@pytest.mark.parametrize(("value", "warned"), [("0", False), ("1", True), ("2", False)])
def test_a_second_interface_in_the_servers_network_must_not_be_strict(
    value: str,
    warned: bool,  # noqa: FBT001 - a test's own
) -> None:
    second = assigned("eth2", "192.168.2.51/24")
    settings = {RP_FILTER: {"all": "0", "eth2": value}}

    found = said(config(), replace(FACTS, assigned=[second], settings=settings))

    assert bool(found) is warned


@pytest.mark.parametrize(
    ("local", "lacking"),
    [
        ("192.168.2.0/24", None),
        ("192.168.0.0/16 10.0.0.0/8", None),
        ("192.168.2.0/25", '["192.168.2.0/25", "192.168.2.0/24"]'),
        ("2001:db8::/32", '["2001:db8::/32", "192.168.2.0/24"]'),
        ("", '["192.168.2.0/24"]'),
    ],
)
def test_the_line_for_clients_beside_the_servers_is_given(local: str, lacking: str | None) -> None:
    found = said(config(local=local))

    assert len(found) == (lacking is not None)
    assert all(f"local_networks = {lacking} under [haproxy]" in one for one in found)


def test_one_server_of_each_network_stands_for_the_others() -> None:
    many = [f"10.0.{third}.{last}:80" for third in range(3) for last in range(1, 200)]

    assert [str(one) for one in servers_of(config(*many))] == [
        "10.0.0.1:80",
        "10.0.1.1:80",
        "10.0.2.1:80",
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(None, error=errno.EINVAL), "src_valid_mark to 0"),
        (Answer(None, error=errno.EHOSTUNREACH), "'ip rule' and 'lvsnat plan' show"),
        (Answer(RouteKind.UNICAST, "eth0", "192.168.1.1"), "be forwarded via 192.168.1.1"),
        (Answer(RouteKind.UNICAST, "eth0"), "be forwarded: a routing rule of somebody else"),
    ],
)
def test_the_kernels_answer_is_told_with_its_cause(answer: Answer, words: str) -> None:
    found = lost_reply(SERVER, "eth1", answer)

    assert found is not None
    assert "a reply of 192.168.2.55 that comes in by eth1" in found.message
    assert words in f"{found.message}: {found.hint}"


def test_a_reply_that_comes_to_haproxy_is_not_spoken_of() -> None:
    assert lost_reply(SERVER, "eth1", Answer(RouteKind.LOCAL, "lo")) is None
