"""The table check of a service in lvsnat.toml: how it is found out who can serve."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from lvsnat.config.form import Form, OptionalText, optional_number, without_null
from lvsnat.config.values import SPAN_PATTERN, one_of, read_span, read_statuses
from lvsnat.model.check_rules import FIRST_STATUS, LAST_STATUS, MAX_ROW
from lvsnat.model.endpoint import MAX_PORT
from lvsnat.model.health import CheckType, HealthCheck, Statuses
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS

SHORT_PATTERN = r"^(tcp|https?(:/[!-~]*)?)$"
"""A check in one string, to an editor."""

_SpanInput = (
    Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_TIMEOUT_SECONDS})]
    | Annotated[str, Field(json_schema_extra={"pattern": f"^{SPAN_PATTERN}$"})]
)
_read = PlainValidator(read_span, json_schema_input_type=_SpanInput)
_Status = Annotated[int, Field(json_schema_extra={"minimum": FIRST_STATUS, "maximum": LAST_STATUS})]
_Row = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_ROW})]
_DEFAULT = HealthCheck()


class CheckForm(Form):
    """How it is found out whether a real server can serve."""

    type: Annotated[
        CheckType,
        PlainValidator(one_of(CheckType, "a type of check"), json_schema_input_type=CheckType),
    ] = Field(
        default=_DEFAULT.type,
        description="What is asked of a server: that it accepts a connection, or a page.",
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
        description="A text that the answer must hold (http, https).",
        json_schema_extra=without_null,
        examples=["ready"],
    )
    verify: bool = Field(
        default=_DEFAULT.verify,
        description="Whether the server's certificate must be a trusted one (https).",
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

    def to_model(self) -> HealthCheck:
        return HealthCheck(**dict(self))
