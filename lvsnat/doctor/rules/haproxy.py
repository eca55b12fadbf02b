"""HAProxy: whether it is there, runs what it should, listens, and takes connections. No I/O here.

Its servers are in servers.py, with IPVS's; the way of the replies to it is in transparent.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lvsnat.doctor.facts import Facts
from lvsnat.doctor.finding import Finding, Fix, Severity
from lvsnat.doctor.names import Code
from lvsnat.doctor.proxyfacts import ProxyFacts, Serving
from lvsnat.haproxy.resources import INSTANCE_KEY
from lvsnat.model.carrier import Carrier
from lvsnat.model.config import Config
from lvsnat.model.endpoint import Endpoint, Listener, MarkListener
from lvsnat.model.proxied import own_places, proxied_services
from lvsnat.model.service import VirtualService
from lvsnat.model.status import ServiceStatus, Sync

_IDLE: Final = "TCP services have nobody to serve them"
_APPLY: Final = Fix((INSTANCE_KEY,))


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.config is None or facts.proxy is None or not proxied_services(facts.config):
        return
    yield from _program(facts.proxy)
    yield from _process(facts.proxy)
    yield from _places(facts, facts.config, facts.proxy)
    if facts.config.switching is None:
        theirs = [one for one in _services(facts) if Carrier.IPVS in one.carriers]
        for service in proxied_services(facts.config):
            yield from _ipvs_first(service, theirs)


def _program(proxy: ProxyFacts) -> Iterator[Finding]:
    if proxy.unfit is None:
        return
    runs = proxy.serving is not None
    yield Finding(
        Code.HAPROXY_UNFIT if proxy.installed else Code.HAPROXY_MISSING,
        Severity.RISK if runs else Severity.BROKEN,
        "the program haproxy",
        proxy.unfit.message if proxy.installed else "not installed",
        "HAProxy 2.6 or later" + (" that may be transparent" if proxy.installed else ""),
        "what runs can be neither reloaded nor started again" if runs else _IDLE,
        proxy.unfit.hint,
    )


def _process(proxy: ProxyFacts) -> Iterator[Finding]:
    if proxy.hangs is not None:
        yield _silent(proxy.hangs.message, proxy.hangs.hint, hangs=proxy.serving is None)
    elif proxy.lost and proxy.serving is None and not proxy.heard:
        yield _down(len(proxy.processes))
    elif proxy.lost:
        yield _silent(f"nobody listens on {proxy.lost}", "'lvsnat apply'", hangs=False)
    if proxy.serving is not None:
        yield from _serving(proxy.serving, proxy.failed)


def _down(ending: int) -> Finding:
    return Finding(
        Code.HAPROXY_DOWN,
        Severity.BROKEN,
        "HAProxy",
        "what is left of it takes nothing new" if ending else "no process of ours runs",
        "it runs",
        f"{_IDLE}: clients are refused",
        "'lvsnat apply'; 'journalctl -t haproxy' may have why it ended",
        _APPLY,
    )


def _silent(seen: str, remedy: str, *, hangs: bool) -> Finding:
    return Finding(
        Code.HAPROXY_SILENT,
        Severity.BROKEN if hangs else Severity.RISK,
        "HAProxy",
        seen,
        "an answer",
        "it cannot be asked, and clients get no answer either"
        if hangs
        else "it serves, and can be neither asked nor told everything",
        remedy,
    )


def _serving(serving: Serving, failed: int) -> Iterator[Finding]:
    if not serving.current:
        reload = ", and the last reload failed" if failed else ""
        yield Finding(
            Code.HAPROXY_STALE,
            Severity.RISK,
            "HAProxy",
            f"it runs another configuration than its file has{reload}",
            "the configuration of its file",
            "what was changed is not in force, and the next start may fail",
            "'lvsnat apply'",
            _APPLY,
        )
    if not serving.transparent:
        yield Finding(
            Code.HAPROXY_RIGHTS,
            Severity.BROKEN,
            f"HAProxy (process {serving.pid})",
            "it has neither CAP_NET_RAW nor CAP_NET_ADMIN",
            "CAP_NET_RAW",
            "it cannot connect from a client's address: each connection is closed at once",
            f"'kill -TERM {serving.pid}' ends it with its connections, 'lvsnat apply' starts it"
            " with what it needs",
        )


def _places(facts: Facts, config: Config, proxy: ProxyFacts) -> Iterator[Finding]:
    """Where others listen, and where nobody does: the first place of each service."""
    known = {one.name for one in _services(facts) if one.sync is Sync.IN_SYNC}
    for service in proxied_services(config):
        subject, scope = f"{service.name} {service.listen}", (service.name,)
        place = next((one for one in own_places(service) if one not in proxy.heard), None)
        if place is not None and place in proxy.takers:
            # HAProxy does not start at all where it lacks one of its places.
            yield _taken(subject, place, proxy, () if proxy.serving is None else scope)
        elif place is not None and proxy.serving is not None and service.name in known:
            yield _deaf(subject, service.name, place, proxy)


def _services(facts: Facts) -> tuple[ServiceStatus, ...]:
    return () if facts.status is None else facts.status.services


def _taken(subject: str, place: Endpoint, proxy: ProxyFacts, scope: tuple[str, ...]) -> Finding:
    return Finding(
        Code.PORT_TAKEN,
        Severity.BROKEN,
        subject,
        f"{proxy.takers[place]} listens on {place}",
        "HAProxy listens",
        "HAProxy cannot listen there, and clients talk to that program",
        f"stop that program, or give it another address ('ss -lntp \"sport = {place.port}\"'"
        " shows it); then 'lvsnat apply'",
        scope=scope,
    )


def _deaf(subject: str, name: str, place: Endpoint, proxy: ProxyFacts) -> Finding:
    return Finding(
        Code.HAPROXY_DEAF,
        Severity.BROKEN,
        subject,
        f"nobody listens on {place}",
        "HAProxy listens",
        "clients are refused",
        f"'echo enable frontend {name} | socat - UNIX-CONNECT:{proxy.runtime}'",
        scope=(name,),
    )


def _ipvs_first(service: VirtualService, theirs: Sequence[ServiceStatus]) -> Iterator[Finding]:
    for other in theirs:
        if _overlap(service.listen, other.listen):
            place = str(other.listen).partition("/")[2]
            yield Finding(
                Code.IPVS_FIRST,
                Severity.BROKEN,
                f"{service.name} {service.listen}",
                f"IPVS has a service there, too: {other.listen}",
                "HAProxy alone",
                "IPVS takes every packet before HAProxy is asked",
                "'lvsnat apply'"
                if other.sync is not Sync.UNMANAGED
                else f"'ipvsadm -D -t {place}', or the configuration of whoever made it",
                scope=(service.name,),
            )


def _overlap(one: Listener, other: Listener) -> bool:
    """Whether two listeners have a port in common; one of port 0 has every port."""
    if isinstance(one, MarkListener) or isinstance(other, MarkListener):
        return False
    if (one.protocol, one.address) != (other.protocol, other.address):
        return False
    return any(
        theirs.first == 0 or (mine.first <= theirs.last and theirs.first <= mine.last)
        for mine in one.ports
        for theirs in other.ports
    )
