"""Configurations that HAProxy serves, of every kind that there is: by hand and by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import product

from hypothesis import strategies as st

from lvsnat.model.config import Config, HaproxyOptions, IpvsOptions, Timeouts
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    Family,
    IPAddress,
    PortRange,
    PortsListener,
    Protocol,
)
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.rules import MAX_PERSISTENCE_SECONDS, MAX_THRESHOLD
from lvsnat.model.service import (
    MAX_WEIGHT,
    Persistence,
    ProxyOptions,
    ProxyProtocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

CHECKS = (
    None,
    HealthCheck(),
    HealthCheck(CheckType.HTTP, "/a?b=%20'\"$X#", "HEAD", body='o\'k "$HOME" \\ % é #'),
    HealthCheck(
        CheckType.HTTPS,
        host="www.example.com",
        expect=((200, 200), (300, 399)),
        port=8443,
        interval=0.5,
        fast_interval=0.25,
        timeout=1.5,
    ),
    HealthCheck(CheckType.HTTPS, regex="^(ok|up)\\s#'\"$", verify=False),
)
POLICIES = (HealthPolicy(), HealthPolicy(OnFail.REMOVE, quorum=2, max_down=50, warmup=1.5))
PROXIES = (
    ProxyOptions(),
    ProxyOptions(
        ProxyProtocol.HTTP,
        client_timeout=60,
        server_timeout=70,
        connect_timeout=3,
        maxconn=500,
        forward_for=True,
        cookie="SRV",
        frontend_lines=("http-request set-header X-Side 'a \"b\"'", "option httpclose"),
        backend_lines=("retries 3",),
    ),
)
_VIPS: dict[Family, IPAddress] = {
    Family.IPV4: IPv4Address("10.1.0.0"),
    Family.IPV6: IPv6Address("fd01::"),
}
_SERVERS: dict[Family, IPAddress] = {
    Family.IPV4: IPv4Address("10.2.0.0"),
    Family.IPV6: IPv6Address("fd02::"),
}


def everything(phase: Phase) -> Config:
    """Every scheduler with every kind of persistence, check, protocol, listener and family."""
    kinds = product(Scheduler, (False, True), CHECKS, PROXIES, (False, True), Family)
    services = tuple(_service(number, kind) for number, kind in enumerate(kinds, start=1))
    options = HaproxyOptions((ip_network("10.2.0.0/28"), ip_network("fd02::/124")))
    return Config(Mode.HAPROXY_TPROXY, services, haproxy=options, switching=phase)


Kind = tuple[Scheduler, bool, HealthCheck | None, ProxyOptions, bool, Family]


def _service(number: int, kind: Kind) -> VirtualService:
    scheduler, persistent, check, proxy, several, family = kind
    vip, first = _VIPS[family] + number, _SERVERS[family]
    listen = (
        PortsListener(Protocol.TCP, vip, (PortRange(8000, 8009), PortRange(9000, 9000)))
        if several
        else AddressListener(Protocol.TCP, Endpoint(vip, 80))
    )
    port = 0 if several else 80
    prefix = 24 if family is Family.IPV4 else 64
    others = [HealthCheck(CheckType.PING), HealthCheck(port=81)] if number % 3 else []
    asked = [*([check] if check else []), *others]
    return VirtualService(
        f"s{number}",
        listen,
        scheduler,
        frozenset(flag for flag in SchedulerFlag if flag.scheduler is scheduler and number % 4 > 1),
        Persistence(300, prefix if number % 8 > 3 else None) if persistent else None,
        (
            RealServer(Endpoint(first + 9, port), 3, upper=100, lower=5),
            RealServer(Endpoint(first + 99, port), 700 if number % 2 else 7),
            RealServer(Endpoint(first + 10, port), 0),
            RealServer(Endpoint(first + 10, 8080), 1),
        ),
        asked[0] if asked else None,
        Endpoint(first + 250, 80) if check else None,
        proxy,
        tuple(asked[1:]),
        POLICIES[number % 2],
    )


def configs(services: int = 3) -> st.SearchStrategy[Config]:
    """Any configuration in haproxy-tproxy or on the way there; it breaks no rule."""
    return st.builds(
        _config,
        st.lists(_services(), min_size=1, max_size=services, unique_by=lambda s: s.listen),
        st.sampled_from([phase for phase in Phase if phase.proxy]),
        st.builds(
            HaproxyOptions,
            st.lists(
                st.sampled_from([*map(ip_network, ("10.2.0.0/16", "fd02::/64", "0.0.0.0/0"))]),
                unique=True,
            ).map(tuple),
            maxconn=st.integers(1, 30000),
            hard_stop_after=st.integers(1, 2147483),
        ),
        st.builds(Timeouts, _maybe(st.integers(1, 2147483)), _maybe(st.integers(1, 2147483))),
    )


def _config(
    services: list[VirtualService], phase: Phase, options: HaproxyOptions, timeouts: Timeouts
) -> Config:
    named = tuple(replace(one, name=f"{one.name}{i}") for i, one in enumerate(services))
    return Config(
        Mode.HAPROXY_TPROXY,
        tuple(_apart(named)),
        ipvs=IpvsOptions(timeouts),
        haproxy=options,
        switching=phase,
    )


def _apart(services: tuple[VirtualService, ...]) -> Iterator[VirtualService]:
    """Give each service a VIP of its own, so that no two share a port."""
    for number, service in enumerate(services, start=1):
        listen = service.listen
        vip = _VIPS[listen.family] + number
        if isinstance(listen, PortsListener):
            yield replace(service, listen=replace(listen, address=vip))
        elif isinstance(listen, AddressListener):
            yield replace(
                service, listen=AddressListener(Protocol.TCP, Endpoint(vip, listen.endpoint.port))
            )


def _maybe(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | strategy


_PORT_LISTS = st.lists(
    st.builds(
        lambda first, more: PortRange(first, first + more), st.integers(1, 60000), st.integers(0, 9)
    ),
    min_size=2,
    max_size=4,
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "))
_SPANS = st.integers(1, 2147483).map(float) | st.integers(1, 9999).map(lambda ms: ms / 1000)


@st.composite
def _services(draw: st.DrawFn) -> VirtualService:
    family = draw(st.sampled_from(Family))
    scheduler = draw(st.sampled_from(Scheduler))
    flags = [flag for flag in SchedulerFlag if flag.scheduler is scheduler]
    several = draw(st.booleans())
    return VirtualService(
        draw(st.sampled_from(["web", "a.b-c_d", "from", "0", "X" * 60])),
        _listener(draw, _VIPS[family], several=several),
        scheduler,
        frozenset(draw(st.sets(st.sampled_from(flags))) if flags else ()),
        draw(st.none() | _persistences(family)),
        _servers(draw, _SERVERS[family], least_port=0 if several else 1),
        draw(st.none() | _checks()),
        draw(st.sampled_from([None, Endpoint(_SERVERS[family] + 9999, 80)])),
        draw(_proxies()),
        policy=draw(st.sampled_from(POLICIES)),
    )


def _listener(draw: st.DrawFn, vip: IPAddress, *, several: bool) -> AddressListener | PortsListener:
    if several:
        ports = PortsListener(Protocol.TCP, vip, tuple(draw(_PORT_LISTS)))
        if len(ports.ports) > 1:
            return ports
    return AddressListener(Protocol.TCP, Endpoint(vip, draw(st.integers(1, 65535))))


def _persistences(family: Family) -> st.SearchStrategy[Persistence]:
    return st.builds(
        Persistence,
        st.integers(1, MAX_PERSISTENCE_SECONDS),
        st.none() | st.integers(1, family.bits),
    )


def _servers(draw: st.DrawFn, first: IPAddress, *, least_port: int) -> tuple[RealServer, ...]:
    uppers = st.sampled_from([0, 1, 100, MAX_THRESHOLD])
    server = st.builds(
        lambda host, port, weight, upper: RealServer(
            Endpoint(first + host, port), weight, upper, upper // 2
        ),
        st.integers(1, 9),
        st.integers(max(least_port, 1), 65535),
        st.integers(0, 300) | st.integers(0, MAX_WEIGHT),
        uppers,
    )
    return tuple(draw(st.lists(server, max_size=5, unique_by=lambda one: one.endpoint)))


def _checks() -> st.SearchStrategy[HealthCheck]:
    tcp = st.builds(HealthCheck, interval=_SPANS, timeout=_SPANS, port=_maybe(_A_PORT))
    http = st.builds(
        HealthCheck,
        st.sampled_from([CheckType.HTTP, CheckType.HTTPS]),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)).map("/{}".format),
        st.sampled_from(["GET", "HEAD", "OPTIONS"]),
        st.sampled_from([None, "a.example", "192.0.2.1"]),
        st.sampled_from([((200, 399),), ((100, 100), (404, 500)), ((204, 204),)]),
        st.none() | _TEXTS.filter(lambda text: 0 < len(text) < 200 and text.isprintable()),
        interval=_SPANS,
        fast_interval=st.none() | _SPANS,
        rise=st.integers(1, 1000),
        fall=st.integers(1, 1000),
        regex=st.none() | st.sampled_from(["a|b", "^[0-9]{3} 'x' \"$"]),
    )
    return tcp | http


_A_PORT = st.integers(1, 65535)


def _proxies() -> st.SearchStrategy[ProxyOptions]:
    seconds = _maybe(st.integers(1, 2147483))
    http = st.builds(
        ProxyOptions,
        st.just(ProxyProtocol.HTTP),
        seconds,
        seconds,
        seconds,
        _maybe(st.integers(1, 30000)),
        st.booleans(),
        st.sampled_from([None, "SRV"]),
        st.sampled_from([(), ("http-request set-header X-A 'b c' ",)]),
        st.sampled_from([(), (" retries 1", "option httpclose")]),
    )
    return http | st.builds(ProxyOptions, client_timeout=seconds, server_timeout=seconds)
