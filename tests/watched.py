"""A director whose servers are watched: what a daemon publishes, without the daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from healthy import BAD, GOOD

from lvsnat.config.edit import ConfigDocument
from lvsnat.director.director import Director, Options
from lvsnat.director.paths import Paths
from lvsnat.director.ports import TrafficBackend
from lvsnat.health import published
from lvsnat.health.decide import Decider, Memory
from lvsnat.health.published import Published
from lvsnat.model.endpoint import Endpoint, Protocol, parse_listener
from lvsnat.model.health import HealthCheck
from lvsnat.model.override import Override, Reason
from lvsnat.model.service import RealServer, VirtualService
from lvsnat.plan.guard import Risk
from lvsnat.system import write_file

FIRST, SECOND, SORRY = (Endpoint.parse(f"192.168.2.{host}:80") for host in (55, 56, 99))
CHECK: Final = HealthCheck(rise=1, fall=1)


def service(protocol: Protocol = Protocol.TCP, **settings: object) -> VirtualService:
    """``web`` with two servers of weight 3."""
    listen = parse_listener(f"{protocol}/192.168.1.50:80")
    servers = (RealServer(FIRST, 3), RealServer(SECOND, 3))
    return replace(VirtualService("web", listen, servers=servers, check=CHECK), **settings)  # type: ignore[arg-type]


class Watched:
    """A director, and the part of a daemon that asks and publishes."""

    def __init__(self, folder: Path, traffic: TrafficBackend, web: VirtualService) -> None:
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.director = Director(self.paths, traffic)
        self.paths.run.mkdir(parents=True)
        self.edit(lambda document: document.add_service(web))

    def edit(self, change: Callable[[ConfigDocument], None]) -> None:
        with self.director.editing(change, Options()) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk))

    def apply(self) -> int:
        """Apply by hand; the number of changes."""
        with self.director.applying(Options()) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk))
            return len(transaction.plan.changes)

    def disable(self, *endpoints: Endpoint) -> None:
        seats = {
            one.seat
            for one in self.director.expand(self.director.config()).values()
            if getattr(one, "endpoint", None) in endpoints and hasattr(one, "seat")
        }
        held = dict.fromkeys(seats, Override(Reason.DISABLED))
        with self.director.overriding(lambda _, __: held, Options()) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk))

    def publish(self, *failing: Endpoint) -> None:
        """All servers have answered, these badly."""
        now, known = self.director.clock.now(), self.director.published()
        decider = Decider(
            self.director.config(),
            {} if known is None else known.tracks,
            Memory() if known is None else known.memory,
            self.director.overrides(),
        )
        decider.decide(now)
        for target in decider.tracks:
            failed = target.address in {one.address for one in failing}
            decider.answered(target, BAD if failed else GOOD, now, 0.5)
        told = Published(now, decider.tracks, decider.decide(now).memory)
        write_file(self.paths.health, published.render(told))

    def differences(self) -> Sequence[object]:
        return self.director.planned().plan.changes
