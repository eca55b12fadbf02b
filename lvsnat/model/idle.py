"""What a configuration asks for and nobody does, in the mode that it names. Pure.

One configuration serves both modes, so a setting of the other one is no mistake. It is said all the
same: whoever writes ``check`` counts on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.mode import Mode
from lvsnat.model.proxied import daemon_checks, is_proxied
from lvsnat.model.service import ProxyOptions, VirtualService

_NAMED = 5
"""More services than these are counted."""


class _Idle(NamedTuple):
    """What is said of services that have a setting in vain."""

    effect: str
    hint: str


_START = "start the daemon: 'systemctl enable --now lvsnat-daemon', or 'lvsnat run' by hand"
_CHECK = _Idle("nobody makes the check, and a server that fails keeps its share", _START)
_SORRY = _Idle("the sorry server never answers", _START)
_PROXY = _Idle(
    "what [service.haproxy] says has no effect",
    "it holds for TCP services in the mode haproxy-tproxy",
)


def cautions(config: Config, *, watched: bool) -> Iterator[Caution]:
    """Yield what has no effect: one caution for each kind of setting, which names the services.

    ``watched``: the daemon runs, which does what HAProxy does not.
    """
    by_haproxy = config.mode is Mode.HAPROXY_TPROXY
    if not watched:
        unchecked = [
            service
            for service in config.services
            if daemon_checks(service, proxied=by_haproxy and is_proxied(service))
        ]
        yield from _while_nobody_watches(unchecked, _CHECK)
        silent = [s for s in config.services if s.sorry and not (by_haproxy and is_proxied(s))]
        yield from _while_nobody_watches(silent, _SORRY)
    if not by_haproxy:
        alone = [s for s in config.services if s.proxy != ProxyOptions()]
        if alone:
            yield Caution(f"{names(alone)}: in {config.mode} {_PROXY.effect}", _PROXY.hint)


def _while_nobody_watches(services: list[VirtualService], idle: _Idle) -> Iterator[Caution]:
    if services:
        why = "the daemon does not run"
        yield Caution(f"{names(services)}: {idle.effect}: {why}", idle.hint)


def names(services: Sequence[VirtualService]) -> str:
    """The names of the first few, and how many more there are."""
    first = [service.name for service in services[:_NAMED]]
    rest = len(services) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")
