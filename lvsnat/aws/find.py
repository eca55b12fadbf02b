"""Find out what is meant: which interface, VIP, subnets, tables and Elastic IP. Pure.

What cannot be found out is told all at once, each with the option that says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from lvsnat.aws.codes import Code
from lvsnat.aws.instance import Instance, Nic
from lvsnat.aws.network import ElasticIp, Interface, Subnet
from lvsnat.aws.picture import Picture, TableUse
from lvsnat.aws.unclear import Unclear, UnclearError
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import Family, IPAddress, MarkListener
from lvsnat.model.service import VirtualService

EVERYBODY_4: Final = ip_network("0.0.0.0/0")
EVERYBODY_6: Final = ip_network("::/0")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a way back is about, all found."""

    layout: Layout
    director: Interface
    subnet: Subnet
    """The director's."""
    vips: tuple[IPAddress, ...]
    server_subnets: tuple[Subnet, ...]
    clients: tuple[IPNetwork, ...]
    elastic_ip: ElasticIp | None
    """The one to map to the VIP: named, or mapped to it already."""
    peer: Interface | None

    def tables(self, picture: Picture) -> tuple[TableUse, ...]:
        """Each table that steers the replies, once, in the order of the subnets."""
        uses = (picture.table_of(subnet.id) for subnet in self.server_subnets)
        return tuple({use.table.id: use for use in uses if use is not None}.values())


def vips_of(options: AwsOptions, services: Iterable[VirtualService]) -> tuple[IPAddress, ...]:
    """The VIP that was named, or those of the services."""
    if options.vip is not None:
        return (options.vip,)
    listening = (one.listen for one in services)
    return tuple(
        dict.fromkeys(one.address for one in listening if not isinstance(one, MarkListener))
    )


def choose_interface(
    options: AwsOptions, vips: Sequence[IPAddress], instance: Instance | None
) -> str:
    """The director's interface: named, or the instance's own that the VIP belongs to.

    Raises UsageError where it is not clear.
    """
    if options.eni is not None:
        return options.eni
    if instance is None or not instance.nics:
        raise UnclearError(
            [Unclear("the director's network interface is not known", "give it: --eni")]
        )
    if len(instance.nics) == 1:
        return instance.nics[0].eni
    holders = [nic for nic in instance.nics if any(vip in nic.addresses for vip in vips)]
    if len(holders) == 1:
        return holders[0].eni
    names = ", ".join(map(_nic_words, instance.nics))
    raise UnclearError(
        [
            Unclear(
                f"{instance.id} has {len(instance.nics)} interfaces, and"
                f" {'several have' if holders else 'none has'} the VIP: {names}",
                "name the one that clients reach the VIP by: --eni",
            )
        ]
    )


def find(
    options: AwsOptions, services: Sequence[VirtualService], picture: Picture, eni: str
) -> Surroundings:
    """Put together what is meant. Raises UsageError with everything that is not clear."""
    vips = vips_of(options, services)
    unclear: list[Unclear] = []
    director = picture.interface(eni)
    home = None if director is None else picture.subnet(director.subnet)
    if director is None or home is None:
        raise UnclearError([_absent("interface", eni, picture, "--eni")])
    subnets = tuple(_server_subnets(options, services, picture, unclear))
    unclear += _hidden_tables(subnets, picture)
    unclear += _vip_problems(vips, home, picture)
    layout = _layout(options, home, subnets, unclear)
    elastic = _elastic_ip(options, vips, picture, unclear)
    peer = _peer(options, picture, unclear)
    if unclear:
        raise UnclearError(unclear)
    clients = options.clients or tuple(_everybody(vips, subnets))
    return Surroundings(layout, director, home, vips, subnets, clients, elastic, peer)


def _everybody(vips: Iterable[IPAddress], subnets: Iterable[Subnet]) -> Iterator[IPNetwork]:
    """IPv6 only where a service has it and the servers' subnets do: else ::/0 helps nobody."""
    families = {Family.of(vip) for vip in vips}
    if Family.IPV4 in families:
        yield EVERYBODY_4
    if Family.IPV6 in families and any(subnet.has_ipv6 for subnet in subnets):
        yield EVERYBODY_6


def _server_subnets(
    options: AwsOptions,
    services: Iterable[VirtualService],
    picture: Picture,
    unclear: list[Unclear],
) -> Iterator[Subnet]:
    if options.real_server_subnets:
        for name in options.real_server_subnets:
            if (named := picture.subnet(name)) is not None:
                yield named
            else:
                unclear.append(_absent("subnet", name, picture, "--real-server-subnet"))
        return
    addresses = dict.fromkeys(
        server.endpoint.address for service in services for server in service.servers
    )
    found: dict[str, Subnet] = {}
    outside: list[IPAddress] = []
    for address in addresses:
        if (subnet := picture.subnet_of(address)) is None:
            outside.append(address)
        else:
            found.setdefault(subnet.id, subnet)
    if outside:
        unclear.append(
            Unclear(
                f"no subnet of {picture.vpc} holds the real server{'s' * (len(outside) > 1)}"
                f" {_few(outside)}",
                "real servers stand in the director's VPC; correct the address, or name the"
                " subnets that matter: --real-server-subnet",
            )
        )
    elif not found:
        unclear.append(
            Unclear(
                "there are no real servers, so their subnets are not known",
                "add servers to the services, or name the subnets: --real-server-subnet",
            )
        )
    yield from found.values()


def _hidden_tables(subnets: Iterable[Subnet], picture: Picture) -> Iterator[Unclear]:
    """Who was lent a subnet by another account sees the subnet, and not its route table.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html
    """
    for subnet in subnets:
        if picture.table_of(subnet.id) is None:
            yield Unclear(
                f"the route table of {subnet.id} is not to be seen: the subnet belongs to the"
                f" account {subnet.owner or 'that shares it'}",
                "let the owner of the VPC run this, with credentials of theirs: --profile",
            )


def _vip_problems(vips: Sequence[IPAddress], home: Subnet, picture: Picture) -> Iterator[Unclear]:
    if not vips:
        yield Unclear("there is no service, so the VIP is not known", "add one, or give --vip")
    for vip in vips:
        public = next((one for one in picture.addresses if one.public == vip), None)
        if public is not None:
            yield Unclear(
                f"{vip} is the Elastic IP {public.allocation}: no packet in a VPC has it as its"
                " destination",
                "let the service listen on a private address of the director's subnet"
                f" ({_networks(home)}), and map the Elastic IP to it:"
                f" --eip-allocation {public.allocation}",
                Code.VIP_IS_EIP,
            )
        elif not home.holds(vip):
            yield Unclear(
                f"the VIP {vip} is not in the director's subnet {home.id} ({_networks(home)})",
                "a secondary address is of the interface's own subnet: choose one there, or name"
                " the interface in the VIP's subnet: --eni",
            )


def _layout(
    options: AwsOptions, home: Subnet, subnets: Sequence[Subnet], unclear: list[Unclear]
) -> Layout:
    """The layout that was named, or that the subnets are in; never against what they are."""
    same = [subnet for subnet in subnets if subnet.id == home.id]
    others = [subnet for subnet in subnets if subnet.id != home.id]
    if same and others:
        unclear.append(
            Unclear(
                f"real servers stand in the director's own subnet {home.id} and in others"
                f" ({_few(one.id for one in others)}): no layout serves both",
                "give the director a subnet of its own (dual-subnet), or name the subnets that"
                " matter: --real-server-subnet",
            )
        )
        return options.layout or Layout.DUAL_SUBNET
    found = Layout.SINGLE_SUBNET if same else Layout.DUAL_SUBNET
    if subnets and options.layout not in (None, found):
        where = "the director's own subnet" if same else "other subnets than the director's"
        unclear.append(
            Unclear(
                f"the layout is to be {options.layout}, and the real servers are in {where}"
                f" ({_few(one.id for one in subnets)})",
                f"that is {found}: --layout {found}",
            )
        )
    return options.layout or found


def _elastic_ip(
    options: AwsOptions, vips: Sequence[IPAddress], picture: Picture, unclear: list[Unclear]
) -> ElasticIp | None:
    if options.eip_allocation is None:
        mapped = (picture.mapped_to(vip) for vip in vips)
        return next((one for one in mapped if one is not None), None)
    found = picture.elastic_ip(options.eip_allocation)
    private = [vip for vip in vips if Family.of(vip) is Family.IPV4]
    if found is None:
        unclear.append(_absent("Elastic IP", options.eip_allocation, picture, "--eip-allocation"))
    elif len(private) != 1:
        unclear.append(
            Unclear(
                f"an Elastic IP stands for one IPv4 address, and the services have {len(private)}"
                f"{': ' * bool(private)}{_few(private)}",
                "name the one that it is for: --vip",
            )
        )
    return found


def _peer(options: AwsOptions, picture: Picture, unclear: list[Unclear]) -> Interface | None:
    if options.peer_eni is None:
        return None
    found = picture.interface(options.peer_eni)
    if found is None:
        unclear.append(_absent("interface", options.peer_eni, picture, "--peer-eni"))
    return found


def _absent(noun: str, name: str, picture: Picture, option: str) -> Unclear:
    place = picture.region if noun == "Elastic IP" else f"{picture.vpc} ({picture.region})"
    return Unclear(f"there is no {noun} {name} in {place}", f"give another one: {option}")


def _nic_words(nic: Nic) -> str:
    return f"{nic.eni} ({nic.subnet})"


def _networks(subnet: Subnet) -> str:
    return ", ".join(map(str, subnet.networks))


def _few(values: Iterable[object]) -> str:
    words = [str(value) for value in values]
    shown = ", ".join(words[:3])
    return shown if len(words) <= 3 else f"{shown} and {len(words) - 3} more"  # noqa: PLR2004
