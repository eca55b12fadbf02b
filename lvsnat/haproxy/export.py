"""haproxy.cfg for people who run HAProxy themselves: what haproxy-tproxy would use. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from lvsnat.errors import UsageError
from lvsnat.haproxy.mapping import PEERS_SOCKET, SERVER_STATES, expand
from lvsnat.haproxy.resources import HaproxyInstance, ProxiedServer, ProxiedService
from lvsnat.haproxy.sections import LOADS_STATES
from lvsnat.haproxy.serverlines import sections_of
from lvsnat.haproxy.text import body, spaced
from lvsnat.haproxy.words import INDENT
from lvsnat.model.config import Config
from lvsnat.model.mode import Mode
from lvsnat.model.proxy_rules import proxy_violations

RUN: Final = Path("/run/haproxy")
"""Where distributions keep HAProxy's sockets."""
HEADER: Final = """\
# Transparent HAProxy, written by 'lvsnat export haproxy'.
#
# Real servers see the clients' own addresses. Their replies must come back through this machine,
# and its kernel must hand them to HAProxy: the rules for that are what 'lvsnat export nft' prints.
# Every address after 'bind' must be on an interface of this machine.
"""

# Before 2.9 only root can connect from another's address, and 'haproxy -c' does not say so.
_USER = """\
.if feature(LINUX_CAP)
user haproxy
group haproxy
setcap cap_net_raw
.else
user root
group root
.endif
"""


def export_text(config: Config) -> str:
    """The whole file, for the mode haproxy-tproxy whatever the mode of the configuration is.

    Raises UsageError where that mode would not serve anything, or cannot serve the services.
    """
    wish = replace(config, mode=Mode.HAPROXY_TPROXY, switching=None)
    for violation in proxy_violations(wish):
        raise UsageError(violation.message, violation.hint)
    lines = body(_public(wish))
    if not lines:
        raise UsageError(
            "there is no TCP service for HAProxy to serve",
            "'lvsnat service list' shows the services; UDP, SCTP and marks are IPVS's",
        )
    return HEADER + spaced(lines)


def _public(config: Config) -> Iterator[HaproxyInstance | ProxiedService | ProxiedServer]:
    """The resources without what only lvsnat reads."""
    for resource in expand(config, RUN):
        match resource:
            case HaproxyInstance():
                yield replace(resource, lines=tuple(_for_a_distribution(resource.lines)))
            case ProxiedService():
                yield replace(resource, lines=resource.lines[1:])
            case ProxiedServer():
                yield replace(resource, wish=None)


def _for_a_distribution(lines: tuple[str, ...]) -> Iterator[str]:
    """Started by root, where lvsnat starts its own with the rights that it needs and no others."""
    for section in sections_of(lines):
        for line in section:
            if line.endswith(SERVER_STATES) or line == f"{INDENT}{LOADS_STATES}":
                continue  # Nobody else would write that file.
            peers = line.startswith(f"{INDENT}bind unix@{RUN / PEERS_SOCKET}")
            yield f"{line} user haproxy group haproxy" if peers else line
        if section[0] == "global":
            yield from (INDENT + line for line in _USER.splitlines())
