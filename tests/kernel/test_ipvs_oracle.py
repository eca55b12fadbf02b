"""ipvsadm as the oracle: it sees exactly what we write, and we see exactly what it writes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.ipvs.resources import (
    Forwarding,
    IpvsResource,
    IpvsServer,
    IpvsService,
    ServiceFlag,
    flag_words,
)
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import (
    MAX_MARK,
    AddressListener,
    Endpoint,
    Family,
    KernelListener,
    MarkListener,
    Protocol,
    parse_kernel_listener,
)
from lvsnat.model.resource import state_of
from lvsnat.model.service import Scheduler
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.system import run
from lvsnat.testing import network_apart

pytestmark = pytest.mark.kernel

PERSISTENT = int(ServiceFlag.PERSISTENT)
OPTIONS = {Protocol.TCP: "-t", Protocol.UDP: "-u", Protocol.SCTP: "--sctp-service"}
METHODS = {Forwarding.MASQUERADING: "-m", Forwarding.DIRECT_ROUTING: "-g"}


@pytest.fixture(scope="module")
def backend() -> Iterator[IpvsBackend]:
    with network_apart():
        backend = IpvsBackend()
        yield backend
        backend.close()


@pytest.fixture(autouse=True)
def _empty_table(backend: IpvsBackend) -> None:
    assert backend.kinds
    ipvsadm("-C")


def ipvsadm(*arguments: str, stdin: str | None = None) -> str:
    done = run(["ipvsadm", *arguments], stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def saved() -> list[str]:
    return sorted(line.rstrip() for line in ipvsadm("-Sn").splitlines())


def option(listen: KernelListener, mark: int | None = None) -> str:
    if isinstance(listen, MarkListener):
        six = " -6" if listen.family is Family.IPV6 else ""
        return f"-f {listen.mark if mark is None else mark}{six}"
    return f"{OPTIONS[listen.protocol]} {listen.endpoint}"


def as_saved(listen: KernelListener) -> str:
    """As ipvsadm prints it: a mark from 2**31 on comes out negative, which is its own mistake."""
    if isinstance(listen, MarkListener):
        return option(listen, ctypes.c_int32(listen.mark).value)
    return option(listen)


def service_words(service: IpvsService) -> str:
    words = [f"-s {service.scheduler}"]
    if service.persistent:
        words.append(f"-p {service.timeout}")
        if service.prefix is not None:
            words.append(f"-M {netmask(service)}")
        if service.engine is not None:
            words.append(f"--pe {service.engine}")
    flags = list(flag_words(service.scheduler, service.flags))
    if "one-packet" in flags:
        flags.remove("one-packet")
        words.append("-o")
    if flags:
        words.append(f"-b {','.join(flags)}")
    return " ".join(words)


def netmask(service: IpvsService) -> str:
    if isinstance(service.prefix, int) and service.listen.family is Family.IPV4:
        return str(IPv4Network((0, service.prefix)).netmask)
    return str(service.prefix)


def server_words(server: IpvsServer) -> str:
    return f"-r {server.endpoint} {METHODS[Forwarding(server.forwarding)]} -w {server.weight}"


def save_lines(resources: Iterable[IpvsResource]) -> list[str]:
    """What ``ipvsadm -Sn`` says of the resources."""
    return sorted(
        f"-A {as_saved(have.listen)} {service_words(have)}"
        if isinstance(have, IpvsService)
        else f"-a {as_saved(have.listen)} {server_words(have)}"
        for have in resources
    )


def commands(resources: Iterable[IpvsResource]) -> str:
    """What makes the resources with ``ipvsadm -R``."""
    return "".join(
        f"-A {option(have.listen)} {service_words(have)}\n"
        if isinstance(have, IpvsService)
        else f"-a {option(have.listen)} {server_words(have)} -x {have.upper} -y {have.lower}\n"
        for have in resources
    )


def thresholds() -> list[list[str]]:
    lines = ipvsadm("-Ln", "--thresholds").splitlines()
    return sorted(line.split()[1:4] for line in lines[3:] if line.startswith("  ->"))


def check_both_ways(backend: IpvsBackend, resources: list[IpvsResource]) -> None:
    wish = state_of(resources)
    servers = [have for have in resources if isinstance(have, IpvsServer)]
    limits = sorted([str(have.endpoint), str(have.upper), str(have.lower)] for have in servers)

    ipvsadm("-C")
    make(backend, resources)
    assert saved() == save_lines(resources)
    assert thresholds() == limits
    assert state_of(backend.observe(())) == wish

    ipvsadm("-C")
    ipvsadm("-R", stdin=commands(resources))
    assert state_of(backend.observe(())) == wish
    assert saved() == save_lines(resources)


def make(backend: IpvsBackend, resources: Iterable[IpvsResource]) -> None:
    done: list[Change] = []
    changes = [Create(have) for have in resources]
    backend.apply(changes, done.append)
    assert done == changes


WEB = parse_kernel_listener("tcp/10.7.1.1:80")
WEB6 = parse_kernel_listener("tcp/[2001:db8:7::1]:80")


@pytest.mark.parametrize("scheduler", [str(scheduler) for scheduler in Scheduler])
def test_every_scheduler(backend: IpvsBackend, scheduler: str) -> None:
    check_both_ways(backend, [IpvsService(WEB, scheduler), IpvsService(WEB6, scheduler)])


@pytest.mark.parametrize(
    ("scheduler", "flags"),
    [*((name, flags) for name in ("sh", "mh") for flags in (0, 8, 0x10, 0x18))]
    + [("rr", flags) for flags in range(0, 0x40, 8)],
)
def test_every_scheduler_flag(backend: IpvsBackend, scheduler: str, flags: int) -> None:
    check_both_ways(backend, [IpvsService(WEB, scheduler, flags)])


def test_a_flag_that_ipvsadm_leaves_out_is_read_all_the_same(backend: IpvsBackend) -> None:
    """It prints ``-b`` and no name for flag-3 of ``sh`` and ``mh``."""
    service = IpvsService(WEB, "sh", int(ServiceFlag.SCHEDULER_3))

    make(backend, [service])

    assert backend.observe(()) == [service]


@pytest.mark.parametrize(
    "listen",
    [
        "tcp/10.7.1.1:80",
        "udp/10.7.1.1:53",
        "sctp/10.7.1.1:3868",
        "tcp/[2001:db8::1]:80",
        "udp/[2001:db8::1]:53",
        "sctp/[2001:db8::1]:3868",
        "fwmark/1",
        "fwmark/1/ipv6",
        "fwmark/2147483648",
        "fwmark/4294967295",
        "fwmark/4294967295/ipv6",
    ],
)
def test_every_kind_of_listener_with_a_server(backend: IpvsBackend, listen: str) -> None:
    parsed = parse_kernel_listener(listen)
    six = parsed.family is Family.IPV6
    endpoint = Endpoint.parse("[2001:db8:8::5]:8080" if six else "192.168.8.5:8080")

    check_both_ways(
        backend, [IpvsService(parsed, "wrr"), IpvsServer(parsed, endpoint, 7, 1000, 800)]
    )


@pytest.mark.parametrize("prefix", [None, 1, 8, 24, 31, IPv4Address("255.0.255.0")])
def test_every_form_of_persistence(backend: IpvsBackend, prefix: int | IPv4Address | None) -> None:
    check_both_ways(backend, [IpvsService(WEB, "rr", PERSISTENT, 300, prefix)])


@pytest.mark.parametrize("prefix", [None, 1, 32, 48, 64, 127])
def test_every_form_of_persistence_in_ipv6(backend: IpvsBackend, prefix: int | None) -> None:
    check_both_ways(
        backend,
        [
            IpvsService(WEB6, "rr", PERSISTENT, 300, prefix),
            IpvsService(parse_kernel_listener("fwmark/2/ipv6"), "rr", PERSISTENT, 60, prefix),
        ],
    )


def test_every_port_of_an_address(backend: IpvsBackend) -> None:
    every = parse_kernel_listener("tcp/10.7.1.1:0")
    server = IpvsServer(every, Endpoint.parse("192.168.8.5:0"))

    check_both_ways(backend, [IpvsService(every, "rr", PERSISTENT, 360), server])


def test_the_sip_engine(backend: IpvsBackend) -> None:
    listen = parse_kernel_listener("udp/10.7.3.3:5060")

    check_both_ways(backend, [IpvsService(listen, "rr", PERSISTENT, 60, None, "sip")])


def test_one_packet_and_direct_routing_of_somebody_else(backend: IpvsBackend) -> None:
    listen = parse_kernel_listener("udp/10.7.2.2:514")
    service = IpvsService(listen, "rr", int(ServiceFlag.ONE_PACKET))
    # ipvsadm gives a server with direct routing the port of its service.
    server = IpvsServer(
        listen, Endpoint.parse("192.168.8.5:514"), forwarding=int(Forwarding.DIRECT_ROUTING)
    )

    check_both_ways(backend, [service, server])


def test_an_edit_is_seen_by_ipvsadm(backend: IpvsBackend) -> None:
    before = IpvsService(WEB, "wlc", PERSISTENT, 600, 24)
    server = IpvsServer(WEB, Endpoint.parse("192.168.8.5:80"), 3, 100, 50)
    make(backend, [before, server])
    after = IpvsService(WEB, "sh", int(ServiceFlag.SCHEDULER_2))
    drained = IpvsServer(WEB, server.endpoint, 0, 100, 50)

    backend.apply([Update(before, after), Update(server, drained)], lambda _: None)

    assert saved() == save_lines([after, drained])
    assert thresholds() == [["192.168.8.5:80", "100", "50"]]


def test_a_removal_is_seen_by_ipvsadm(backend: IpvsBackend) -> None:
    service = IpvsService(WEB, "rr")
    servers = [IpvsServer(WEB, Endpoint(IPv4Address(f"192.168.8.{n}"), 80)) for n in (1, 2)]
    make(backend, [service, *servers])

    backend.apply([Delete(servers[0])], lambda _: None)

    assert saved() == save_lines([service, servers[1]])


def test_timeouts_both_ways(backend: IpvsBackend) -> None:
    backend.kernel.set_timeouts(Timeouts(1800, 30, 60))
    assert ipvsadm("-Ln", "--timeout").strip() == "Timeout (tcp tcpfin udp): 1800 30 60"

    ipvsadm("--set", "900", "0", "300")
    assert backend.kernel.timeouts() == Timeouts(900, 30, 300)


FOUR = st.integers(1, 2**16 - 2).map(lambda n: IPv4Address(int(IPv4Address("10.7.0.0")) + n))
SIX = st.integers(1, 2**64).map(lambda n: IPv6Address(int(IPv6Address("2001:db8::")) + n))
PORT = st.integers(1, 65535)


@st.composite
def services(draw: st.DrawFn) -> list[IpvsResource]:
    family = draw(st.sampled_from(Family))
    address = FOUR if family is Family.IPV4 else SIX
    endpoints = st.builds(Endpoint, address, PORT)
    listen: KernelListener = draw(
        st.builds(AddressListener, st.sampled_from(Protocol), endpoints)
        | st.builds(MarkListener, st.integers(1, MAX_MARK), st.just(family))
    )
    scheduler = str(draw(st.sampled_from(Scheduler)))
    flags = draw(st.integers(0, 3 if scheduler in ("sh", "mh") else 7)) << 3
    service = IpvsService(listen, scheduler, flags)
    if draw(st.booleans()):
        prefix = draw(st.none() | st.integers(1, family.bits - 1))
        timeout = draw(st.integers(1, 86400))
        service = IpvsService(listen, scheduler, flags | PERSISTENT, timeout, prefix)
    return [service, *draw(st.lists(servers(listen, endpoints), max_size=4, unique_by=endpoint_of))]


@st.composite
def servers(
    draw: st.DrawFn, listen: KernelListener, endpoints: st.SearchStrategy[Endpoint]
) -> IpvsServer:
    upper = draw(st.integers(0, 2**31 - 1))
    lower = draw(st.integers(0, upper))
    return IpvsServer(listen, draw(endpoints), draw(st.integers(0, 65535)), upper, lower)


def endpoint_of(server: IpvsServer) -> Endpoint:
    return server.endpoint


TABLES = st.lists(services(), max_size=6, unique_by=lambda group: group[0].key)


@settings(max_examples=40)
@given(table=TABLES)
def test_any_table(backend: IpvsBackend, table: list[list[IpvsResource]]) -> None:
    check_both_ways(backend, [have for group in table for have in group])
