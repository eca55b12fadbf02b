"""The table [daemon] of lvsnat.toml: how ``lvsnat run`` works."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from lvsnat.config.form import Form, SpanInput, without_null
from lvsnat.config.values import one_of, read_place, read_span
from lvsnat.model.daemon import DaemonOptions, LogFormat, OnDrift, OnStop
from lvsnat.model.endpoint import Endpoint

_DEFAULT = DaemonOptions()


class DaemonForm(Form):
    """What the daemon does beside its checks."""

    drift: Annotated[
        OnDrift,
        PlainValidator(one_of(OnDrift, "what is done about drift"), json_schema_input_type=OnDrift),
    ] = Field(
        default=_DEFAULT.drift,
        description="What is done where the kernel is not as it should be: 'repair' or 'report'.",
        examples=["report"],
    )
    interval: Annotated[float, PlainValidator(read_span, json_schema_input_type=SpanInput)] = Field(
        default=_DEFAULT.interval,
        description="From one comparison of kernel and configuration to the next.",
        examples=["5s"],
    )
    on_stop: Annotated[
        OnStop,
        PlainValidator(one_of(OnStop, "what a stop means"), json_schema_input_type=OnStop),
    ] = Field(
        default=_DEFAULT.on_stop,
        description="What becomes of the services when the daemon is stopped: 'keep' goes on"
        " serving, 'drain' takes no new connections.",
        examples=["drain"],
    )
    metrics: Annotated[Endpoint | None, PlainValidator(read_place, json_schema_input_type=str)] = (
        Field(
            default=None,
            description="Where Prometheus asks; nowhere, if not said.",
            json_schema_extra=without_null,
            examples=["127.0.0.1:9101"],
        )
    )
    per_server: bool = Field(
        default=_DEFAULT.per_server,
        description="Whether the metrics have series for each server, or for services alone.",
    )
    notify: list[str] = Field(
        default=[],
        description="Programs that are told of each transition, as JSON on their standard input.",
        examples=[["/usr/local/bin/page-somebody"]],
    )
    log: Annotated[
        LogFormat,
        PlainValidator(one_of(LogFormat, "a form of log"), json_schema_input_type=LogFormat),
    ] = Field(
        default=_DEFAULT.log,
        description="How the daemon writes its log: 'text' or 'json'.",
        examples=["json"],
    )

    def to_model(self) -> DaemonOptions:
        return DaemonOptions(
            self.drift,
            self.interval,
            self.on_stop,
            self.metrics,
            self.per_server,
            tuple(self.notify),
            self.log,
        )
