"""Laws of ipvsadm's text: what is printed is read, and what is read is printed."""

from __future__ import annotations

from dataclasses import replace
from functools import cmp_to_key
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.render import render_config
from lvsnat.interop.imported import Imported
from lvsnat.interop.ipvsadm import order
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.interop.ipvsadm.reader import read
from lvsnat.interop.merge import merge
from lvsnat.interop.naming import name_of
from lvsnat.ipvs.resources import expand
from lvsnat.model.config import Config, IpvsOptions, Timeouts
from lvsnat.model.endpoint import (
    MAX_MARK,
    AddressListener,
    Endpoint,
    Family,
    IPAddress,
    KernelListener,
    MarkListener,
    Protocol,
)
from lvsnat.model.rules import MAX_PERSISTENCE_SECONDS, MAX_THRESHOLD, violations
from lvsnat.model.service import (
    MAX_WEIGHT,
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

ports = st.integers(1, 65535)
# VIPs and real servers come from different networks: a VIP as a real server breaks a rule.
vips = st.one_of(
    st.integers(1, 2**24 - 1).map(lambda n: IPv4Address(0x0A000000 + n)),
    st.integers(1, 2**24 - 1).map(lambda n: IPv4Address(0x64000000 + n)),
    st.integers(1, 2**24 - 1).map(lambda n: IPv4Address(0xC6000000 + n)),
    st.integers(1, 2**112 - 1).map(lambda n: IPv6Address((0xFD01 << 112) + n)),
)
listeners: st.SearchStrategy[KernelListener] = st.one_of(
    st.builds(AddressListener, st.sampled_from(Protocol), st.builds(Endpoint, vips, ports)),
    st.builds(MarkListener, st.integers(1, MAX_MARK), st.sampled_from(Family)),
)
four = st.integers(1, 2**24 - 1).map(lambda n: IPv4Address(0xAC000000 + n))
mapped = st.integers(1, 2**24 - 1).map(lambda n: IPv6Address(0xFFFF_AC00_0000 + n))
six = mapped | st.integers(1, 2**112 - 1).map(lambda n: IPv6Address((0xFD02 << 112) + n))


@st.composite
def real_servers(draw: st.DrawFn, family: Family) -> RealServer:
    address: IPAddress = draw(four) if family is Family.IPV4 else draw(six)
    upper = draw(st.just(0) | st.integers(0, MAX_THRESHOLD))
    return RealServer(
        Endpoint(address, draw(ports)),
        draw(st.integers(0, MAX_WEIGHT)),
        upper,
        draw(st.just(0) | st.integers(0, upper)),
    )


@st.composite
def virtual_services(draw: st.DrawFn) -> VirtualService:
    listen = draw(listeners)
    scheduler = draw(st.sampled_from(Scheduler))
    flags = [flag for flag in SchedulerFlag if flag.scheduler is scheduler]
    engines: list[PersistenceEngine | None] = [None]
    if isinstance(listen, MarkListener) or listen.protocol is Protocol.UDP:
        engines.append(PersistenceEngine.SIP)
    persistence = st.builds(
        Persistence,
        st.integers(1, MAX_PERSISTENCE_SECONDS),
        st.none() | st.integers(1, listen.family.bits - 1),
        st.sampled_from(engines),
    )
    servers = st.lists(
        real_servers(listen.family), max_size=4, unique_by=lambda server: server.endpoint
    )
    return VirtualService(
        name_of(listen),
        listen,
        scheduler,
        frozenset(flag for flag in flags if draw(st.booleans())),
        draw(st.none() | persistence),
        tuple(draw(servers)),
    )


seconds = st.none() | st.integers(1, 2**20)
configs = st.builds(
    Config,
    services=st.lists(virtual_services(), max_size=5, unique_by=lambda s: s.listen).map(tuple),
    ipvs=st.builds(IpvsOptions, st.builds(Timeouts, seconds, seconds, seconds)),
).filter(lambda config: not any(violations(config)))


def text_of(config: Config) -> str:
    return render(expand(config), config.ipvs.timeouts)


def imported(text: str) -> Imported:
    return read(text, lambda _name, _protocol: None)


def unordered(config: Config) -> dict[object, object]:
    """What a configuration asks for, whatever the order it says it in."""
    return {one.listen: replace(one, servers=frozenset(one.servers)) for one in config.services}  # type: ignore[arg-type]


@given(configs)
def test_what_is_printed_is_read(config: Config) -> None:
    found = imported(text_of(config))

    assert found.problems == ()
    assert unordered(Config(services=found.services)) == unordered(config)
    assert found.timeouts == config.ipvs.timeouts


@given(configs)
def test_what_is_read_is_printed(config: Config) -> None:
    text = text_of(config)

    found = imported(text)

    assert sorted(text_of(Config(services=found.services, ipvs=config.ipvs)).splitlines()) == (
        sorted(text.splitlines())
    )


@given(configs)
def test_an_export_of_a_configuration_changes_nothing_in_it(config: Config) -> None:
    document = ConfigDocument.parse(render_config(config))
    before = document.text

    merge(document, imported(text_of(config)))

    assert document.text == before


@given(configs, configs)
def test_a_merge_has_what_was_imported_and_keeps_the_rest(have: Config, new: Config) -> None:
    document = ConfigDocument.parse(render_config(have))
    found = replace(imported(text_of(new)), thresholds=True)

    merge(document, found)

    ours = {one.listen: one for one in document.config.services}
    for service in new.services:
        kept = ours.pop(service.listen)
        assert unordered(Config(services=(replace(kept, name=service.name),))) == (
            unordered(Config(services=(service,)))
        )
    gone = {service.listen for service in new.services}
    assert list(ours.values()) == [one for one in have.services if one.listen not in gone]


@given(st.lists(st.text("-AaEtufrsmgwxypM 0123456789.:[]'\"#\\", max_size=40)))
def test_no_text_is_too_strange_to_be_answered(lines: list[str]) -> None:
    found = imported("\n".join(lines))

    assert all(1 <= problem.line <= len("\n".join(lines).split("\n")) for problem in found.problems)


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1)), max_size=12))
def test_the_order_is_the_usual_one_where_no_difference_wraps(numbers: list[tuple[int]]) -> None:
    ordered = order._merge_sort(numbers, order._compare)

    assert ordered == sorted(numbers) == sorted(numbers, key=cmp_to_key(order._compare))
