"""What a plan does to others, and what will stand in its way: known before it happens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lvsnat.aws.acls import acl_findings
from lvsnat.aws.bypass import bypasses, egress
from lvsnat.aws.codes import Code
from lvsnat.aws.forbidden import displaced, overlaps
from lvsnat.aws.limits import ROUTES_A_TABLE, full_tables
from lvsnat.aws.machines import CLOSED, exposure
from lvsnat.aws.network import Origin, Route, RouteTable
from lvsnat.aws.remarks import Remark, few, names_of
from lvsnat.aws.resources import GroupRule, SourceDestCheck, TableRoute
from lvsnat.aws.seen import tag_of
from lvsnat.aws.target import Target, TargetKind
from lvsnat.aws.wishes import Scene, undo_tags
from lvsnat.model.aws import Layout
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import MarkListener
from lvsnat.plan.change import Change, Create, Update, subject


def risks(scene: Scene, changes: Iterable[Change]) -> Iterator[Remark]:
    """What to know before these changes are made."""
    changes = tuple(changes)
    yield from _instance(scene, changes)
    if scene.standby:
        yield from _groups(scene, changes)
        return
    for change in changes:
        if isinstance(subject(change), TableRoute):
            yield from _route(scene, change)
    tables = dict.fromkeys(one.table for c in changes if isinstance(one := subject(c), TableRoute))
    for table in tables:
        yield from _sharers(scene, table)
    yield from _limits(scene, changes)
    yield from _network(scene)
    yield from _elastic(scene)
    yield from _groups(scene, changes)
    if scene.around.layout is Layout.DUAL_SUBNET:
        yield from bypasses(scene)
    yield from egress(scene)
    yield from _gateway(scene)


def _instance(scene: Scene, changes: Iterable[Change]) -> Iterator[Remark]:
    """With the check off, EC2 lets packets for the metadata service come in from the network."""
    details, director = scene.picture.details, scene.around.director
    machine = None if details is None else details.machine(director.instance)
    opens = any(isinstance(subject(change), SourceDestCheck) for change in changes)
    if machine is not None and opens and (seen := exposure(machine)) != CLOSED:
        yield Remark(
            Code.IMDS_EXPOSED,
            f"a director that forwards may let others ask {machine.instance} for its metadata:"
            f" {seen}",
            "'aws ec2 modify-instance-metadata-options --http-tokens required"
            f" --http-put-response-hop-limit 1 --instance-id {machine.instance}'",
        )


def _limits(scene: Scene, changes: tuple[Change, ...]) -> Iterator[Remark]:
    if scene.around.layout is not Layout.DUAL_SUBNET:
        return
    for full in full_tables(scene):
        yield Remark(
            Code.QUOTA,
            f"{full.table} would have {full.needed} {full.family} routes, and the quota is"
            f" {ROUTES_A_TABLE} unless it was raised",
            "name fewer networks with --client, or see the quota in Service Quotas",
        )
    noted = {(one.table, one.destination) for one in undo_tags(scene)}
    for change in changes:
        route = subject(change)
        if not isinstance(route, TableRoute):
            continue
        table = scene.picture.table(route.table)
        known = (route.table, route.destination) in noted or tag_of(table, route.destination)
        if not known:
            yield Remark(
                Code.UNDO_TAGS_FULL,
                f"{route.table} has as many tags as AWS allows, so it cannot be noted there where"
                f" {route.destination} led",
                "the journal of this machine alone can undo it: keep that",
            )


def _network(scene: Scene) -> Iterator[Remark]:
    for one in acl_findings(scene):
        if not one.holds:
            yield Remark(Code.NACL, f"{one.subject} is {one.seen}", one.remedy)
    home = scene.around.subnet
    far = [one for one in scene.around.server_subnets if one.zone and one.zone != home.zone]
    if far and home.zone:
        yield Remark(
            Code.ENI_AZ,
            f"{names_of(far)} and the director are in different zones: AWS bills this traffic, both"
            " ways",
            "real servers in the director's own zone cost nothing extra",
        )


def _route(scene: Scene, change: Change) -> Iterator[Remark]:
    after = subject(change)
    if not isinstance(after, TableRoute):
        return
    propagated = _propagated(scene.picture.table(after.table), after.destination)
    if isinstance(change, Create) and propagated is not None:
        yield Remark(
            Code.PROPAGATED_ROUTE,
            f"{after.describe()} is propagated to {propagated.target}: the new static route wins",
            "what used the propagated one goes to the director; undo lets it in again",
        )
    if not (isinstance(change, Update) and isinstance(change.before, TableRoute)):
        return
    before = change.before.target
    subnets = names_of(scene.picture.sharers(after.table))
    if after.destination.prefixlen == 0:
        yield Remark(
            Code.RS_EGRESS_MOVES,
            f"the own internet traffic of {subnets} moves from {before} to this director",
            "give it an address to the outside there: egress in [host] of the configuration; or"
            " name the clients' networks alone: --client",
        )
    if before.kind is TargetKind.NAT_GATEWAY:
        yield from _nat_gateway(scene, before, after)
    if before.kind is TargetKind.INTERFACE:
        yield Remark(
            Code.TARGET_REPLACED,
            f"{after.describe()} leads to {_interface_words(scene, before)}, which loses this"
            " traffic",
            "see that it is no other director, firewall or NAT instance that is still needed",
        )


def _propagated(table: RouteTable | None, destination: IPNetwork) -> Route | None:
    if table is None:
        return None
    found = (one for one in table.at(destination) if one.origin is Origin.PROPAGATED)
    return next(found, None)


def _nat_gateway(scene: Scene, gateway: Target, after: TableRoute) -> Iterator[Remark]:
    elsewhere = [
        table.id
        for table in scene.picture.tables
        if table.id != after.table and any(route.target == gateway for route in table.routes)
    ]
    used = f"{few(elsewhere)} still use it" if elsewhere else "no other route table uses it"
    yield Remark(
        Code.NAT_REPLACED,
        f"{after.describe()} no longer leads to the NAT gateway {gateway}; {used}",
        "it stays, and costs as before: undo needs it",
    )


def _interface_words(scene: Scene, target: Target) -> str:
    found = scene.picture.interface(target.id)
    if found is None:
        return f"{target}, an interface that is gone"
    return f"{target} of {found.instance}" if found.instance else str(target)


def _sharers(scene: Scene, table: str) -> Iterator[Remark]:
    servers = {subnet.id for subnet in scene.around.server_subnets}
    others = [one for one in scene.picture.sharers(table) if one.id not in servers]
    found = scene.picture.table(table)
    if not others or found is None:
        return
    main = found.main
    what = "the VPC's main table" if main else "shared"
    yield Remark(
        Code.SHARED_MAIN_TABLE if main else Code.SHARED_TABLE,
        f"{table} is {what}: the traffic of {names_of(others)} moves, too",
        "give the real servers' subnets a route table of their own, if that is not meant",
    )


def _elastic(scene: Scene) -> Iterator[Remark]:
    for now in displaced(scene):
        yield Remark(
            Code.EIP_MOVES,
            f"{now.describe()} stands for {now.private} of {now.interface}, which loses it",
            "connections to it from outside are cut",
        )
    for vip in scene.around.vips:
        mapped, wanted_ip = scene.picture.mapped_to(vip), scene.around.elastic_ip
        asked = scene.options.eip_allocation is not None
        if asked and mapped is not None and wanted_ip is not None and mapped != wanted_ip:
            yield Remark(
                Code.EIP_MOVES,
                f"{mapped.allocation} {mapped.public} stands for the VIP {vip}, and becomes free",
                "clients that know this address no longer reach the VIP",
            )


def _groups(scene: Scene, changes: Iterable[Change]) -> Iterator[Remark]:
    if not scene.options.security_groups:
        return
    ours = {subnet.id for subnet in (scene.around.subnet, *scene.around.server_subnets)}
    groups = dict.fromkeys(one.group for c in changes if isinstance(one := subject(c), GroupRule))
    for group in groups:
        others = [
            one.id
            for one in scene.picture.interfaces
            if group in one.groups and one.subnet not in ours
        ]
        if others:
            yield Remark(
                Code.SG_SHARED,
                f"{group} is also the group of {few(others)}, which lets the clients in, too",
                "give the director or the real servers a group of their own, if that is not meant",
            )
    marks = [one.name for one in scene.services if isinstance(one.listen, MarkListener)]
    if marks:
        yield Remark(
            Code.SG_UNKNOWN,
            f"{few(marks)}: a firewall mark says no port, so no rule is made",
            "let its clients in yourself",
        )
    addresses = {server.endpoint.address for one in scene.services for server in one.servers}
    absent = sorted(str(one) for one in addresses if scene.picture.holder(one) is None)
    if absent:
        yield Remark(
            Code.SG_UNKNOWN,
            f"no interface has the address of the real server {few(absent)}, so its group is not"
            " known",
            "run the command again when it is there",
        )


def _gateway(scene: Scene) -> Iterator[Remark]:
    if scene.around.layout is not Layout.SINGLE_SUBNET:
        return
    vips = few(scene.around.vips)
    yield Remark(
        Code.RS_GATEWAY,
        "in one subnet no route table makes the way back: the real servers must send replies to the"
        f" director ({vips})",
        f"on each of them: 'lvsnat gateway set {vips} --reply-only tcp/PORT'",
    )
    for client in scene.around.clients:
        networks = [n for one in scene.around.server_subnets for n in one.networks]
        if client.prefixlen and any(overlaps(client, network) for network in networks):
            yield Remark(
                Code.CLIENT_SAME_SUBNET,
                f"a real server answers clients of {client} directly: they are in its own subnet",
                f"'lvsnat gateway set {vips} --reply-only tcp/PORT --local-clients' on the real"
                " servers sends these back, too",
            )
