"""Counters of drivers: those of the running kernel, as ``ethtool -S`` has them."""

from __future__ import annotations

import pytest
from pyroute2 import IPRoute

from lvsnat.host.allowances import counters, exceeded

pytestmark = pytest.mark.kernel


@pytest.mark.usefixtures("fresh_netns")
def test_the_counters_of_each_driver_that_has_some_are_read() -> None:
    with IPRoute() as kernel:
        kernel.link("add", ifname="veth0", kind="veth", peer="veth1")
        kernel.link("add", ifname="quiet", kind="dummy")

    found = dict(counters())

    # A veth counts its peer's number first; lo and dummy count nothing.
    assert found["veth0 peer_ifindex"] > 0
    assert {name.split()[0] for name in found} == {"veth0", "veth1"}
    assert exceeded() == {}
