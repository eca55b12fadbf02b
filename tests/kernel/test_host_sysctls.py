"""Settings on a real kernel, in a network namespace of the test's own; sysctl(8) is the oracle."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit.host import HUNG
from proxies import until

from lvsnat.host.backend import HostBackend
from lvsnat.host.resources import Sysctl
from lvsnat.host.sysctl import load_module
from lvsnat.model.config import Config, HostOptions
from lvsnat.model.endpoint import parse_listener
from lvsnat.model.resource import Resource, state_of
from lvsnat.model.service import Persistence, VirtualService
from lvsnat.plan.apply import apply
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.planner import plan
from lvsnat.system import run

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("host")]


def ok(*argv: str) -> str:
    done = run(argv, timeout=HUNG)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


@pytest.fixture
def host(fresh_netns: None) -> None:  # noqa: ARG001
    """A hardened director that forwards on one link and not on others."""
    for pair in (("eth0", "eth1"), ("vlan.100", "odd=name")):
        ok("ip", "link", "add", pair[0], "type", "veth", "peer", "name", pair[1])
    put(
        "net.ipv4.ip_forward=0",
        "net.ipv4.conf.all.accept_redirects=0",
        "net.ipv4.conf.eth1.forwarding=1",
        "net.ipv4.conf.all.send_redirects=1",
        "net.ipv4.conf.default.send_redirects=0",
        "net.ipv4.conf.eth0.send_redirects=0",
        "net.ipv4.conf.eth1.send_redirects=1",
        "net.ipv4.conf.vlan/100.send_redirects=1",
        "net.ipv6.conf.all.forwarding=0",
        "net.ipv6.conf.eth1.forwarding=1",
        "net.ipv6.conf.eth0.accept_ra=0",
        "net.ipv6.conf.eth1.accept_ra=1",
        "net.ipv6.conf.vlan/100.accept_ra=2",
    )


def put(*settings: str) -> None:
    ok("sysctl", "-qw", *settings)


def value(name: str) -> str:
    return ok("sysctl", "-n", name).strip()


def everything() -> dict[str, str]:
    """All network settings that sysctl(8) can read, but for counters and random numbers."""
    lines = ok("sysctl", "-a", "--pattern", r"^net\.(ipv4|ipv6)\.").splitlines()
    pairs = (line.partition(" = ")[::2] for line in lines)
    return {name: text for name, text in pairs if "stable_secret" not in name}


def wish(*listeners: str, persistence: Persistence | None = None) -> Config:
    services = tuple(
        VirtualService(listen, parse_listener(listen), persistence=persistence)
        for listen in listeners
    )
    return Config(services=services, host=HostOptions(manage_vip=False, block_imds=False))


class Director:
    """The host part of a director, with a ledger in memory."""

    def __init__(self) -> None:
        self.backend = HostBackend()
        self.ledger = Ledger()

    def converge(self, config: Config) -> list[Resource]:
        """Apply a configuration and give what is seen afterwards."""
        desired = state_of(self.backend.expand(config))
        known = [*desired, *self.ledger.originals]
        changes = plan(desired, state_of(self.backend.observe(known)), self.ledger).changes
        self.ledger = self.ledger.intending(changes)
        apply(changes, [self.backend], lambda _: None)
        self.ledger = self.ledger.after(changes)
        return list(self.backend.observe(desired))

    def is_in_sync(self, config: Config) -> bool:
        desired = state_of(self.backend.expand(config))
        return not plan(desired, state_of(self.backend.observe(desired)), self.ledger)


IPV4 = "tcp/192.168.1.50:80"
IPV6 = "tcp/[2001:db8::50]:80"


@pytest.fixture
def ipvs() -> None:
    load_module("ip_vs")
    if not Path("/proc/sys/net/ipv4/vs").exists():
        pytest.skip("this kernel has no IPVS: run it with scripts/lab")


def host_only(config: Config) -> tuple[Sysctl, ...]:
    """What is asked for outside net.ipv4.vs: it can be tried on a kernel without IPVS."""
    asked = HostBackend().expand(config)
    return tuple(one for one in asked if isinstance(one, Sysctl) and ".vs." not in one.name)


class Plain(Director):
    """As a director, for the settings that every kernel has."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = PlainBackend()


class PlainBackend(HostBackend):
    def expand(self, config: Config) -> Iterator[Resource]:
        yield from host_only(config)


def test_the_director_forwards_and_sends_no_redirects() -> None:
    Plain().converge(wish(IPV4))

    assert value("net.ipv4.ip_forward") == "1"
    for place in ("all", "default", "lo", "eth0", "eth1", "vlan/100"):
        assert value(f"net.ipv4.conf.{place}.send_redirects") == "0"
    # sysctl(8) itself cannot name this interface.
    assert Path("/proc/sys/net/ipv4/conf/odd=name/send_redirects").read_text() == "0\n"


def test_an_ipv6_director_forwards_and_keeps_listening_to_its_router() -> None:
    Plain().converge(wish(IPV6))

    assert value("net.ipv6.conf.all.forwarding") == "1"
    assert value("net.ipv6.conf.eth0.accept_ra") == "0"
    assert value("net.ipv6.conf.eth1.accept_ra") == "2"
    assert value("net.ipv6.conf.vlan/100.accept_ra") == "2"


def test_an_ipv4_service_changes_nothing_of_ipv6() -> None:
    before = {name: text for name, text in everything().items() if "ipv6" in name}

    Plain().converge(wish(IPV4))

    assert {name: text for name, text in everything().items() if "ipv6" in name} == before


def test_what_was_set_is_in_sync() -> None:
    director = Plain()
    config = wish(IPV4, IPV6)

    seen = director.converge(config)

    assert seen == list(director.backend.expand(config))
    assert director.is_in_sync(config)


def test_every_setting_of_the_kernel_is_put_back_exactly() -> None:
    before = everything()
    director = Plain()

    director.converge(wish(IPV4, IPV6))
    between = everything()
    director.converge(Config())

    assert between != before
    assert everything() == before
    assert director.ledger == Ledger()


def test_the_first_values_are_put_back_after_drift_was_repaired() -> None:
    before = everything()
    director = Plain()
    director.converge(wish(IPV4))
    put("net.ipv4.conf.eth0.send_redirects=1", "net.ipv4.ip_forward=0")

    drifted = not director.is_in_sync(wish(IPV4))
    director.converge(wish(IPV4))
    repaired = director.is_in_sync(wish(IPV4))
    director.converge(Config())

    assert drifted
    assert repaired
    assert everything() == before


def test_an_interface_that_is_plugged_in_is_drift() -> None:
    director = Plain()
    director.converge(wish(IPV4))

    ok("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
    put("net.ipv4.conf.late0.send_redirects=1")
    in_sync = director.is_in_sync(wish(IPV4))
    director.converge(wish(IPV4))

    assert not in_sync
    assert value("net.ipv4.conf.late0.send_redirects") == "0"
    assert value("net.ipv4.conf.late1.send_redirects") == "0"  # by "default"


def test_an_interface_that_is_gone_does_not_stop_the_rest_from_being_put_back() -> None:
    director = Plain()
    director.converge(wish(IPV4, IPV6))

    ok("ip", "link", "del", "vlan.100")
    director.converge(Config())

    assert value("net.ipv4.conf.eth1.send_redirects") == "1"
    assert value("net.ipv4.conf.eth1.forwarding") == "1"
    assert value("net.ipv4.ip_forward") == "0"


def test_an_interface_that_must_not_forward_is_left_alone_while_forwarding_is_on() -> None:
    put("net.ipv4.ip_forward=1", "net.ipv4.conf.eth0.forwarding=0")

    Plain().converge(wish(IPV4))

    assert value("net.ipv4.conf.eth0.forwarding") == "0"


def test_a_setting_that_is_right_already_is_not_ours_to_put_back() -> None:
    put("net.ipv4.ip_forward=1")
    director = Plain()

    director.converge(wish(IPV4))
    director.converge(Config())

    assert value("net.ipv4.ip_forward") == "1"


def test_the_ipv6_default_route_that_a_router_advertised_survives(
    router: str,
) -> None:
    advertise(router)
    before = ok("ip", "-6", "route", "show", "default")
    assert "proto ra" in before

    Plain().converge(wish(IPV6))

    assert value("net.ipv6.conf.all.forwarding") == "1"
    assert "proto ra" in ok("ip", "-6", "route", "show", "default")


def test_without_accept_ra_that_default_route_would_be_lost(router: str) -> None:
    """Shows that the rule about accept_ra is needed."""
    advertise(router)
    assert "proto ra" in ok("ip", "-6", "route", "show", "default")

    put("net.ipv6.conf.all.forwarding=1")

    assert "proto ra" not in ok("ip", "-6", "route", "show", "default")


@pytest.fixture
def router() -> Iterator[str]:
    """A namespace with the other end of a link that has accept_ra=1."""
    name = f"lvsnat-router-{os.getpid()}"
    ok("ip", "netns", "add", name)
    try:
        ok("ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0", "netns", name)
        put("net.ipv6.conf.up0.accept_dad=0", "net.ipv6.conf.up0.accept_ra=1")
        ok("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.down0.accept_dad=0")
        ok("ip", "netns", "exec", name, "ip", "link", "set", "down0", "up")
        ok("ip", "link", "set", "up0", "up")
        yield name
    finally:
        ok("ip", "netns", "del", name)


ADVERTISEMENT = """
import socket, struct
link = socket.if_nametoindex("down0")
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
raw.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, link))
"""


def advertise(router: str) -> None:
    """Let the router say that it is one, until it is believed."""

    def is_believed() -> bool:
        run(["ip", "netns", "exec", router, sys.executable, "-c", ADVERTISEMENT], timeout=HUNG)
        return "proto ra" in ok("ip", "-6", "route", "show", "default")

    until(is_believed)


READ_ONLY = """
from lvsnat.errors import LvsnatError
from lvsnat.host.sysctl import SysctlTree
try:
    SysctlTree().assign("net.ipv4.ip_forward", "1")
except LvsnatError as error:
    print(error.message)
    print(error.hint)
"""


def test_a_read_only_proc_sys_is_explained() -> None:
    steps = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", steps, "sh", sys.executable, "-c", READ_ONLY]

    message, hint = ok(*argv).splitlines()

    assert message.startswith("cannot set net.ipv4.ip_forward to 1: /proc/sys is read-only")
    assert "manage_sysctl = false" in hint
    assert value("net.ipv4.ip_forward") == "0"


@pytest.mark.usefixtures("ipvs")
def test_the_settings_of_ipvs_are_set_and_put_back() -> None:
    config = wish(IPV4, IPV6, persistence=Persistence(300))
    before = everything()
    director = Director()

    director.converge(config)
    between = everything()
    in_sync = director.is_in_sync(config)
    director.converge(Config())

    assert between["net.ipv4.vs.expire_nodest_conn"] == "1"
    assert between["net.ipv4.vs.expire_quiescent_template"] == "1"
    assert in_sync
    assert everything() == before
    assert director.ledger == Ledger()


@pytest.mark.usefixtures("ipvs")
def test_without_persistence_templates_are_left_alone() -> None:
    before = value("net.ipv4.vs.expire_quiescent_template")

    Director().converge(wish(IPV4))

    assert value("net.ipv4.vs.expire_quiescent_template") == before
