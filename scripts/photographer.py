"""Pictures of a terminal in which lvsnat is at work; run by scripts/pictures, inside the lab.

A picture is a function in PICTURES that types into a terminal; its name is the file's. What a
scene shows does not depend on the day or on the speed of the machine, apart from the seconds left
in `drain` and the rates in `status` and `live`: so a picture that changes says that the program has
changed.
"""

from __future__ import annotations

import contextlib
import html
import io
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cloud
from labkit.host import Host
from labkit.load import Load, long_connections
from labkit.tmux import tmux
from labkit.topology import Network, dual_subnet
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from terminal import Terminal, claim
from walkthrough import TCP_PORT, add, drift_by_hand, start

QUIET = Terminal(put=lambda _text: None)
WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
TEXT = re.compile(
    r'<text class="(?P<look>[^"]*)" x="(?P<x>[^"]*)" y="(?P<y>[^"]*)"'
    r' textLength="(?P<length>[^"]*)" clip-path="(?P<clip>[^"]*)">(?P<text>[^<]*)</text>'
)
WORDS = re.compile(r"[^\xa0]+(?:\xa0[^\xa0]+)*")
LIVE_WIDTH = 110
SETTLED = 3.0
"""Seconds between two steps of what happens beside a command that looks once a second."""

MISTAKES = """\
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
schedular = "wrr"
servers = [
  { address = "192.168.2.55:8080", weight = 70000 },
  { address = "192.168.2.56" },
]

[[service]]
name = "web"
listen = "tcp/192.168.1.50:443"
persistence = "5 minutes"
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A scene, and the terminal that it is seen in."""

    scene: Callable[[Terminal, Network], None]
    servers: int = 2
    width: int = 100
    piped: bool = False


def status(terminal: Terminal, net: Network) -> None:
    """A director that carries some traffic, one server of it at rest."""
    web, dns = start(net)
    one, two, three = addresses(net)
    servers = [f"--server={one}=3", f"--server={two}", f"--server={three}"]
    lvsnat(net, "service", "add", "web", web.listen(net), "--scheduler=wrr", *servers)
    lvsnat(net, "server", "set", "web", two, "--upper=1000")
    lvsnat(net, "server", "drain", "web", three)
    add(QUIET, net, dns)
    for _ in range(6):
        net.client.ask_udp(net.vip, dns.port)
    with long_connections(net.client, net.vip, web.port, count=8, pause=3600):
        terminal.type(net.director, "lvsnat", "status")


def live(terminal: Terminal, net: Network) -> None:
    """The live status while clients talk; one server is drained in front of our eyes."""
    web, dns = start(net)
    one, two, three = addresses(net)
    servers = [f"--server={one}=3", f"--server={two}", f"--server={three}"]
    lvsnat(net, "service", "add", "web", web.listen(net), "--scheduler=wrr", *servers)
    add(QUIET, net, dns)
    size = {"width": LIVE_WIDTH, "height": 14}
    with (
        long_connections(net.client, net.vip, web.port, count=10, pause=0.05),
        tmux(net.director, "lvsnat", "status", "--live", **size) as screen,
    ):
        screen.until("10 connections", dns.name)
        screen.press("h")
        screen.press("End", "Home", "Down", "Down")
        time.sleep(SETTLED)
        screen.press("d")
        screen.until(f"drain web {two}?")
        screen.press("y")
        screen.until("drained, 2 left")
        time.sleep(3 * SETTLED)
        terminal.put(screen.screen(colour=True))


def one_way(terminal: Terminal, net: Network) -> None:
    """The live status while a server has no way back: it lost its default route."""
    web, dns = start(net)
    servers = [f"--server={one}" for one in addresses(net)]
    lvsnat(net, "service", "add", "web", web.listen(net), "--scheduler=wrr", *servers)
    add(QUIET, net, dns)
    size = {"width": LIVE_WIDTH, "height": 16}
    with (
        long_connections(net.client, net.vip, web.port, count=9, pause=0.05),
        tmux(net.director, "lvsnat", "status", "--live", **size) as screen,
    ):
        screen.until("9 connections", "return path ok")
        screen.press("h")
        net.rs(3).run("ip", "route", "del", "default")
        screen.press("End", "Home", "Down", "Down", "Down")
        screen.until("1 server one-way", "packets in, none out")
        terminal.put(screen.screen(colour=True))


def top(terminal: Terminal, net: Network) -> None:
    """Who holds the most connections."""
    web, dns = start(net)
    for service in (web, dns):
        add(QUIET, net, service)
    for _ in range(3):
        net.client.ask_udp(net.vip, dns.port)
    with long_connections(net.client, net.vip, web.port, count=9, pause=3600):
        terminal.type(net.director, "lvsnat", "connections", "--top", "2")


def trace(terminal: Terminal, net: Network) -> None:
    """A client's packet, followed to the server that has lost its default route."""
    web, _ = start(net)
    add(QUIET, net, web)
    net.rs(2).run("ip", "route", "del", "default")
    asked = ("doctor", "trace", net.client.address, "web", "--probe")
    terminal.type(net.director, "lvsnat", *asked, status=1)


def plan(terminal: Terminal, net: Network) -> None:
    """Drift that somebody made by hand, and a service that is somebody else's."""
    for service in start(net):
        add(QUIET, net, service)
    drift_by_hand(terminal, net)
    terminal.type(net.director, "ipvsadm", "-A", "-t", f"{net.vip}:443", "-s", "rr")
    terminal.type(net.director, "lvsnat", "plan")


def drain(terminal: Terminal, net: Network) -> None:
    """A drain that waits for three connections, which end one after the other."""
    web, _ = start(net)
    first, second = addresses(net)
    lvsnat(net, "service", "add", "web", web.listen(net), f"--server={first}")
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(open_one(net, web.port)) for _ in range(3)]
        lvsnat(net, "server", "add", "web", second)
        ending = threading.Thread(target=end_one_by_one, args=(net.director, loads))
        ending.start()
        terminal.type(net.director, "lvsnat", "server", "drain", "web", first, "--wait")
        ending.join()


def connections(terminal: Terminal, net: Network) -> None:
    """A real server whose replies do not come back: it lost its default route."""
    web, _ = start(net)
    add(QUIET, net, web)
    net.rs(2).run("ip", "route", "del", "default")
    for _ in range(8):
        with contextlib.suppress(TimeoutError):
            net.client.ask_tcp(net.vip, web.port, timeout=1)
    terminal.type(net.director, "lvsnat", "connections", "--by", "state")
    found = ("connections", "--state", "SYN_RECV", "--by", "server")
    seen = terminal.type(net.director, "lvsnat", *found)
    one, two = addresses(net)
    claim(two in seen and one not in seen, "the server without a way back is found")


def doctor(terminal: Terminal, net: Network) -> None:
    """Three causes, of which a plan repairs two; the third is somebody else's."""
    web, _ = start(net)
    add(QUIET, net, web)
    wrong = ("net.ipv4.ip_forward=0", "net.ipv4.conf.all.send_redirects=1")
    terminal.type(net.director, "sysctl", "-qw", *wrong)
    terminal.type(net.director, "iptables", "-P", "FORWARD", "DROP")
    words = ("--fix", "--yes", "--seconds", "0.2")
    seen = terminal.type(net.director, "lvsnat", "doctor", *words, status=1)
    claim(seen.count("FORWARD_DROPS") > seen.count("IP_FORWARD"), "two causes are repaired")


def refused(terminal: Terminal, net: Network) -> None:
    """The guard: two changes that would hurt clients."""
    web, _ = start(net)
    add(QUIET, net, web)
    first, second = addresses(net)
    with long_connections(net.client, net.vip, web.port, count=6, pause=3600):
        terminal.type(net.director, "lvsnat", "service", "remove", "web", status=4)
        terminal.type(net.director, "lvsnat", "server", "drain", "web", first)
        terminal.type(net.director, "lvsnat", "server", "drain", "web", second, status=4)


def problems(terminal: Terminal, net: Network) -> None:
    """A configuration with several mistakes, all of them told at once."""
    Path("new.toml").write_text(MISTAKES, encoding="utf-8")
    terminal.type(net.director, "cat", "-n", "new.toml")
    terminal.type(net.director, "lvsnat", "apply", "new.toml", status=2)


PICTURES: dict[str, Picture] = {
    "status": Picture(status, servers=3, width=70),  # too narrow for the columns of rates
    "live": Picture(live, servers=3),
    "one_way": Picture(one_way, servers=3),
    "top": Picture(top),
    "trace": Picture(trace),
    "plan": Picture(plan),
    "drain": Picture(drain, piped=True),
    "connections": Picture(connections),
    "doctor": Picture(doctor, width=120),
    "refused": Picture(refused),
    "problems": Picture(problems),
    "aws_plan": Picture(cloud.plan, width=130),
    "aws_verify": Picture(cloud.verify, width=130),
    "aws_show": Picture(cloud.show, width=130),
}


def addresses(net: Network) -> list[str]:
    """Where the real servers of `web` answer."""
    return [f"{server.address}:{TCP_PORT}" for server in net.servers]


def lvsnat(net: Network, *words: str) -> None:
    """Run a command that is not in the picture."""
    QUIET.type(net.director, "lvsnat", *words)


def open_one(net: Network, port: int) -> contextlib.AbstractContextManager[Load]:
    """Hold one connection open, without traffic."""
    return long_connections(net.client, net.vip, port, count=1, pause=3600)


def end_one_by_one(director: Host, loads: list[Load]) -> None:
    """Let connections end, once a server is held at weight 0."""
    while " -w 0" not in director.run("ipvsadm", "-Sn").stdout:
        time.sleep(0.2)
    for load in loads:
        time.sleep(SETTLED)
        load.stop()


def take(name: str, folder: Path) -> None:
    """Lay out a network, let the scene happen and draw its terminal."""
    picture, screen = PICTURES[name], list[str]()
    terminal = Terminal(screen.append, colour=True, width=picture.width, piped=picture.piped)
    with (
        dual_subnet(servers=picture.servers) as net,
        tempfile.TemporaryDirectory() as home,
        contextlib.chdir(home),  # so that files have short names, and the same ones each time
    ):
        picture.scene(terminal, net)
    text = Text.from_ansi("".join(screen).strip())
    width = max(len(line) for line in text.plain.splitlines())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(text)
    drawing = console.export_svg(title="lvsnat", theme=MONOKAI, unique_id=name)
    # A page must not fetch fonts from somebody else's server.
    drawing = TEXT.sub(in_columns, WEB_FONTS.sub("", drawing))
    lines = (line.rstrip() for line in drawing.strip().splitlines())
    (folder / f"{name}.svg").write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"docs/images/{name}.svg")


def in_columns(found: re.Match[str]) -> str:
    """Give each column a place of its own: some programs draw no blanks before a text."""
    text, left = html.unescape(found["text"]), float(found["x"])
    width = float(found["length"]) / len(text)
    return "".join(
        f'<text class="{found["look"]}" x="{left + word.start() * width:.1f}" y="{found["y"]}"'
        f' textLength="{len(word[0]) * width:.1f}" clip-path="{found["clip"]}">'
        f"{html.escape(word[0]).replace(chr(160), '&#160;')}</text>"
        for word in WORDS.finditer(text)
    )


def main(names: list[str]) -> int:
    """Take the pictures named, or all."""
    unknown = sorted(set(names) - PICTURES.keys())
    if unknown:
        print(f"error: no picture {', '.join(unknown)}", file=sys.stderr)
        print(f"hint:  pictures are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    folder = Path(os.environ["LVSNAT_RESULTS"]).absolute()
    for name in names or PICTURES:
        take(name, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
