"""What a configuration asks of the host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from lvsnat.host.resources import Sysctl, Vip, expand
from lvsnat.model.config import Config, HostOptions
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.resource import Key, Setting, Stage
from lvsnat.model.service import Persistence, VirtualService


def config(
    *listeners: str, host: HostOptions | None = None, persistence: Persistence | None = None
) -> Config:
    services = tuple(
        VirtualService(f"s{number}", parse_listener(listen), persistence=persistence)
        for number, listen in enumerate(listeners)
    )
    return Config(services=services, host=replace(host or HostOptions(), block_imds=False))


def test_without_services_nothing_is_asked_of_the_host() -> None:
    assert list(expand(Config())) == []


def test_an_ipv4_service_asks_for_its_settings_and_its_address_in_this_order() -> None:
    asked = [str(resource.key) for resource in expand(config("tcp/192.168.1.50:80"))]

    assert asked == [
        "sysctl net.ipv4.ip_forward",
        "sysctl net.ipv4.conf.*.send_redirects",
        "sysctl net.ipv4.vs.expire_nodest_conn",
        "address 192.168.1.50",
    ]


def test_an_ipv6_service_asks_for_its_settings_and_its_address_in_this_order() -> None:
    asked = [str(resource.key) for resource in expand(config("tcp/[2001:db8::50]:80"))]

    assert asked == [
        "sysctl net.ipv6.conf.*.accept_ra",
        "sysctl net.ipv6.conf.all.forwarding",
        "sysctl net.ipv4.vs.expire_nodest_conn",
        "address 2001:db8::50",
    ]


def test_a_persistent_service_asks_that_drained_clients_move() -> None:
    wish = config("tcp/192.168.1.50:80", persistence=Persistence(300))

    assert Sysctl("net.ipv4.vs.expire_quiescent_template", value="1") in list(expand(wish))


def test_an_address_of_several_services_is_asked_for_once() -> None:
    wish = config("tcp/192.168.1.50:80", "tcp/192.168.1.50:443", "udp/192.168.1.51:53")

    vips = [resource for resource in expand(wish) if isinstance(resource, Vip)]

    assert vips == [Vip(ip_address("192.168.1.50")), Vip(ip_address("192.168.1.51"))]


def test_a_firewall_mark_has_no_address() -> None:
    assert not [r for r in expand(config("fwmark/7")) if isinstance(r, Vip)]


def test_settings_are_left_alone_on_request() -> None:
    wish = config("tcp/192.168.1.50:80", host=HostOptions(manage_sysctl=False))

    assert list(expand(wish)) == [Vip(ip_address("192.168.1.50"))]


def test_addresses_are_left_alone_on_request() -> None:
    wish = config("tcp/192.168.1.50:80", host=HostOptions(manage_vip=False))

    assert all(isinstance(resource, Sysctl) for resource in expand(wish))


def test_the_configured_interface_goes_with_the_address() -> None:
    wish = config("tcp/192.168.1.50:80", host=HostOptions(vip_interface="eth1"))

    (vip,) = (resource for resource in expand(wish) if isinstance(resource, Vip))

    assert vip.settings() == {"interface": "eth1"}


def test_an_address_on_another_interface_than_wished_for_is_no_drift() -> None:
    address = ip_address("192.168.1.50")

    assert Vip(address, "eth0") == Vip(address, "lo") == Vip(address)


def test_an_address_says_who_and_where_it_is() -> None:
    vip = Vip(ip_address("2001:db8::50"))

    assert vip.key == vip.owner == Key("address", "2001:db8::50")
    assert vip.describe() == "address 2001:db8::50"
    assert vip.settings() == {"interface": "automatic"}
    assert vip.stage is Stage.HOST
    assert vip.shared


def test_a_setting_says_which_it_is() -> None:
    sysctl = Sysctl("net.ipv4.ip_forward", value="0")

    assert sysctl.key == sysctl.owner == Key("sysctl", "net.ipv4.ip_forward")
    assert sysctl.describe() == "sysctl net.ipv4.ip_forward"
    assert sysctl.settings() == {"value": "0"}
    assert sysctl.stage is Stage.HOST
    assert sysctl.shared


def test_a_setting_is_restored_with_another_value() -> None:
    sysctl = Sysctl("net.ipv4.ip_forward", value="1")

    assert isinstance(sysctl, Setting)
    assert sysctl.with_value("0") == Sysctl("net.ipv4.ip_forward", value="0") != sysctl


def test_a_setting_that_the_kernel_lacks_is_no_drift_and_says_so() -> None:
    lacking = Sysctl("net.ipv4.vs.expire_nodest_conn", value="1", known=False)

    assert lacking == Sysctl("net.ipv4.vs.expire_nodest_conn", value="1")
    assert lacking.settings() == {"value": "not in this kernel"}
