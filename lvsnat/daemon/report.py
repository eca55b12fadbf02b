"""Read what the daemon knows, running or not; and have it forgotten."""

from __future__ import annotations

from dataclasses import replace

from lvsnat.config.problems import ConfigError
from lvsnat.director.director import Director, Options, Wish
from lvsnat.errors import RefusedError
from lvsnat.health import published
from lvsnat.health.published import Published
from lvsnat.health.report import Report
from lvsnat.health.targets import watched
from lvsnat.model.config import Config
from lvsnat.system import remove_file, write_file


def report(director: Director) -> Report:
    """The health of all, as last published; decided anew for the present configuration."""
    now, running, known = director.clock.now(), director.daemon_runs(), director.published()
    if known is None:
        return Report(now, running)
    try:
        config = _in_force(director, known if running else None)
    except ConfigError as error:
        return Report(now, running, known.at, known.pid, known.started, _lines(known, error))
    wish = Wish(config, director.overrides())
    by_haproxy = {one.name for one in known.elsewhere}
    services = tuple(
        one
        for one in director.health(wish).services
        if one.name not in by_haproxy or any(server.targets for server in one.servers)
    )
    return Report(
        now,
        running,
        known.at,
        known.pid if running else None,
        known.started if running else None,
        known.problems if running else (),
        services,
        known.elsewhere,
        known.tracks,
    )


def _in_force(director: Director, known: Published | None) -> Config:
    """The configuration that the daemon goes by: while the file is broken, that is the one before.

    Raises ConfigError where the file is broken and no daemon knows better.
    """
    if known is None or known.in_force is None:
        return director.config()
    return director.parsed(known.in_force, str(director.paths.config))


def _lines(known: Published, error: ConfigError) -> tuple[str, ...]:
    return known.problems or tuple(map(str, error.problems))


def forget(director: Director, service: str | None, *, wait: bool = True) -> None:
    """Forget what is known of all servers, or of those of one service.

    Raises RefusedError while a daemon runs, which would go on knowing it.
    """
    if director.daemon_runs():
        raise RefusedError(
            "the daemon runs, and goes on knowing what it knows",
            "'systemctl stop lvsnat-daemon' stops it; 'lvsnat server enable' takes a server back",
        )
    with director.locked(Options(wait=wait)):
        path = director.paths.health
        if service is None:
            remove_file(path)
            return
        config = director.config()
        name = config.find(service).name
        known = director.published()
        if known is not None:
            write_file(path, published.render(_without(known, name, config)))


def _without(known: Published, name: str, config: Config) -> Published:
    """A target that another service asks, too, stays known."""
    asked: dict[bool, set[object]] = {True: set(), False: set()}
    for one in watched(config):
        asked[one.service.name == name] |= {t for several in one.targets for t in several}
    gone = asked[True] - asked[False]
    services = {key: one for key, one in known.memory.services.items() if key != name}
    return replace(
        known,
        tracks={target: track for target, track in known.tracks.items() if target not in gone},
        memory=replace(known.memory, services=services),
        elsewhere=tuple(one for one in known.elsewhere if one.name != name),
    )
