"""The table check of a service in lvsnat.toml: how it is found out who can serve."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import Field, PlainValidator

from lvsnat.config.form import Form, OptionalText, SpanInput, optional_number, without_null
from lvsnat.config.values import one_of, read_part, read_span, read_statuses, reads
from lvsnat.model.check_rules import MAX_JITTER, MAX_ROW
from lvsnat.model.check_words import FIRST_STATUS, LAST_STATUS, RECORDS
from lvsnat.model.endpoint import MAX_PORT, IPAddress, parse_address
from lvsnat.model.health import CheckType, HealthCheck, Statuses

SHORT_PATTERN = (
    r"^(tcp|udp|ping|https?(:/[!-~]*)?|dns:[!-~]+|grpc(:[!-~]+)?|agent:[0-9]{1,5}|file:/.+)$"
)
"""A check in one string, to an editor."""

_read = PlainValidator(read_span, json_schema_input_type=SpanInput)
_Status = Annotated[int, Field(json_schema_extra={"minimum": FIRST_STATUS, "maximum": LAST_STATUS})]
_Part = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": MAX_JITTER})]
_Row = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_ROW})]
_DEFAULT = HealthCheck()


class CheckForm(Form):
    """How it is found out whether a real server can serve."""

    type: Annotated[
        CheckType,
        PlainValidator(one_of(CheckType, "a type of check"), json_schema_input_type=CheckType),
    ] = Field(
        default=_DEFAULT.type,
        description="What is asked: a connection (tcp), a page (http, https), a datagram (udp), a"
        " name (dns), an echo (ping), the gRPC health service (grpc), a program (exec), the"
        " server's own word (agent), whether a file means maintenance (file).",
        examples=["http"],
    )
    path: str = Field(
        default=_DEFAULT.path, description="The page (http, https).", examples=["/health"]
    )
    method: str = Field(
        default=_DEFAULT.method,
        description="The method of the request (http, https).",
        examples=["HEAD"],
    )
    host: OptionalText = Field(
        default=None,
        description="The Host header, and the name that TLS asks for (http, https).",
        json_schema_extra=without_null,
        examples=["www.example.com"],
    )
    expect: Annotated[
        Statuses,
        PlainValidator(
            read_statuses,
            json_schema_input_type=_Status
            | Annotated[
                str, Field(json_schema_extra={"pattern": "^[1-5][0-9]{2}([,-][1-5][0-9]{2})*$"})
            ],
        ),
    ] = Field(
        default=_DEFAULT.expect,
        description="The statuses that mean success (http, https).",
        json_schema_extra=without_null,
        examples=["200-299,301"],
    )
    body: OptionalText = Field(
        default=None,
        description="A text that the answer must hold (http, https, udp, dns).",
        json_schema_extra=without_null,
        examples=["ready"],
    )
    regex: OptionalText = Field(
        default=None,
        description="A regular expression that must be found in the answer (http, https, udp,"
        " dns).",
        json_schema_extra=without_null,
        examples=["ready|idle"],
    )
    verify: bool = Field(
        default=_DEFAULT.verify,
        description="Whether the server's certificate must be a trusted one (https).",
    )
    certificate: OptionalText = Field(
        default=None,
        description="The PEM file with the certificate, and its key, that the director shows"
        " (https).",
        json_schema_extra=without_null,
        examples=["/etc/lvsnat/check.pem"],
    )
    send: OptionalText = Field(
        default=None,
        description="A text that is sent to the server (udp, agent).",
        json_schema_extra=without_null,
        examples=["ping\\n"],
    )
    name: OptionalText = Field(
        default=None,
        description="The name that is asked for (dns), or the service (grpc).",
        json_schema_extra=without_null,
        examples=["example.com"],
    )
    record: Annotated[
        str,
        PlainValidator(
            reads(str, str, "a type of record as a string"),
            json_schema_input_type=Annotated[str, Field(json_schema_extra={"enum": [*RECORDS]})],
        ),
    ] = Field(
        default=_DEFAULT.record,
        description="The type of record that is asked for (dns).",
        examples=["SOA"],
    )
    command: list[str] = Field(
        default=[],
        description="A program and its arguments; no shell reads them (exec).",
        examples=[["/usr/local/bin/is-it-well", "--quick"]],
    )
    file: OptionalText = Field(
        default=None,
        description="A file on the director: while it is there, the server is in maintenance"
        " (file).",
        json_schema_extra=without_null,
        examples=["/run/lvsnat/maintenance/{address}"],
    )
    source: Annotated[
        IPAddress | None,
        PlainValidator(
            reads(parse_address, (IPv4Address, IPv6Address), "an address as a string"),
            json_schema_input_type=str,
        ),
    ] = Field(
        default=None,
        description="The director's address that asks; that of the route, if not said.",
        json_schema_extra=without_null,
        examples=["192.168.2.1"],
    )
    reset: bool = Field(
        default=_DEFAULT.reset,
        description="Whether connections are closed by RST, which leaves no TIME_WAIT (tcp,"
        " agent).",
    )
    port: Annotated[int | None, optional_number(1, MAX_PORT)] = Field(
        default=None,
        description="Where to ask; the port that is served, if not said.",
        json_schema_extra=without_null,
        examples=[8080],
    )
    interval: Annotated[float, _read] = Field(
        default=_DEFAULT.interval,
        description="From one check to the next.",
        examples=["2s", "500ms"],
    )
    fast_interval: Annotated[float | None, _read] = Field(
        default=None,
        description="From one check to the next while the answer is changing; half of interval,"
        " if not said.",
        json_schema_extra=without_null,
        examples=["1s"],
    )
    timeout: Annotated[float, _read] = Field(
        default=_DEFAULT.timeout,
        description="When no answer is a failure.",
        examples=["2s"],
    )
    rise: _Row = Field(
        default=_DEFAULT.rise, description="So many successes in a row bring a server back."
    )
    fall: _Row = Field(
        default=_DEFAULT.fall, description="So many failures in a row take a server out."
    )
    jitter: Annotated[float, PlainValidator(read_part, json_schema_input_type=_Part)] = Field(
        default=_DEFAULT.jitter,
        description="Each interval is longer or shorter by up to this part of it.",
    )

    def to_model(self) -> HealthCheck:
        return HealthCheck(**{**dict(self), "command": tuple(self.command)})
