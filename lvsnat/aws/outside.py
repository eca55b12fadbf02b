"""With which address the real servers' own connections leave the VPC, through the director. Pure.

An internet gateway knows public addresses alone: what comes from a private address without one, it
drops. https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lvsnat.aws.codes import Code
from lvsnat.aws.find import EVERYBODY_4
from lvsnat.aws.finding import Finding, Severity
from lvsnat.aws.picture import best_route
from lvsnat.aws.wishes import Scene, private_vips
from lvsnat.model.config import MASQUERADE

_INTERNET_GATEWAY = "igw-"


def egress_findings(scene: Scene) -> Iterator[Finding]:
    """Whether ``egress`` of [host] leads to an address that the internet gateway lets out."""
    director = scene.around.director
    use = scene.picture.table_of(director.subnet)
    route = None if use is None else best_route(use.table.routes, EVERYBODY_4)
    by_gateway = route is not None and route.target.id.startswith(_INTERNET_GATEWAY)
    # The kernel masquerades with the address of the interface: its primary one.
    leaving = director.primary if scene.egress == MASQUERADE else scene.egress
    if not by_gateway or not isinstance(leaving, IPv4Address) or _is_public(scene, leaving):
        return
    mapped = [vip for vip in private_vips(scene.around.vips) if _is_public(scene, vip)]
    better = f'egress = "{mapped[0]}" in [host]' if mapped else f"map an Elastic IP to {leaving}"
    yield Finding(
        Code.EGRESS_UNMAPPED,
        f"egress of real servers as {leaving}",
        holds=False,
        seen="without a public address",
        expected="with one",
        remedy=f"the internet gateway drops what they send: {better}",
        severity=Severity.WARN,
    )


def _is_public(scene: Scene, address: IPv4Address) -> bool:
    own = (one for one in scene.around.director.addresses if one.address == address)
    lent = any(one.public is not None for one in own)
    return lent or scene.picture.mapped_to(address) is not None
