"""The dashboard and the alerts ask for what is exported, and for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from daemon.promql import asked
from daemon.scrapes import metrics, samples
from prometheus_client import generate_latest

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "docs/grafana/lvsnat.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((ROOT / "docs/alerts/lvsnat.rules.yml").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs/how-to/metrics-and-alerts.md").read_text(encoding="utf-8")
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = DASHBOARD["panels"]
TARGET = {"instance", "job"}
"""Labels that Prometheus itself puts on."""


def exported() -> dict[str, set[str]]:
    """The labels of every series."""
    seen = samples(generate_latest(metrics().registry).decode())
    return {name: {key for labels in found for key, _ in labels} for name, found in seen.items()}


KNOWN = exported()


def queries() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in RULES:
        yield rule["alert"], rule["expr"]


def objections(expression: str) -> Iterator[str]:
    need = asked(expression)
    if not need.metrics:
        yield "asks for nothing"
    known: set[str] = set()
    for name, labels in need.metrics.items():
        if name not in KNOWN:
            yield f"{name} is not exported"
        else:
            known |= KNOWN[name]
            yield from (f"{name} has no {one}" for one in labels - KNOWN[name] - TARGET)
    yield from (f"nothing has {label}" for label in need.grouped - known - TARGET)


@pytest.mark.parametrize(("title", "expression"), [*queries()])
def test_every_query_asks_for_what_there_is(title: str, expression: str) -> None:
    assert list(objections(expression)) == [], title


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_legend_names_labels_that_the_result_has(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        need = asked(target["expr"])
        labels = need.grouped | set().union(*(KNOWN[name] for name in need.metrics)) | TARGET
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


def test_the_variables_of_the_dashboard_are_filled_from_what_is_exported() -> None:
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            query = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            assert query
            assert list(objections(query[1])) == []
            assert set(asked(query[1]).metrics) <= set(KNOWN)
            assert query[2] in {"service", "instance"}


def test_the_panels_stand_apart_and_have_names_of_their_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & places, panel["title"]
        places |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert all(panel["description"] for panel in PANELS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_it_means(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    assert f"`{rule['alert']}`" in GUIDE
    need = asked(rule["expr"])
    labels = set().union(*(KNOWN[name] for name in need.metrics)) | TARGET
    texts = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", texts)) <= labels


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_series_is_described(name: str) -> None:
    family = re.sub("_(bucket|sum|count)$", "", name)

    assert f"`{family}`" in GUIDE or family.startswith("process_")


def test_the_guide_describes_no_series_that_is_not_there() -> None:
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in KNOWN}

    assert set(re.findall(r"`(lvsnat_\w+)`", GUIDE)) <= families


@pytest.mark.parametrize(
    ("expression", "metrics_", "grouped"),
    [
        ("a", {"a": set()}, set()),
        ('a{b="c{d}", e=~"$f"}[5m]', {"a": {"b", "e"}}, set()),
        ("sum by (x, le) (rate(a_total[5m])) > 1.5e3", {"a_total": set()}, {"x", "le"}),
        ("time() - a > 300", {"a": set()}, set()),
        ("a and on (x) b{y='z'} unless c offset 5m", {"a": set(), "b": {"y"}, "c": set()}, {"x"}),
        ("a == 1 or vector(0)", {"a": set()}, set()),
    ],
)
def test_an_expression_is_read(
    expression: str, metrics_: dict[str, set[str]], grouped: set[str]
) -> None:
    assert asked(expression) == (metrics_, grouped)


def test_what_is_not_exported_is_found() -> None:
    assert list(objections('sum by (x) (nothing{a="b"})')) == [
        "nothing is not exported",
        "nothing has x",
    ]
    assert list(objections('lvsnat_server_up{shape="round"}')) == ["lvsnat_server_up has no shape"]
