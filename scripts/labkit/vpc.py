"""A VPC of namespaces, whose fabric does with packets what EC2 was told to do.

    client 198.51.100.10        partner .10, at the other end of a peering
       |                           |
    internet ------ nat            |
       |             |             |
    igw-...       nat-...       pcx-...
    +--+-------------+---- vpc ----+----------------------------+
    |  Elastic IP <-> private address, without state            |
    |  one routing table per route table; which one is looked   |
    |  at depends on the interface that a packet came in by     |
    +---- subnet-aaaaaaaa ------------------ subnet-bbbbbbbb ---+
             | 10.0.1.1                         | 10.0.2.1
    +--------+------------------- wires --------+---------------+
    |    one bridge                         one bridge          |
    |  a frame that arrives: does the sender have the address   |
    |  it sends from, and the receiver the one it is sent to?   |
    +----+-------------+----------------+--------------+--------+
    eni-11111111  eni-22222222     eni-33333333   eni-44444444
         |             |                |              |
      director        peer           server-a       server-b

Each interface of an instance is a host, named by its `Name` tag, with the MAC address that EC2 says
it has. Between hosts of a subnet a frame passes `wires` alone: route tables do not see it. Between
all others it passes `vpc`, too. `sync` hands what EC2 says (`vpcstate`) to the two kernels
(`fabric`); the subnets and interfaces themselves stay those that were there at the start.

Not there: security groups, network ACLs, edge route tables, prefix lists, the resolver, an Elastic
IP that is asked for from inside the VPC, and whatever tells the neighbours in a subnet that an
address has moved (the router knows at once). The internet is 198.51.100.0/24 and 2001:db8:c::/64; a
NAT gateway is seen there as 198.51.100.20, whatever its Elastic IP.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from secrets import token_hex
from typing import TYPE_CHECKING

from labkit import fabric, wiring
from labkit.errors import LabError
from labkit.fabric import device
from labkit.topology import homes_of, host_at, namespaces, stopped_at_the_end
from labkit.wiring import WIRES, Box, Plug

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labkit.host import Host
    from labkit.vpcstate import Nic, VpcState

INTERNET = "internet"
ROUTER = ("198.51.100.1/24", "2001:db8:c::1/64")
CLIENT = ("198.51.100.10/24", "2001:db8:c::10/64")
FIRST_NAT = 20
# The router's own in each subnet; an instance without an IPv6 address has its default route, too.
ADVERTISED = "fe80::1/64"
CLIENT_ROUTES = ("default via 198.51.100.1", "::/0 via 2001:db8:c::1")
# Only the flows that began inside; it takes the place of their address.
MASQUERADE = """
table ip nat {
  chain passing { type filter hook forward priority 0; ct state invalid drop; }
  chain leaving { type nat hook postrouting priority 100; oifname "eth1" masquerade; }
}
"""


@dataclass(slots=True)
class Network:
    """A VPC that is up."""

    hosts: dict[str, Host]
    _ports: tuple[str, ...]
    _doors: dict[str, str]
    _held: dict[int, fabric.Entries] = field(default_factory=dict)
    _rules: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Host:
        """Somebody on the internet."""
        return self.hosts["client"]

    def sync(self, state: VpcState) -> None:
        """Let the fabric do what EC2 says now; what has not changed is left alone."""
        for family in fabric.FAMILIES:
            wanted = fabric.routing(state, self._doors, family)
            lines = fabric.commands(self._held.get(family, {}), wanted)
            if lines:
                wiring.ip_batch(lines, self.hosts["vpc"].namespace, f"-{family}")
            self._held[family] = wanted
        self._load("vpc", fabric.router_rules(state))
        self._load(WIRES, fabric.switch_rules(state, self._ports))

    def drops(self) -> dict[str, int]:
        """Count the packets that the fabric has dropped, by why, since its rules last changed."""
        found: dict[str, int] = {}
        for name in ("vpc", WIRES):
            said = json.loads(self.hosts[name].run("nft", "-j", "list", "counters").stdout)
            counters = (one["counter"] for one in said["nftables"] if "counter" in one)
            found |= {one["name"]: one["packets"] for one in counters if one["packets"]}
        return found

    def _load(self, name: str, rules: str) -> None:
        if self._rules.get(name) != rules:
            self.hosts[name].run("nft", "-f", "-", input=rules)
            self._rules[name] = rules


@contextmanager
def laid_out(state: VpcState, prefix: str = "") -> Iterator[Network]:
    """Lay a VPC out as it is now, and take it away whatever happens.

    Without a prefix it has a name of its own, so that several can be there at once.
    """
    prefix = prefix or f"vpc{token_hex(3)}"
    if namespaces(prefix):
        msg = f"a VPC is up already under the name {prefix}"
        raise LabError(msg, hint=f"'ip netns list' shows it, as {prefix}-...")
    nats = [_nat(state, number, name) for number, name in enumerate(state.nats)]
    boxes = [*_boxes(state), *nats]
    with homes_of(prefix) as homes:
        wiring.build(boxes, prefix)
        network = Network(_hosts(boxes, prefix, homes), _ports(boxes), _doors(state))
        with stopped_at_the_end(network.hosts):
            for nat in nats:
                network.hosts[nat.name].run("nft", "-f", "-", input=MASQUERADE)
            network.sync(state)
            yield network


def _hosts(boxes: list[Box], prefix: str, homes: Path) -> dict[str, Host]:
    """Give every host; those of the fabric itself have no address to ask."""
    found = {WIRES: host_at(prefix, homes, WIRES, "", "")}
    for box in boxes:
        own = [str(ip_interface(one).ip) for one in box.plugs[0].addresses]
        address = next((one for one in own if ip_address(one).version == 4), "")  # noqa: PLR2004
        address6 = next((one for one in own if ip_address(one).version == 6), "")  # noqa: PLR2004
        found[box.name] = host_at(prefix, homes, box.name, address, address6)
    return found


def _ports(boxes: list[Box]) -> tuple[str, ...]:
    """List the ports at which the switch looks at what arrives: all but those of the outside."""
    plugs = [plug for box in boxes for plug in box.plugs]
    return tuple(plug.port for plug in plugs if plug.segment.startswith("subnet-"))


def _doors(state: VpcState) -> dict[str, str]:
    """Give the way out for each target of a route that is no interface."""
    names = [state.gateway] if state.gateway else []
    ways = {name: f"dev {device(name)}" for name in [*names, *(one.id for one in state.peerings)]}
    for number, name in enumerate(state.nats):
        ways[name] = f"via {_link(number, 2)} dev {device(name)}"
    return ways


def _boxes(state: VpcState) -> Iterator[Box]:
    yield Box("vpc", tuple(_router(state)), (), forwards=True)
    yield Box("client", (Plug("eth0", "client", INTERNET, CLIENT),), CLIENT_ROUTES)
    for number, peering in enumerate(state.peerings):
        name = _name("partner", number)
        plug = Plug("eth0", name, device(peering.id), (_numbered(peering.network, 10),))
        yield Box(name, (plug,), (f"default via {_bare(_numbered(peering.network, 1))}",))
    for nic in state.nics:
        yield _instance(state, nic)


def _router(state: VpcState) -> Iterator[Plug]:
    def plug(identity: str, segment: str, *addresses: str) -> Plug:
        port = f"vpc-{device(identity).rpartition('-')[2]}"
        return Plug(device(identity), port, segment, addresses)

    if state.gateway:
        yield plug(state.gateway, INTERNET, *ROUTER)
    for number, name in enumerate(state.nats):
        yield plug(name, device(name), f"{_link(number, 1)}/30")
    for peering in state.peerings:
        yield plug(peering.id, device(peering.id), _numbered(peering.network, 1))
    for subnet in state.subnets:
        gateways = (_numbered(network, 1) for network in subnet.networks)
        yield plug(subnet.id, device(subnet.id), *gateways, ADVERTISED)


def _nat(state: VpcState, number: int, name: str) -> Box:
    address = f"198.51.100.{FIRST_NAT + number}/24"
    inside = Plug("eth0", f"{device(name)}.0", device(name), (f"{_link(number, 2)}/30",))
    outside = Plug("eth1", f"{device(name)}.1", INTERNET, (address,))
    networks = [text for subnet in state.subnets for text in subnet.networks if ":" not in text]
    routes = tuple(f"{network} via {_link(number, 1)}" for network in networks)
    return Box(_name("nat", number), (inside, outside), routes, forwards=True)


def _instance(state: VpcState, nic: Nic) -> Box:
    """Give it what it boots with: to add a secondary IPv4 address is its own system's work."""
    [subnet] = [one for one in state.subnets if one.id == nic.subnet]
    own = [nic.addresses[0], *(one for one in nic.addresses[1:] if ":" in one)]
    addresses = []
    for network in map(ip_network, subnet.networks):
        found = [one for one in own if ip_address(one) in network]
        addresses += [f"{one}/{network.prefixlen}" for one in found]
    plug = Plug("eth0", device(nic.id), device(subnet.id), tuple(addresses), nic.mac)
    routes = (
        f"default via {_bare(_numbered(subnet.networks[0], 1))}",
        f"::/0 via {_bare(ADVERTISED)} dev eth0",
    )
    return Box(nic.name, (plug,), routes)


def _name(word: str, number: int) -> str:
    return f"{word}{number + 1}" if number else word


def _numbered(network: str, number: int) -> str:
    """Give the address with a number in a network, with the length of the network."""
    whole = ip_network(network)
    return f"{whole[number]}/{whole.prefixlen}"


def _bare(address: str) -> str:
    return str(ip_interface(address).ip)


def _link(number: int, end: int) -> str:
    """Give an address of the link between the router and a NAT gateway."""
    return f"169.254.77.{4 * number + end}"
