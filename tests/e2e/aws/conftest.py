"""One EC2 API for all tests here; each builds a VPC in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aws.server import Ec2Server
from e2e.aws.cloud import account


@pytest.fixture(scope="session")
def moto() -> Iterator[Ec2Server]:
    with account() as server:
        yield server
