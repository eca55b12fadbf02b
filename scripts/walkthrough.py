"""The story that scripts/demo tells, inside the lab: the main job, in both layouts.

Everything shown is real: commands, output, packets. What turns out other than the story claims ends
it with an error, so that the demo is a test as well.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.layout import Shape, picture
from labkit.server import Server
from labkit.topology import Network, dual_subnet, single_subnet
from terminal import Terminal, UntrueError

LAYOUTS: dict[Shape, Callable[[], AbstractContextManager[Network]]] = {
    Shape.DUAL_SUBNET: dual_subnet,
    Shape.SINGLE_SUBNET: single_subnet,
}
WORDS = {
    Shape.DUAL_SUBNET: "The private subnet's default route leads to the director.",
    Shape.SINGLE_SUBNET: "Each real server's default gateway is the director.",
}
TCP_PORT, UDP_PORT = 8080, 5353
REQUESTS = 4


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the story, and the real servers that answer for it."""

    name: str
    protocol: str
    port: int
    backend_port: int
    servers: list[Server]

    def listen(self, net: Network) -> str:
        return f"{self.protocol}/{net.vip}:{self.port}"


def tell(terminal: Terminal, net: Network) -> None:
    """One layout, from an idle director to a repaired one."""
    terminal.heading(f"{net.layout.shape}: {WORDS[net.layout.shape]}")
    terminal.show(f"\n{picture(net.layout.shape)}")
    web, dns = start(net)

    terminal.say("The real servers wait. One command makes a service: VIP, kernel settings, IPVS.")
    for service in (web, dns):
        add(terminal, net, service)

    terminal.say(f"The client is {net.client.address}. It asks the VIP, over TCP and over UDP.")
    for service in (web, dns):
        request(terminal, net, service)
    show_what_was_seen(terminal, net, (web, dns))

    terminal.say("The director at a glance: what you asked for, and what the kernel says.")
    terminal.type(net.director, "lvsnat", "status")

    drift_and_repair(terminal, net)
    request(terminal, net, web)


def start(net: Network) -> tuple[Service, Service]:
    """Start the programs on the real servers."""
    return (
        Service("web", "tcp", 80, TCP_PORT, [rs.serve_tcp(TCP_PORT) for rs in net.servers]),
        Service("dns", "udp", 53, UDP_PORT, [rs.serve_udp(UDP_PORT) for rs in net.servers]),
    )


def add(terminal: Terminal, net: Network, service: Service) -> None:
    servers = [f"--server={rs.address}:{service.backend_port}" for rs in net.servers]
    command = ("service", "add", service.name, service.listen(net), "--scheduler=rr", *servers)
    terminal.type(net.director, "lvsnat", *command)


def request(terminal: Terminal, net: Network, service: Service) -> None:
    ask = {"tcp": net.client.ask_tcp, "udp": net.client.ask_udp}[service.protocol]
    answered = []
    terminal.show("")
    for _ in range(REQUESTS):
        answer = ask(net.vip, service.port)
        answered.append(answer.server)
        terminal.show(f"client asks {service.listen(net)}: answered by {answer.server}")
    expected = {rs.name: REQUESTS // len(net.servers) for rs in net.servers}
    claim(Counter(answered) == expected, f"the servers take turns, but {answered} answered")


def show_what_was_seen(terminal: Terminal, net: Network, services: tuple[Service, ...]) -> None:
    terminal.say("The address that each real server saw, from its own log:")
    terminal.show("")
    for service in services:
        for rs, server in zip(net.servers, service.servers, strict=True):
            seen = server.seen()
            terminal.show(f"{rs.name} {service.protocol}: {', '.join(seen)}")
            claim(
                set(seen) == {net.client.address},
                f"{rs.name} must see the client's own address {net.client.address} alone: {seen}",
            )


def drift_and_repair(terminal: Terminal, net: Network) -> None:
    terminal.say("Somebody changes the kernel's table by hand.")
    changed = drift_by_hand(terminal, net)

    terminal.say("The plan shows what differs from the configuration; 3 means drift.")
    drift = terminal.type(net.director, "lvsnat", "plan", "--exit-code", status=3)
    claim(all(server in drift for server in changed), "the plan names both servers")

    terminal.say("Apply puts it right, in place.")
    terminal.type(net.director, "lvsnat", "apply")
    terminal.type(net.director, "lvsnat", "plan", "--exit-code")


def drift_by_hand(terminal: Terminal, net: Network) -> list[str]:
    """Change one real server of `web` and remove the other; give both."""
    service = f"{net.vip}:80"
    first, second = servers = [f"{rs.address}:{TCP_PORT}" for rs in net.servers]
    terminal.type(net.director, "ipvsadm", "-e", "-t", service, "-r", first, "-m", "-w", "0")
    terminal.type(net.director, "ipvsadm", "-d", "-t", service, "-r", second)
    return servers


def claim(true: bool, what: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not true:
        raise UntrueError(what)


def main(names: list[str]) -> int:
    """Tell the story of the layouts named, or of all."""
    terminal = Terminal.of_this_process()
    try:
        for shape in [Shape(name) for name in names] or list(Shape):
            with LAYOUTS[shape]() as net:
                tell(terminal, net)
    except ValueError:
        print(f"error: layouts are {', '.join(Shape)}", file=sys.stderr)
        return 2
    except (UntrueError, LabError, OSError) as error:
        print(f"\nerror: the demo did not go as it should: {error}", file=sys.stderr)
        return 1
    terminal.heading("Now you")
    terminal.show(
        "\nscripts/lab shell                  a shell in such a network, to try things in\n"
        "docs/tutorial/first-service.md     the same, step by step\n"
        "scripts/test                       every test"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
