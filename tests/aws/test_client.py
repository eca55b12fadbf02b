"""Opening the EC2 API, and waiting for it: regions, credentials, time-outs, what is seen later."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws.clocks import TurningClock
from aws.imds import Imds
from aws.server import Ec2Server, Fault
from aws.vpcs import REGION, Vpc

from lvsnat.aws.client import Ec2, Patience, connect, until_seen
from lvsnat.aws.look import elastic_ips, interfaces, look
from lvsnat.aws.metadata import Metadata
from lvsnat.aws.refusals import AwsError
from lvsnat.model.aws import AwsOptions

QUICK = Patience(connect=0.3, read=0.3, attempts=2)


def never() -> str:
    raise AssertionError("the region is known")


@pytest.fixture
def silent() -> Iterator[str]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.usefixtures("ec2_server")
def test_the_region_is_the_first_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(options: AwsOptions, find: Callable[[], str] = never) -> str:
        return connect(options, find).region

    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert opened(AwsOptions(region="us-east-1")) == "us-east-1"
    assert opened(AwsOptions()) == "eu-central-1"
    monkeypatch.delenv("AWS_REGION")
    assert opened(AwsOptions()) == REGION
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert opened(AwsOptions(), lambda: "cn-north-1") == "cn-north-1"


def test_the_instance_tells_the_region_last(
    dual: Vpc, imds: Imds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    ec2 = connect(AwsOptions(), Metadata().region)

    assert ec2.region == REGION
    assert look(ec2, dual.director.eni).vpc == dual.id
    assert "v1 GET" not in " ".join(imds.requests)


@pytest.mark.usefixtures("ec2_server")
def test_without_a_region_and_an_instance_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(AwsError, match="it is not known which region is meant: no meta") as caught:
        connect(AwsOptions(), Metadata().region)

    assert "--region" in (caught.value.hint or "")


@pytest.mark.usefixtures("ec2_server")
@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
)
def test_every_partition_is_known(region: str, partition: str) -> None:
    assert connect(AwsOptions(region=region), never).partition == partition


@pytest.mark.usefixtures("ec2_server")
def test_the_endpoint_of_the_environment_holds_unless_another_is_named(
    ec2_server: Ec2Server,
) -> None:
    assert connect(AwsOptions(), never).endpoint == ec2_server.url
    named = AwsOptions(endpoint_url="https://ec2.example")
    assert connect(named, never).endpoint == "https://ec2.example"


@pytest.mark.usefixtures("ec2_server")
def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(AwsError, match="the profile is not in AWS's configuration: prod"):
        connect(AwsOptions(profile="prod"), never)


@pytest.mark.usefixtures("ec2_server")
def test_a_profile_of_awss_configuration_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile prod]\nregion = ap-south-1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    assert connect(AwsOptions(profile="prod"), never).region == "ap-south-1"


@pytest.mark.usefixtures("ec2_server")
def test_no_credentials_are_told_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ec2 = connect(AwsOptions(), never, QUICK)

    with pytest.raises(AwsError, match="there are no AWS credentials"):
        elastic_ips(ec2)


@pytest.mark.usefixtures("ec2_server")
def test_an_endpoint_that_never_answers_is_given_up(silent: str) -> None:
    ec2 = connect(AwsOptions(endpoint_url=silent), never, QUICK)
    begun = time.monotonic()

    with pytest.raises(AwsError, match="does not answer in time") as caught:
        elastic_ips(ec2)

    assert silent in caught.value.message
    # AWS's own client waits a minute, five times.
    assert time.monotonic() - begun < 40


@pytest.mark.usefixtures("ec2_server")
def test_an_endpoint_where_nobody_listens_is_given_up() -> None:
    ec2 = connect(AwsOptions(endpoint_url="http://127.0.0.1:1"), never, QUICK)

    with pytest.raises(AwsError, match="cannot be reached"):
        elastic_ips(ec2)


def test_a_slow_endpoint_is_given_up(ec2_server: Ec2Server) -> None:
    ec2_server.orders.slow = 10.0
    ec2 = connect(AwsOptions(), never, Patience(read=0.2, attempts=1))

    with pytest.raises(AwsError, match="does not answer in time"):
        elastic_ips(ec2)


def test_throttling_is_tried_again(dual: Vpc, ec2_server: Ec2Server) -> None:
    fault = Fault("DescribeAddresses", "RequestLimitExceeded", status=503, times=1)
    ec2_server.orders.faults.append(fault)

    found = elastic_ips(connect(AwsOptions(), never, Patience(attempts=2)))

    assert dual.allocation in {one.allocation for one in found}
    assert ec2_server.calls == ["DescribeAddresses"] * 2


def test_lasting_throttling_is_told(ec2: Ec2, ec2_server: Ec2Server) -> None:
    fault = Fault("DescribeAddresses", "RequestLimitExceeded", status=503, times=99)
    ec2_server.orders.faults.append(fault)

    with pytest.raises(AwsError, match="takes no more requests"):
        elastic_ips(ec2)


def test_what_is_seen_later_is_waited_for(
    ec2: Ec2, dual: Vpc, ec2_server: Ec2Server, clock: TurningClock
) -> None:
    ec2_server.orders.lag = 3
    eni = dual.director.eni

    def off() -> bool | None:
        found = next(one for one in interfaces(ec2, dual.id) if one.id == eni)
        return None if found.source_dest_check else True

    ec2.api.modify_network_interface_attribute(
        NetworkInterfaceId=eni, SourceDestCheck={"Value": False}
    )
    until_seen(off, "the check", clock)

    assert clock.sleeps == [0.5, 1.0, 2.0]


def test_what_is_never_seen_is_told(clock: TurningClock) -> None:
    def look_in_vain() -> None:
        return None

    with pytest.raises(AwsError, match="after 20 s it is still not to be seen"):
        until_seen(look_in_vain, "the route", clock, limit=20)

    assert clock.sleeps == [0.5, 1.0, 2.0, 4.0, 8.0, 4.5]


def test_what_is_not_there_yet_is_no_error(clock: TurningClock) -> None:
    answers = iter(["InvalidNetworkInterfaceID.NotFound", "RequestLimitExceeded", ""])

    def seen() -> str | None:
        if code := next(answers):
            raise AwsError("no", reason=code)
        return "there"

    assert until_seen(seen, "the interface", clock) == "there"


def test_a_denied_look_ends_the_waiting(clock: TurningClock) -> None:
    def denied() -> str | None:
        raise AwsError("no", reason="UnauthorizedOperation")

    with pytest.raises(AwsError):
        until_seen(denied, "the interface", clock)

    assert clock.sleeps == []
