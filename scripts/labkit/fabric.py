"""What a VPC does with packets, as commands for two kernels: a router and a switch. Pure.

    switch   source/destination check and who may answer for an address: `nft` at each port
    router   route tables: `ip rule`, `ip route`, `ip neigh`; Elastic IPs and addresses that nobody
             has: `nft`

`vpc` draws them and hands the commands over.

Sources:
    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html (source/destination check)
    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from labkit.vpcstate import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from labkit.vpcstate import Nic, Route, Subnet, VpcState

Entries = dict[str, str]
"""What a kernel is to hold: the command that takes something away, and the one that puts it."""

FAMILIES = (4, 6)
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
# Where packets that come from outside the VPC are looked up.
FROM_OUTSIDE = 100
FIRST_TABLE = 101
LAST_RESORT = 9999
BLACKHOLE = "blackhole"


def device(identity: str) -> str:
    """Name an interface after an id of EC2; the kernel allows 15 characters."""
    kind, _, number = identity.partition("-")
    return f"{kind}-{number[-8:]}"


def commands(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Give what leads from one set of entries to another; what is new comes before what goes."""
    made = [put for take, put in after.items() if before.get(take) != put]
    return made + [take for take in before if take not in after]


def routing(state: VpcState, doors: Mapping[str, str], family: int) -> Entries:
    """Give the routes, rules and neighbours of the router in one family.

    Doors are the ways out of the VPC: by target, the words of a route that leads there.
    """
    number = {table.id: FIRST_TABLE + place for place, table in enumerate(state.tables)}
    pairs = [_end(FROM_OUTSIDE, family), *_subnets(state, FROM_OUTSIDE, EVERYWHERE[family])]
    pairs += [_rule(target, FROM_OUTSIDE) for target in doors]
    for table in state.tables:
        pairs.append(_end(number[table.id], family))
        if family == 6:  # noqa: PLR2004  the version of IP
            # A network that a VPC is given later has no line in the tables of moto.
            pairs += _subnets(state, number[table.id], EVERYWHERE[family])
        for route in sorted(table.routes, key=_weight):
            if ip_network(route.destination).version == family:
                pairs += _routes(state, number[table.id], route, doors)
    pairs += [_rule(one.id, number[state.table_of(one.id).id]) for one in state.subnets]
    pairs += [pair for nic in state.nics for pair in _neighbours(nic, family)]
    return dict(pairs)


def _weight(route: Route) -> tuple[bool, bool]:
    """Order routes so that the later one holds: a subnet's own before local, static before not."""
    return route.target != LOCAL, not route.propagated


def _routes(
    state: VpcState, table: int, route: Route, doors: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    nic = state.nic(route.target)
    if route.target == LOCAL:
        # The rest of the VPC's network, of which no subnet is made.
        yield _line(table, route.destination, BLACKHOLE)
        yield from _subnets(state, table, route.destination)
    elif route.blackhole:
        yield _line(table, route.destination, BLACKHOLE)
    elif nic is not None:
        hop = _next_hop(nic, ip_network(route.destination).version)
        yield _line(table, route.destination, f"via {hop} dev {device(nic.subnet)} onlink")
    else:
        yield _line(table, route.destination, doors.get(route.target, BLACKHOLE))


def _subnets(state: VpcState, table: int, destination: str) -> Iterator[tuple[str, str]]:
    """Lead to every subnet that a network holds."""
    whole = ip_network(destination)
    for subnet in state.subnets:
        for text in subnet.networks:
            network = ip_network(text)
            if network.version == whole.version and network.subnet_of(whole):  # type: ignore[arg-type]
                yield _line(table, text, f"dev {device(subnet.id)}")


def _end(table: int, family: int) -> tuple[str, str]:
    """Let what has no route vanish, as in EC2; without it the next rule would find one."""
    return _line(table, EVERYWHERE[family], BLACKHOLE, metric=LAST_RESORT)


def _line(table: int, destination: str, way: str, metric: int = 1) -> tuple[str, str]:
    place = f"{destination} table {table} metric {metric}"
    if way == BLACKHOLE:
        return f"route del {place}", f"route replace blackhole {place}"
    return f"route del {place}", f"route replace {place} {way}"


def _rule(identity: str, table: int) -> tuple[str, str]:
    words = f"iif {device(identity)} lookup {table} pref 100"
    return f"rule del {words}", f"rule add {words}"


def _neighbours(nic: Nic, family: int) -> Iterator[tuple[str, str]]:
    """Tell the router whose an address is; nobody else is asked."""
    for address in _on_wire(nic, family):
        place = f"{address} dev {device(nic.subnet)}"
        yield f"neigh del {place}", f"neigh replace {place} lladdr {nic.mac} nud permanent"


def _on_wire(nic: Nic, family: int) -> Iterator[str]:
    """List the addresses that the fabric finds an interface by."""
    yield from (one for one in nic.addresses if ip_address(one).version == family)
    if family == 6:  # noqa: PLR2004  the version of IP
        yield link_local(nic.mac)


def _next_hop(nic: Nic, family: int) -> str:
    """Give an address to send to what is for others; in IPv6 it may have no other one."""
    return nic.addresses[0] if family == 4 else link_local(nic.mac)  # noqa: PLR2004


def link_local(mac: str) -> str:
    """Give the address that the kernel makes of a MAC address (RFC 4291, appendix A)."""
    first, *rest = (int(part, 16) for part in mac.split(":"))
    parts = bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]])
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + parts))


def router_rules(state: VpcState) -> str:
    """Give the router's nftables file: 1:1 NAT without state, as the internet gateway does it."""
    private = [address for _, address in state.elastic]
    public = [address for address, _ in state.elastic]
    gateway = device(state.gateway) if state.gateway else "none"
    return _table(
        "inet vpc",
        "counter unmapped { }",
        "counter unassigned { }",
        _set("publics", "ipv4_addr", public),
        _set("privates", "ipv4_addr", private),
        _map("private_of", (f"{one} : {other}" for one, other in state.elastic)),
        _map("public_of", (f"{other} : {one}" for one, other in state.elastic)),
        *(_networks(state, family) for family in FAMILIES),
        *(_assigned(state, family) for family in FAMILIES),
        "chain arriving { type filter hook prerouting priority -300;",
        f'  iifname "{gateway}" ip daddr != @publics counter name unmapped drop',
        f'  iifname "{gateway}" ip daddr set ip daddr map @private_of',
        "}",
        "chain passing { type filter hook forward priority 0;",
        "  ip daddr @networks4 ip daddr != @assigned4 counter name unassigned drop",
        "  ip6 daddr @networks6 ip6 daddr != @assigned6 counter name unassigned drop",
        "}",
        "chain leaving { type filter hook postrouting priority 300;",
        f'  oifname "{gateway}" meta nfproto ipv4 ip saddr != @privates counter name unmapped drop',
        f'  oifname "{gateway}" ip saddr set ip saddr map @public_of',
        "}",
    )


def switch_rules(state: VpcState, ports: Iterable[str]) -> str:
    """Give the switch's nftables file, for frames that arrive at a port.

    To whom a frame goes is told by its MAC address, so that one hook does both halves of the check.
    Who answers for an address is EC2's word, not that of whoever has it on an interface.
    """
    checked = [nic for nic in state.nics if nic.checked]
    listed = ", ".join(f'"{port}"' for port in ports)
    return _table(
        "netdev vpc",
        "counter source_check { }",
        "counter destination_check { }",
        "counter foreign_arp { }",
        _set("senders", "ifname", (_quoted(nic) for nic in checked)),
        _set("receivers", "ether_addr", (nic.mac for nic in checked)),
        *(_owned(state.nics, family) for family in FAMILIES),
        *(_deliverable(checked, family) for family in FAMILIES),
        f"chain arriving {{ type filter hook ingress devices = {{ {listed} }} priority 0;",
        '  meta protocol arp iifname "eni-*" iifname . arp saddr ip != @owned4'
        " counter name foreign_arp drop",
        "  meta protocol ip iifname @senders iifname . ip saddr != @owned4"
        " counter name source_check drop",
        "  meta protocol ip ether daddr @receivers ether daddr . ip daddr != @deliverable4"
        " counter name destination_check drop",
        "  meta protocol ip6 ip6 saddr != { ::, fe80::/10 } iifname @senders"
        " iifname . ip6 saddr != @owned6 counter name source_check drop",
        "  meta protocol ip6 ip6 daddr != fe80::/10 ether daddr @receivers"
        " ether daddr . ip6 daddr != @deliverable6 counter name destination_check drop",
        "}",
    )


def _table(name: str, *lines: str) -> str:
    """Put a table in the place of the one that was there, in one transaction."""
    body = "".join(f"  {line}\n" for line in lines)
    return f"table {name}\ndelete table {name}\ntable {name} {{\n{body}}}\n"


def _set(name: str, kind: str, elements: Iterable[str], flags: str = "") -> str:
    listed = ", ".join(elements)
    contents = f" elements = {{ {listed} }};" if listed else ""
    return f"set {name} {{ type {kind};{flags}{contents} }}"


def _map(name: str, elements: Iterable[str]) -> str:
    return _set(name, "ipv4_addr : ipv4_addr", elements).replace("set", "map", 1)


def _networks(state: VpcState, family: int) -> str:
    networks = (text for subnet in state.subnets for text in _of(subnet, family))
    return _set(f"networks{family}", _type(family), networks, " flags interval;")


def _assigned(state: VpcState, family: int) -> str:
    addresses = (one for nic in state.nics for one in _addresses(nic, family))
    return _set(f"assigned{family}", _type(family), addresses)


def _owned(nics: Iterable[Nic], family: int) -> str:
    pairs = (f"{_quoted(nic)} . {one}" for nic in nics for one in _addresses(nic, family))
    return _set(f"owned{family}", f"ifname . {_type(family)}", pairs)


def _deliverable(nics: Iterable[Nic], family: int) -> str:
    pairs = (f"{nic.mac} . {one}" for nic in nics for one in _addresses(nic, family))
    return _set(f"deliverable{family}", f"ether_addr . {_type(family)}", pairs)


def _addresses(nic: Nic, family: int) -> Iterator[str]:
    return (one for one in nic.addresses if ip_address(one).version == family)


def _of(subnet: Subnet, family: int) -> Iterator[str]:
    return (text for text in subnet.networks if ip_network(text).version == family)


def _type(family: int) -> str:
    return f"ipv{family}_addr"


def _quoted(nic: Nic) -> str:
    return f'"{device(nic.id)}"'
