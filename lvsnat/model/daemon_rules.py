"""What may be asked of the daemon. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lvsnat.model.check_words import is_place
from lvsnat.model.daemon import DaemonOptions
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.listen_rules import unicast_violations
from lvsnat.model.violation import Path, Violation

MIN_INTERVAL, MAX_INTERVAL = 0.1, 86400


def daemon_violations(options: DaemonOptions) -> Iterator[Violation]:
    """Judge ``[daemon]``."""
    if not MIN_INTERVAL <= options.interval <= MAX_INTERVAL:
        yield Violation(
            ("daemon", "interval"),
            f"{options.interval:.12g} s is not a time between two looks (100 ms to 24 hours)",
            "write seconds, or a duration such as '5s'",
        )
    if options.metrics is not None:
        yield from _metrics(options.metrics)
    seen: dict[str, int] = {}
    for index, program in enumerate(options.notify):
        where: Path = ("daemon", "notify", index)
        if not is_place(program):
            yield Violation(
                where,
                f"{program!r} is not the whole path of a program",
                "write it from '/' on, and no arguments: a script of your own may have them",
            )
        first = seen.setdefault(program, index)
        if first != index:
            also: tuple[Path, ...] = (("daemon", "notify", first),)
            yield Violation(where, f"{program} is already notify[{first}]", "name it once", also)


def _metrics(place: Endpoint) -> Iterator[Violation]:
    where = ("daemon", "metrics")
    if place.port == 0:
        yield Violation(
            where,
            "port 0 is no port that Prometheus could ask",
            'write one, such as "127.0.0.1:9101"',
        )
    if not place.address.is_unspecified:
        yield from unicast_violations(where, place.address)
