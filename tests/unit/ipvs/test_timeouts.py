"""Timeouts as settings: asked for one by one, and only beside services. The kernel is in e2e."""

from __future__ import annotations

from lvsnat.ipvs.timeouts import Timeout, expand
from lvsnat.model.config import Config, IpvsOptions, Timeouts
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.resource import Key, Setting
from lvsnat.model.service import VirtualService

WEB = VirtualService("web", parse_listener("tcp/192.168.1.50:80"))
WISH = IpvsOptions(Timeouts(tcp=7200, udp=10))


def test_each_timeout_that_is_given_is_a_setting() -> None:
    found = list(expand(Config(services=(WEB,), ipvs=WISH)))

    assert found == [Timeout("tcp", value="7200"), Timeout("udp", value="10")]
    assert all(isinstance(one, Setting) for one in found)
    assert [one.describe() for one in found] == ["timeout tcp", "timeout udp"]
    assert found[0].key == found[0].owner == Key("timeout", "tcp")
    assert found[0].settings() == {"seconds": "7200"}


def test_without_services_nothing_is_asked_for() -> None:
    assert list(expand(Config(ipvs=WISH))) == []
