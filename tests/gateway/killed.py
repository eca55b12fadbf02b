"""Change the way back and be killed after so many changes: ``killed.py NUMBER VIA [PORTS]``."""

from __future__ import annotations

import os
import signal
import sys

from lvsnat.cli.gateway_options import wished
from lvsnat.director.paths import Paths
from lvsnat.gateway.change import prepare
from lvsnat.gateway.wish import parse_reply_ports
from lvsnat.model.endpoint import parse_address
from lvsnat.plan.change import Change


def main(number: int, via: str, ports: str = "") -> None:
    left = number

    def report(change: Change) -> None:
        nonlocal left
        del change
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    paths = Paths.from_environment(os.environ)
    wish = wished(parse_address(via), [parse_reply_ports(ports)] if ports else None)
    with paths.locked(wait=True):
        prepare(paths.gateway, lambda _: {wish.family: wish}).carry_out(report)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
