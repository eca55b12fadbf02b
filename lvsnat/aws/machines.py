"""What the instance of a director adds: its metadata, what its network forgets, its room. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lvsnat.aws.codes import Code
from lvsnat.aws.finding import Finding, Severity, compared
from lvsnat.aws.limits import rooms
from lvsnat.aws.network import Interface, Machine
from lvsnat.aws.wishes import Scene

LONG, SHORT = 432_000, 350
"""Seconds for which security groups keep an idle TCP connection, before Nitro v6 and with it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingConfiguration.html
"""
_FAMILY: Final = re.compile(r"(?P<series>[a-z]+)(?P<generation>[0-9]+)(?P<rest>[a-z-]*)\.")
_BEFORE_V6: Final = {("c", "g"), ("c", "gd"), ("i", "g"), ("m", "g"), ("m", "gd"), ("r", "g"),
                     ("r", "gd"), ("x", "g")}  # fmt: skip
"""Of generation 8, those that are on Nitro v5: EC2 does not tell the version of an instance."""
_V6_GENERATION: Final = 8
CLOSED: Final = "IMDSv2 only, for this instance alone"


def machine_findings(scene: Scene) -> Iterator[Finding]:
    """What is to be known of the directors' instances; nothing of those that are not known."""
    details = scene.picture.details
    directors = [scene.around.director, scene.around.peer]
    for one in directors:
        machine = None if details is None or one is None else details.machine(one.instance)
        if one is not None and machine is not None:
            yield _metadata(machine)
            yield _tracking(scene, one, machine)
            yield from _room(scene, one)


def _metadata(machine: Machine) -> Finding:
    """A forwarding Nitro instance answers for its metadata service to the network.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
    """
    seen = exposure(machine)
    remedy = (
        f"'aws ec2 modify-instance-metadata-options --instance-id {machine.instance} --http-tokens"
        " required --http-put-response-hop-limit 1'; and keep block_imds in [host] on"
    )
    subject = f"{machine.instance} metadata"
    return compared(Code.IMDS_EXPOSED, subject, seen, CLOSED, remedy, severity=Severity.WARN)


def exposure(machine: Machine) -> str:
    """Who may ask the metadata service."""
    if not machine.metadata:
        return CLOSED
    open_to = ["IMDSv1"] if not machine.tokens else []
    if machine.hops > 1:
        open_to.append(f"hop limit {machine.hops}")
    return " and ".join(open_to) or CLOSED


def _tracking(scene: Scene, interface: Interface, machine: Machine) -> Finding:
    kept = interface.tcp_idle or default_idle(machine.type)
    holds = kept >= scene.tcp_idle
    remedy = (
        f"let both forget at the same time: timeouts = {{ tcp = {kept} }} in [ipvs], or 'aws ec2"
        f" modify-network-interface-attribute --network-interface-id {interface.id}"
        f" --connection-tracking-specification TcpEstablishedTimeout={scene.tcp_idle}'"
    )
    return Finding(
        Code.CT_TIMEOUT,
        f"{interface.id} security groups forget idle TCP connections",
        holds,
        f"after {kept} s",
        f"after {scene.tcp_idle} s or later, as in IPVS",
        "" if holds else remedy,
        severity=Severity.WARN,
    )


def default_idle(kind: str) -> int:
    """Seconds for which a type of instance keeps an idle TCP connection, where nobody said."""
    found = _FAMILY.match(kind)
    if found is None or int(found["generation"]) < _V6_GENERATION:
        return LONG
    known = int(found["generation"]) == _V6_GENERATION and (
        (found["series"], found["rest"]) in _BEFORE_V6
    )
    return LONG if known else SHORT


def _room(scene: Scene, interface: Interface) -> Iterator[Finding]:
    for room in rooms(scene, interface):
        holds = room.needed <= room.most
        yield Finding(
            Code.QUOTA,
            f"{interface.id} {room.family} addresses",
            holds,
            f"{room.needed} with the VIPs",
            f"{room.most} at most ({room.type})",
            "" if holds else "remove a secondary address, or take a larger type of instance",
        )
