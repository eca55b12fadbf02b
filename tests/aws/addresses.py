"""Private addresses and Elastic IPs as EC2 keeps them: these calls never reach moto.

moto maps an Elastic IP to the interface's primary address whatever is asked for, and leaves a VIP
on both interfaces when it moves. The mapping is kept on moto's own objects, so its reset clears it.

Sources:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateAddress.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnassignPrivateIpAddresses.html
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Final

from aws.call import Call, RefusedError

ADDRESSES_PER_INTERFACE: Final = 15
"""That of an m5.large is 10, of an m5.4xlarge 30; tests fill it, and moto has no limit."""
_numbers = itertools.count(1)


def private_of(eip: Any) -> str | None:  # noqa: ANN401 - moto's model
    """The private address that an Elastic IP stands for."""
    if eip.eni is None:
        return None
    address: str = getattr(eip, "private", None) or eip.eni.private_ip_address
    return address


def eip_at(backend: Any, eni: Any, address: str) -> Any:  # noqa: ANN401 - moto's models
    """The Elastic IP that stands for a private address, or None."""
    mapped = (one for one in backend.addresses if one.eni is eni and private_of(one) == address)
    return next(mapped, None)


def associate(call: Call) -> str:
    """AssociateAddress: an address of an Elastic IP's own, and re-association by default."""
    eip = _eip(call)
    eni = _interface(call)
    private = call.get("PrivateIpAddress") or eni.private_ip_address
    if private not in _on(eni):
        raise RefusedError(
            "InvalidParameterValue",
            f"The address with ID '{private}' is not associated with interface '{eni.id}'.",
        )
    if not any(
        attached.vpc.id == eni.subnet.vpc_id
        for attached in call.backend.internet_gateways.values()
        if attached.vpc is not None
    ):
        raise RefusedError(
            "Gateway.NotAttached", f"Network {eni.subnet.vpc_id} is not attached to any gateway"
        )
    if eip.eni is eni and private_of(eip) == private:
        return f"<associationId>{eip.association_id}</associationId>"
    if eip.eni is not None and call.form.get("AllowReassociation", "true").lower() == "false":
        raise RefusedError(
            "Resource.AlreadyAssociated",
            f"resource {eip.allocation_id} is already associated with"
            f" associate-id {eip.association_id}",
        )
    displaced = eip_at(call.backend, eni, private)
    if displaced is not None:
        _release(displaced)
    eip.eni, eip.instance, eip.private = eni, eni.instance, private
    eip.association_id = f"eipassoc-{next(_numbers):017x}"
    return f"<associationId>{eip.association_id}</associationId>"


def disassociate(call: Call) -> str:
    """DisassociateAddress: documented as idempotent."""
    wanted = call.get("AssociationId")
    for eip in call.backend.addresses:
        if wanted and eip.association_id == wanted:
            _release(eip)
    return "<return>true</return>"


def assign(call: Call) -> str:
    """AssignPrivateIpAddresses: an address is on one interface of a VPC."""
    eni = call.eni(call.get("NetworkInterfaceId"))
    wanted = call.many("PrivateIpAddress")
    if not wanted:
        raise RefusedError("MissingParameter", "these tests assign addresses by name only")
    new = [address for address in wanted if address not in _on(eni)]
    if len(_on(eni)) + len(new) > ADDRESSES_PER_INTERFACE:
        raise RefusedError(
            "PrivateIpAddressLimitExceeded",
            f"Number of private addresses will exceed limit of {ADDRESSES_PER_INTERFACE}.",
        )
    for address in new:
        if ip_address(address) not in ip_network(eni.subnet.cidr_block):
            raise RefusedError(
                "InvalidParameterValue",
                f"Address {address} does not fall within the subnet's address range",
            )
        _take(call, eni, address)
    items = "".join(f"<item><privateIpAddress>{one}</privateIpAddress></item>" for one in wanted)
    return (
        f"<networkInterfaceId>{eni.id}</networkInterfaceId>"
        f"<assignedPrivateIpAddressesSet>{items}</assignedPrivateIpAddressesSet>"
        "<return>true</return>"
    )


def _take(call: Call, eni: Any, address: str) -> None:  # noqa: ANN401 - moto's model
    """Put an address on an interface, from another one if that is allowed; its Elastic IP follows.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html says that the
    Elastic IP of a reassigned address moves with it.
    """
    for other in call.backend.enis.values():
        if other.subnet.vpc_id != eni.subnet.vpc_id or address not in _on(other):
            continue
        if not call.true("AllowReassignment") or address == other.private_ip_address:
            raise RefusedError(
                "InvalidParameterValue",
                f"[{address}] Some or all of the specified addresses are already assigned to"
                f" interface {other.id}.",
            )
        eip = eip_at(call.backend, other, address)
        _drop(other, address)
        if eip is not None:
            eip.eni, eip.instance = eni, eni.instance
    eni.private_ip_addresses.append({"Primary": False, "PrivateIpAddress": address})


def unassign(call: Call) -> str:
    """UnassignPrivateIpAddresses: the primary address stays, and the Elastic IP is let go."""
    eni = call.eni(call.get("NetworkInterfaceId"))
    for address in call.many("PrivateIpAddress"):
        if address == eni.private_ip_address or address not in _on(eni):
            raise RefusedError(
                "InvalidParameterValue",
                f"Some of the specified addresses are not assigned to interface {eni.id}",
            )
        eip = eip_at(call.backend, eni, address)
        if eip is not None:
            _release(eip)
        _drop(eni, address)
    return "<return>true</return>"


def _on(eni: Any) -> list[str]:  # noqa: ANN401 - moto's model
    return [one["PrivateIpAddress"] for one in eni.private_ip_addresses]


def _drop(eni: Any, address: str) -> None:  # noqa: ANN401 - moto's model
    eni.private_ip_addresses = [
        one for one in eni.private_ip_addresses if one["PrivateIpAddress"] != address
    ]


def _release(eip: Any) -> None:  # noqa: ANN401 - moto's model
    eip.eni = eip.instance = eip.association_id = eip.private = None


def _eip(call: Call) -> Any:  # noqa: ANN401 - moto's model
    wanted = call.get("AllocationId")
    found = next((one for one in call.backend.addresses if one.allocation_id == wanted), None)
    if found is None:
        raise RefusedError(
            "InvalidAllocationID.NotFound", f"The allocation ID '{wanted}' does not exist"
        )
    return found


def _interface(call: Call) -> Any:  # noqa: ANN401 - moto's model
    name = call.get("InstanceId")
    if name is None:
        return call.eni(call.get("NetworkInterfaceId"))
    nics = call.backend.get_instance(name).nics
    if len(nics) > 1:
        raise RefusedError(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{name}'. Please specify an"
            " interface ID for the operation instead.",
        )
    return nics[0]


ANSWERED: Final[Mapping[str, Callable[[Call], str]]] = {
    "AssociateAddress": associate,
    "DisassociateAddress": disassociate,
    "AssignPrivateIpAddresses": assign,
    "UnassignPrivateIpAddresses": unassign,
}
"""What is done here instead of in moto; each returns the inside of the answer."""
