"""Services and servers out as text: what ipvsadm writes, and what it forgets."""

from __future__ import annotations

import pytest

from lvsnat.interop.ipvsadm.live import read_table, saved
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.ipvs.resources import Forwarding, IpvsServer, IpvsService, ServiceFlag
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Family,
    KernelListener,
    MarkListener,
    Protocol,
)


def at(text: str, protocol: Protocol = Protocol.TCP) -> AddressListener:
    return AddressListener(protocol, Endpoint.parse(text))


WEB = at("10.7.1.1:80")
PERSISTENT = int(ServiceFlag.PERSISTENT)


@pytest.mark.parametrize(
    ("service", "line"),
    [
        (IpvsService(WEB, "wlc"), "-A -t 10.7.1.1:80 -s wlc"),
        (
            IpvsService(WEB, "wlc", PERSISTENT, 3600, 24),
            "-A -t 10.7.1.1:80 -s wlc -p 3600 -M 255.255.255.0",
        ),
        (
            IpvsService(at("10.7.3.3:5060", Protocol.UDP), "rr", PERSISTENT, 60, None, "sip"),
            "-A -u 10.7.3.3:5060 -s rr -p 60 --pe sip",
        ),
        (
            IpvsService(at("10.7.1.2:5", Protocol.UDP), "sh", 0x1D, 7),
            "-A -u 10.7.1.2:5 -s sh -p 7 -o -b sh-fallback,sh-port",
        ),
        (IpvsService(WEB, "rr", 0x28), "-A -t 10.7.1.1:80 -s rr -b flag-1,flag-3"),
        (
            IpvsService(at("[2001:db8:7::2]:80"), "rr", PERSISTENT, 100, 48),
            "-A -t [2001:db8:7::2]:80 -s rr -p 100 -M 48",
        ),
        (
            IpvsService(MarkListener(2, Family.IPV6), "wrr", PERSISTENT, 120, 64),
            "-A -f 2 -6 -s wrr -p 120 -M 64",
        ),
        (IpvsService(MarkListener(2**32 - 1), "rr"), "-A -f 4294967295 -s rr"),
        (
            IpvsService(at("10.7.4.1:3868", Protocol.SCTP), "rr"),
            "-A --sctp-service 10.7.4.1:3868 -s rr",
        ),
        (IpvsService(at("[::ffff:1.2.3.4]:80"), "rr"), "-A -t [::ffff:1.2.3.4]:80 -s rr"),
        (IpvsService(at("[::1.2.3.4]:80"), "rr"), "-A -t [::1.2.3.4]:80 -s rr"),
        (IpvsService(at("[::1:2:3]:80"), "rr"), "-A -t [::1:2:3]:80 -s rr"),
        (IpvsService(at("[::1]:80"), "rr"), "-A -t [::1]:80 -s rr"),
    ],
)
def test_a_service_is_written_as_ipvsadm_does(service: IpvsService, line: str) -> None:
    assert render([service]) == f"{line}\n"


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"weight": 10}, "-m -w 10"),
        ({"upper": 1000, "lower": 800}, "-m -w 1 -x 1000 -y 800"),
        ({"upper": 1000}, "-m -w 1 -x 1000"),
        ({"forwarding": Forwarding.DIRECT_ROUTING}, "-g -w 1"),
        ({"forwarding": Forwarding.LOCAL}, "-g -w 1"),
        ({"forwarding": Forwarding.TUNNELLING}, "-i -w 1 --tun-type ipip"),
        (
            {"forwarding": Forwarding.TUNNELLING, "tunnel": (1, 6080, 2)},
            "-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
        ),
        (
            {"forwarding": Forwarding.TUNNELLING, "tunnel": (2, 0, 0)},
            "-i -w 1 --tun-type gre --tun-nocsum",
        ),
    ],
)
def test_a_server_is_written_as_ipvsadm_does(settings: dict[str, int], options: str) -> None:
    server = IpvsServer(WEB, Endpoint.parse("192.168.8.1:5353"), **settings)  # type: ignore[arg-type]

    text = render([IpvsService(WEB, "rr"), server])

    assert text.splitlines()[1] == f"-a -t 10.7.1.1:80 -r 192.168.8.1:5353 {options}"


def test_thresholds_are_left_out_on_demand() -> None:
    server = IpvsServer(WEB, Endpoint.parse("192.168.8.1:80"), upper=1000)

    text = render([IpvsService(WEB, "rr"), server], thresholds=False)

    assert "-x" not in text


def test_timeouts_are_written_last() -> None:
    assert render([], Timeouts(tcp=1800, udp=60)) == "--set 1800 0 60\n"
    assert render([], Timeouts()) == ""


@pytest.mark.parametrize(
    "listeners",
    [
        [at("192.168.1.1:80"), at("10.7.1.1:80")],
        [at("10.7.1.1:80"), at("10.7.1.1:443"), at("10.7.1.1:53", Protocol.UDP)],
        [at("10.7.1.1:80"), at("[fe00::1]:80"), at("[::1]:80"), at("[7e00::1]:80")],
        [MarkListener(2**32 - 1), at("10.7.1.1:80"), MarkListener(7), MarkListener(7, Family.IPV6)],
    ],
)
def test_services_come_in_ipvsadms_order(listeners: list[KernelListener]) -> None:
    """A difference of unsigned numbers is taken as a signed one: 192.168 comes before 10."""
    wanted = [IpvsService(listen, "rr") for listen in listeners]

    assert render(reversed(wanted)).splitlines() == [render([one]).strip() for one in wanted]


def test_the_kernels_table_is_read_and_what_cannot_be_taken_may_be_skipped() -> None:
    strange = IpvsService(at("10.7.1.2:80"), "homemade")
    wild = IpvsService(at("0.0.0.0:53", Protocol.UDP), "rr")

    found = read_table([IpvsService(WEB, "rr"), strange, wild])

    assert [service.name for service in found.services] == ["tcp-10.7.1.1-80"]
    assert [problem.unsupported for problem in found.problems] == [True, True]
    assert found.thresholds


def test_timeouts_of_the_kernel_are_taken_where_somebody_set_them() -> None:
    assert read_table([], Timeouts(900, 120, 300)).timeouts == Timeouts()
    assert read_table([], Timeouts(900, 30, 300)).timeouts == Timeouts(tcp_fin=30)


def test_a_save_of_the_kernel_has_all_timeouts_once_one_was_set() -> None:
    assert saved(Timeouts(900, 120, 300)) == Timeouts()
    assert saved(Timeouts(900, 30, 300)) == Timeouts(900, 30, 300)
