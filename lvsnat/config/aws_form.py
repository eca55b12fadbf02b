"""The table [aws] of lvsnat.toml: what is not found out on EC2, or is to be otherwise."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from lvsnat.config.form import Form, OptionalText, without_null
from lvsnat.config.values import one_of, read_network, reads
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.aws_rules import (
    ALLOCATION_PATTERN,
    INTERFACE_PATTERN,
    REGION_PATTERN,
    SUBNET_PATTERN,
)
from lvsnat.model.config import IPNetwork
from lvsnat.model.endpoint import IPAddress, parse_address


def _text(pattern: str) -> PlainValidator:
    """A string that an editor checks; the rules say in words what is wrong with another."""
    return PlainValidator(
        reads(str, str, "a string"),
        json_schema_input_type=Annotated[str, Field(json_schema_extra={"pattern": f"^{pattern}$"})],
    )


class AwsForm(Form):
    """The surroundings of a director on EC2; what is left out is found out."""

    layout: Annotated[
        Layout | None,
        PlainValidator(one_of(Layout, "a layout"), json_schema_input_type=Layout),
    ] = Field(
        default=None,
        description="Where the director and the real servers stand; as their subnets are, if not"
        " said.",
        json_schema_extra=without_null,
        examples=["dual-subnet"],
    )
    region: Annotated[str | None, _text(REGION_PATTERN)] = Field(
        default=None,
        description="The region; AWS's own configuration or the instance tells it, if not said.",
        json_schema_extra=without_null,
        examples=["eu-west-1"],
    )
    profile: OptionalText = Field(
        default=None,
        description="A profile of AWS's own configuration (~/.aws/config).",
        json_schema_extra=without_null,
        examples=["production"],
    )
    endpoint_url: OptionalText = Field(
        default=None,
        description="Where the EC2 API answers, if not where AWS has it for the region.",
        json_schema_extra=without_null,
        examples=["https://vpce-0a1b2c3d.ec2.eu-west-1.vpce.amazonaws.com"],
    )
    eni: Annotated[str | None, _text(INTERFACE_PATTERN)] = Field(
        default=None,
        description="The director's network interface; that of this instance, if not said.",
        json_schema_extra=without_null,
        examples=["eni-0a1b2c3d4e5f67890"],
    )
    vip: Annotated[
        IPAddress | None,
        PlainValidator(
            reads(parse_address, (), "an address as a string"), json_schema_input_type=str
        ),
    ] = Field(
        default=None,
        description="The VIP, as a private address; those of the services, if not said.",
        json_schema_extra=without_null,
        examples=["10.0.1.200"],
    )
    real_server_subnets: list[Annotated[str, _text(SUBNET_PATTERN)]] = Field(
        default=[],
        description="The subnets of the real servers; those that hold their addresses, if empty.",
        examples=[["subnet-0a1b2c3d4e5f67890"]],
    )
    clients: list[
        Annotated[IPNetwork, PlainValidator(read_network, json_schema_input_type=str)]
    ] = Field(
        default=[],
        description="Whose replies go back through the director; everybody's, if empty.",
        examples=[["198.51.100.0/24"]],
    )
    eip_allocation: Annotated[str | None, _text(ALLOCATION_PATTERN)] = Field(
        default=None,
        description="The Elastic IP that stands for the VIP, by the id of its allocation.",
        json_schema_extra=without_null,
        examples=["eipalloc-0a1b2c3d4e5f67890"],
    )
    allocate_eip: bool = Field(
        default=False,
        description="Allocate an Elastic IP for a VIP that has none.",
    )
    security_groups: bool = Field(
        default=False,
        description="Let the services' clients in, in the security groups.",
    )
    peer_eni: Annotated[str | None, _text(INTERFACE_PATTERN)] = Field(
        default=None,
        description="The interface of the other director, from which a takeover takes.",
        json_schema_extra=without_null,
        examples=["eni-0f9e8d7c6b5a43210"],
    )

    def to_model(self) -> AwsOptions:
        return AwsOptions(
            self.layout,
            self.region,
            self.profile,
            self.endpoint_url,
            self.eni,
            self.vip,
            tuple(self.real_server_subnets),
            tuple(self.clients),
            self.eip_allocation,
            self.allocate_eip,
            self.security_groups,
            self.peer_eni,
        )
