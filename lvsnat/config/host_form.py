"""The tables [host] and [ipvs] of lvsnat.toml: what concerns the director as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from lvsnat.config.form import Duration, Form, OptionalText, without_null
from lvsnat.config.values import read_duration, read_egress, read_network
from lvsnat.model.config import Egress, HostOptions, IPNetwork, IpvsOptions, Timeouts
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS


class HostForm(Form):
    """What lvsnat may change on the director itself, beside IPVS."""

    manage_vip: bool = Field(
        default=True, description="Add a VIP to an interface where no interface has it."
    )
    vip_interface: OptionalText = Field(
        default=None,
        description="Where to add VIPs; without it, the interface whose network holds the VIP.",
        json_schema_extra=without_null,
        examples=["eth0"],
    )
    manage_sysctl: bool = Field(
        default=True, description="Set the kernel settings that forwarding needs."
    )

    block_imds: bool = Field(
        default=True,
        description="Drop what real servers send to the cloud's metadata service by way of the"
        " director: it would answer with the director's own credentials.",
    )
    egress: Annotated[
        Egress | None,
        PlainValidator(read_egress, json_schema_input_type=str),
    ] = Field(
        default=None,
        description="The address that the real servers' own connections leave from: 'masquerade'"
        " for that of the director's route, or one of its addresses.",
        json_schema_extra=without_null,
        examples=["masquerade", "192.168.1.50"],
    )
    egress_networks: list[
        Annotated[IPNetwork, PlainValidator(read_network, json_schema_input_type=str)]
    ] = Field(
        default=[],
        description="The networks of the real servers, for egress.",
        examples=[["192.168.2.0/24"]],
    )

    def to_model(self) -> HostOptions:
        return HostOptions(
            self.manage_vip,
            self.vip_interface,
            self.manage_sysctl,
            self.block_imds,
            self.egress,
            tuple(self.egress_networks),
        )


_Timeout = Annotated[
    int | None,
    PlainValidator(
        read_duration,
        json_schema_input_type=Annotated[
            int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_TIMEOUT_SECONDS})
        ]
        | Duration,
    ),
]


class TimeoutsForm(Form):
    """How long IPVS keeps an idle connection; the kernel's own value where nothing is said."""

    tcp: _Timeout = Field(
        default=None,
        description="An established TCP connection; keep it above the applications' keepalive.",
        json_schema_extra=without_null,
        examples=["15m"],
    )
    tcp_fin: _Timeout = Field(
        default=None,
        description="A TCP connection after a FIN.",
        json_schema_extra=without_null,
        examples=["2m"],
    )
    udp: _Timeout = Field(
        default=None,
        description="A client's UDP: the next datagram after it may go to another server.",
        json_schema_extra=without_null,
        examples=["5m"],
    )

    def to_model(self) -> Timeouts:
        return Timeouts(self.tcp, self.tcp_fin, self.udp)


class IpvsForm(Form):
    """The kernel's IPVS as a whole."""

    timeouts: TimeoutsForm = Field(
        default=TimeoutsForm(),
        description=TimeoutsForm.__doc__,
        json_schema_extra=without_null,
        examples=[{"tcp": "15m", "tcp_fin": "2m", "udp": "5m"}],
    )

    def to_model(self) -> IpvsOptions:
        return IpvsOptions(self.timeouts.to_model())
