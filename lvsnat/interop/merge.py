"""Services that were read elsewhere into lvsnat.toml: by listener, and nothing else changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from lvsnat.config.edit import ConfigDocument
from lvsnat.interop.imported import Imported
from lvsnat.interop.naming import free_name
from lvsnat.ipvs.resources import SERVER_KIND, expand
from lvsnat.model.config import Config, IPNetwork, Timeouts
from lvsnat.model.endpoint import Endpoint, Listener
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import daemon_checks
from lvsnat.model.resource import Key
from lvsnat.model.service import RealServer, VirtualService


def merge(
    document: ConfigDocument,
    imported: Imported,
    *,
    prefix: str = "",
    held: Collection[Key] = (),
) -> None:
    """Add the services whose listener is new; give those that are there the imported settings.

    A service keeps its name and what the other program has no word for. ``held`` are the servers
    whose weight in the kernel is not the configured one on purpose (drained): it is not taken over.
    """
    kernel = kernel_listeners(document.config.services)
    services = document.config.services
    have: dict[Listener, VirtualService] = {kernel[one.listen]: one for one in services}
    # Several ports are a mark to the kernel, and themselves to other programs.
    have |= {service.listen: service for service in services}
    taken = {service.name for service in services}
    kept = {key.name for key in held if key.kind == SERVER_KIND}
    added = []
    for service in imported.services:
        old = have.get(service.listen)
        if old is None:
            name = free_name(prefix + service.name, taken)
            taken.add(name)
            added.append(replace(service, name=name))
            continue
        new = _updated(old, service, kept, thresholds=imported.thresholds)
        if imported.proxied:
            new = _with_proxy(new, service)
        if _without_ipvs(old) != _without_ipvs(new) or not _same_to_the_kernel(old, new):
            document.set_service(old.name, new)
    if added:
        document.add_services(added)
    _merge_timeouts(document, imported.timeouts)
    _merge_networks(document, imported.networks)


def _merge_timeouts(document: ConfigDocument, timeouts: Timeouts) -> None:
    have = document.config.ipvs.timeouts
    wanted = replace(have, **timeouts.given())
    if wanted != have:
        document.set_timeouts(wanted)


def _merge_networks(document: ConfigDocument, networks: Collection[IPNetwork]) -> None:
    have = document.config.haproxy.local_networks
    more = tuple(network for network in networks if network not in have)
    if more:
        document.set_local_networks((*have, *more))


def _with_proxy(service: VirtualService, new: VirtualService) -> VirtualService:
    """What is beyond IPVS from the new one, as far as HAProxy has a word for it.

    Lines in HAProxy's words are a person's, and stay; so do the checks that HAProxy cannot make.
    """
    proxy = replace(
        new.proxy,
        frontend_lines=service.proxy.frontend_lines,
        backend_lines=service.proxy.backend_lines,
    )
    checks = [*dict.fromkeys((*new.checks, *daemon_checks(service, proxied=True)))]
    return replace(
        service.asked(checks),
        policy=replace(service.policy, on_fail=new.policy.on_fail, warmup=new.policy.warmup),
        sorry=new.sorry,
        proxy=proxy,
    )


def _without_ipvs(service: VirtualService) -> tuple[object, ...]:
    return (service.checks, service.policy, service.sorry, service.proxy)


def _updated(
    old: VirtualService, new: VirtualService, kept: Collection[str], *, thresholds: bool
) -> VirtualService:
    """The old service with the settings and the servers of the new one.

    ``kept`` names the servers, as the kernel's keys do, that keep their weight.
    """
    before = {server.endpoint: server for server in old.servers}
    after = {server.endpoint: server for server in new.servers}
    order = [endpoint for endpoint in before if endpoint in after]
    order += [endpoint for endpoint in after if endpoint not in before]
    servers = []
    for endpoint in order:
        server = _server(before, after[endpoint], thresholds=thresholds)
        if endpoint in before and f"{new.listen} {endpoint}" in kept:
            server = replace(server, weight=before[endpoint].weight)
        servers.append(server)
    return replace(
        old,
        scheduler=new.scheduler,
        flags=new.flags,
        persistence=new.persistence,
        servers=tuple(servers),
    )


def _server(
    before: Mapping[Endpoint, RealServer], new: RealServer, *, thresholds: bool
) -> RealServer:
    old = before.get(new.endpoint)
    if old is None:
        return new
    if not thresholds:
        return replace(old, weight=new.weight)
    return replace(old, weight=new.weight, upper=new.upper, lower=new.lower)


def _same_to_the_kernel(old: VirtualService, new: VirtualService) -> bool:
    """Tell whether only the spelling differs: ``netmask = 32`` is no netmask."""
    before, after = (list(expand(Config(services=(service,)))) for service in (old, new))
    return before == after
