"""The imports point down, and what is slow to import is imported where it is used."""

from __future__ import annotations

import sys

import pytest

from lvsnat.system import run

HEAVY = ("boto3", "botocore", "dns", "h11", "h2", "pyroute2", "regex")


def loaded_by(*modules: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after these imports."""
    code = f"import sys, {', '.join(modules)}; print(*(sys.modules.keys() & set({HEAVY!r})))"
    done = run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "lvsnat.cli.main",
        "lvsnat.plan",
        "lvsnat.ipvs.resources",
        "lvsnat.host.resources",
        "lvsnat.aws.find",
    ],
)
def test_importing_a_module_that_decides_loads_no_backend_library(module: str) -> None:
    assert loaded_by(module) == set()


def test_an_engine_that_asks_by_tcp_alone_loads_no_other_protocol() -> None:
    assert loaded_by("lvsnat.health.engine", "lvsnat.health.checks.tcp") == set()


def test_a_loaded_library_is_noticed() -> None:
    assert loaded_by("lvsnat", "pyroute2") == {"pyroute2"}
