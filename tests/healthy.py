"""Services with checks and policies, and what their servers answer."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from lvsnat.health.values import Answer
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Protocol, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.service import RealServer, Scheduler, VirtualService

GOOD = Answer(ok=True, detail="connected")
BAD = Answer(ok=False, detail="connection refused")
MAINTENANCE = Answer(ok=True, detail="maint", maintenance=True)
NOW = 1_000_000.0

answers = st.one_of(
    st.just(GOOD),
    st.just(BAD),
    st.just(MAINTENANCE),
    st.integers(0, 150).map(lambda share: Answer(ok=True, detail="up", share=share)),
)
counts = st.integers(1, 4)
checks = st.builds(
    HealthCheck,
    type=st.sampled_from([CheckType.TCP, CheckType.HTTP, CheckType.AGENT]),
    rise=counts,
    fall=counts,
    interval=st.sampled_from([1.0, 2.0]),
)
policies = st.builds(
    HealthPolicy,
    on_fail=st.sampled_from([None, *OnFail]),
    quorum=st.integers(1, 4),
    hysteresis=st.integers(0, 3),
    max_down=st.integers(1, 100),
    warmup=st.sampled_from([0.0, 30.0]),
    damping=st.sampled_from([0.0, 60.0]),
)


@st.composite
def services(
    draw: st.DrawFn, number: int = 1, policy: st.SearchStrategy[HealthPolicy] = policies
) -> VirtualService:
    """One service; two of them share servers, so that they share targets."""
    protocol = draw(st.sampled_from([Protocol.TCP, Protocol.UDP]))
    servers = tuple(
        RealServer(Endpoint.parse(f"10.1.0.{host}:80"), draw(st.integers(0, 20)))
        for host in range(1, 1 + draw(st.integers(0, 6)))
    )
    found = draw(st.lists(checks, max_size=2, unique=True))
    return VirtualService(
        f"s{number}",
        parse_listener(f"{protocol}/10.0.0.{number}:80"),
        draw(st.sampled_from(Scheduler)),
        servers=servers,
        check=found[0] if found else None,
        more_checks=tuple(found[1:]),
        sorry=draw(st.sampled_from([None, Endpoint.parse("10.1.0.99:80")])),
        policy=draw(policy),
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Up to three services."""
    number = draw(st.integers(1, 3))
    return Config(services=tuple(draw(services(at)) for at in range(1, 1 + number)))


@dataclass(frozen=True)
class Told:
    """An answer of one of the targets, after some seconds."""

    which: int
    answer: Answer
    later: float


told = st.lists(
    st.builds(Told, st.integers(0, 20), answers, st.sampled_from([0.0, 0.5, 1.0, 7.0, 40.0])),
    max_size=60,
)
