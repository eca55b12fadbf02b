"""The story that scripts/demo tells, inside the lab: the main job, in both layouts.

Everything shown is real: commands, output, packets. What turns out other than the story claims ends
it with an error, so that the demo is a test as well.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.host import Host
from labkit.layout import Shape, picture
from labkit.load import long_connections
from labkit.server import Server
from labkit.topology import Network, dual_subnet, single_subnet
from switchover import switch_under_load
from terminal import Terminal, UntrueError, claim

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
LONG = 4
"""Connections that stay open while a server is drained."""


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
    """One layout, from an idle director to one that serves, and what happens to it then."""
    shape = net.layout.shape
    terminal.heading(f"{shape}: {WORDS[shape]}")
    terminal.show("\n" + picture(shape).rpartition("\n\n")[0])
    web, dns = start(net)

    terminal.say("Programs answer on the real servers; the director does nothing yet. One command")
    terminal.add("makes a service: kernel settings, VIP, IPVS. + is made, ~ is changed.")
    for service in (web, dns):
        add(terminal, net, service)

    terminal.say(f"The client is {net.client.address}. It asks the VIP, over TCP and over UDP,")
    terminal.add("and the real servers take turns.")
    for service in (web, dns):
        request(terminal, net, service)
    show_what_was_seen(terminal, net, (web, dns))

    terminal.say("The director at a glance: what the configuration asks for, what the kernel has,")
    terminal.add("what it carries.")
    terminal.type(net.director, "lvsnat", "status")
    AFTERWARDS[shape](terminal, net, web)
    switch_under_load(terminal, net, web.port, dns.port)
    for service in (web, dns):
        claim(
            all(set(server.seen()) == {net.client.address} for server in service.servers),
            f"real servers of {service.name} see the client's own address in both modes",
        )
    terminal.say(
        "Through all of it each real server has seen the client's own address, and no other."
    )


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


def request(
    terminal: Terminal, net: Network, service: Service, expected: Sequence[Host] = ()
) -> None:
    """Let the client ask some times; those expected take turns, all of them if not said."""
    ask = {"tcp": net.client.ask_tcp, "udp": net.client.ask_udp}[service.protocol]
    answered = []
    terminal.show("")
    for _ in range(REQUESTS):
        answer = ask(net.vip, service.port)
        answered.append(answer.server)
        terminal.show(f"client asks {service.listen(net)}: answered by {answer.server}")
    turns = expected or net.servers
    share = {rs.name: REQUESTS // len(turns) for rs in turns}
    claim(Counter(answered) == share, f"{', '.join(share)} take turns, but {answered} answered")


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


def drift_and_repair(terminal: Terminal, net: Network, web: Service) -> None:
    """Break the kernel's table by hand, see it and repair it."""
    terminal.say("Somebody changes the kernel's table by hand: one server gets no new clients,")
    terminal.add("the other one is gone.")
    changed = drift_by_hand(terminal, net)

    terminal.say("The plan shows what differs from the configuration; scripts have the exit code.")
    drift = terminal.type(net.director, "lvsnat", "plan", "--exit-code", status=3)
    claim(all(server in drift for server in changed), "the plan names both servers")

    terminal.say("Apply puts it right, in place, and the servers take turns again.")
    terminal.type(net.director, "lvsnat", "apply")
    terminal.type(net.director, "lvsnat", "plan", "--exit-code")
    request(terminal, net, web)


def take_out_and_back(terminal: Terminal, net: Network, web: Service) -> None:
    """Drain a server while connections are open through both."""
    first, second = net.servers
    one, other = (f"{rs.address}:{TCP_PORT}" for rs in net.servers)
    with long_connections(net.client, net.vip, web.port, count=LONG) as load:
        terminal.say(f"The client holds {LONG} connections open and goes on talking on each.")
        terminal.add(f"{first.name} is to be updated. Drained, it keeps its connections;")
        terminal.add("new ones go to the other server.")
        said = terminal.type(net.director, "lvsnat", "server", "drain", "web", one)
        claim(f"{LONG // 2} active" in said, "half of the connections are on the drained server")
        request(terminal, net, web, [second])

        terminal.say("The other one is the last that serves. What would hurt clients is refused.")
        terminal.type(net.director, "lvsnat", "server", "drain", "web", other, status=4)

        terminal.say("The update is done.")
        terminal.type(net.director, "lvsnat", "server", "enable", "web", one)
    claim(load.report.breaks == 0, f"no connection was cut, but {load.report.failures}")
    terminal.say(f"The {LONG} open connections had {load.report.answers} answers; none was cut.")


AFTERWARDS = {Shape.DUAL_SUBNET: drift_and_repair, Shape.SINGLE_SUBNET: take_out_and_back}


def drift_by_hand(terminal: Terminal, net: Network) -> list[str]:
    """Change one real server of `web` and remove the other; give both."""
    service = f"{net.vip}:80"
    first, second = servers = [f"{rs.address}:{TCP_PORT}" for rs in net.servers]
    terminal.type(net.director, "ipvsadm", "-e", "-t", service, "-r", first, "-m", "-w", "0")
    terminal.type(net.director, "ipvsadm", "-d", "-t", service, "-r", second)
    return servers


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
        "\nscripts/lab shell                  a shell on such a kernel, to try things in\n"
        "docs/tutorial/first-service.md     the same by hand, step by step\n"
        "scripts/test                       every test"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
