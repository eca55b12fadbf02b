"""The tables [haproxy] and [service.haproxy] of lvsnat.toml: what concerns HAProxy alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, PlainValidator

from lvsnat.config.form import Duration, Form, OptionalText, optional_number, without_null
from lvsnat.config.values import one_of, read_duration, read_network
from lvsnat.model.config import HaproxyOptions, IPNetwork
from lvsnat.model.endpoint import MAX_MARK
from lvsnat.model.haproxy_rules import (
    MAX_CONNECTIONS,
    MAX_PRIORITY,
    MAX_SIDE_PORT_OFFSET,
    MAX_TABLE,
)
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS
from lvsnat.model.service import ProxyOptions, ProxyProtocol

_Seconds = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_TIMEOUT_SECONDS})]
_Span = Annotated[int, PlainValidator(read_duration, json_schema_input_type=_Seconds | Duration)]
_Timeout = Annotated[
    int | None, PlainValidator(read_duration, json_schema_input_type=_Seconds | Duration)
]
_DEFAULT = HaproxyOptions()


def _bounds(least: int, most: int) -> dict[str, JsonValue]:
    return {"minimum": least, "maximum": most}


class HaproxyForm(Form):
    """HAProxy as a whole, in the mode haproxy-tproxy."""

    local_networks: list[
        Annotated[IPNetwork, PlainValidator(read_network, json_schema_input_type=str)]
    ] = Field(
        default=[],
        description="Clients in these networks get replies that would not pass the director: real"
        " servers see the director's address instead of theirs.",
        examples=[["192.168.2.0/24"]],
    )
    maxconn: int = Field(
        default=_DEFAULT.maxconn,
        description="Connections at a time, of all services together.",
        json_schema_extra=_bounds(1, MAX_CONNECTIONS),
    )
    hard_stop_after: _Span = Field(
        default=_DEFAULT.hard_stop_after,
        description="How long the connections of a replaced or stopped process may go on.",
        examples=["15m"],
    )
    connect_timeout: _Span = Field(
        default=_DEFAULT.connect_timeout,
        description="When a real server that does not answer is given up.",
        examples=["4s"],
    )
    queue_timeout: _Span = Field(
        default=_DEFAULT.queue_timeout,
        description="How long a connection waits while every server is at its threshold.",
        examples=["10s"],
    )
    mark: int = Field(
        default=_DEFAULT.mark,
        description="The bits of the firewall mark that replies to HAProxy get.",
        json_schema_extra=_bounds(1, MAX_MARK),
        examples=[1],
    )
    table: int = Field(
        default=_DEFAULT.table,
        description="The routing table that takes them to HAProxy; not 253, 254 or 255.",
        json_schema_extra=_bounds(1, MAX_TABLE),
    )
    priority: int = Field(
        default=_DEFAULT.priority,
        description="The place of the routing rule that looks into that table.",
        json_schema_extra=_bounds(1, MAX_PRIORITY),
    )
    side_port_offset: int = Field(
        default=_DEFAULT.side_port_offset,
        description="While a switch of modes runs, a service listens on its port plus this, too.",
        json_schema_extra=_bounds(1, MAX_SIDE_PORT_OFFSET),
    )

    def to_model(self) -> HaproxyOptions:
        return HaproxyOptions(
            tuple(self.local_networks),
            self.maxconn,
            self.hard_stop_after,
            self.connect_timeout,
            self.queue_timeout,
            self.mark,
            self.table,
            self.priority,
            self.side_port_offset,
        )


class ProxyForm(Form):
    """What only HAProxy can do for a service; nothing of it holds in lvs-nat."""

    mode: Annotated[
        ProxyProtocol,
        PlainValidator(
            one_of(ProxyProtocol, "a mode of HAProxy"), json_schema_input_type=ProxyProtocol
        ),
    ] = Field(
        default=ProxyProtocol.TCP,
        description="What HAProxy understands of the connections: 'tcp' is bytes, or 'http'.",
        examples=["http"],
    )
    client_timeout: _Timeout = Field(
        default=None,
        description="How long a silent client is kept; as IPVS keeps TCP, if not said.",
        json_schema_extra=without_null,
        examples=["15m"],
    )
    server_timeout: _Timeout = Field(
        default=None,
        description="How long a silent server is kept; as IPVS keeps TCP, if not said.",
        json_schema_extra=without_null,
        examples=["15m"],
    )
    connect_timeout: _Timeout = Field(
        default=None,
        description="When a server that does not answer is given up; that of [haproxy], if not"
        " said.",
        json_schema_extra=without_null,
        examples=["4s"],
    )
    maxconn: Annotated[int | None, optional_number(1, MAX_CONNECTIONS)] = Field(
        default=None,
        description="Connections of this service at a time.",
        json_schema_extra=without_null,
        examples=[5000],
    )
    forwardfor: bool = Field(
        default=False,
        description="Tell the server the client's address in X-Forwarded-For, too (http).",
    )
    cookie: OptionalText = Field(
        default=None,
        description="The name of a cookie that ties a client to its server (http).",
        json_schema_extra=without_null,
        examples=["SRV"],
    )
    frontend_lines: list[str] = Field(
        default=[],
        description="More lines for the frontend, in HAProxy's own words.",
        examples=[["tcp-request connection reject if { src 198.51.100.0/24 }"]],
    )
    backend_lines: list[str] = Field(
        default=[],
        description="More lines for the backends, in HAProxy's own words.",
        examples=[["retries 3"]],
    )

    def to_model(self) -> ProxyOptions:
        return ProxyOptions(
            self.mode,
            self.client_timeout,
            self.server_timeout,
            self.connect_timeout,
            self.maxconn,
            self.forwardfor,
            self.cookie,
            tuple(self.frontend_lines),
            tuple(self.backend_lines),
        )
