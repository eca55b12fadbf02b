"""The health check of a service that HAProxy makes, in its words. Pure.

The other checks are the daemon's (``lvsnat.model.proxied``), and so is what follows from several
servers that fail: the quorum, how many may be taken out, and damping.
"""

from __future__ import annotations

from lvsnat.haproxy.words import bracketed, formatted, quoted, span
from lvsnat.model.endpoint import MarkListener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.policy import OnFail
from lvsnat.model.proxied import haproxy_check
from lvsnat.model.service import RealServer, VirtualService

TRUSTED = "@system-ca"
"""The authorities that this machine trusts."""


def backend_lines(service: VirtualService) -> tuple[str, ...]:
    """What all servers of a service have in common."""
    check = haproxy_check(service)
    if check is None:
        return ()
    lines = [f"timeout check {span(check.timeout)}"]
    if check.type is not CheckType.TCP:
        lines += _questions(check, check.host or _vip(service))
    fast = check.interval / 2 if check.fast_interval is None else check.fast_interval
    words = [
        f"default-server inter {span(check.interval)} fastinter {span(fast)}",
        f"rise {check.rise} fall {check.fall}",
    ]
    if check.port is not None:
        words.append(f"port {check.port}")
    if check.type is CheckType.HTTPS:
        words += _tls(check)
    words += _consequences(service)
    return (*lines, " ".join(words))


def tracking_lines(service: VirtualService) -> tuple[str, ...]:
    """What the servers of the local backend have in common, which go up and down with the first."""
    words = [] if haproxy_check(service) is None else _consequences(service)
    return (" ".join(["default-server", *words]),) if words else ()


def server_words(service: VirtualService, server: RealServer) -> tuple[str, ...]:
    """What a check adds to a server's line."""
    check, listen = haproxy_check(service), service.listen
    if check is None:
        return ()
    if server.endpoint.port == 0 and check.port is None and not isinstance(listen, MarkListener):
        # There is no client whose port could be kept.
        return ("check", "port", str(listen.ports[0].first))
    return ("check",)


def _consequences(service: VirtualService) -> list[str]:
    """What follows from going down and from coming back."""
    policy = service.policy
    words = []
    if policy.on_fail is OnFail.REMOVE:
        words.append("on-marked-down shutdown-sessions")
    if policy.warmup:
        words.append(f"slowstart {span(policy.warmup)}")
    return words


def _questions(check: HealthCheck, host: str) -> list[str]:
    send = f"meth {quoted(check.method)} uri {quoted(check.path)} ver HTTP/1.1"
    statuses = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in check.expect)
    lines = [
        "option httpchk",
        f"http-check send {send} hdr Host {formatted(host)}",
        f"http-check expect status {statuses}",
    ]
    if check.body is not None:
        lines.append(f"http-check expect string {quoted(check.body)}")
    if check.regex is not None:
        lines.append(f"http-check expect rstring {quoted(check.regex)}")
    return lines


def _vip(service: VirtualService) -> str:
    """The host that a client names who knows the address alone."""
    listen = service.listen
    return "" if isinstance(listen, MarkListener) else bracketed(listen.address)


def _tls(check: HealthCheck) -> list[str]:
    words = ["check-ssl"]
    words.append(f"verify required ca-file {TRUSTED}" if check.verify else "verify none")
    if check.certificate is not None:
        words.append(f"crt {quoted(check.certificate)}")
    if check.host is not None:
        words.append(f"check-sni {quoted(check.host)}")
        if check.verify:
            words.append(f"verifyhost {quoted(check.host)}")
    return words
