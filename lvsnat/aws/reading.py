"""EC2's answers to values: parsed once, here. Pure; what is not known to us is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING, Any, Final

from lvsnat.aws.network import (
    EVERYWHERE,
    AclEntry,
    ElasticIp,
    Interface,
    Machine,
    NetworkAcl,
    Origin,
    PrefixList,
    PrivateAddress,
    Route,
    RouteState,
    RouteTable,
    Rule,
    SecurityGroup,
    Subnet,
)
from lvsnat.aws.target import Target
from lvsnat.model.config import IPNetwork

if TYPE_CHECKING:
    from mypy_boto3_ec2 import type_defs as ec2

_TARGETS: Final = (
    # An instance as target is shown with its interface, which is what packets go to.
    "NetworkInterfaceId",
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "InstanceId",
)
_LIVE: Final = ("associated", "associating")


def name_of(tags: Iterable[ec2.TagTypeDef]) -> str:
    return next((tag.get("Value", "") for tag in tags if tag.get("Key") == "Name"), "")


def tags_of(tags: Iterable[ec2.TagTypeDef]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((tag.get("Key", ""), tag.get("Value", "")) for tag in tags))


def networks_of(vpc: ec2.VpcTypeDef) -> tuple[IPNetwork, ...]:
    """The CIDRs of a VPC that are in force."""
    ipv4 = [
        one.get("CidrBlock")
        for one in vpc.get("CidrBlockAssociationSet", [])
        if one.get("CidrBlockState", {}).get("State", "associated") in _LIVE
    ]
    ipv6 = [
        one.get("Ipv6CidrBlock")
        for one in vpc.get("Ipv6CidrBlockAssociationSet", [])
        if one.get("Ipv6CidrBlockState", {}).get("State", "associated") in _LIVE
    ]
    texts = [vpc.get("CidrBlock"), *ipv4, *ipv6]
    return tuple(dict.fromkeys(ip_network(text) for text in texts if text))


def subnet(raw: ec2.SubnetTypeDef) -> Subnet:
    ipv6 = [
        one.get("Ipv6CidrBlock")
        for one in raw.get("Ipv6CidrBlockAssociationSet", [])
        if one.get("Ipv6CidrBlockState", {}).get("State", "associated") in _LIVE
    ]
    return Subnet(
        raw["SubnetId"],
        tuple(ip_network(text) for text in (raw.get("CidrBlock"), *ipv6) if text),
        raw.get("AvailabilityZone", ""),
        name_of(raw.get("Tags", [])),
        raw.get("OwnerId", ""),
    )


def route_table(raw: ec2.RouteTableTypeDef, lists: Mapping[str, PrefixList]) -> RouteTable:
    links = [
        link
        for link in raw.get("Associations", [])
        if link.get("AssociationState", {}).get("State", "associated") in _LIVE
    ]
    return RouteTable(
        raw["RouteTableId"],
        any(link.get("Main", False) for link in links),
        tuple(sorted(link["SubnetId"] for link in links if link.get("SubnetId"))),
        tuple(sorted(link["GatewayId"] for link in links if link.get("GatewayId"))),
        tuple(_routes(raw.get("Routes", []), lists)),
        raw.get("OwnerId", ""),
        name_of(raw.get("Tags", [])),
        tags_of(raw.get("Tags", [])),
    )


def _routes(raw: Iterable[ec2.RouteTypeDef], lists: Mapping[str, PrefixList]) -> Iterator[Route]:
    for one in raw:
        destination = _destination(one, lists)
        if destination is None:
            continue
        yield Route(
            destination,
            _target(one),
            _origin(one.get("Origin", "")),
            _state(one.get("State", "")),
        )


def _destination(
    raw: ec2.RouteTypeDef, lists: Mapping[str, PrefixList]
) -> IPNetwork | PrefixList | None:
    if cidr := raw.get("DestinationCidrBlock") or raw.get("DestinationIpv6CidrBlock"):
        return ip_network(cidr)
    if name := raw.get("DestinationPrefixListId"):
        return lists.get(name, PrefixList(name, readable=False))
    return None


def _target(raw: Mapping[str, Any]) -> Target:
    return Target(next((raw[key] for key in _TARGETS if raw.get(key)), ""))


def _origin(text: str) -> Origin:
    try:
        return Origin(text)
    except ValueError:
        return Origin.UNKNOWN


def _state(text: str) -> RouteState:
    try:
        return RouteState(text)
    except ValueError:
        return RouteState.ACTIVE


def interface(raw: ec2.NetworkInterfaceTypeDef) -> Interface:
    attachment = raw.get("Attachment", {})
    return Interface(
        raw["NetworkInterfaceId"],
        raw.get("SubnetId", ""),
        tuple(_private_addresses(raw)),
        tuple(IPv6Address(one["Ipv6Address"]) for one in raw.get("Ipv6Addresses", [])),
        raw.get("SourceDestCheck", True),
        attachment.get("InstanceId"),
        attachment.get("Status") == "attached",
        tuple(group["GroupId"] for group in raw.get("Groups", [])),
        raw.get("MacAddress", ""),
        raw.get("AvailabilityZone", ""),
        raw.get("OwnerId", ""),
        raw.get("RequesterManaged", False),
        name_of(raw.get("TagSet", [])),
        _primary_ipv6(raw),
        raw.get("ConnectionTrackingConfiguration", {}).get("TcpEstablishedTimeout"),
    )


def _primary_ipv6(raw: ec2.NetworkInterfaceTypeDef) -> IPv6Address | None:
    primary = (one for one in raw.get("Ipv6Addresses", []) if one.get("IsPrimaryIpv6"))
    return next((IPv6Address(one["Ipv6Address"]) for one in primary), None)


def _private_addresses(raw: ec2.NetworkInterfaceTypeDef) -> Iterator[PrivateAddress]:
    for one in raw.get("PrivateIpAddresses", []):
        link = one.get("Association", {})
        public = link.get("PublicIp")
        yield PrivateAddress(
            IPv4Address(one["PrivateIpAddress"]),
            one.get("Primary", False),
            IPv4Address(public) if public else None,
            link.get("AllocationId"),
        )


def elastic_ips(raw: Iterable[ec2.AddressTypeDef]) -> Iterator[ElasticIp]:
    """Those of the account; addresses of EC2-Classic, which have no allocation, are none."""
    for one in raw:
        if "AllocationId" not in one or "PublicIp" not in one:
            continue
        private = one.get("PrivateIpAddress")
        yield ElasticIp(
            one["AllocationId"],
            IPv4Address(one["PublicIp"]),
            one.get("AssociationId") or None,
            one.get("NetworkInterfaceId") or None,
            IPv4Address(private) if private else None,
            one.get("NetworkBorderGroup", ""),
            name_of(one.get("Tags", [])),
            tags_of(one.get("Tags", [])),
        )


def security_group(raw: ec2.SecurityGroupTypeDef) -> SecurityGroup:
    return SecurityGroup(
        raw["GroupId"],
        raw.get("GroupName", ""),
        tuple(_rules(raw.get("IpPermissions", []))),
        tuple(_rules(raw.get("IpPermissionsEgress", []))),
    )


def _rules(raw: Iterable[ec2.IpPermissionOutputTypeDef]) -> Iterator[Rule]:
    for one in raw:
        peers: list[IPNetwork | str] = [ip_network(ip["CidrIp"]) for ip in one.get("IpRanges", [])]
        peers += [ip_network(ip["CidrIpv6"]) for ip in one.get("Ipv6Ranges", [])]
        peers += [pair["GroupId"] for pair in one.get("UserIdGroupPairs", []) if "GroupId" in pair]
        peers += [pl["PrefixListId"] for pl in one.get("PrefixListIds", [])]
        for peer in peers:
            yield Rule(
                one.get("IpProtocol", ""), one.get("FromPort", -1), one.get("ToPort", -1), peer
            )


def network_acl(raw: ec2.NetworkAclTypeDef) -> NetworkAcl:
    return NetworkAcl(
        raw.get("NetworkAclId", ""),
        tuple(one["SubnetId"] for one in raw.get("Associations", []) if "SubnetId" in one),
        tuple(_entries(raw.get("Entries", []))),
    )


def _entries(raw: Iterable[ec2.NetworkAclEntryTypeDef]) -> Iterator[AclEntry]:
    for one in raw:
        text = one.get("CidrBlock") or one.get("Ipv6CidrBlock")
        if text is None:
            continue
        ports = one.get("PortRange", {})
        yield AclEntry(
            one.get("RuleNumber", 0),
            one.get("Egress", False),
            one.get("RuleAction") == "allow",
            ip_network(text),
            one.get("Protocol", EVERYWHERE),
            ports.get("From", 0),
            ports.get("To", 65535),
        )


def machine(raw: ec2.InstanceTypeDef) -> Machine:
    options = raw.get("MetadataOptions", {})
    return Machine(
        raw.get("InstanceId", ""),
        raw.get("InstanceType", ""),
        options.get("HttpEndpoint", "enabled") == "enabled",
        options.get("HttpTokens", "required") == "required",
        options.get("HttpPutResponseHopLimit", 1),
    )
