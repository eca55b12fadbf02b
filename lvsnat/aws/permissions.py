"""Which actions of EC2 this program calls, and who needs them. Values only.

``lvsnat aws iam-policy`` prints the statements; an error about a missing permission names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who calls EC2."""

    READER = "reader"
    """Plans and verifies."""
    FAILOVER = "failover"
    """Takes over: the smallest power that a director needs at run time."""
    OPERATOR = "operator"
    """Makes the way back and puts everything as it was."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy: actions that are allowed on the same things."""

    sid: str
    actions: tuple[str, ...]
    """Without ``ec2:``."""
    roles: tuple[Role, ...]


_EVERYBODY = tuple(Role)
_DIRECTORS = (Role.FAILOVER, Role.OPERATOR)
_OPERATOR = (Role.OPERATOR,)

STATEMENTS: Final = (
    Statement(
        "Look",
        (
            "DescribeAddresses",
            "DescribeInstanceTypes",
            "DescribeInstances",
            "DescribeInternetGateways",
            "DescribeManagedPrefixLists",
            "DescribeNetworkAcls",
            "DescribeNetworkInterfaces",
            "DescribeRouteTables",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVpcEndpoints",
            "DescribeVpcs",
            "GetManagedPrefixListEntries",
        ),
        _EVERYBODY,
    ),
    Statement("Routes", ("CreateRoute", "ReplaceRoute"), _DIRECTORS),
    Statement("Unroute", ("DeleteRoute",), _OPERATOR),
    Statement(
        "Vip",
        # An IPv6 address is let go before it is assigned elsewhere.
        ("AssignPrivateIpAddresses", "AssignIpv6Addresses", "UnassignIpv6Addresses"),
        _DIRECTORS,
    ),
    Statement(
        "Eni",
        ("ModifyNetworkInterfaceAttribute", "UnassignPrivateIpAddresses"),
        _OPERATOR,
    ),
    Statement("Eip", ("AssociateAddress",), _DIRECTORS),
    Statement("Unmap", ("DisassociateAddress",), _OPERATOR),
    Statement("Allocate", ("AllocateAddress", "ReleaseAddress"), _OPERATOR),
    Statement("Groups", ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"), _OPERATOR),
    Statement("UndoTags", ("CreateTags", "DeleteTags"), _OPERATOR),
    Statement("NewTags", ("CreateTags",), _OPERATOR),
)


def statement_for(action: str) -> Statement | None:
    """The statement that allows an action, named without ``ec2:``."""
    return next((one for one in STATEMENTS if action in one.actions), None)
