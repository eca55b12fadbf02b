"""What a director on EC2 is told about its surroundings. Values only; the rest it finds itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from lvsnat.model.endpoint import IPAddress


class Layout(StrEnum):
    """Where the director and the real servers stand."""

    DUAL_SUBNET = "dual-subnet"
    """In different subnets: the route table of the servers' subnets sends replies back."""
    SINGLE_SUBNET = "single-subnet"
    """In one subnet: the real servers themselves send replies back."""


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """The table [aws]; None and an empty tuple mean: find it out."""

    layout: Layout | None = None
    """None: as the subnets of the director and of the real servers are."""
    region: str | None = None
    """None: as AWS's own configuration says, then the instance's own."""
    profile: str | None = None
    """The profile of AWS's shared configuration."""
    endpoint_url: str | None = None
    """Where the EC2 API answers; None: where AWS has it for the region."""
    eni: str | None = None
    """The director's network interface; None: the instance's own."""
    vip: IPAddress | None = None
    """None: the VIPs of the services."""
    real_server_subnets: tuple[str, ...] = ()
    """Empty: the subnets that hold the addresses of the real servers."""
    clients: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose replies go back through the director; empty: everybody's."""
    eip_allocation: str | None = None
    """The Elastic IP to map to the VIP, by the id of its allocation."""
    allocate_eip: bool = False
    """Allocate an Elastic IP where none is named or mapped."""
    security_groups: bool = False
    """Let the services' clients in, in the security groups."""
    peer_eni: str | None = None
    """The interface of the other director, from which a takeover takes."""
