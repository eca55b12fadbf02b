"""The command line of `scripts/lab`."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from labkit import machine, packages
from labkit.errors import LabError
from labkit.providers import Provider, choose, this_machine
from labkit.session import Request, run

DESCRIPTION = """\
Run commands on a kernel that has IPVS, over this machine's own files, which stay as they are: all
writes go to memory but those below $LVSNAT_RESULTS (see --results).

kernels, the first that works here is taken:
  host   the running kernel, in namespaces of its own (needs root and the module ip_vs)
  uml    User-mode Linux, built once (needs gcc; no root)
  qemu   a distribution's stock kernel under virtme-ng (slow without KVM)

actions:
  build      get the kernel ready
  packages   print the Debian and Ubuntu packages that it needs
  shell      an interactive shell inside
  run        one command inside; its output and exit status are carried out
  test       pytest inside, with every argument handed to it
"""

ACTIONS = ("build", "packages", "shell", "run", "test")

WELCOME = """\
lab: a shell on the {provider} kernel; what you write is gone when you leave it.
lab: try   python -m labkit up dual-subnet       (or single-subnet; --help says more)
lab:       python -m labkit exec client -- ping -c1 192.168.1.10
lab:       python -m labkit down"""


def main(arguments: list[str]) -> int:
    """Do what the command line says, and give the exit status."""
    options = _parse(arguments)
    try:
        return _act(options)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint:  {error.hint}", file=sys.stderr)
        return 1


def _act(options: argparse.Namespace) -> int:
    provider = Provider(options.kernel) if options.kernel else choose(this_machine())
    if provider is Provider.HOST and os.geteuid() != 0 and options.action != "packages":
        as_root(sys.argv)
    match options.action:
        case "packages":
            print("\n".join(packages.packages(provider)))
            return 0
        case "build":
            print(f"{provider}: {machine.build(provider)}")
            return 0
        case "shell":
            return _shell(options, provider)
        case "test":
            pytest = ("python", "-m", "pytest", "-p", "no:cacheprovider")
            return run(_request(options, provider, (*pytest, *options.rest)))
        case _:
            return run(_request(options, provider, tuple(options.rest)))


def as_root(argv: list[str]) -> NoReturn:
    """Become the same command as root: namespaces on the running kernel need that."""
    print("lab: the running kernel serves as the lab; that needs root", file=sys.stderr, flush=True)
    os.execvp("sudo", ["sudo", "--preserve-env", sys.executable, *argv])  # noqa: S606 - no shell is wanted


def _shell(options: argparse.Namespace, provider: Provider) -> int:
    if not sys.stdin.isatty():
        msg = "a shell needs a terminal"
        raise LabError(msg, hint="scripts/lab run -- COMMAND needs none")
    machine.build(provider)
    print(WELCOME.format(provider=provider), file=sys.stderr, flush=True)
    request = _request(options, provider, ())
    return run(replace(request, interactive=True))


def _request(options: argparse.Namespace, provider: Provider, command: tuple[str, ...]) -> Request:
    return Request(
        provider=provider,
        command=command,
        memory=options.memory,
        timeout=options.timeout,
        results=options.results,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Read the lab's own options, before the action or after it, and leave the rest as it is.

    What follows `test` is pytest's and what follows `run --` is the command's, options and all,
    which is more than argparse's sub-commands can be told.
    """
    parser = _parser()
    # Apart from argparse, which drops a "--" or keeps it as the version of Python pleases.
    where = arguments.index("--") if "--" in arguments else len(arguments)
    before, command = arguments[:where], arguments[where + 1 :]
    options = parser.parse_args(before)
    if options.action == "test":
        options.rest += arguments[where:]
        return options
    options = parser.parse_args([*options.rest, options.action], namespace=options)
    if options.action == "run" and not command:
        parser.error("run wants a command after --, as in: run -- uname -r")
    options.rest = command
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/lab",
        usage="%(prog)s [options] {build,packages,shell,run -- CMD,test [PYTEST-ARGUMENTS]}",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kernel", choices=[str(provider) for provider in Provider])
    parser.add_argument("--memory", default="2G", help="of the machine, as 2G or 512M")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="then end it, with 124")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="a folder that is writable inside, there as $LVSNAT_RESULTS",
    )
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser
