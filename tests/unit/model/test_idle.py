"""What is asked for and done by nobody is said, once for each kind of setting."""

from __future__ import annotations

from dataclasses import replace

from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, parse_address, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.idle import cautions
from lvsnat.model.mode import Mode
from lvsnat.model.service import ProxyOptions, VirtualService

WEB = VirtualService("web", parse_listener("tcp/192.168.1.50:80"))
DNS = VirtualService("dns", parse_listener("udp/192.168.1.50:53"))
MARK = VirtualService("mark", parse_listener("fwmark/7"))
SORRY = Endpoint.parse("192.168.2.99:80")
NOBODY = "nobody makes the check, and a server that fails keeps its share: the daemon does not run"
SILENT = "the sorry server never answers: the daemon does not run"


def told(mode: Mode, *services: VirtualService, watched: bool = False) -> list[str]:
    return [str(caution) for caution in cautions(Config(mode, services), watched=watched)]


def checked(service: VirtualService) -> VirtualService:
    return replace(service, check=HealthCheck())


def test_an_ordinary_service_asks_for_nothing_in_vain() -> None:
    assert told(Mode.LVS_NAT, WEB, DNS, MARK) == []


def test_nobody_checks_while_the_daemon_does_not_run() -> None:
    assert told(Mode.LVS_NAT, checked(WEB), DNS) == [f"web: {NOBODY}"]
    assert told(Mode.LVS_NAT, checked(WEB), DNS, watched=True) == []


def test_haproxy_does_what_is_asked_of_tcp() -> None:
    service = replace(checked(WEB), sorry=SORRY, proxy=ProxyOptions(maxconn=5))

    assert told(Mode.HAPROXY_TPROXY, service) == []
    idle = "web: in lvs-nat what [service.haproxy] says has no effect"
    assert told(Mode.LVS_NAT, service) == [f"web: {NOBODY}", f"web: {SILENT}", idle]
    assert told(Mode.LVS_NAT, service, watched=True) == [idle]


def test_haproxy_makes_one_check_and_knows_no_source_for_it() -> None:
    two = WEB.asked([HealthCheck(), HealthCheck(CheckType.PING)])
    from_here = WEB.asked([HealthCheck(source=parse_address("192.168.2.1"))])

    assert told(Mode.HAPROXY_TPROXY, two) == [f"web: {NOBODY}"]
    assert told(Mode.HAPROXY_TPROXY, from_here) == [f"web: {NOBODY}"]


def test_what_is_ipvss_in_both_modes_is_the_daemons() -> None:
    services = (checked(WEB), checked(DNS), replace(checked(MARK), sorry=SORRY))

    assert told(Mode.HAPROXY_TPROXY, *services) == [f"dns, mark: {NOBODY}", f"mark: {SILENT}"]
    assert told(Mode.HAPROXY_TPROXY, *services, watched=True) == []


def test_many_services_are_counted() -> None:
    services = [replace(checked(WEB), name=f"web{number}") for number in range(7)]

    assert told(Mode.LVS_NAT, *services)[0].startswith("web0, web1, web2, web3, web4 and 2 more: ")


def test_every_caution_says_what_to_do() -> None:
    service = replace(checked(WEB), sorry=SORRY, proxy=ProxyOptions(maxconn=5))

    assert all(one.hint for one in cautions(Config(services=(service,)), watched=False))
