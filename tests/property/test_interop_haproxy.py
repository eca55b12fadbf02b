"""Laws of reading haproxy.cfg: any text is answered, and what lvsnat writes comes back."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

from hypothesis import HealthCheck as Habit
from hypothesis import given, settings
from hypothesis import strategies as st

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.render import render_config
from lvsnat.haproxy.export import export_text
from lvsnat.haproxy.mapping import expand
from lvsnat.haproxy.text import render
from lvsnat.interop.haproxy.lexer import split
from lvsnat.interop.haproxy.reader import read
from lvsnat.interop.merge import merge
from lvsnat.model.config import Config, HaproxyOptions
from lvsnat.model.endpoint import (
    AddressListener,
    Endpoint,
    IPAddress,
    PortRange,
    PortsListener,
    Protocol,
)
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.rules import violations
from lvsnat.model.service import (
    Persistence,
    ProxyOptions,
    ProxyProtocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

VOCABULARY = """
global defaults listen frontend backend bind server default-server option http-check timeout mode
stick-table stick cookie use_backend default_backend acl balance hash-type source contimeout no
disabled stats peers .if tcp-request hash-balance-factor maxconn log httpchk expect status send
rstatus string client check type ip expire on src,ipmask(24) insert if { } src usesrc clientip web
servers * :80 192.168.1.50:80 192.168.2.55:80 [::1]:1-9 10.0.0.0/8 -1 99999999999 5s 1x weight port
inter backup from ' " \\ # $X \\x4 ^2.. http tcp ( [0-9 ssl fo \u00b2 \ufb01 first forwardfor web:2
"""
WORDS = st.sampled_from(VOCABULARY.split())
LINES = st.builds(
    lambda head, lines: [*head.split("\n"), *lines],
    st.sampled_from(
        ["", "defaults\nlisten web", "listen web\nbind 192.168.1.50:80,[fd01::1]:80\nstick on src"]
    ),
    st.lists(
        st.lists(WORDS, min_size=1, max_size=7).map(" ".join) | st.text(max_size=30),
        max_size=20,
    ),
)

DEEP = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[Habit.too_slow, Habit.filter_too_much, Habit.data_too_large],
)
ports = st.integers(1, 65535)
four = st.integers(1, 2**24 - 1)
seconds = st.integers(1, 10**6)
spans = st.integers(1, 10**7).map(lambda n: n / 1000)
plain = st.text("abcXYZ019._-", min_size=1, max_size=12)


@st.composite
def listeners(draw: st.DrawFn, address: IPAddress) -> AddressListener | PortsListener:
    first = draw(st.integers(1, 60000))
    if draw(st.booleans()):
        return AddressListener(Protocol.TCP, Endpoint(address, first))
    ranges = (PortRange(first, first + draw(st.integers(1, 9))), PortRange(65000, 65000))
    return PortsListener(Protocol.TCP, address, ranges)


@st.composite
def checks(draw: st.DrawFn) -> HealthCheck:
    rhythm = HealthCheck(
        port=draw(st.none() | ports),
        interval=draw(spans),
        fast_interval=draw(st.none() | spans),
        timeout=draw(spans),
        rise=draw(st.integers(1, 100)),
        fall=draw(st.integers(1, 100)),
    )
    kind = draw(st.sampled_from([CheckType.TCP, CheckType.HTTP, CheckType.HTTPS]))
    if kind is CheckType.TCP:
        return rhythm
    low = draw(st.integers(100, 599))
    return replace(
        rhythm,
        type=kind,
        path="/" + draw(st.text("abc%20?&='\"#;$\\{}~", max_size=12)),
        method=draw(st.sampled_from(["GET", "HEAD", "OPTIONS"])),
        host=draw(st.none() | plain.map(lambda text: "h" + text)),
        expect=((low, draw(st.integers(low, 599))),),
        body=draw(st.none() | st.text("ab '\"#\\$%\u00e9", min_size=1, max_size=12)),
        regex=draw(st.none() | st.sampled_from([r"^ok \d+$", "a|'b' \"c\" #"])),
        verify=kind is CheckType.HTTP or draw(st.booleans()),
        certificate=draw(st.none() | st.just("/etc/a b.pem")) if kind.value == "https" else None,
    )


@st.composite
def proxies(draw: st.DrawFn) -> ProxyOptions:
    http = draw(st.booleans())
    return ProxyOptions(
        ProxyProtocol.HTTP if http else ProxyProtocol.TCP,
        draw(seconds),
        draw(seconds),
        draw(seconds),
        draw(st.none() | st.integers(1, 10**6)),
        http and draw(st.booleans()),
        draw(st.none() | plain) if http else None,
    )


@st.composite
def services(draw: st.DrawFn, index: int) -> VirtualService:
    six = draw(st.booleans())
    vip: IPAddress = IPv6Address(f"fd01::{index + 1}") if six else IPv4Address(0x0A000001 + index)
    base = int(IPv6Address("fd02::")) if six else 0xAC000000
    listen = draw(listeners(vip))
    scheduler = draw(st.sampled_from(Scheduler))
    flags = [flag for flag in SchedulerFlag if flag.scheduler is scheduler]

    def endpoint(number: int, port: int) -> Endpoint:
        address = IPv6Address(base + number) if six else IPv4Address(base + number)
        return Endpoint(address, port)

    keeps = isinstance(listen, PortsListener) and draw(st.booleans())
    places = draw(st.lists(st.tuples(four, ports), max_size=3, unique=True))
    servers = tuple(
        RealServer(
            endpoint(number, 0 if keeps else port),
            draw(st.integers(0, 70000 if scheduler is Scheduler.OVF else 256)),
            0 if scheduler is Scheduler.OVF else draw(st.just(0) | st.integers(1, 10**6)),
        )
        for number, port in (
            {number: (number, port) for number, port in places}.values() if keeps else places
        )
    )
    check = draw(st.none() | checks()) if servers else None
    policy = st.builds(HealthPolicy, st.sampled_from([None, OnFail.REMOVE]), warmup=spans)
    return VirtualService(
        f"s{index}",
        listen,
        scheduler,
        frozenset(flag for flag in flags if draw(st.booleans())),
        draw(
            st.none()
            | st.builds(Persistence, seconds, st.none() | st.integers(1, listen.family.bits - 1))
        ),
        servers,
        check,
        draw(st.none() | st.just(endpoint(2**24, 80))),
        draw(proxies()),
        policy=draw(st.just(HealthPolicy()) | policy) if check else HealthPolicy(),
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    count = draw(st.integers(1, 2))
    networks = st.lists(st.sampled_from([IPv4Network("192.168.0.0/16")]), max_size=1).map(tuple)
    return Config(
        Mode.HAPROXY_TPROXY,
        tuple(draw(services(index)) for index in range(count)),
        haproxy=HaproxyOptions(local_networks=draw(networks)),
    )


valid_configs = configs().filter(lambda config: not any(violations(config)))

_SAME = {
    Scheduler.RR: Scheduler.WRR,
    Scheduler.LC: Scheduler.WLC,
    Scheduler.SED: Scheduler.WLC,
    Scheduler.NQ: Scheduler.WLC,
    Scheduler.LBLCR: Scheduler.LBLC,
}
FAILOVER = 3
"""A second server of two is read as one that answers in need."""
_PORT_FLAGS = {SchedulerFlag.SH_PORT, SchedulerFlag.MH_PORT}
_UNWEIGHTED = {Scheduler.RR, Scheduler.LC, Scheduler.DH}


def as_haproxy_has_it(service: VirtualService) -> VirtualService:
    """The service as far as haproxy.cfg can tell; servers in the order of their addresses."""
    scheduler = _SAME.get(service.scheduler, service.scheduler)
    servers = [_as_haproxy_has_it(service, server) for server in service.servers]
    servers.sort(key=lambda one: (int(one.endpoint.address), one.endpoint.port))
    sorry = service.sorry
    if scheduler is Scheduler.FO:
        servers = _ranked(servers)
        if len(servers) < FAILOVER:
            scheduler = Scheduler.WRR
    if service.check is not None:
        service = replace(service, check=_check(service.check))
    return replace(
        service,
        scheduler=scheduler,
        flags=service.flags & _PORT_FLAGS,
        servers=tuple(servers),
        sorry=sorry,
    )


def _ranked(servers: list[RealServer]) -> list[RealServer]:
    ranked = sorted(servers, key=lambda one: -one.weight)
    count = len(ranked)
    return [
        replace(one, weight=count - place if one.weight else 0) for place, one in enumerate(ranked)
    ]


def _as_haproxy_has_it(service: VirtualService, server: RealServer) -> RealServer:
    weight = min(server.weight, 1) if service.scheduler in _UNWEIGHTED else server.weight
    return replace(server, weight=weight, lower=0)


def _check(check: HealthCheck) -> HealthCheck:
    half = check.interval / 2
    fast = half if check.fast_interval is None else check.fast_interval
    written = max(1, round(fast * 1000)) / 1000
    return replace(check, fast_interval=None if written == half else written)


def _is_told_apart(service: VirtualService) -> bool:
    """Whether haproxy.cfg tells it from any other service."""
    ranks = [server.weight for server in service.servers]
    if service.scheduler is Scheduler.FO:
        return len(ranks) >= FAILOVER and len(set(ranks)) == len(ranks) and ranks.count(0) == 0
    return not (service.scheduler is Scheduler.OVF and 0 in ranks)


def text_of(config: Config) -> str:
    return render(expand(config, Path("/run/lvsnat/haproxy")))


@given(LINES)
def test_no_text_is_too_strange_to_be_answered(lines: list[str]) -> None:
    text = "\n".join(lines)

    found = read(text)

    last = len(text.split("\n"))
    assert all(1 <= problem.line <= last for problem in found.problems)
    assert all(1 <= note.line <= last for note in found.notes)
    assert not any(violations(Config(services=found.services)))


@given(st.text("ab '\"#\\$\t", max_size=12))
def test_a_word_in_strong_quotes_is_that_word(word: str) -> None:
    quoted = "'" + word.replace("'", "'\\''") + "'"

    assert split(f"  one {quoted} # rest") == ["one", word]


@DEEP
@given(valid_configs)
def test_what_lvsnat_writes_is_read_as_what_it_was_written_from(config: Config) -> None:
    found = read(text_of(config))

    assert found.problems == ()
    expected = {one.listen: as_haproxy_has_it(one) for one in config.services}
    for service in found.services:
        wanted = expected.pop(service.listen)
        if _is_told_apart(next(one for one in config.services if one.listen == service.listen)):
            order = sorted(service.servers, key=wanted.servers.index)
            assert replace(service, servers=tuple(order)) == wanted
    assert expected == {}


@DEEP
@given(valid_configs)
def test_an_export_is_read_as_what_lvsnat_itself_runs(config: Config) -> None:
    own, exported = read(text_of(config)), read(export_text(config))

    assert exported.problems == ()
    assert (exported.services, exported.networks) == (own.services, own.networks)


@DEEP
@given(valid_configs)
def test_what_was_read_once_is_written_and_read_alike(config: Config) -> None:
    once = read(text_of(config))
    known = Config(
        Mode.HAPROXY_TPROXY,
        once.services,
        haproxy=HaproxyOptions(local_networks=once.networks),
    )

    again = read(text_of(known))

    assert {one.name: one for one in again.services} == {one.name: one for one in once.services}
    assert set(again.networks) == set(once.networks)


@DEEP
@given(valid_configs)
def test_an_import_merges_into_an_empty_configuration_as_it_is(config: Config) -> None:
    found = read(text_of(config))
    document = ConfigDocument.parse("")

    merge(document, found)

    assert document.config.services == found.services
    assert set(document.config.haproxy.local_networks) == set(found.networks)
    assert ConfigDocument.parse(document.text).config == document.config
    before = document.text
    merge(document, found)
    assert document.text == before


@DEEP
@given(valid_configs, valid_configs)
def test_a_merge_keeps_names_and_hand_written_lines(have: Config, new: Config) -> None:
    lines = ("http-request deny if { path /x }",)
    ours = have.with_services(
        tuple(
            replace(one, name=f"old-{one.name}", proxy=replace(one.proxy, frontend_lines=lines))
            for one in have.services
        )
    )
    document = ConfigDocument.parse(render_config(ours))
    found = read(text_of(new))

    merge(document, found)

    by_listener = {one.listen: one for one in document.config.services}
    for service in found.services:
        merged = by_listener[service.listen]
        assert (merged.check, merged.sorry) == (service.check, service.sorry)
        assert set(merged.servers) == set(service.servers)
    for service in ours.services:
        assert by_listener[service.listen].name == service.name
        assert by_listener[service.listen].proxy.frontend_lines == lines
