"""Prometheus's own tool reads our alerts and our metrics.

`pytest -m lab` runs this outside a lab: it needs Debian's archive once, and no root.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from daemon.scrapes import metrics
from labkit.unpacked import PROMETHEUS, unpacked
from prometheus_client import generate_latest

pytestmark = pytest.mark.lab

ALERTS = Path(__file__).parents[2] / "docs/alerts"


def promtool(*words: str, said: bytes = b"") -> str:
    """What it says about what it is given; nothing where all is well."""
    program = unpacked(PROMETHEUS, "bookworm").folder / PROMETHEUS.proof
    done = subprocess.run(
        [str(program), *words], input=said, capture_output=True, check=False, timeout=300
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


def test_the_alerts_are_rules_of_prometheus() -> None:
    assert promtool("check", "rules", str(ALERTS / "lvsnat.rules.yml")) == ""


def test_the_alerts_fire_when_they_should() -> None:
    assert promtool("test", "rules", str(Path(__file__).with_name("alerts.yml"))) == ""


def test_the_metrics_are_as_prometheus_wishes_them() -> None:
    text = generate_latest(metrics().registry)

    assert promtool("check", "metrics", said=text) == ""
