"""An AWS account on loopback for every test here; those of ``lvsnat aws`` belong here, too.

Fixtures:

``ec2_server``  an ``Ec2Server`` (``aws.server``): moto over HTTP with the strict front, empty
                before each test. ``.orders`` makes faults, denials, delays and eventual
                consistency; ``.calls`` and ``.changes`` are the actions that were called.
``api``         a boto3 client of it, for building and looking; a typed ``EC2Client``.
``dual``        the VPC of ``aws.vpcs.dual_subnet``, built; ``single`` that of ``single_subnet``.
``imds``        the metadata service of the director in ``dual`` or ``single``, whichever the test
                uses: ``imds_of(vpc.director)`` starts one for any machine (``aws.imds``).
``ec2``         ``lvsnat.aws.client.Ec2`` on the server, as the program opens it.
``lvsnat``      runs commands in this process, with a configuration of one service on the VIP; where
                the director is comes from ``imds`` or from options.
``clock``       a ``TurningClock``: time passes only by sleeping.

The environment of a test has credentials that are no secret, no AWS configuration of the person
who runs it, ``AWS_ENDPOINT_URL_EC2`` of the server, and a metadata service only by ``imds``. A
process that a test starts inherits all that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from aws.clocks import TurningClock
from aws.imds import Imds, facts_of
from aws.server import Ec2Server
from aws.vpcs import REGION, Machine, Vpc, dual_subnet, restore, saved, single_subnet
from cli.commandline import CommandLine

from lvsnat.aws.client import Ec2, Patience, connect
from lvsnat.model.aws import AwsOptions
from lvsnat.testing import FakeBackend

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend
    from mypy_boto3_ec2 import EC2Client

LayOut = Callable[["EC2Client"], Vpc]
Built = dict[LayOut, tuple["EC2Backend", Vpc]]

WEB = """
[[service]]
name = "web"
listen = "tcp/10.0.1.200:80"

[[service.servers]]
address = "10.0.2.55:8080"

[[service.servers]]
address = "10.0.3.56:8080"
"""

NOBODY = "http://127.0.0.1:1"
"""Where no metadata service answers."""


@pytest.fixture(scope="session")
def _running() -> Iterator[Ec2Server]:
    with pytest.MonkeyPatch.context() as patch, Ec2Server() as server:
        # Each reset would read thousands of images, of which no test wants any.
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield server


@pytest.fixture
def ec2_server(_running: Ec2Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ec2Server:
    _running.reset()
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    absent = str(tmp_path / "no-aws-configuration")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": absent,
        "AWS_SHARED_CREDENTIALS_FILE": absent,
        "AWS_ENDPOINT_URL_EC2": _running.url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": NOBODY,
        # It is in this very process, which others may keep from its work for seconds.
        "AWS_METADATA_SERVICE_TIMEOUT": "60",
    }.items():
        monkeypatch.setenv(name, value)
    return _running


@pytest.fixture
def api(ec2_server: Ec2Server) -> Iterator[EC2Client]:
    client = boto3.client("ec2", region_name=REGION, endpoint_url=ec2_server.url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def _built() -> Built:
    return {}


@pytest.fixture
def dual(api: EC2Client, ec2_server: Ec2Server, _built: Built) -> Vpc:
    return _there(dual_subnet, api, ec2_server, _built)


@pytest.fixture
def single(api: EC2Client, ec2_server: Ec2Server, _built: Built) -> Vpc:
    return _there(single_subnet, api, ec2_server, _built)


def _there(lay_out: LayOut, api: EC2Client, server: Ec2Server, built: Built) -> Vpc:
    """Have a VPC be there: built once, by thirty calls, and a copy of it for each test."""
    if lay_out in built:
        whole, vpc = built[lay_out]
        restore(whole)
    else:
        vpc = lay_out(api)
        built[lay_out] = saved(), vpc
    server.forget()
    return vpc


@pytest.fixture
def imds_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Machine], Imds]]:
    with contextlib.ExitStack() as stack:

        def start(machine: Machine) -> Imds:
            imds = stack.enter_context(Imds(lambda: facts_of(REGION, machine.instance)))
            monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url)
            return imds

        yield start


@pytest.fixture
def imds(request: pytest.FixtureRequest, imds_of: Callable[[Machine], Imds]) -> Imds:
    layout = "single" if "single" in request.fixturenames else "dual"
    vpc: Vpc = request.getfixturevalue(layout)
    return imds_of(vpc.director)


@pytest.fixture
def ec2(ec2_server: Ec2Server) -> Iterator[Ec2]:
    options = AwsOptions(region=REGION, endpoint_url=ec2_server.url)
    opened = connect(options, lambda: REGION, Patience(attempts=1))
    yield opened
    opened.api.close()


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
def lvsnat(tmp_path: Path) -> CommandLine:
    line = CommandLine(tmp_path, FakeBackend())
    line.paths.config.write_text(WEB)
    return line
