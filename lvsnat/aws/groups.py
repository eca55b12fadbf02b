"""Whether security groups let clients in, and on to the real servers. Pure.

All groups of an interface count together. Packets keep the client's address on their way to a real
server, so its group must name the clients: a rule that names the director's group lets none in.
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_network

from netaddr import IPSet

from lvsnat.aws.codes import Code
from lvsnat.aws.finding import Finding
from lvsnat.aws.network import Interface, Rule
from lvsnat.aws.remarks import few
from lvsnat.aws.resources import GroupRule
from lvsnat.aws.wishes import Scene, director_rules, server_rules
from lvsnat.model.config import IPNetwork

LET_IN = "let in"
KEPT_OUT = "kept out"
_PREFIX_LIST = "pl-"


def group_findings(scene: Scene, remedy: str) -> Iterator[Finding]:
    """Whether each part of the clients is let in; at the director, and at the real servers."""
    director = scene.around.director
    for rule in dict.fromkeys(director_rules(scene)):
        yield _finding(scene, Code.SG_LB_IN, director, rule, remedy)
    if scene.standby:
        return
    told: dict[GroupRule, Finding] = {}
    for service in scene.services:
        alone = replace(scene, services=(service,))
        for rule in server_rules(alone):
            holder = _holder(alone, rule)
            if rule not in told or told[rule].holds:
                told[rule] = _finding(alone, Code.SG_RS_CLIENT, holder, rule, remedy)
    yield from told.values()
    yield from _outward(scene)


def _finding(
    scene: Scene, code: Code, interface: Interface | None, rule: GroupRule, remedy: str
) -> Finding:
    wanted = _set(str(rule.network))
    found, guessed = _admitted(scene, interface, rule)
    if code is Code.SG_RS_CLIENT and rule.network in scene.around.clients:
        comers, unsure = _comers(scene, rule.network)
        wanted, guessed = comers or wanted, guessed or (unsure and bool(found))
    missing = IPSet() if guessed else wanted - found
    if not missing:
        return Finding(code, rule.describe(), holds=True, seen=LET_IN, expected=LET_IN)
    part = few(map(str, (wanted & found).iter_cidrs()))
    # Whoever did not say who the clients are may well let some of the world in alone.
    meant = code is Code.SG_LB_IN and bool(part) and not scene.options.clients
    seen = f"{LET_IN} from {part} alone" if part else KEPT_OUT
    return Finding(code, rule.describe(), meant, seen, LET_IN, "" if meant else remedy)


def _comers(scene: Scene, client: IPNetwork) -> tuple[IPSet, bool]:
    """Whom of these clients the director's own groups let in, to any port of the services."""
    found, guessed = IPSet(), False
    for rule in director_rules(scene):
        if rule.network == client:
            admitted, unsure = _admitted(scene, scene.around.director, rule)
            found |= admitted & _set(str(client))
            guessed = guessed or unsure
    return found, guessed


def _admitted(scene: Scene, interface: Interface | None, rule: GroupRule) -> tuple[IPSet, bool]:
    """Who is let in to all of these ports; and whether a list that nobody could read adds to it."""
    names = (rule.group,) if interface is None else interface.groups
    groups = (scene.picture.group(name) for name in names)
    rules = [one for group in groups if group is not None for one in group.inbound]
    return _networks(scene, (one for one in rules if _covers(one, rule)))


def _covers(one: Rule, rule: GroupRule) -> bool:
    return one.covers(rule.protocol, rule.first, rule.last)


def _networks(scene: Scene, rules: Iterable[Rule]) -> tuple[IPSet, bool]:
    known = {one.id: one for one in scene.picture.prefix_lists if one.readable}
    networks: list[str] = []
    guessed = False
    for rule in rules:
        if not isinstance(rule.peer, str):
            networks.append(str(rule.peer))
        elif rule.peer in known:
            networks += map(str, known[rule.peer].networks)
        else:
            guessed = guessed or rule.peer.startswith(_PREFIX_LIST)
    return _set(*networks), guessed


def _holder(scene: Scene, rule: GroupRule) -> Interface | None:
    """A real server's interface that the rule is for."""
    servers = (server for service in scene.services for server in service.servers)
    holders = (scene.picture.holder(server.endpoint.address) for server in servers)
    return next((one for one in holders if one is not None and rule.group in one.groups), None)


def _outward(scene: Scene) -> Iterator[Finding]:
    """What the director forwards is new to its own groups: their outbound rules must let it out."""
    director = scene.around.director
    groups = [scene.picture.group(name) for name in director.groups]
    outbound = [one for group in groups if group is not None for one in group.outbound]
    kept = [
        f"{rule.protocol}/{rule.first} to {address}"
        for rule, address in _forwarded(scene)
        if not _lets_out(scene, outbound, rule, address)
    ]
    if kept:
        named = ", ".join(director.groups)
        yield Finding(
            Code.SG_LB_OUT,
            f"{named} outbound",
            holds=False,
            seen=f"keeping back {few(dict.fromkeys(kept))}",
            expected="letting out what goes to the real servers",
            remedy=f"allow it in the outbound rules of {named}: they let everything out at first",
        )


def _lets_out(scene: Scene, outbound: Iterable[Rule], rule: GroupRule, address: IPNetwork) -> bool:
    holder = scene.picture.holder(address.network_address)
    own = () if holder is None else holder.groups
    fitting = [one for one in outbound if _covers(one, rule)]
    networks, guessed = _networks(scene, fitting)
    named = any(one.peer in own for one in fitting)
    return named or guessed or _set(str(address)).issubset(networks)


def _forwarded(scene: Scene) -> Iterator[tuple[GroupRule, IPNetwork]]:
    """The ports of each real server, and its address."""
    for service in scene.services:
        for server in service.servers:
            alone = replace(scene, services=(replace(service, servers=(server,)),))
            for rule in server_rules(alone):
                yield rule, ip_network(server.endpoint.address)


@lru_cache(maxsize=1024)
def _set(*networks: str) -> IPSet:
    """Nobody changes it: thousands of services ask for the same few."""
    return IPSet(networks)
