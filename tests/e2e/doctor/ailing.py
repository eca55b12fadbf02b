"""A director with a service that works, and what the doctor says of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e import warm
from e2e.conftest import lvsnat
from labkit.topology import Network

QUICK = "0.2"
"""Seconds between the two looks, where they have nothing to tell."""
LOOKS = "3"


def service(net: Network, *, name: str = "web", listen: str = "", more: str = "") -> str:
    """A service over all real servers, at port 8080."""
    servers = ", ".join(f'{{ address = "{rs.address}:8080" }}' for rs in net.servers)
    return (
        f'[[service]]\nname = "{name}"\nlisten = "{listen or f"tcp/{net.vip}:80"}"\n'
        f'scheduler = "rr"\n{more}\nservers = [{servers}]\n'
    )


def configure(net: Network, text: str) -> None:
    (net.director.home / "lvsnat.toml").write_text(text, encoding="utf-8")
    lvsnat(net, "apply")


def serve(net: Network, *, mode: str = "lvs-nat") -> None:
    """Have every server answer, over the configuration of ``service``."""
    for rs in net.servers:
        rs.serve_tcp(8080)
    configure(net, f'mode = "{mode}"\n' + service(net))


def examined(net: Network, *words: str, seconds: str = QUICK) -> dict[str, Any]:
    """What the doctor says, as a document; everything could be looked at."""
    done = warm.run(net.director, "doctor", "--seconds", seconds, "-o", "json", *words, check=False)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["unread"] == []
    assert done.returncode == int(document["summary"]["broken"] > 0)
    return document


def found(net: Network, *words: str, seconds: str = QUICK) -> list[tuple[str, str]]:
    """The codes, each with its severity."""
    findings = examined(net, *words, seconds=seconds)["findings"]
    return [(one["code"], one["severity"]) for one in findings]


def seen(net: Network, *words: str, seconds: str = QUICK) -> str:
    """The one code that the doctor finds, in short: once or for several servers."""
    codes = {code for code, _ in found(net, *words, seconds=seconds)}
    return " ".join(sorted(codes))


ASK = """
import socket, sys, time
waiting = []
end = time.monotonic() + 60
while time.monotonic() < end:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((sys.argv[1], int(sys.argv[2])))
    waiting.append(one)
    time.sleep(float(sys.argv[3]))
"""


@contextmanager
def hanging(
    host: Any,  # noqa: ANN401 - a host of any topology
    address: str,
    port: int = 80,
    *,
    every: float = 0.5,
) -> Iterator[subprocess.Popen[str]]:
    """Somebody who goes on trying to connect: a browser that hangs."""
    trying = host.popen("python3", "-c", ASK, address, str(port), str(every))
    time.sleep(1.5)
    try:
        yield trying
    finally:
        trying.kill()
        trying.wait(10)
