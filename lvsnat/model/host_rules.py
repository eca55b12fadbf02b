"""What may be asked of the host and of IPVS as a whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsnat.model.config import MASQUERADE, HostOptions, Timeouts
from lvsnat.model.endpoint import Family, IPAddress
from lvsnat.model.listen_rules import unicast_violations
from lvsnat.model.violation import Violation

INTERFACE_PATTERN = r"(?!\.{1,2}$)[^\s/:]{1,15}"
"""What the kernel accepts (dev_valid_name, IFNAMSIZ)."""
MAX_TIMEOUT_SECONDS = (2**31 - 1) // 1000
"""24 days: the kernel counts ticks, up to 1000 a second, in 31 bits."""

_INTERFACE = re.compile(INTERFACE_PATTERN)


def host_violations(host: HostOptions) -> Iterator[Violation]:
    name = host.vip_interface
    if name is not None and _INTERFACE.fullmatch(name) is None:
        yield Violation(
            ("host", "vip_interface"),
            f"{name!r} is not the name of an interface",
            "write a name as 'ip link' shows it, such as eth0: at most 15 characters, no space,"
            " '/' or ':'",
        )
    yield from _egress(host)


def _egress(host: HostOptions) -> Iterator[Violation]:
    egress, networks = ("host", "egress"), ("host", "egress_networks")
    if host.egress is None:
        if host.egress_networks:
            yield Violation(
                networks,
                "egress_networks without egress changes nothing",
                'add egress = "masquerade", or an address of this director',
                (egress,),
            )
        return
    if not host.egress_networks:
        yield Violation(
            egress,
            "egress needs to know whose traffic it is",
            'add egress_networks = ["192.168.2.0/24"], the networks of the real servers',
            (networks,),
        )
    if host.egress != MASQUERADE:
        yield from _egress_address(host, host.egress)


def _egress_address(host: HostOptions, address: IPAddress) -> Iterator[Violation]:
    if address.is_unspecified:
        yield Violation(
            ("host", "egress"),
            f"{address} stands for every address",
            'write an address of this director, or "masquerade" for the one that fits the route',
        )
    yield from unicast_violations(("host", "egress"), address)
    for index, network in enumerate(host.egress_networks):
        if Family.of(network.network_address) is not Family.of(address):
            yield Violation(
                ("host", "egress_networks", index),
                f"{network} and the egress address {address} are of different families",
                'leave it out, or write egress = "masquerade", which serves both families',
                (("host", "egress"),),
            )


def timeout_violations(timeouts: Timeouts) -> Iterator[Violation]:
    for name, seconds in timeouts.given().items():
        if not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
            yield Violation(
                ("ipvs", "timeouts", name),
                f"{seconds} is not a timeout (1 to {MAX_TIMEOUT_SECONDS} seconds)",
                "write seconds, or a duration such as '15m'; the kernel's limit is 24 days",
            )
