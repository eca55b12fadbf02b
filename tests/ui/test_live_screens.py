"""Whole screens of the live status, as they are drawn (``--snapshot-update`` draws them anew)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from ui.looking import Screen, looking

from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.mode import Mode
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import Persistence, RealServer, Scheduler, VirtualService
from lvsnat.model.status import (
    Counters,
    DirectorStatus,
    Drain,
    Health,
    HealthState,
    HostStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
    Sync,
)
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.live.doors import Detail, Doors, Proposal, Reading

NOW = 1_800_000_000.0
DOWN = Health(HealthState.DOWN, "connection refused", 75)
UP = Health(HealthState.UP, "200", 300)
HOST = {"on": "eth0"}


def server(host: int, weight: int, passed: int, **more: object) -> ServerStatus:
    """A server that so many connections have come to so far."""
    endpoint = Endpoint.parse(f"192.168.2.{host}:8080")
    real = RealServer(endpoint, weight)
    totals = Counters(passed, 9 * passed, 7 * passed, 900 * passed, 9000 * passed)
    stats = ServerStats(active=host % 10, inactive=weight, persistent=2, totals=totals)
    made = ServerStatus(endpoint, Sync.IN_SYNC, real, real, stats, checked=UP)
    return replace(made, **more)  # type: ignore[arg-type]


def service(name: str, listen: str, *servers: ServerStatus, passed: int = 0) -> ServiceStatus:
    place = parse_listener(listen)
    made = VirtualService(name, place, Scheduler.WRR, persistence=Persistence(300, 24))
    totals = Counters(passed, 9 * passed, 7 * passed, 900 * passed, 9000 * passed)
    return ServiceStatus(
        place, Sync.IN_SYNC, name, made, made, ServiceStats(totals), tuple(servers)
    )


def reading(look: int) -> Reading:
    """The director at one look after the other, two seconds apart."""
    drained, disabled = Override(Reason.DRAINED), Override(Reason.DISABLED, NOW + 3600)
    web = service(
        "web",
        "tcp/192.168.1.50:80",
        server(55, 3, 60 * look * look),
        server(56, 1, 7, one_way=True),
        server(57, 0, 900, override=drained, drain=Drain(12, 90)),
        server(58, 1, 400, checked=DOWN),
        passed=60 * look * look,
    )
    dns = service(
        "dns",
        "udp/192.168.1.50:53",
        server(55, 1, 20 * look),
        server(56, 0, 3, override=disabled, drain=Drain(0, 0)),
        passed=20 * look,
    )
    theirs = ServiceStatus(parse_listener("tcp/192.168.1.50:25"), Sync.UNMANAGED)
    host = (
        HostStatus("address 192.168.1.50", Sync.IN_SYNC, HOST, HOST),
        HostStatus("sysctl net.ipv4.ip_forward", Sync.CHANGED, {"value": "1"}, {"value": "0"}),
    )
    return Reading(DirectorStatus(Mode.LVS_NAT, (web, dns, theirs), host), 2.0 * look, NOW)


PLAN = Proposal(
    (
        Line(
            Part("~ server 192.168.2.55:8080 of tcp/192.168.1.50:80  weight 3 → 0", "change"),
        ),
        Line(Part("0 to create, 1 to change, 0 to remove")),
    ),
    "3fa9",
    ("persistence goes on sending returning clients there",),
)


class Looks:
    """Hands out one reading after the other."""

    def __init__(self) -> None:
        self.number = 0

    def read(self) -> Reading:
        self.number += 1
        return reading(self.number)

    def doors(self) -> Doors:
        return Doors(self.read, lambda _: PLAN, lambda *_: "", lambda *_: Detail())


def look(scene: Callable[[Screen], Awaitable[None]], size: tuple[int, int]) -> None:
    async def happen() -> None:
        async with looking(Looks().doors(), size) as screen:
            for _ in range(6):
                await screen.read()
            await scene(screen)

    asyncio.run(happen())


def shown(screen: Screen) -> str:
    """What the screen says; empty lines are no news."""
    return "\n".join(line for line in screen.lines if line)


def styles(screen: Screen) -> str:
    """The words that stand out, line by line, each with its style."""
    strips = screen.app.screen._compositor.render_strips()[:-1]
    lines = (
        ", ".join(
            f"{part.text.strip()} ({look})"
            for part in strip
            if part.text.strip()
            and (look := re.sub(r" ?(on )?default", "", str(part.style)).strip())
        )
        for strip in strips
    )
    return "\n".join(filter(None, lines))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
def test_the_table(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press("down", "down")

        assert shown(screen) == snapshot

    look(scene, size)


@pytest.mark.parametrize("keys", [("question_mark",), ("down", "d"), ("S", "s")], ids=str)
def test_what_keys_bring(keys: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    async def scene(screen: Screen) -> None:
        await screen.press(*keys)

        assert shown(screen) == snapshot

    look(scene, (80, 24))


def test_what_is_wrong_stands_out(snapshot: SnapshotAssertion) -> None:
    async def scene(screen: Screen) -> None:
        assert styles(screen) == snapshot

    look(scene, (100, 24))
