"""The topologies that end-to-end tests run in, and lvsnat on their director."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from e2e import warm
from labkit.topology import Network, dual_subnet, single_subnet

Lvsnat = Callable[..., subprocess.CompletedProcess[str]]
TOPOLOGIES: dict[str, Callable[..., AbstractContextManager[Network]]] = {
    "dual-subnet": dual_subnet,
    "single-subnet": single_subnet,
}


@pytest.fixture(params=TOPOLOGIES)
def net(request: pytest.FixtureRequest) -> Iterator[Network]:
    """Each topology in turn, with two real servers."""
    with TOPOLOGIES[request.param](servers=2) as network:
        yield network


@pytest.fixture
def dual() -> Iterator[Network]:
    """The dual-subnet topology, where a test would say the same of both."""
    with dual_subnet(servers=2) as network:
        yield network


def lvsnat(net: Network, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run lvsnat on the director and insist on its exit code."""
    done = warm.run(net.director, *arguments, check=False)
    assert done.returncode == code, f"lvsnat {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done


def ipvsadm(net: Network, *arguments: str) -> list[str]:
    """Run ipvsadm on the director; its lines."""
    return net.director.run("ipvsadm", *arguments).stdout.splitlines()
