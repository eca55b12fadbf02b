"""The parts of IPVS that no plan knows, and a table that others write at the same time."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.ipvs.controls import SyncDaemon, SyncRole
from lvsnat.ipvs.resources import IpvsResource, IpvsServer, IpvsService
from lvsnat.ipvs.transport import open_transport
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener
from lvsnat.model.resource import state_of
from lvsnat.model.status import Counters, ServerStats, ServiceStats
from lvsnat.plan.change import Change, Create
from lvsnat.system import run
from lvsnat.testing import network_apart

pytestmark = pytest.mark.kernel

VIP = "127.7.7.7"
WEB = IpvsService(parse_kernel_listener(f"udp/{VIP}:9999"), "rr")
LOCAL = IpvsServer(WEB.listen, Endpoint.parse("127.0.0.1:9998"))


@pytest.fixture
def backend() -> Iterator[IpvsBackend]:
    with network_apart():
        backend = IpvsBackend()
        yield backend
        backend.close()


@pytest.fixture
def _interface(backend: IpvsBackend) -> None:
    assert backend.kinds
    run(["ip", "link", "add", "dum0", "type", "dummy"])
    run(["ip", "address", "add", "192.0.2.1/24", "dev", "dum0"])
    run(["ip", "link", "set", "dum0", "up"])


def table(services: int, servers: int) -> list[IpvsResource]:
    listeners = [parse_kernel_listener(f"tcp/10.{n >> 8}.{n & 255}.1:80") for n in range(services)]
    resources: list[IpvsResource] = [IpvsService(listen, "wrr") for listen in listeners]
    resources += [
        IpvsServer(listen, Endpoint(IPv4Address(f"192.168.9.{n + 1}"), 80), n)
        for listen in listeners
        for n in range(servers)
    ]
    return resources


def fill(backend: IpvsBackend, resources: list[IpvsResource]) -> None:
    backend.apply([Create(resource) for resource in resources], lambda _: None)


def test_the_version_is_known(backend: IpvsBackend) -> None:
    assert backend.kernel.info().version >= (1, 2, 1)


def test_a_timeout_of_0_leaves_it_as_it_is(backend: IpvsBackend) -> None:
    backend.kernel.set_timeouts(Timeouts(1800, 30, 60))

    backend.kernel.set_timeouts(Timeouts(udp=61))

    assert backend.kernel.timeouts() == Timeouts(1800, 30, 61)


@pytest.mark.usefixtures("_interface")
def test_a_daemon_of_each_role_starts_is_seen_and_stops(backend: IpvsBackend) -> None:
    master = SyncDaemon(SyncRole.MASTER, "dum0", 7, 1400, IPv4Address("224.0.0.99"), 9000, 3)
    backend.kernel.start_daemon(master)
    backend.kernel.start_daemon(SyncDaemon(SyncRole.BACKUP, "dum0"))

    assert backend.kernel.daemons() == [
        master,
        SyncDaemon(SyncRole.BACKUP, "dum0", 0, 1472, IPv4Address("224.0.0.81"), 8848, 1),
    ]
    assert "group=224.0.0.99, port=9000, ttl=3" in run(["ipvsadm", "-Ln", "--daemon"]).stdout

    backend.kernel.stop_daemon(SyncRole.MASTER)
    backend.kernel.stop_daemon(SyncRole.BACKUP)
    assert backend.kernel.daemons() == []


@pytest.mark.usefixtures("_interface")
def test_a_daemon_can_be_stopped_before_it_has_run(backend: IpvsBackend) -> None:
    for _ in range(10):
        backend.kernel.start_daemon(SyncDaemon(SyncRole.MASTER, "dum0"))
        backend.kernel.stop_daemon(SyncRole.MASTER)

        assert backend.kernel.daemons() == []


def test_stopping_a_daemon_that_does_not_run_is_done(backend: IpvsBackend) -> None:
    backend.kernel.stop_daemon(SyncRole.BACKUP)

    assert backend.kernel.daemons() == []


@pytest.mark.usefixtures("_interface")
@pytest.mark.parametrize(
    ("daemon", "hint"),
    [
        (SyncDaemon(SyncRole.MASTER, "nope"), "no such interface"),
        (SyncDaemon(SyncRole.MASTER, "dum0", group=IPv4Address("10.0.0.1")), "dmesg"),
    ],
)
def test_a_daemon_that_cannot_start_says_why(
    backend: IpvsBackend, daemon: SyncDaemon, hint: str
) -> None:
    with pytest.raises(LvsnatError, match="cannot start the master sync daemon") as error:
        backend.kernel.start_daemon(daemon)

    assert hint in str(error.value.hint)


def test_packets_are_counted_and_the_counters_zeroed(backend: IpvsBackend) -> None:
    fill(backend, [WEB, LOCAL])
    run(["ip", "address", "add", f"{VIP}/32", "dev", "lo"])
    datagrams = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*datagrams) as client, socket.socket(*datagrams) as real_server:
        real_server.bind(("127.0.0.1", 9998))
        for _ in range(5):
            client.sendto(b"x" * 72, (VIP, 9999))

        # 28 bytes of IP and UDP headers come on top.
        service, server = wait_for_packets(backend)
    assert service.totals == server.totals == Counters(1, 5, 0, 500, 0)
    assert server.inactive == 1

    backend.kernel.zero(WEB.listen)
    assert backend.read()[1][WEB.key] == ServiceStats()


def wait_for_packets(backend: IpvsBackend) -> tuple[ServiceStats, ServerStats]:
    """The kernel's estimator copies the counters every two seconds, each in a turn of its own."""
    deadline = time.monotonic() + 60
    while True:
        stats = backend.read()[1]
        service, server = stats[WEB.key], stats[LOCAL.key]
        assert isinstance(service, ServiceStats)
        assert isinstance(server, ServerStats)
        counted = service.totals.packets_in == server.totals.packets_in == 5
        if counted or time.monotonic() > deadline:
            return service, server
        time.sleep(0.2)


def test_all_counters_can_be_zeroed(backend: IpvsBackend) -> None:
    fill(backend, [WEB, LOCAL])

    backend.kernel.zero()

    assert backend.read()[1] == {WEB.key: ServiceStats(), LOCAL.key: ServerStats()}


def test_zeroing_what_does_not_exist_says_so(backend: IpvsBackend) -> None:
    with pytest.raises(LvsnatError, match="cannot zero the counters of fwmark/9"):
        backend.kernel.zero(parse_kernel_listener("fwmark/9"))


def test_a_table_larger_than_a_datagram_is_read_whole(backend: IpvsBackend) -> None:
    resources = [*table(300, 0), *table(1, 200)[1:]]
    fill(backend, resources)

    assert state_of(backend.observe(())) == state_of(resources)


@pytest.mark.parametrize("services", range(100, 400, 50))
def test_a_table_just_filled_is_read_whole(backend: IpvsBackend, services: int) -> None:
    """Newer kernels rehash it meanwhile, and then one dump misses some and repeats others."""
    resources = table(services, 1)

    fill(backend, resources)

    for _ in range(5):
        assert state_of(backend.observe(())) == state_of(resources)


def test_others_may_write_while_we_read_and_write(backend: IpvsBackend) -> None:
    ours = table(150, 2)
    stop, looked = threading.Event(), threading.Event()
    theirs = IpvsService(parse_kernel_listener("tcp/10.200.0.1:80"), "rr")

    def interfere() -> None:
        while not stop.is_set():
            run(["ipvsadm", "-A", "-t", "10.200.0.1:80", "-s", "rr"])
            run(["ipvsadm", "-D", "-t", "10.200.0.1:80"])
            # However slow a look is, what moves all the time is not to be read.
            looked.wait(timeout=60)
            looked.clear()

    writer = threading.Thread(target=interfere)
    writer.start()
    try:
        fill(backend, ours)
        for _ in range(10):
            seen = state_of(backend.observe(()))
            looked.set()
            seen.pop(theirs.key, None)
            assert seen == state_of(ours)
    finally:
        stop.set()
        looked.set()
        writer.join()


def test_an_interruption_waits_for_the_end_of_a_batch(backend: IpvsBackend) -> None:
    changes: list[Change] = [Create(have) for have in table(300, 0)]
    done: list[Change] = []

    def interrupt(change: Change) -> None:
        done.append(change)
        if len(done) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        backend.apply(changes, interrupt)

    created = state_of(change.resource for change in done if isinstance(change, Create))
    assert 0 < len(created) < len(changes)
    assert state_of(backend.observe(())) == created


def test_two_backends_see_the_same(backend: IpvsBackend) -> None:
    fill(backend, table(3, 3))

    other = IpvsBackend(open_transport())

    assert state_of(other.observe(())) == state_of(backend.observe(()))
    other.close()


def test_a_backend_works_from_a_thread_of_an_event_loop(backend: IpvsBackend) -> None:
    seen: list[object] = []
    worker = threading.Thread(target=lambda: seen.extend(backend.observe(())))
    fill(backend, [WEB])

    worker.start()
    worker.join()

    assert seen == [WEB]


def test_a_closed_backend_opens_again(backend: IpvsBackend) -> None:
    fill(backend, [WEB])

    backend.close()

    assert list(backend.observe(())) == [WEB]


def test_without_root_it_says_so(backend: IpvsBackend) -> None:
    assert backend.kinds
    program = (
        "from lvsnat.errors import LvsnatError\n"
        "from lvsnat.ipvs.backend import IpvsBackend\n"
        "try: IpvsBackend().observe(())\n"
        "except LvsnatError as error: print(error.message, '|', error.hint)\n"
    )

    python = run(["sh", "-c", "command -v python"]).stdout.strip()
    done = run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", python, "-c", program], timeout=240
    )

    assert done.stdout.startswith("no permission to read IPVS | run it as root"), done.stderr
