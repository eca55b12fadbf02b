"""The part of the demo in which a director switches modes while it carries traffic, there and back.

What fails is counted; one failure ends the demo with an error.
"""

from __future__ import annotations

import json
import subprocess
import time

from labkit.host import Host
from labkit.load import Load, flows, long_connections, short_connections
from labkit.topology import Network
from terminal import Terminal, claim

LONG, SHORT = 10, 2
LONG_PAUSE, SHORT_PAUSE, FLOW_PAUSE = 0.5, 0.02, 0.2
PATIENCE = 120.0
"""Seconds for what takes moments: the lab may run on a slow machine."""
WAITS = {"haproxy-tproxy": "both", "lvs-nat": "ipvs-settling"}
"""The phase in which a switch to a mode waits for connections of the old one."""
CARRIER = {"haproxy-tproxy": "IPVS", "lvs-nat": "HAProxy"}
"""Who has carried TCP before it."""


def switch_under_load(terminal: Terminal, net: Network, tcp_port: int, udp_port: int) -> None:
    """Go to haproxy-tproxy and back; nobody who is connected may notice."""
    terminal.say("TCP can go through a transparent HAProxy instead: servers see the client's own")
    terminal.add(
        "address as before. Clients are connected all the time while the director switches"
    )
    terminal.add(f"there and back: short TCP connections, {SHORT} at a time, and a flow of UDP.")
    client, vip = net.client, net.vip
    with (
        short_connections(client, vip, tcp_port, count=SHORT, pause=SHORT_PAUSE) as short,
        flows(client, vip, udp_port, pause=FLOW_PAUSE) as flow,
    ):
        for mode in WAITS:
            _switch(terminal, net, tcp_port, mode)
    _count(terminal, "short connections", short)
    _count(terminal, "datagrams", flow)


def _switch(terminal: Terminal, net: Network, port: int, mode: str) -> None:
    """Switch while connections are open that the old side has, and close them half-way."""
    with long_connections(net.client, net.vip, port, count=LONG, pause=LONG_PAUSE) as load:
        terminal.say(
            f"{LONG} more connections stay open and talk. New ones go to the other side now;"
        )
        terminal.add(f"the switch waits for those that {CARRIER[mode]} holds.")
        switching = terminal.begin(net.director, "lvsnat", "mode", mode)
        _wait_for(net.director, switching, WAITS[mode])
        load.go_round(2, within=PATIENCE)
        terminal.type(net.director, "lvsnat", "mode")
    _count(terminal, f"answers on {LONG} open connections", load)
    terminal.say("The client has closed them. The switch goes on, and ends.")
    terminal.show("")
    said, _ = switching.communicate(timeout=PATIENCE)
    terminal.show(said)
    claim(switching.returncode == 0, f"the switch to {mode} ended with {switching.returncode}")


def _wait_for(director: Host, switching: subprocess.Popen[str], phase: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while json.loads(director.run("lvsnat", "mode", "-o", "json").stdout)["phase"] != phase:
        claim(switching.poll() is None, f"the switch stands at {phase} until connections end")
        claim(time.monotonic() < deadline, f"the switch reaches {phase} within {PATIENCE:g} s")
        time.sleep(0.1)


def _count(terminal: Terminal, what: str, load: Load) -> None:
    report = load.report
    terminal.show(f"\n{what}: {report.answers}, failed: {report.breaks}")
    claim(report.breaks == 0, f"none of the {what} fails, but {report}")
