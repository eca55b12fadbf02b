"""Each rule about [aws], with the exact words that a person sees."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import Config
from lvsnat.model.rules import violations


def told(**options: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - the fields of the options
    found = violations(Config(aws=AwsOptions(**options)))
    return [(".".join(map(str, violation.path)), violation.message) for violation in found]


def hints(**options: Any) -> list[str | None]:  # noqa: ANN401 - the fields of the options
    return [violation.hint for violation in violations(Config(aws=AwsOptions(**options)))]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"region": "eu-west-1"},
        {"region": "us-gov-east-1"},
        {"region": "us-isob-east-1"},
        {"region": "eusc-de-east-1"},
        {"endpoint_url": "http://127.0.0.1:5000"},
        {"endpoint_url": "https://[fd00::1]:8443/path"},
        {"eni": "eni-0a1b2c3d", "peer_eni": "eni-0a1b2c3d4e5f67890"},
        {"layout": Layout.SINGLE_SUBNET, "real_server_subnets": ("subnet-0a1b2c3d",)},
        {"vip": ip_address("10.0.1.200"), "allocate_eip": True},
        {"clients": (ip_network("0.0.0.0/0"), ip_network("::/0"), ip_network("10.0.0.0/8"))},
    ],
)
def test_an_ordinary_table_breaks_no_rule(options: dict[str, Any]) -> None:
    assert told(**options) == []


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"region": "Ireland"}, "aws.region", "'Ireland' is not a region"),
        ({"region": "eu-west-1a"}, "aws.region", "'eu-west-1a' is a zone, not a region"),
        (
            {"region": "us-west-2-lax-1a"},
            "aws.region",
            "'us-west-2-lax-1a' is a zone, not a region",
        ),
        ({"profile": " "}, "aws.profile", "' ' is not the name of a profile"),
        (
            {"endpoint_url": "ec2.example"},
            "aws.endpoint_url",
            "'ec2.example' is not the URL of an endpoint",
        ),
        (
            {"endpoint_url": "http://[::1"},
            "aws.endpoint_url",
            "'http://[::1' is not the URL of an endpoint",
        ),
        (
            {"endpoint_url": "http://a b"},
            "aws.endpoint_url",
            "'http://a b' is not the URL of an endpoint",
        ),
        ({"eni": "i-0a1b2c3d"}, "aws.eni", "'i-0a1b2c3d' is not the id of a network interface"),
        ({"peer_eni": "eth0"}, "aws.peer_eni", "'eth0' is not the id of a network interface"),
        (
            {"eni": "eni-0a1b2c3d", "peer_eni": "eni-0a1b2c3d"},
            "aws.peer_eni",
            "eni-0a1b2c3d is this director's own interface",
        ),
        (
            {"real_server_subnets": ("rtb-0a1b2c3d",)},
            "aws.real_server_subnets.0",
            "'rtb-0a1b2c3d' is not the id of a subnet",
        ),
        (
            {"real_server_subnets": ("subnet-0a1b2c3d", "subnet-0a1b2c3d")},
            "aws.real_server_subnets.1",
            "subnet-0a1b2c3d is already real_server_subnets[0]",
        ),
        (
            {
                "layout": Layout.SINGLE_SUBNET,
                "real_server_subnets": ("subnet-0a1b2c3d", "subnet-0a1b2c3e"),
            },
            "aws.real_server_subnets",
            "single-subnet has one subnet, and 2 are named",
        ),
        ({"vip": ip_address("0.0.0.0")}, "aws.vip", "0.0.0.0 stands for every address"),  # noqa: S104 - it is refused
        ({"vip": ip_address("224.0.0.1")}, "aws.vip", "224.0.0.1 is a multicast address"),
        (
            {"clients": (ip_network("169.254.169.0/24"),)},
            "aws.clients.0",
            "169.254.169.0/24 is AWS's own and is never routed",
        ),
        (
            {"clients": (ip_network("fd00:ec2::254/128"),)},
            "aws.clients.0",
            "fd00:ec2::254/128 is AWS's own and is never routed",
        ),
        ({"clients": (ip_network("224.0.0.0/4"),)}, "aws.clients.0", "224.0.0.0/4 is multicast"),
        (
            {"eip_allocation": "203.0.113.7"},
            "aws.eip_allocation",
            "'203.0.113.7' is not the id of an Elastic IP",
        ),
        (
            {"eip_allocation": "eipalloc-0a1b2c3d", "allocate_eip": True},
            "aws.allocate_eip",
            "eipalloc-0a1b2c3d is to be used, so there is nothing to allocate",
        ),
        (
            {"eip_allocation": "eipalloc-0a1b2c3d", "vip": ip_address("2001:db8::1")},
            "aws.eip_allocation",
            "an Elastic IP is an IPv4 address, and the VIP is 2001:db8::1",
        ),
        (
            {"allocate_eip": True, "vip": ip_address("2001:db8::1")},
            "aws.allocate_eip",
            "an Elastic IP is an IPv4 address, and the VIP is 2001:db8::1",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_key(
    options: dict[str, Any], key: str, message: str
) -> None:
    assert told(**options) == [(key, message)]
    assert all(hints(**options))


def test_a_password_in_a_url_is_not_repeated() -> None:
    [(key, message)] = told(endpoint_url="https://user:hunter2@ec2.example")

    assert key == "aws.endpoint_url"
    assert "hunter2" not in message + str(hints(endpoint_url="https://user:hunter2@ec2.example"))


def test_an_instance_is_no_interface_and_the_hint_says_why() -> None:
    [hint] = hints(eni="i-0a1b2c3d")

    assert hint is not None
    assert "an instance may have several interfaces" in hint
