"""What may be said of a director's surroundings on EC2. Pure; nothing is asked of AWS here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import urlsplit

from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.listen_rules import unicast_violations
from lvsnat.model.violation import Path, Violation

_HEX = "[0-9a-f]{8}(?:[0-9a-f]{9})?"
"""Ids have 17 digits; those from before 2018 have 8."""
INTERFACE_PATTERN: Final = f"eni-{_HEX}"
SUBNET_PATTERN: Final = f"subnet-{_HEX}"
ALLOCATION_PATTERN: Final = f"eipalloc-{_HEX}"
REGION_PATTERN: Final = "[a-z]{2,5}(?:-[a-z]+){1,3}-[0-9]{1,2}"

_ZONE = re.compile(f"({REGION_PATTERN})(?:-[a-z0-9-]+)?[a-z]")
_NEVER_ROUTED: Final = (IPv4Network("169.254.168.0/22"), IPv6Network("fd00:ec2::/32"))
"""https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html"""


def aws_violations(options: AwsOptions) -> Iterator[Violation]:
    """Judge ``[aws]``."""
    yield from _region(options.region)
    yield from _endpoint(options.endpoint_url)
    if options.profile is not None and not options.profile.strip():
        yield Violation(
            ("aws", "profile"),
            f"{options.profile!r} is not the name of a profile",
            "write a name as it stands in ~/.aws/config, or leave the key out",
        )
    yield from _id("eni", options.eni, INTERFACE_PATTERN, "a network interface", "eni")
    yield from _id("peer_eni", options.peer_eni, INTERFACE_PATTERN, "a network interface", "eni")
    if options.eni is not None and options.eni == options.peer_eni:
        yield Violation(
            ("aws", "peer_eni"),
            f"{options.eni} is this director's own interface",
            "name the interface of the other director",
            (("aws", "eni"),),
        )
    yield from _subnets(options)
    if options.vip is not None:
        yield from _vip(options.vip)
    for index, network in enumerate(options.clients):
        yield from _client(index, network)
    yield from _elastic(options)


def _region(region: str | None) -> Iterator[Violation]:
    if region is None or re.fullmatch(REGION_PATTERN, region):
        return
    zone = _ZONE.fullmatch(region)
    if zone is None:
        message, hint = f"{region!r} is not a region", "write one such as eu-west-1"
    else:
        message = f"{region!r} is a zone, not a region"
        hint = f"write {zone[1]}"
    yield Violation(("aws", "region"), message, hint)


def _endpoint(url: str | None) -> Iterator[Violation]:
    if url is None:
        return
    where = ("aws", "endpoint_url")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, good = None, False
    if parts is not None and (parts.username is not None or parts.password is not None):
        # The value is not repeated: it has a password in it.
        yield Violation(
            where,
            "the URL has credentials in it, which EC2 does not look at",
            "leave them out; credentials come from AWS's own configuration or the instance's role",
        )
    elif not good or re.search(r"\s", url):
        yield Violation(
            where,
            f"{url!r} is not the URL of an endpoint",
            "write it with its scheme, such as https://ec2.eu-west-1.amazonaws.com",
        )


def _id(
    key: str, value: str | None, pattern: str, noun: str, prefix: str, *below: int
) -> Iterator[Violation]:
    if value is None or re.fullmatch(pattern, value):
        return
    hint = f"write its id, such as {prefix}-0a1b2c3d4e5f67890"
    if prefix == "eni" and value.startswith("i-"):
        hint += ": an instance may have several interfaces"
    yield Violation(("aws", key, *below), f"{value!r} is not the id of {noun}", hint)


def _subnets(options: AwsOptions) -> Iterator[Violation]:
    key = "real_server_subnets"
    seen: dict[str, int] = {}
    for index, subnet in enumerate(options.real_server_subnets):
        yield from _id(key, subnet, SUBNET_PATTERN, "a subnet", "subnet", index)
        first = seen.setdefault(subnet, index)
        if first != index:
            where: Path = ("aws", key, index)
            also: tuple[Path, ...] = (("aws", key, first),)
            message = f"{subnet} is already {key}[{first}]"
            yield Violation(where, message, "name each subnet once", also)
    if options.layout is Layout.SINGLE_SUBNET and len(seen) > 1:
        yield Violation(
            ("aws", key),
            f"single-subnet has one subnet, and {len(seen)} are named",
            'name the director\'s own one, or set layout = "dual-subnet"',
            (("aws", "layout"),),
        )


def _vip(vip: IPAddress) -> Iterator[Violation]:
    where = ("aws", "vip")
    if vip.is_unspecified:
        yield Violation(
            where,
            f"{vip} stands for every address",
            "write the private address that the services listen on, such as 10.0.1.200",
        )
    yield from unicast_violations(where, vip)


def _client(index: int, network: IPv4Network | IPv6Network) -> Iterator[Violation]:
    where = ("aws", "clients", index)
    for reserved in _NEVER_ROUTED:
        if network.version == reserved.version and network.network_address in reserved:
            if network.prefixlen < reserved.prefixlen:
                continue
            yield Violation(
                where,
                f"{network} is AWS's own and is never routed",
                "write the networks of the clients, such as 198.51.100.0/24",
            )
    if network.is_multicast:
        yield Violation(
            where,
            f"{network} is multicast",
            "write the networks of the clients, such as 198.51.100.0/24",
        )


def _elastic(options: AwsOptions) -> Iterator[Violation]:
    allocation, vip = options.eip_allocation, options.vip
    where = ("aws", "eip_allocation")
    yield from _id("eip_allocation", allocation, ALLOCATION_PATTERN, "an Elastic IP", "eipalloc")
    if allocation is not None and options.allocate_eip:
        yield Violation(
            ("aws", "allocate_eip"),
            f"{allocation} is to be used, so there is nothing to allocate",
            "keep eip_allocation or allocate_eip, not both",
            (where,),
        )
    asks = allocation is not None or options.allocate_eip
    if asks and vip is not None and Family.of(vip) is Family.IPV6:
        key = "allocate_eip" if allocation is None else "eip_allocation"
        yield Violation(
            ("aws", key),
            f"an Elastic IP is an IPv4 address, and the VIP is {vip}",
            "leave it out: an IPv6 address is public by itself",
            (("aws", "vip"),),
        )
