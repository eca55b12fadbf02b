"""Topologies by hand: `python -m labkit up dual-subnet`, look around with `exec`, then `down`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from labkit import topology
from labkit.errors import LabError
from labkit.layout import Layout, Shape, picture

PREFIX = "lab"
PLACE = Path("/run/labkit")
SHAPES = [str(shape) for shape in Shape]


def main(arguments: list[str]) -> int:
    """Do what the command line says, and give the exit status."""
    try:
        return _act(_parser().parse_args(arguments))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint:  {error.hint}", file=sys.stderr)
        return 1


def _act(options: argparse.Namespace) -> int:
    match options.action:
        case "picture":
            print(picture(Shape(options.shape)), end="")
        case "up":
            _up(options)
        case "down":
            topology.down(PREFIX)
            shutil.rmtree(PLACE, ignore_errors=True)
        case _:
            _exec(options.host, options.command)
    return 0


def _up(options: argparse.Namespace) -> None:
    if topology.namespaces(PREFIX):
        msg = "a topology is up already"
        raise LabError(msg, hint="python -m labkit down")
    layout = Layout(
        Shape(options.shape),
        options.servers,
        options.directors,
        ipv6=not options.no_ipv6,
        neighbour=options.neighbour,
    )
    network = topology.up(layout, PREFIX, PLACE)
    (PLACE / "layout.json").write_text(json.dumps(asdict(layout)))
    print(picture(layout.shape))
    for host in network.hosts.values():
        print(f"{host.name:10} {host.address:15} {host.address6}".rstrip())
    print(f"{'VIP':10} {network.vip:15} {network.vip6}".rstrip())
    print("\npython -m labkit exec HOST -- COMMAND")


def _exec(name: str, words: list[str]) -> None:
    """Become the command, so that its terminal, signals and exit status are its own."""
    network = _network()
    if name not in network.hosts:
        msg = f"no host {name!r}"
        raise LabError(msg, hint=f"there are {', '.join(network.hosts)}")
    host = network.hosts[name]
    command = host.command(*(words[1:] if words[:1] == ["--"] else words) or ("bash",))
    os.execvpe(command[0], command, host.environment())  # noqa: S606


def _network() -> topology.Network:
    file = PLACE / "layout.json"
    if not file.exists():
        msg = "no topology is up"
        raise LabError(msg, hint="python -m labkit up dual-subnet")
    fields = json.loads(file.read_text())
    return topology.found(Layout(**fields | {"shape": Shape(fields["shape"])}), PREFIX, PLACE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    up = actions.add_parser("up", help="lay out a topology")
    up.add_argument("shape", choices=SHAPES)
    up.add_argument("--servers", type=int, default=2, metavar="N")
    up.add_argument("--directors", type=int, default=1, choices=(1, 2))
    up.add_argument("--no-ipv6", action="store_true")
    up.add_argument("--neighbour", action="store_true", help="a client among the servers")
    actions.add_parser("down", help="take it away")
    run = actions.add_parser("exec", help="run a command on a host: exec client -- ip addr")
    run.add_argument("host")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    shown = actions.add_parser("picture", help="show what a topology looks like")
    shown.add_argument("shape", choices=SHAPES)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
