"""The metadata service: version 2 alone, quickly, and every way in which it is not there."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from aws.conftest import NOBODY
from aws.imds import Imds
from aws.vpcs import REGION, VIP, Machine, Vpc

from lvsnat.aws.instance import Nic
from lvsnat.aws.metadata import ENDPOINT_VARIABLE, TIMEOUT, TIMEOUT_VARIABLE, Metadata, SilentError
from lvsnat.aws.refusals import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

pytestmark = pytest.mark.usefixtures("ec2_server")


def test_an_instance_knows_itself_and_its_interface(dual: Vpc, imds: Imds) -> None:
    instance = Metadata().instance()

    director = dual.director
    assert (instance.id, instance.region) == (director.instance, REGION)
    [nic] = instance.nics
    assert nic == Nic(nic.mac, director.eni, dual.public_subnet, (ip_address(director.address),), 0)
    assert imds.requests[0] == "PUT /latest/api/token"
    assert sum(request.startswith("PUT") for request in imds.requests) == 1
    assert not any(request.startswith("v1") for request in imds.requests)


def test_interfaces_come_in_the_order_of_their_numbers(
    api: EC2Client, dual: Vpc, imds: Imds
) -> None:
    made = api.create_network_interface(SubnetId=dual.private_subnets[0])["NetworkInterface"]
    api.attach_network_interface(
        NetworkInterfaceId=made["NetworkInterfaceId"],
        InstanceId=dual.director.instance,
        DeviceIndex=1,
    )

    nics = Metadata().instance().nics

    assert [nic.eni for nic in nics] == [dual.director.eni, made["NetworkInterfaceId"]]
    assert imds.requests


def test_an_address_that_arrives_is_seen(api: EC2Client, dual: Vpc, imds: Imds) -> None:
    metadata = Metadata()
    mac = metadata.instance().nics[0].mac
    api.assign_private_ip_addresses(NetworkInterfaceId=dual.director.eni, PrivateIpAddresses=[VIP])

    assert ip_address(VIP) in metadata.addresses(mac)
    assert imds.requests


@pytest.mark.usefixtures("dual")
def test_a_token_that_ended_is_asked_for_anew(imds: Imds) -> None:
    imds.orders.forget_tokens = True

    assert Metadata().instance().region == REGION


@pytest.mark.usefixtures("dual")
def test_one_fault_is_forgiven(imds: Imds) -> None:
    imds.orders.faults = 1

    assert Metadata().region() == REGION


@pytest.mark.usefixtures("dual")
def test_lasting_faults_are_told(imds: Imds) -> None:
    imds.orders.faults = 99

    with pytest.raises(SilentError, match="status 500"):
        Metadata().region()


@pytest.mark.usefixtures("dual")
def test_version_1_is_not_used(imds: Imds) -> None:
    imds.orders.version_1_only = True

    with pytest.raises(AwsError, match="it is not IMDSv2") as caught:
        Metadata().region()

    assert "version 1 is not used" in (caught.value.hint or "")
    assert imds.requests == ["PUT /latest/api/token"]


@pytest.mark.usefixtures("dual")
def test_metadata_that_are_switched_off_are_told(imds: Imds) -> None:
    imds.orders.off = True

    with pytest.raises(AwsError, match="is switched off for this instance") as caught:
        Metadata().region()

    assert "--http-tokens required" in (caught.value.hint or "")


@pytest.mark.usefixtures("dual")
def test_a_slow_service_is_given_up(imds: Imds) -> None:
    imds.orders.slow = 10.0

    with pytest.raises(SilentError, match="timed out"):
        Metadata(timeout=0.1).region()


@pytest.mark.usefixtures("dual")
def test_how_long_to_wait_is_told_as_to_awss_own_programs(imds: Imds) -> None:
    imds.orders.slow = TIMEOUT + 0.2

    assert Metadata({ENDPOINT_VARIABLE: imds.url, TIMEOUT_VARIABLE: "60"}).region() == REGION


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e3"])
def test_a_time_that_is_none_is_named(text: str) -> None:
    with pytest.raises(AwsError, match=f"AWS_METADATA_SERVICE_TIMEOUT={text} is no number"):
        Metadata({TIMEOUT_VARIABLE: text})


def test_a_machine_that_is_no_instance_is_told_what_to_give() -> None:
    with pytest.raises(SilentError, match="no metadata service answers") as caught:
        Metadata({ENDPOINT_VARIABLE: NOBODY}).instance()

    assert "--region, --eni" in (caught.value.hint or "")


def test_what_forbids_to_ask_is_named() -> None:
    with pytest.raises(AwsError, match="AWS_EC2_METADATA_DISABLED forbids"):
        Metadata({"AWS_EC2_METADATA_DISABLED": "true"}).region()


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://[::1"])
def test_an_endpoint_that_is_no_url_is_named(url: str) -> None:
    with pytest.raises(AwsError, match="is not a URL"):
        Metadata({ENDPOINT_VARIABLE: url}).region()


def test_ipv6_is_asked_where_ipv4_is_silent(dual: Vpc, imds_of: Callable[[Machine], Imds]) -> None:
    imds = imds_of(dual.director)

    assert Metadata({}, timeout=60, endpoints=(NOBODY, imds.url)).region() == REGION
