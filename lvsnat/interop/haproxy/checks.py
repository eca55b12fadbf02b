"""The check of a service: what its section asks, in the rhythm that its servers say."""

from __future__ import annotations

from lvsnat.interop.haproxy.proxy import Proxy
from lvsnat.interop.haproxy.report import Report
from lvsnat.interop.haproxy.servers import Server
from lvsnat.interop.haproxy.values import KEEPS_PORT
from lvsnat.model.endpoint import AddressListener, PortsListener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.policy import HealthPolicy, OnFail

HAPROXY_INTERVAL = 2.0
"""Seconds from one check to the next where the file does not say."""
_USUAL = HealthCheck()


def check_of(
    back: Proxy, listen: AddressListener | PortsListener, report: Report
) -> HealthCheck | None:
    """None where no server is checked; the first that is checked speaks for all."""
    checked = [server for server in back.servers if server.checks]
    if not checked:
        return None
    first, question = checked[0], back.question
    _point_out_others(first, checked[1:], report)
    https = question.type is CheckType.HTTP and first.check_tls
    http = question.type is CheckType.HTTP
    interval = HAPROXY_INTERVAL if first.interval is None else first.interval
    return HealthCheck(
        type=CheckType.HTTPS if https else question.type,
        path=question.path if http else _USUAL.path,
        method=question.method if http else _USUAL.method,
        host=_host(back, first, listen) if http else None,
        expect=question.expect if http and question.expect else _USUAL.expect,
        body=question.body if http else None,
        regex=question.regex if http else None,
        verify=first.verify if https else True,
        certificate=first.certificate if https else None,
        port=_port(first, listen),
        interval=interval,
        fast_interval=first.fast_interval if first.fast_interval != interval / 2 else None,
        timeout=back.timeouts.get("check", interval),
        rise=_USUAL.rise if first.rise is None else first.rise,
        fall=_USUAL.fall if first.fall is None else first.fall,
    )


def policy_of(back: Proxy) -> HealthPolicy:
    """What follows when the first server that is checked goes down or comes back."""
    first = next((server for server in back.servers if server.checks), None)
    if first is None:
        return HealthPolicy()
    return HealthPolicy(OnFail.REMOVE if first.cuts else None, warmup=first.warmup)


def _point_out_others(first: Server, others: list[Server], report: Report) -> None:
    for other in others:
        if _habits(other) != _habits(first):
            report.note(
                other.line,
                f"its checks are those of {first.name}, on line {first.line.number}: a service has"
                " one way to check",
            )


def _habits(server: Server) -> tuple[object, ...]:
    return (
        server.interval,
        server.fast_interval,
        server.rise,
        server.fall,
        server.check_port,
        server.check_tls,
        server.certificate,
        server.warmup,
        server.cuts,
    )


def _host(back: Proxy, first: Server, listen: AddressListener | PortsListener) -> str | None:
    """The Host header; that of clients who know the address alone is what lvsnat sends anyway."""
    host = back.question.host or first.sni
    return None if host in (str(listen.address), f"[{listen.address}]") else host


def _port(first: Server, listen: AddressListener | PortsListener) -> int | None:
    """The port that is asked; the first of the service is lvsnat's own where servers have none."""
    keeps = first.place.endswith(f":{KEEPS_PORT}")
    return None if keeps and first.check_port == listen.ports[0].first else first.check_port
