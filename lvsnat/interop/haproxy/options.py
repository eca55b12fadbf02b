"""What only HAProxy does for a service: ``[service.haproxy]``."""

from __future__ import annotations

import math

from lvsnat.interop.haproxy.proxy import Proxy
from lvsnat.interop.haproxy.report import Report
from lvsnat.model.service import ProxyOptions, ProxyProtocol

_TIES = "persistence = 300 ties a client to its server"


def proxy_options(front: Proxy, back: Proxy, report: Report) -> ProxyOptions:
    http = front.http or back.http
    return ProxyOptions(
        protocol=ProxyProtocol.HTTP if http else ProxyProtocol.TCP,
        client_timeout=_whole(front.timeouts.get("client")),
        server_timeout=_whole(back.timeouts.get("server")),
        connect_timeout=_whole(back.timeouts.get("connect")),
        maxconn=front.maxconn or None,
        forward_for=_forwards(front, back, report, http=http),
        cookie=_cookie(back, report, http=http),
    )


def _whole(seconds: float | None) -> int | None:
    """Round up: lvsnat has whole seconds, and a shorter timeout would cut what lived."""
    return None if seconds is None else math.ceil(seconds)


def _forwards(front: Proxy, back: Proxy, report: Report, *, http: bool) -> bool:
    lines = [line for line in (front.forward_for, back.forward_for) if line is not None]
    for line in lines:
        if not http and line in (*front.section.lines, *back.section.lines):
            report.note(line, "has no effect: it needs 'mode http'")
    return http and bool(lines)


def _cookie(back: Proxy, report: Report, *, http: bool) -> str | None:
    name = back.cookie_name if http else None
    if back.cookie is not None and not http:
        report.note(back.cookie, f"has no effect: it needs 'mode http'; {_TIES}")
    for server in back.servers:
        if server.cookie is None:
            continue
        what = f"'cookie {server.cookie}'"
        if name is None:
            report.note(
                server.line,
                f"{what} has no effect without a 'cookie' line, and HAProxy does not say so;"
                f" {_TIES}",
            )
        else:
            report.note(
                server.line,
                f"{what} is not taken: lvsnat names servers by itself, so a client with an old"
                " cookie is placed anew",
            )
    return name
