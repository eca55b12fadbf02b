"""What the doctor says in short, and its remedies done as they are printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from e2e import warm
from e2e.doctor.ailing import examined
from labkit.host import Host
from labkit.topology import Network

AT_ONCE = "0.1"
"""Seconds between the two looks, where what changes in between is of no account."""
_PROGRAMS = "sysctl|lvsnat|ip|sed|nft|iptables|ip6tables"
_QUOTED = re.compile(rf"'((?:{_PROGRAMS}) [^']*)'")
_AFTER_COLON = re.compile(r": ((?:iptables|ip6tables) [^;]*|nft '[^']*')")


def told(found: list[dict[str, Any]]) -> str:
    """The codes in their order, each with its severity: ``VIP_MISSING broken``."""
    return ", ".join(dict.fromkeys(f"{one['code']} {one['severity']}" for one in found))


def looked(net: Network, *words: str, seconds: str = AT_ONCE) -> list[dict[str, Any]]:
    """What the doctor finds; everything could be looked at."""
    findings: list[dict[str, Any]] = examined(net, *words, seconds=seconds)["findings"]
    return findings


def remedied(net: Network, finding: Mapping[str, Any], server: Host | None = None) -> None:
    """Do what the remedy says, as it is printed; of several commands, those that go together.

    ``server``: whom "on the server" means.
    """
    host = server or net.director
    text = finding["remedy"]
    after = _AFTER_COLON.search(text)
    commands = [after[1].strip()] if after is not None else _QUOTED.findall(text)
    assert commands, text
    together = "', then '" in text or "' and '" in text
    if server is not None:
        # Where replies go is shown by the first one, and changed by the last.
        commands = commands[-1:]
    for command in commands if together else commands[:1]:
        if command.startswith("lvsnat "):
            warm.run(host, *command.split()[1:])
        else:
            host.run("sh", "-ec", command)
