"""The composition root: which backends a director of this machine has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lvsnat.director.director import Director
from lvsnat.director.lazyproxy import LazyHaproxy
from lvsnat.director.paths import Paths
from lvsnat.host.backend import HostBackend
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.ipvs.timeouts import TimeoutsBackend

if TYPE_CHECKING:
    from lvsnat.doctor.facts import HostFacts
    from lvsnat.doctor.finding import Unread
    from lvsnat.doctor.trace.journey import Lookups, Question
    from lvsnat.model.config import Config


def _survey(config: Config) -> tuple[HostFacts, tuple[Unread, ...]]:
    """Loaded by the doctor alone."""
    from lvsnat.doctor.read import read_host

    return read_host(config)


def _ask(question: Question) -> Lookups:
    """Loaded by the doctor alone."""
    from lvsnat.doctor.ask import ask

    return ask(question)


def open_director(environment: Mapping[str, str], config: Path | None = None) -> Director:
    """The director of this machine and network namespace; nothing is opened before it is used."""
    host, ipvs = HostBackend(), IpvsBackend()
    paths = Paths.from_environment(environment, config)
    return Director(
        paths,
        ipvs,
        [host, TimeoutsBackend(lambda: ipvs.kernel)],
        [host],
        proxy=LazyHaproxy(paths),
        ssh_connection=environment.get("SSH_CONNECTION", ""),
        survey=_survey,
        ask=_ask,
    )
