"""The form of lvsnat.toml: its keys and their types; also the source of its JSON Schema.

What the values mean together is judged by ``lvsnat.model.rules``.

    python -m lvsnat.config.schema    writes lvsnat.schema.json: in the package, and in docs
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from lvsnat.config.aws_form import AwsForm
from lvsnat.config.daemon_form import DaemonForm
from lvsnat.config.form import Form, without_null
from lvsnat.config.haproxy_form import HaproxyForm
from lvsnat.config.host_form import HostForm, IpvsForm
from lvsnat.config.service_form import ServiceForm
from lvsnat.config.values import one_of
from lvsnat.model.config import Config
from lvsnat.model.mode import Mode

VERSION = 1
"""The newest form of the file that this program reads."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = Path(__file__).with_name("lvsnat.schema.json")
"""The copy that is shipped in the package."""
DOCS_COPY = Path("docs/reference/lvsnat.schema.json")


class ConfigForm(Form):
    """The configuration of lvsnat, /etc/lvsnat/lvsnat.toml."""

    version: int = Field(
        default=VERSION,
        description="The form of this file.",
        json_schema_extra={"const": VERSION},
    )
    mode: Annotated[Mode, PlainValidator(one_of(Mode, "a mode"), json_schema_input_type=Mode)] = (
        Field(default=Mode.LVS_NAT, description="How TCP reaches the real servers.")
    )
    service: list[ServiceForm] = Field(
        default=[], description="The virtual services, in the order they are shown."
    )
    host: HostForm = Field(
        default=HostForm(), description=HostForm.__doc__, json_schema_extra=without_null
    )
    ipvs: IpvsForm = Field(
        default=IpvsForm(), description=IpvsForm.__doc__, json_schema_extra=without_null
    )
    haproxy: HaproxyForm = Field(
        default=HaproxyForm(), description=HaproxyForm.__doc__, json_schema_extra=without_null
    )
    aws: Annotated[
        AwsForm | None, BeforeValidator(lambda value: value, json_schema_input_type=AwsForm)
    ] = Field(default=None, description=AwsForm.__doc__, json_schema_extra=without_null)
    daemon: DaemonForm = Field(
        default_factory=DaemonForm, description=DaemonForm.__doc__, json_schema_extra=without_null
    )

    def to_model(self) -> Config:
        services = tuple(service.to_model() for service in self.service)
        return Config(
            self.mode,
            services,
            self.host.to_model(),
            self.ipvs.to_model(),
            self.haproxy.to_model(),
            None if self.aws is None else self.aws.to_model(),
            self.daemon.to_model(),
        )


def json_schema() -> dict[str, Any]:
    """Describe the file for editors and other programs, as JSON Schema 2020-12."""
    schema = ConfigForm.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "lvsnat.toml"}


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] = ()) -> None:
    """Write the schema into the package and, at the top of a checkout, into its documentation."""
    targets = [Path(argument) for argument in arguments] or [SCHEMA_FILE, DOCS_COPY]
    for target in targets:
        if target.parent.is_dir():
            target.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
