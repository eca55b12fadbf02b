"""Whether a director can call EC2, and whether the other one could take over. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.aws.codes import Code
from lvsnat.aws.find import EVERYBODY_4
from lvsnat.aws.finding import Finding, Severity, compared
from lvsnat.aws.network import EVERYWHERE, Interface, RouteState
from lvsnat.aws.picture import best_route
from lvsnat.aws.resources import OFF, ON
from lvsnat.aws.target import TargetKind
from lvsnat.aws.wishes import Scene

VRRP = "112"
"""https://www.iana.org/assignments/protocol-numbers"""
REACHED = "a way of its own"


def reach_findings(scene: Scene) -> Iterator[Finding]:
    """Whether each director reaches the EC2 API without VIP, Elastic IP or the other one."""
    details = scene.picture.details
    if details is None or "DescribeVpcEndpoints" in details.unread:
        return
    name = f".{scene.picture.region}.ec2"
    endpoint = any(one.endswith(name) for one in details.endpoints)
    for one in (scene.around.director, scene.around.peer):
        if one is None:
            continue
        seen = REACHED if endpoint else _way(scene, one)
        remedy = (
            "a takeover calls EC2 before it has VIP or Elastic IP: give the interface a public"
            f" address of its own, or the VPC an interface endpoint (com.amazonaws{name})"
        )
        subject = f"{one.id} to the EC2 API"
        yield compared(Code.API_REACH, subject, seen, REACHED, remedy, severity=Severity.WARN)


def _way(scene: Scene, one: Interface) -> str:
    use = scene.picture.table_of(one.subnet)
    route = None if use is None else best_route(use.table.routes, EVERYBODY_4)
    if route is None:
        return "none: no route to the internet, no endpoint"
    if route.state is RouteState.BLACKHOLE:
        return f"none: the route to {route.target} is a blackhole"
    directors = [one for one in (scene.around.director, scene.around.peer) if one is not None]
    if any(route.target.id == director.id for director in directors):
        return f"through the director {route.target}"
    if route.target.kind is TargetKind.GATEWAY and route.target.id.startswith("igw-"):
        public = any(address.primary and address.public for address in one.addresses)
        return REACHED if public else f"none: {one.primary} has no public address"
    return REACHED


def peer_findings(scene: Scene) -> Iterator[Finding]:
    """Whether the other director is ready, as far as one can see it from here."""
    director, peer = scene.around.director, scene.around.peer
    if peer is None:
        return
    yield compared(
        Code.SRC_DST_CHECK,
        f"{peer.id} source/dest check, of the other director",
        ON if peer.source_dest_check else OFF,
        OFF,
        "after a failover EC2 would drop what it forwards: 'lvsnat aws apply --standby' there",
    )
    for one, other in ((director, peer), (peer, director)):
        yield compared(
            Code.SG_VRRP,
            f"{one.id} VRRP from {other.primary}",
            "let in" if _hears(scene, one, other) else "kept out",
            "let in",
            "both would think that they are active: allow protocol 112 from the other director"
            f" in {', '.join(one.groups) or 'its security group'}",
            severity=Severity.WARN,
        )
    yield compared(
        Code.ENI_AZ,
        f"{peer.id} subnet, of the other director",
        peer.subnet,
        director.subnet,
        "the VIP belongs to its subnet and cannot follow: give each director a VIP of its own; the"
        " Elastic IP and the routes move",
        severity=Severity.WARN,
    )


def _hears(scene: Scene, one: Interface, other: Interface) -> bool:
    for name in one.groups:
        group = scene.picture.group(name)
        for rule in () if group is None else group.inbound:
            if rule.protocol not in (VRRP, EVERYWHERE):
                continue
            if isinstance(rule.peer, str):
                known = rule.peer in other.groups
            else:
                known = other.primary is not None and other.primary in rule.peer
            if known:
                return True
    return False


def is_standby(scene: Scene) -> bool:
    """Whether the other director is the active one: it has the VIPs, and no route leads here."""
    director, peer = scene.around.director, scene.around.peer
    if peer is None or not scene.around.vips:
        return False
    theirs = all(peer.holds(vip) for vip in scene.around.vips)
    tables = (use.table for use in scene.around.tables(scene.picture))
    here = any(route.target.id == director.id for table in tables for route in table.routes)
    return theirs and not here
