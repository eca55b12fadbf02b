"""Say of each part of a way back whether it holds. Pure, and read-only like what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lvsnat.aws.acls import acl_findings
from lvsnat.aws.bypass import bypasses, egress
from lvsnat.aws.codes import Code
from lvsnat.aws.finding import Finding, Severity, compared
from lvsnat.aws.forbidden import LOOP_HINT, impossible, looping
from lvsnat.aws.groups import group_findings
from lvsnat.aws.limits import border_group
from lvsnat.aws.machines import machine_findings
from lvsnat.aws.network import Origin, Route, RouteState
from lvsnat.aws.outside import egress_findings
from lvsnat.aws.pairs import peer_findings, reach_findings
from lvsnat.aws.remarks import Remark
from lvsnat.aws.resources import OFF, ON, TableRoute
from lvsnat.aws.target import Target
from lvsnat.aws.wishes import Scene, mapped_vip, private_vips, routes
from lvsnat.model.aws import Layout

APPLY = "'lvsnat aws apply' puts it right"
NOBODY = "nobody"


def verify(scene: Scene) -> Iterator[Finding]:
    """Every part, in the order of a packet's way back from the director's interface."""
    yield from _interface(scene)
    if not scene.standby:
        yield from _way_back(scene)
    yield from _failing(egress(scene), "a route to the clients")
    yield from egress_findings(scene)
    yield from group_findings(scene, f"'{_command(scene)} --security-groups' adds the rule")
    yield from acl_findings(scene)
    yield from machine_findings(scene)
    yield from reach_findings(scene)
    yield from peer_findings(scene)
    yield from _unread(scene)


def _command(scene: Scene) -> str:
    return "lvsnat aws apply --standby" if scene.standby else "lvsnat aws apply"


def _way_back(scene: Scene) -> Iterator[Finding]:
    """What only one of two directors can have."""
    yield from _vips(scene)
    yield from _elastic(scene)
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from _routes(scene)
        yield from _failing(looping(scene), "tables of their own")
        yield from _failing(bypasses(scene), "the director")
    else:
        yield from _own_table(scene)


def _interface(scene: Scene) -> Iterator[Finding]:
    director = scene.around.director
    yield compared(
        Code.SRC_DST_CHECK,
        f"{director.id} source/dest check",
        ON if director.source_dest_check else OFF,
        OFF,
        f"while it is on, EC2 drops what the director forwards: '{_command(scene)}' turns it off",
    )
    yield compared(
        Code.ENI_UNATTACHED,
        f"{director.id} attachment",
        "attached" if director.attached else "unattached",
        "attached",
        "attach it to the director, or name the interface that the director has: --eni",
    )
    if director.managed:
        yield Finding(
            Code.ENI_MANAGED,
            director.id,
            False,  # noqa: FBT003 - it does not hold
            "kept by a service of AWS",
            "the director's own",
            "name the director's own interface: --eni",
        )


def _vips(scene: Scene) -> Iterator[Finding]:
    for vip in scene.around.vips:
        holder = scene.picture.holder(vip)
        own = holder is None or holder.id == scene.around.director.id
        yield compared(
            Code.VIP_NOT_ON_ENI if own else Code.VIP_ELSEWHERE,
            f"VIP {vip}",
            NOBODY if holder is None else holder.id,
            scene.around.director.id,
            APPLY if own else "'lvsnat aws takeover' fetches it, if this director is to be active",
        )


def _elastic(scene: Scene) -> Iterator[Finding]:
    wanted, vip = scene.around.elastic_ip, mapped_vip(scene)
    if wanted is None:
        yield from _elsewhere(scene)
        return
    expected = f"{scene.around.director.id} {vip or wanted.private}"
    seen = "free" if wanted.interface is None else f"{wanted.interface} {wanted.private}"
    subject = f"{wanted.allocation} {wanted.public}"
    group = border_group(scene.around.director.zone)
    if wanted.border_group and group and wanted.border_group != group:
        hint = f"allocate one there: 'aws ec2 allocate-address --network-border-group {group}'"
        yield compared(Code.EIP_BORDER, f"{subject} border group", wanted.border_group, group, hint)
    yield compared(Code.EIP_MAP, subject, seen, expected, APPLY)
    yield compared(
        Code.IGW,
        f"{scene.picture.vpc} internet gateway",
        scene.picture.internet_gateway or "none",
        scene.picture.internet_gateway or "one",
        "attach an internet gateway to the VPC: an Elastic IP needs it",
    )


def _elsewhere(scene: Scene) -> Iterator[Finding]:
    """An Elastic IP that may have been meant for the VIP: whoever it brings meets no service."""
    primary = scene.around.director.primary
    found = None if primary is None else scene.picture.mapped_to(primary)
    vips = private_vips(scene.around.vips)
    if found is not None and vips and primary not in vips and not scene.options.clients:
        yield Finding(
            Code.EIP_MAP,
            f"{found.allocation} {found.public}",
            holds=False,
            seen=f"{found.interface} {found.private}, its primary address",
            expected=f"the VIP {vips[0]}, if clients come from the internet",
            remedy=f"eip_allocation = \"{found.allocation}\" in [aws] and 'lvsnat aws apply' move"
            " it; where they do not, name their networks: clients in [aws]",
            severity=Severity.WARN,
        )


def _routes(scene: Scene) -> Iterator[Finding]:
    """A route for each client in each table; but for clients whom none can serve."""
    unserved = {one: [*impossible(scene, one)] for one in scene.around.clients}
    for route in routes(scene):
        if not unserved.get(route.destination):
            yield _route(scene, route)
    for remarks in unserved.values():
        yield from _failing(remarks, "clients whom a route can serve")


def _route(scene: Scene, wanted: TableRoute) -> Finding:
    table = scene.picture.table(wanted.table)
    found: Route | None = None
    if table is not None:
        found = next((one for one in table.at(wanted.destination) if one.static), None)
        found = found or next(table.at(wanted.destination), None)
    seen = "no route" if found is None else str(found.target)
    if found is not None and found.state is RouteState.BLACKHOLE:
        seen += " (blackhole)"
    code, remedy = _route_problem(scene, found)
    return Finding(code, wanted.describe(), code is Code.ROUTE, seen, str(wanted.target), remedy)


def _route_problem(scene: Scene, found: Route | None) -> tuple[Code, str]:
    director, peer = Target(scene.around.director.id), scene.around.peer
    if found is None:
        return Code.ROUTE_MISSING, f"replies to these clients are dropped: {APPLY}"
    if peer is not None and found.target == Target(peer.id):
        takeover = "half a failover: 'lvsnat aws takeover' finishes it, on the active director"
        return Code.ROUTE_STALE_OWNER, takeover
    if found.target != director and found.origin is Origin.ADVERTISED:
        return Code.ROUTE_SERVER, "VPC Route Server makes it: let that lead it to the director"
    if found.target != director:
        return Code.ROUTE_OTHER, f"replies to these clients pass the director by: {APPLY}"
    if found.state is RouteState.BLACKHOLE:
        hint = "the interface is gone, or its instance does not run: start it, or attach it"
        return Code.ROUTE_BLACKHOLE, hint
    return Code.ROUTE, ""


def _own_table(scene: Scene) -> Iterator[Finding]:
    """In one subnet, no route of its table may lead to the director."""
    use = scene.picture.table_of(scene.around.subnet.id)
    if use is None:
        return
    director = Target(scene.around.director.id)
    loops = [one for one in use.table.routes if one.target == director]
    yield Finding(
        Code.SAME_TABLE_LOOP,
        f"{use.table.id} routes to the director",
        not loops,
        ", ".join(str(one.destination) for one in loops) or "none",
        "none",
        f"remove them: what the director sends out comes back to it; then {LOOP_HINT}"
        if loops
        else "",
    )


def _failing(remarks: Iterable[Remark], expected: str) -> Iterator[Finding]:
    for one in remarks:
        yield Finding(one.code, one.message, False, "", expected, one.hint)  # noqa: FBT003 - said by the name of this function


def _unread(scene: Scene) -> Iterator[Finding]:
    details = scene.picture.details
    for operation in () if details is None else details.unread:
        yield Finding(
            Code.PERM,
            operation,
            False,  # noqa: FBT003 - it does not hold
            "not allowed",
            "allowed",
            "what it would tell is not checked: 'lvsnat aws iam-policy --role reader' has it",
            Severity.WARN,
        )
