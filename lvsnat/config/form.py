"""What all tables of lvsnat.toml have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lvsnat.config.values import DURATION_PATTERN, SPAN_PATTERN
from lvsnat.model.host_rules import MAX_TIMEOUT_SECONDS

Duration = Annotated[str, Field(json_schema_extra={"pattern": f"^{DURATION_PATTERN}$"})]
"""A duration as text, to an editor."""

SpanInput = (
    Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": MAX_TIMEOUT_SECONDS})]
    | Annotated[str, Field(json_schema_extra={"pattern": f"^{SPAN_PATTERN}$"})]
)
"""A duration to the millisecond, to an editor."""

_SomeText = BeforeValidator(lambda value: value, json_schema_input_type=str)
OptionalText = Annotated[str | None, _SomeText]
"""A string that may be absent; TOML has no null, and neither has the schema."""


def optional_number(least: int, most: int) -> BeforeValidator:
    """Make a number that may be absent one with bounds, to an editor."""
    bounded = Annotated[int, Field(json_schema_extra={"minimum": least, "maximum": most})]
    return BeforeValidator(lambda value: value, json_schema_input_type=bounded)


def without_null(schema: dict[str, Any]) -> None:
    """TOML has no null: what is absent is left out."""
    schema.pop("default", None)


class Form(BaseModel):
    """A table: its keys are those of the class, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
