"""What all tables of lvsnat.toml have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lvsnat.config.values import DURATION_PATTERN

Duration = Annotated[str, Field(json_schema_extra={"pattern": f"^{DURATION_PATTERN}$"})]
"""A duration as text, to an editor."""


def without_null(schema: dict[str, Any]) -> None:
    """TOML has no null: what is absent is left out."""
    schema.pop("default", None)


class Form(BaseModel):
    """A table: its keys are those of the class, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
