"""What would stop the traffic of a configuration, or has no effect: asked of all who know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lvsnat.director.ports import Adviser
from lvsnat.model import check_cautions, idle
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.proxied import proxied_services


def cautions(config: Config, advisers: Iterable[Adviser], *, watched: bool) -> Iterator[Caution]:
    """``watched``: whether a daemon runs."""
    for adviser in advisers:
        yield from adviser.warnings(config)
    yield from idle.cautions(config, watched=watched)
    yield from check_cautions.cautions(config)
    if proxied_services(config):
        from lvsnat.haproxy.cautions import cautions as inexact

        yield from inexact(config)
