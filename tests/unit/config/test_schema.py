"""The shipped JSON Schema, the model, the parser and the reference page say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lvsnat.config import schema
from lvsnat.config.keys import (
    CHECK_KEYS,
    PERSISTENCE_KEYS,
    PROXY_KEYS,
    SERVER_KEYS,
    SERVICE_KEYS,
    TOP_KEYS,
)
from lvsnat.config.parse import parse_config
from lvsnat.model.aws import Layout
from lvsnat.model.daemon import LogFormat, OnDrift, OnStop
from lvsnat.model.health import CheckType
from lvsnat.model.mode import Mode
from lvsnat.model.policy import OnFail
from lvsnat.model.service import (
    MAX_WEIGHT,
    PersistenceEngine,
    ProxyProtocol,
    Scheduler,
    SchedulerFlag,
)

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
TABLES: dict[str, Any] = {"ConfigForm": schema.json_schema(), **schema.json_schema()["$defs"]}
FORMS = {name: table for name, table in TABLES.items() if name.endswith("Form")}


@pytest.mark.parametrize("copy", [schema.SCHEMA_FILE, ROOT / schema.DOCS_COPY])
def test_the_shipped_schema_is_the_one_of_the_program(copy: Path) -> None:
    assert copy.read_text(encoding="utf-8") == schema.schema_text(), (
        "run: python -m lvsnat.config.schema"
    )


def test_the_schema_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "schema.json"

    schema.main([str(target), str(tmp_path / "absent" / "schema.json")])

    assert target.read_text(encoding="utf-8") == schema.schema_text()


def test_no_table_takes_unknown_keys() -> None:
    assert all(form["additionalProperties"] is False for form in FORMS.values())


def test_an_edit_knows_the_order_of_every_key() -> None:
    assert tuple(TABLES["ConfigForm"]["properties"]) == TOP_KEYS
    assert tuple(FORMS["CheckForm"]["properties"]) == CHECK_KEYS
    assert tuple(FORMS["ProxyForm"]["properties"]) == PROXY_KEYS
    assert tuple(FORMS["ServiceForm"]["properties"]) == SERVICE_KEYS
    assert tuple(FORMS["PersistenceForm"]["properties"]) == PERSISTENCE_KEYS
    assert tuple(FORMS["ServerForm"]["properties"]) == SERVER_KEYS


@pytest.mark.parametrize(
    "words",
    [
        Mode,
        Scheduler,
        SchedulerFlag,
        PersistenceEngine,
        CheckType,
        ProxyProtocol,
        Layout,
        OnFail,
        OnDrift,
        OnStop,
        LogFormat,
    ],
)
def test_the_schema_lists_the_words_of_the_model(words: type) -> None:
    assert TABLES[words.__name__]["enum"] == list(words)  # type: ignore[call-overload]


def test_the_schema_has_the_bounds_of_the_rules() -> None:
    weight = FORMS["ServerForm"]["properties"]["weight"]

    assert (weight["minimum"], weight["maximum"]) == (0, MAX_WEIGHT)


EXAMPLES = [block.split("```")[0] for block in REFERENCE.split("```toml\n")[1:]]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_reference_is_read(example: str) -> None:
    assert parse_config(example, "configuration.md").services


@pytest.mark.parametrize(
    ("form", "key"), [(form, key) for form, t in FORMS.items() for key in t["properties"]]
)
def test_every_key_has_a_place_in_the_reference(form: str, key: str) -> None:
    section = {
        "ConfigForm": "## Top of the file",
        "ServiceForm": "## `[[service]]`",
        "PersistenceForm": "## `persistence`",
        "ServerForm": "## `servers`",
        "CheckForm": "## `check`",
        "ProxyForm": "## `[service.haproxy]`",
        "HaproxyForm": "## `[haproxy]`",
        "AwsForm": "## `[aws]`",
        "DaemonForm": "## `[daemon]`",
        "HostForm": "## `[host]`",
        "IpvsForm": "## `[ipvs]`",
        "TimeoutsForm": "## `timeouts`",
    }[form]

    assert f"`{key}`" in REFERENCE.split(section)[1].split("\n## ")[0]
