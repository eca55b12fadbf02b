"""Where a route leads, and the parameter by which EC2 wants to be told. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class TargetKind(StrEnum):
    """What can be the target of a route, with the parameter of CreateRoute and ReplaceRoute.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html
    """

    LOCAL = "LocalTarget"
    GATEWAY = "GatewayId"
    """Internet gateways and virtual private gateways."""
    ENDPOINT = "VpcEndpointId"
    NAT_GATEWAY = "NatGatewayId"
    INTERFACE = "NetworkInterfaceId"
    TRANSIT_GATEWAY = "TransitGatewayId"
    PEERING = "VpcPeeringConnectionId"
    EGRESS_ONLY_GATEWAY = "EgressOnlyInternetGatewayId"
    LOCAL_GATEWAY = "LocalGatewayId"
    CARRIER_GATEWAY = "CarrierGatewayId"
    CORE_NETWORK = "CoreNetworkArn"
    ODB_NETWORK = "OdbNetworkArn"
    UNKNOWN = ""
    """A kind that AWS has made since: shown, never written."""


LOCAL: Final = "local"
_KINDS: Final = {
    "igw": TargetKind.GATEWAY,
    "vgw": TargetKind.GATEWAY,
    "vpce": TargetKind.ENDPOINT,
    "nat": TargetKind.NAT_GATEWAY,
    "eni": TargetKind.INTERFACE,
    "tgw": TargetKind.TRANSIT_GATEWAY,
    "pcx": TargetKind.PEERING,
    "eigw": TargetKind.EGRESS_ONLY_GATEWAY,
    "lgw": TargetKind.LOCAL_GATEWAY,
    "cagw": TargetKind.CARRIER_GATEWAY,
}
_ARNS: Final = {
    ":networkmanager:": TargetKind.CORE_NETWORK,
    ":odb:": TargetKind.ODB_NETWORK,
}


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A target by its id: ``eni-0a1b``, ``nat-0a1b``, ``local``. ``str`` is the id."""

    id: str

    @property
    def kind(self) -> TargetKind:
        """By the form of the id, which is the same in every partition."""
        if self.id == LOCAL:
            return TargetKind.LOCAL
        if self.id.startswith("arn:"):
            found = (kind for mark, kind in _ARNS.items() if mark in self.id)
            return next(found, TargetKind.UNKNOWN)
        return _KINDS.get(self.id.partition("-")[0], TargetKind.UNKNOWN)

    def __str__(self) -> str:
        return self.id
