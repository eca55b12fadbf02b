"""A director with a service that works, and what the doctor says of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from e2e import warm
from e2e.conftest import lvsnat
from labkit.topology import Network

QUICK = "0.2"
"""Seconds between the two looks, where they have nothing to tell."""
LOOKS = "3"
PATIENCE = 180.0
"""Seconds for what is a matter of moments; a minute is how long IPVS keeps what never opened."""
CHECKED = 'check = { type = "tcp", interval = "400ms", timeout = "60s", rise = 1, fall = 1 }'
"""A closed port fails at once; a server that is there never does, however busy the machine."""


def of_ipv6(net: Network) -> str:
    servers = ", ".join(f'{{ address = "[{rs.address6}]:8080" }}' for rs in net.servers)
    listen = f"tcp/[{net.vip6}]:80"
    return f'[[service]]\nname = "six"\nlisten = "{listen}"\nservers = [{servers}]\n'


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


def noticed(net: Network, *words: str, seconds: str = LOOKS) -> list[dict[str, Any]]:
    """What the doctor is sure of, once those who wait have asked often enough."""
    end = time.monotonic() + PATIENCE
    while True:
        findings: list[dict[str, Any]] = examined(net, *words, seconds=seconds)["findings"]
        if any(one["severity"] != "note" for one in findings):
            return findings
        assert time.monotonic() < end, findings


def settle(net: Network, *words: str, seconds: str = QUICK, only: str = "") -> None:
    """Wait until nothing is found: connections that wait know of a cure when they ask again.

    ``only``: the severity of what may be found until then.
    """
    end = time.monotonic() + PATIENCE
    while left := found(net, *words, seconds=seconds):
        assert not only or {severity for _, severity in left} == {only}, left
        assert time.monotonic() < end, left


ASK = """
import collections, socket, sys, time
address, port, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
waiting = collections.deque(maxlen=500)
begun = time.monotonic()
said = False
while True:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((address, port))
    waiting.append(one)
    if not said and time.monotonic() - begun > 1.5:
        said = True
        print("some wait", flush=True)
    time.sleep(pause)
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
    trying = host.started("python3", "-c", ASK, address, str(port), str(every))
    try:
        yield trying
    finally:
        trying.kill()
        trying.wait()


def caught_asking(net: Network, at_work: Callable[[], bool]) -> subprocess.Popen[str]:
    """A doctor that is stopped in the midst of asking; one that was quicker is let go."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        asking = net.director.popen("lvsnat", "doctor", "--probe", "--seconds", "0.1")
        while asking.poll() is None:
            if at_work():
                asking.send_signal(signal.SIGSTOP)
                if asking.poll() is None:
                    stopped_or_ended = os.WSTOPPED | os.WEXITED | os.WNOWAIT
                    os.waitid(os.P_PID, asking.pid, stopped_or_ended)
                    if at_work():
                        return asking
                    asking.send_signal(signal.SIGCONT)
    raise AssertionError("it was quicker each time")
