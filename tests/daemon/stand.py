"""A keeper without threads: a kernel in memory, a clock that is told the time, answers by hand."""

from __future__ import annotations

from pathlib import Path

from lvsnat.daemon.keeper import LOOK, Keeper
from lvsnat.daemon.meter import Meter
from lvsnat.daemon.programs import Programs
from lvsnat.daemon.source import SETTLED, Source
from lvsnat.daemon.systemd import Manager
from lvsnat.daemon.values import Mailbox, News, Order
from lvsnat.director.director import Director, Options
from lvsnat.director.paths import Paths
from lvsnat.director.wish import read
from lvsnat.health import published
from lvsnat.health.decide import Decider, transitions
from lvsnat.health.outcome import Decision
from lvsnat.health.published import Published
from lvsnat.health.values import Answer
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.status import HealthState
from lvsnat.system import Completed, write_file
from lvsnat.testing import FakeBackend, FakeClock

WEB = """\
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
check = {{ type = "tcp", interval = "2s", rise = 2, fall = 3 }}
servers = [
  {{ address = "192.168.2.55:80", weight = {weight} }},
  {{ address = "192.168.2.56:80", weight = 5 }},
]

[daemon]
interval = "5s"
"""
FIRST, SECOND = "192.168.2.55:80", "192.168.2.56:80"


def web(weight: int = 3, more: str = "") -> str:
    """The configuration, with something more in ``[daemon]``."""
    return WEB.format(weight=weight) + more


class Stand:
    """A daemon, a step at a time."""

    def __init__(
        self, folder: Path, text: str | None = None, *, manager: Manager | None = None
    ) -> None:
        self.manager = manager or Manager()
        self.kernel = FakeBackend()
        self.clock = FakeClock()
        self.paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
        self.director = Director(self.paths, self.kernel, clock=self.clock)
        self.told: list[tuple[str, str]] = []
        self.write(web() if text is None else text)
        self.apply()
        self.start()

    def start(self) -> None:
        """Begin as after a restart: with what is on the disk, and nothing else."""
        self.mailbox = Mailbox()
        self.source = Source(self.paths.config, read)
        self.source.begin()
        self.programs = Programs(self._run)
        self.keeper = Keeper(
            self.director,
            self.source,
            self.mailbox,
            self._hand_over,
            manager=self.manager,
            programs=self.programs,
            meter=Meter(),
        )
        self.order = self.keeper.order()
        known = self.known()
        self.decider = Decider(self.order.config, known.tracks, known.memory, self.order.overrides)
        self.decision: Decision | None = None
        self.keeper.begin(self.order)
        self.decide()

    def known(self) -> Published:
        """What is published."""
        if not self.paths.health.exists():
            return Published(0.0)
        return published.parse(self.paths.health.read_text())

    def write(self, text: str) -> None:
        write_file(self.paths.config, text)

    def apply(self) -> None:
        """As the command."""
        with self.director.applying(Options()) as transaction:
            transaction.carry_out(lambda _: None)

    def answers(self, server: str, *, ok: bool, times: int = 3) -> None:
        """Have a server answer so many times, and hand over what that comes to."""
        for target in list(self.decider.tracks):
            if f"{target.address}:{target.port}" == server:
                for _ in range(times):
                    answer = Answer(ok, "connected" if ok else "connection refused")
                    self.decider.answered(target, answer, self.clock.now(), 0.5)
        self.decide()

    def decide(self) -> None:
        before = self.decision
        self.decision = self.decider.decide(self.clock.now())
        told = () if before is None else transitions(before, self.decision)
        self.mailbox.put(News(self.order, self.decision, self.decider.tracks), told)

    def turn(self, later: float = 0.0) -> bool:
        """One turn of the keeper, so many seconds later."""
        self.clock.sleep(later)
        return self.keeper.work(self.mailbox.take(0))

    def settle(self) -> None:
        """As many turns as it takes to take note of a change of the files."""
        for later in (LOOK, SETTLED, LOOK, 0.1, 0.1):
            self.turn(later)

    def weights(self) -> dict[str, int]:
        return {
            str(one.endpoint): one.weight
            for one in self.kernel.state.values()
            if isinstance(one, IpvsServer)
        }

    def set_weight(self, server: str, weight: int) -> None:
        """As somebody with ipvsadm."""
        for key, one in list(self.kernel.state.items()):
            if isinstance(one, IpvsServer) and str(one.endpoint) == server:
                self.kernel.state[key] = one.with_weight(weight)

    def states(self) -> dict[str, HealthState]:
        """What is published of each target."""
        return {
            f"{target.address}:{target.port}": track.state
            for target, track in self.known().tracks.items()
        }

    def _hand_over(self, order: Order) -> None:
        self.order = order
        self.decider.reconfigure(order.config, order.overrides)
        self.decide()

    def _run(self, path: str, text: str) -> Completed:
        self.told.append((path, text))
        return Completed(0, "", "")
