"""What a configuration asks for and nobody does, in the mode that it names. Pure.

One configuration serves both modes, so a setting of the other one is no mistake. It is said all the
same: whoever writes ``check`` counts on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.mode import Mode
from lvsnat.model.proxied import is_proxied
from lvsnat.model.service import ProxyOptions, VirtualService

_NAMED = 5
"""More services than these are counted."""


class _Idle(NamedTuple):
    """What is said of services that have a setting in vain."""

    effect: str
    hint: str


_CHECK = _Idle(
    "nobody makes the check, and a server that fails keeps its share",
    "HAProxy checks TCP services in the mode haproxy-tproxy; elsewhere 'lvsnat server disable'"
    " takes a failed server out",
)
_SORRY = _Idle(
    "the sorry server never answers",
    "HAProxy calls it for TCP services in the mode haproxy-tproxy; elsewhere 'lvsnat server add'"
    " makes it a server when it is needed",
)
_PROXY = _Idle(
    "what [service.haproxy] says has no effect",
    "it holds for TCP services in the mode haproxy-tproxy",
)


def cautions(config: Config) -> Iterator[Caution]:
    """Yield what has no effect: one caution for each kind of setting, which names the services."""
    yield from _of(config, [s for s in config.services if s.check is not None], _CHECK)
    yield from _of(config, [s for s in config.services if s.sorry is not None], _SORRY)
    yield from _of(config, [s for s in config.services if s.proxy != ProxyOptions()], _PROXY)


def _of(config: Config, services: list[VirtualService], idle: _Idle) -> Iterator[Caution]:
    proxied = [service for service in services if is_proxied(service)]
    others = [service for service in services if not is_proxied(service)]
    if proxied and config.mode is Mode.LVS_NAT:
        yield Caution(f"{_names(proxied)}: in {config.mode} {idle.effect}", idle.hint)
    if others:
        why = "UDP, SCTP and firewall marks are IPVS's in both modes"
        yield Caution(f"{_names(others)}: {idle.effect}: {why}", idle.hint)


def _names(services: list[VirtualService]) -> str:
    names = [service.name for service in services[:_NAMED]]
    rest = len(services) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
