"""What is asked for and done by nobody is said, once for each kind of setting."""

from __future__ import annotations

from dataclasses import replace

from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import HealthCheck
from lvsnat.model.idle import cautions
from lvsnat.model.mode import Mode
from lvsnat.model.service import ProxyOptions, VirtualService

WEB = VirtualService("web", parse_listener("tcp/192.168.1.50:80"))
DNS = VirtualService("dns", parse_listener("udp/192.168.1.50:53"))
MARK = VirtualService("mark", parse_listener("fwmark/7"))
SORRY = Endpoint.parse("192.168.2.99:80")


def told(mode: Mode, *services: VirtualService) -> list[str]:
    return [str(caution) for caution in cautions(Config(mode, services))]


def checked(service: VirtualService) -> VirtualService:
    return replace(service, check=HealthCheck())


def test_an_ordinary_service_asks_for_nothing_in_vain() -> None:
    assert told(Mode.LVS_NAT, WEB, DNS, MARK) == []


def test_nobody_checks_in_lvs_nat() -> None:
    assert told(Mode.LVS_NAT, checked(WEB), DNS) == [
        "web: in lvs-nat nobody makes the check, and a server that fails keeps its share"
    ]


def test_haproxy_does_what_is_asked_of_tcp() -> None:
    service = replace(checked(WEB), sorry=SORRY, proxy=ProxyOptions(maxconn=5))

    assert told(Mode.HAPROXY_TPROXY, service) == []
    assert told(Mode.LVS_NAT, service) == [
        "web: in lvs-nat nobody makes the check, and a server that fails keeps its share",
        "web: in lvs-nat the sorry server never answers",
        "web: in lvs-nat what [service.haproxy] says has no effect",
    ]


def test_nobody_checks_what_is_ipvss_in_both_modes() -> None:
    services = (checked(WEB), checked(DNS), replace(checked(MARK), sorry=SORRY))

    assert told(Mode.HAPROXY_TPROXY, *services) == [
        (
            "dns, mark: nobody makes the check, and a server that fails keeps its share: UDP, SCTP"
            " and firewall marks are IPVS's in both modes"
        ),
        (
            "mark: the sorry server never answers: UDP, SCTP and firewall marks are IPVS's in both"
            " modes"
        ),
    ]
    assert len(told(Mode.LVS_NAT, *services)) == 3


def test_many_services_are_counted() -> None:
    services = [replace(checked(WEB), name=f"web{number}") for number in range(7)]

    assert told(Mode.LVS_NAT, *services)[0].startswith("web0, web1, web2, web3, web4 and 2 more: ")


def test_every_caution_says_what_to_do() -> None:
    service = replace(checked(WEB), sorry=SORRY, proxy=ProxyOptions(maxconn=5))

    assert all(caution.hint for caution in cautions(Config(services=(service,))))
