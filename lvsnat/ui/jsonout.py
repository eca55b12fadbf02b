"""The same values as documents for programs: JSON and YAML.

Every document names its schema and version. Within a version keys are only ever added.
docs/reference/json.md describes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from lvsnat.model.health import HealthCheck, statuses_text
from lvsnat.model.override import Override
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.resource import Key, Resource
from lvsnat.model.service import ProxyOptions, RealServer, VirtualService
from lvsnat.model.status import (
    DirectorStatus,
    Health,
    HostStatus,
    ServerStats,
    ServerStatus,
    ServiceStats,
    ServiceStatus,
)
from lvsnat.plan.change import Change, Create, Delete, Update
from lvsnat.plan.guard import Objection
from lvsnat.plan.planner import Plan
from lvsnat.ui import words
from lvsnat.ui.counts import (
    DRIFT,
    Overview,
    Tally,
    condition,
    rates_of,
    takes_connections,
)

Document = dict[str, Any]


class Notation(StrEnum):
    """How a document is written."""

    JSON = "json"
    YAML = "yaml"


def render(document: Document, notation: Notation) -> str:
    """Write a document as text."""
    if notation is Notation.JSON:
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text


def plan_document(
    plan: Plan, risks: Sequence[Objection] = (), *, applied: bool = False
) -> Document:
    """What is to be done; ``applied`` says that it has been done."""
    return {
        "schema": "lvsnat/plan/1",
        "applied": applied,
        "fingerprint": plan.fingerprint,
        "summary": Tally.of(plan.changes)._asdict(),
        "changes": [_change(change) for change in plan.changes],
        "conflicts": [_resource(resource) for resource in plan.conflicts],
        "unmanaged": [_resource(resource) for resource in plan.unmanaged],
        "risks": [{"what": risk.message, "why": risk.why} for risk in risks],
    }


def services_document(services: Iterable[VirtualService]) -> Document:
    """All services of the configuration."""
    return {"schema": "lvsnat/services/1", "services": [_service(each) for each in services]}


def service_document(service: VirtualService) -> Document:
    """One service of the configuration."""
    return {"schema": "lvsnat/service/1", "service": _service(service)}


def status_document(status: DirectorStatus) -> Document:
    """What is seen of a director."""
    numbers = Overview.of(status)
    return {
        "schema": "lvsnat/status/1",
        "mode": str(status.mode),
        "switching": None if status.switching is None else str(status.switching),
        "summary": numbers._asdict(),
        "rates": asdict(rates_of(status.services)),
        "return_path": str(numbers.return_path),
        "services": [_service_status(service) for service in status.services],
        "host": [_host_status(thing) for thing in status.host],
        "table": asdict(status.table),
        "daemon": status.daemon,
        "ending": status.ending,
    }


def stats_document(status: DirectorStatus, zeroed: Sequence[str] | None = None) -> Document:
    """What services and servers have carried; ``zeroed`` names those that count anew."""
    document: Document = {
        "schema": "lvsnat/stats/1",
        "estimating": status.table.estimating,
        "services": [
            {
                "name": service.name,
                "listen": str(service.listen),
                "stats": _stats(service.stats),
                "servers": [
                    {"address": str(server.endpoint), "stats": _stats(server.stats)}
                    for server in service.servers
                    if server.stats is not None
                ],
            }
            for service in status.services
            if service.stats is not None
        ],
    }
    return document if zeroed is None else {**document, "zeroed": [*zeroed]}


def mode_document(status: DirectorStatus) -> Document:
    """How TCP reaches the servers, and what that asks of the host."""
    return {
        "schema": "lvsnat/mode/1",
        "mode": str(status.mode),
        "in_sync": not any(thing.sync in DRIFT for thing in status.host),
        "host": [_host_status(thing) for thing in status.host],
    }


def _change(change: Change) -> Document:
    match change:
        case Create(after):
            return _step("create", after.key, None, after)
        case Update(before, after):
            return _step("change", after.key, before, after)
        case Delete(before):
            return _step("remove", before.key, before, None)


def _step(action: str, key: Key, before: Resource | None, after: Resource | None) -> Document:
    return {
        "action": action,
        "kind": key.kind,
        "name": key.name,
        "before": None if before is None else dict(before.settings()),
        "after": None if after is None else dict(after.settings()),
    }


def _resource(resource: Resource) -> Document:
    return {
        "kind": resource.key.kind,
        "name": resource.key.name,
        "settings": dict(resource.settings()),
    }


def _service(service: VirtualService) -> Document:
    """A service in the keys of lvsnat.toml."""
    return {
        "name": service.name,
        "listen": str(service.listen),
        "scheduler": str(service.scheduler),
        "flags": sorted(str(flag) for flag in service.flags),
        "persistence": _persistence(service),
        "check": None if service.check is None else check_document(service.check),
        "more_checks": [check_document(check) for check in service.more_checks],
        **policy_document(service.policy),
        "sorry": None if service.sorry is None else str(service.sorry),
        "haproxy": proxy_document(service.proxy),
        "servers": [_server(server) for server in service.servers],
    }


def _persistence(service: VirtualService) -> Document | None:
    wish = service.persistence
    if wish is None:
        return None
    engine = None if wish.engine is None else str(wish.engine)
    return {"timeout": wish.timeout, "netmask": wish.prefix, "engine": engine}


def check_document(check: HealthCheck) -> Document:
    """A check in the keys of lvsnat.toml; times in seconds."""
    return asdict(check) | {
        "type": str(check.type),
        "expect": statuses_text(check.expect),
        "command": list(check.command),
        "source": None if check.source is None else str(check.source),
    }


def policy_document(policy: HealthPolicy) -> Document:
    """What happens to servers that fail, in the keys of lvsnat.toml; times in seconds."""
    return asdict(policy) | {"on_fail": None if policy.on_fail is None else str(policy.on_fail)}


def proxy_document(proxy: ProxyOptions) -> Document:
    """``[service.haproxy]``."""
    return {
        "mode": str(proxy.protocol),
        "client_timeout": proxy.client_timeout,
        "server_timeout": proxy.server_timeout,
        "connect_timeout": proxy.connect_timeout,
        "maxconn": proxy.maxconn,
        "forwardfor": proxy.forward_for,
        "cookie": proxy.cookie,
        "frontend_lines": list(proxy.frontend_lines),
        "backend_lines": list(proxy.backend_lines),
    }


def _server(server: RealServer) -> Document:
    return {
        "address": str(server.endpoint),
        "weight": server.weight,
        "upper": server.upper,
        "lower": server.lower,
    }


def _service_status(service: ServiceStatus) -> Document:
    return {
        "name": service.name,
        "listen": str(service.listen),
        "state": words.state(service.sync),
        "condition": str(condition(service)),
        "serving": sum(map(takes_connections, service.servers)),
        "carriers": [str(carrier) for carrier in service.carriers],
        "wanted": _settings(service.wanted),
        "seen": _settings(service.seen),
        "stats": _stats(service.stats),
        "servers": [_server_status(server) for server in service.servers],
    }


def _settings(service: VirtualService | None) -> Document | None:
    """A service's own settings; its servers stand beside it."""
    if service is None:
        return None
    apart: Sequence[str] = ("name", "listen", "servers")
    return {key: value for key, value in _service(service).items() if key not in apart}


def _server_status(server: ServerStatus) -> Document:
    return {
        "address": str(server.endpoint),
        "state": words.state(server.sync),
        "wanted": None if server.wanted is None else _numbers(server.wanted),
        "seen": None if server.seen is None else _numbers(server.seen),
        "stats": _stats(server.stats),
        "health": None if server.health is None else _health(server.health),
        "override": None if server.override is None else _override(server.override),
        "sorry": server.sorry,
        "one_way": server.one_way,
        "drain": None if server.drain is None else asdict(server.drain),
    }


def _health(health: Health) -> Document:
    return {"state": str(health.state), "detail": health.detail, "since": health.since}


def _override(override: Override) -> Document:
    until = None if override.until is None else words.moment(override.until)
    return {"reason": str(override.reason), "until": until}


def _numbers(server: RealServer) -> Document:
    return {key: value for key, value in _server(server).items() if key != "address"}


def _stats(stats: ServiceStats | ServerStats | None) -> Document | None:
    # The health of a server stands beside its numbers.
    return None if stats is None else {k: v for k, v in asdict(stats).items() if k != "health"}


def _host_status(thing: HostStatus) -> Document:
    return {
        "what": thing.what,
        "state": words.state(thing.sync),
        "wanted": thing.wanted,
        "seen": thing.seen,
    }
