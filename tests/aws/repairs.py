"""What moto shows otherwise than EC2, put right in its answers: states, addresses, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from aws.addresses import eip_at, private_of
from aws.call import ACCOUNT, Call

_MOTO: Final = "{http://ec2.amazonaws.com/doc/2016-11-15}"
LISTS: Final = {
    "DescribeRouteTables": "routeTableSet",
    "DescribeSubnets": "subnetSet",
    "DescribeNetworkInterfaces": "networkInterfaceSet",
    "DescribeSecurityGroups": "securityGroupInfo",
    "DescribeNetworkAcls": "networkAclSet",
    "DescribeVpcEndpoints": "vpcEndpointSet",
}
"""Where the items of an answer are that has pages."""


def route_tables(call: Call, root: ET.Element) -> None:
    """Show who really gets the packets of a route.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html: ``blackhole`` where the
    target is gone; an interface of an instance comes with the instance. Propagated routes, which
    moto has not, come from ``propagated`` of its table.
    """
    for table in _items(root, "routeTableSet"):
        name = _text(table, "routeTableId")
        routes = table.find(f"{_MOTO}routeSet")
        assert routes is not None
        for item in routes:
            _route(call, item)
        model = call.backend.route_tables[name]
        if (owner := getattr(model, "lent_by", None)) is not None:
            _set(table, "ownerId", owner)
        for cidr, gateway, origin in getattr(model, "propagated", ()):
            item = ET.SubElement(routes, f"{_MOTO}item")
            for tag, text in (
                ("destinationCidrBlock", cidr),
                ("gatewayId", gateway),
                ("origin", origin),
                ("state", "active"),
            ):
                _set(item, tag, text)
        for one in getattr(model, "propagated", ()):
            gateways = table.find(f"{_MOTO}propagatingVgwSet")
            if gateways is None:
                gateways = ET.SubElement(table, f"{_MOTO}propagatingVgwSet")
            _set(ET.SubElement(gateways, f"{_MOTO}item"), "gatewayId", one[1])


def _route(call: Call, item: ET.Element) -> None:
    name = _text(item, "networkInterfaceId")
    if not name:
        return
    if (gateway := item.find(f"{_MOTO}gatewayId")) is not None:
        item.remove(gateway)  # a local route that was replaced has one target, not two
    if not call.alive(name):
        _set(item, "state", "blackhole")
    eni = call.backend.enis.get(name)
    if eni is not None and eni.instance is not None:
        _set(item, "instanceId", eni.instance.id)
        _set(item, "instanceOwnerId", ACCOUNT)


def interfaces(call: Call, root: ET.Element) -> None:
    """Show the Elastic IP at the private address that it stands for; and time-outs.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterfacePrivateIpAddress.html
    """
    for item in _items(root, "networkInterfaceSet"):
        eni = call.backend.enis[_text(item, "networkInterfaceId")]
        for address in item.iterfind(f"{_MOTO}privateIpAddressesSet/{_MOTO}item"):
            eip = eip_at(call.backend, eni, _text(address, "privateIpAddress"))
            if eip is not None:
                _association(address, eip)
        if (idle := getattr(eni, "tcp_idle", None)) is not None:
            tracking = ET.SubElement(item, f"{_MOTO}connectionTrackingConfiguration")
            _set(tracking, "tcpEstablishedTimeout", str(idle))
        whole = item.find(f"{_MOTO}association")
        if whole is not None:
            item.remove(whole)
        primary = eip_at(call.backend, eni, eni.private_ip_address)
        if primary is not None:
            _association(item, primary)


def _association(parent: ET.Element, eip: Any) -> None:  # noqa: ANN401 - moto's model
    found = parent.find(f"{_MOTO}association")
    if found is not None:
        parent.remove(found)
    made = ET.SubElement(parent, f"{_MOTO}association")
    _set(made, "allocationId", eip.allocation_id)
    _set(made, "associationId", eip.association_id)
    _set(made, "ipOwnerId", ACCOUNT)
    _set(made, "publicIp", eip.public_ip)


def elastic_ips(call: Call, root: ET.Element) -> None:
    """Show the private address that an Elastic IP stands for.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Address.html
    """
    by_allocation = {one.allocation_id: one for one in call.backend.addresses}
    for item in _items(root, "addressesSet"):
        eip = by_allocation[_text(item, "allocationId")]
        if private := private_of(eip):
            _set(item, "privateIpAddress", private)


def subnets(call: Call, root: ET.Element) -> None:
    """Show the state of an IPv6 network as a word, where moto shows a dictionary as text.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetCidrBlockState.html
    """
    del call
    for state in root.iter(f"{_MOTO}ipv6CidrBlockState"):
        _set(state, "state", "associated")


REPAIRS: Final[Mapping[str, Callable[[Call, ET.Element], None]]] = {
    "DescribeRouteTables": route_tables,
    "DescribeNetworkInterfaces": interfaces,
    "DescribeSubnets": subnets,
    "DescribeAddresses": elastic_ips,
}


def repair(call: Call, body: bytes) -> bytes:
    """Put an answer of moto right."""
    listed = LISTS.get(call.action)
    change = REPAIRS.get(call.action)
    if listed is None and change is None:
        return body
    root = ET.fromstring(body)  # noqa: S314 - it is our own server's
    if change is not None:
        change(call, root)
    if listed is not None and call.get("MaxResults"):
        _page(call, root, listed)
    mended: bytes = ET.tostring(root, encoding="utf-8")
    return mended


def _page(call: Call, root: ET.Element, listed: str) -> None:
    """Cut a page out.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
    """
    items = root.find(f"{_MOTO}{listed}")
    if items is None:
        return
    size, first = int(call.form["MaxResults"]), int(call.form.get("NextToken") or 0)
    everything = list(items)
    for place, item in enumerate(everything):
        if not first <= place < first + size:
            items.remove(item)
    if first + size < len(everything):
        _set(root, "nextToken", str(first + size))


def _items(root: ET.Element, listed: str) -> list[ET.Element]:
    return list(root.iterfind(f"{_MOTO}{listed}/{_MOTO}item"))


def _text(item: ET.Element, tag: str) -> str:
    return item.findtext(f"{_MOTO}{tag}") or ""


def _set(item: ET.Element, tag: str, text: str) -> None:
    found = item.find(f"{_MOTO}{tag}")
    if found is None:
        found = ET.SubElement(item, f"{_MOTO}{tag}")
    found.text = text
