"""``lvsnat aws takeover``, as packets: requests flow through the second director."""

from __future__ import annotations

import time

import pytest
from aws.server import Ec2Server
from aws.vpcs import dual_subnet
from e2e.aws.cloud import LVS_NAT, Cloud, add_services, cloud, serve

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def forwarded(cloud: Cloud, director: str) -> int:
    """How many connections the kernel of a director remembers."""
    said = cloud.net.hosts[director].run("cat", "/proc/net/ip_vs_conn").stdout
    return len(said.splitlines()) - 1


def test_after_a_takeover_requests_flow_through_the_second_director(
    moto: Ec2Server, capsys: pytest.CaptureFixture[str]
) -> None:
    with cloud(moto, dual_subnet) as made:
        programs = serve(made, LVS_NAT)
        add_services(made, LVS_NAT, on="peer")
        made.make()
        made.lvsnat("aws", "apply", "--standby", "--yes", on="peer")
        made.sync()
        assert made.answer().client == made.client.address
        assert (forwarded(made, "director"), forwarded(made, "peer")) == (1, 0)

        made.director.run("ip", "link", "set", "eth0", "down")
        assert made.hangs()
        began = time.monotonic()
        with made.followed():
            options = ("--peer-eni", made.ids.director.eni, "--timeout", "300")
            made.lvsnat("aws", "takeover", *options, on="peer")
            ended = time.monotonic()
            gap = made.gap(began)

        with capsys.disabled():
            print(f"\ntakeover: {ended - began:.1f} s; no answer for {gap:.1f} s")  # noqa: T201 - measured
        assert made.answer().client == made.client.address
        assert forwarded(made, "peer") >= 2
        assert {address for one in programs for address in one.seen()} == {made.client.address}
