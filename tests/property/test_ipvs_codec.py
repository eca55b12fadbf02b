from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.ipvs.codec import decode_server, decode_service, encode_server, encode_service
from lvsnat.ipvs.resources import (
    NO_TUNNEL,
    Forwarding,
    IpvsServer,
    IpvsService,
    expand,
    virtual_service,
)
from lvsnat.ipvs.uapi import Command
from lvsnat.model.config import Config
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
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

U32 = st.integers(0, 2**32 - 1)
PORTS = st.integers(0, 65535)
ENDPOINTS = st.builds(Endpoint, st.ip_addresses(), PORTS)
LISTENERS: st.SearchStrategy[KernelListener] = st.one_of(
    st.builds(AddressListener, st.sampled_from(Protocol), ENDPOINTS),
    st.builds(MarkListener, st.integers(1, MAX_MARK), st.sampled_from(Family)),
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=15)


@st.composite
def services(draw: st.DrawFn) -> IpvsService:
    """Anything that the kernel may hold, persistence normalised as it is when read."""
    listen = draw(LISTENERS)
    flags = draw(U32) & ~0x2
    engine = draw(st.none() | WORDS)
    if not flags & 1:
        return IpvsService(listen, draw(WORDS), flags, engine=engine)
    prefix = draw(st.none() | st.integers(0, listen.family.bits - 1))
    return IpvsService(listen, draw(WORDS), flags, draw(U32), prefix, engine)


@st.composite
def servers(draw: st.DrawFn) -> IpvsServer:
    forwarding = draw(st.integers(0, 7))
    tunnels = st.tuples(st.integers(0, 255), PORTS, PORTS)
    tunnel = draw(tunnels) if forwarding == Forwarding.TUNNELLING else NO_TUNNEL
    return IpvsServer(
        draw(LISTENERS), draw(ENDPOINTS), draw(U32), draw(U32), draw(U32), forwarding, tunnel
    )


@st.composite
def virtual_services(draw: st.DrawFn) -> VirtualService:
    listen = draw(LISTENERS)
    scheduler = draw(st.sampled_from(Scheduler))
    flags = [flag for flag in SchedulerFlag if flag.scheduler == scheduler]
    prefixes = st.none() | st.integers(1, listen.family.bits - 1)
    engines = st.none() | st.sampled_from(PersistenceEngine)
    return VirtualService(
        "",
        listen,
        scheduler,
        draw(st.frozensets(st.sampled_from(flags))) if flags else frozenset(),
        draw(st.none() | st.builds(Persistence, st.integers(1, 2**31), prefixes, engines)),
        tuple(
            draw(
                st.lists(
                    st.builds(RealServer, ENDPOINTS, PORTS, PORTS, PORTS),
                    max_size=3,
                    unique_by=lambda server: server.endpoint,
                )
            )
        ),
    )


@given(services())
def test_a_service_survives_the_way_there_and_back(service: IpvsService) -> None:
    data = encode_service(Command.SET_SERVICE, service)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    assert entry.service == service
    assert entry.service.key == service.key


@given(servers())
def test_a_server_survives_the_way_there_and_back(server: IpvsServer) -> None:
    data = encode_server(Command.SET_DEST, server)

    entry = decode_server(data, 0, len(data), IpvsService(server.listen, "rr"))

    assert entry.server == server
    assert (entry.server.key, entry.server.owner) == (server.key, server.owner)


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_mask_is_read_back_as_it_was_or_as_its_prefix(number: int) -> None:
    mask = IPv4Address(number)
    service = IpvsService(parse_kernel_listener("tcp/192.0.2.1:80"), "rr", 1, 60, mask)
    data = encode_service(Command.NEW_SERVICE, service)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    again = encode_service(Command.NEW_SERVICE, entry.service)
    assert again == data


@given(st.lists(virtual_services(), unique_by=lambda service: service.listen, max_size=5))
def test_keys_tell_all_resources_apart(wishes: list[VirtualService]) -> None:
    resources = list(expand(Config(services=tuple(wishes))))

    assert len(state_of(resources)) == len(resources)


@given(virtual_services())
def test_a_wish_seen_in_the_kernel_reads_as_the_wish(wish: VirtualService) -> None:
    found = list(expand(Config(services=(wish,))))
    own = [have for have in found if isinstance(have, IpvsServer)]
    (service,) = (have for have in found if isinstance(have, IpvsService))

    assert virtual_service(service, own) == wish


@given(st.lists(servers(), min_size=1))
def test_settings_and_words_never_fail(found: list[IpvsServer]) -> None:
    for server in found:
        assert server.describe()
        assert all(server.settings().values())


@given(services())
def test_a_service_is_shown_whatever_it_is(service: IpvsService) -> None:
    assert all(service.settings().values())
    assert virtual_service(service, []) is None or service.scheduler in list(Scheduler)


@given(st.ip_addresses())
def test_an_endpoint_key_is_its_text(address: IPv4Address | IPv6Address) -> None:
    server = IpvsServer(parse_kernel_listener("fwmark/7"), Endpoint(address, 80))

    assert server.key.name == f"fwmark/7 {server.endpoint}"
