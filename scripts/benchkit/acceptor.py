"""A server that accepts connections on every address, and says how many.

    acceptor.py PORT    says "ready", then the number so far for each line that it reads

A program of its own; it imports nothing of the bench.
"""

from __future__ import annotations

import select
import socket
import sys

BACKLOG = 4096


def main(port: int) -> None:
    """Accept and close until the end of standard input."""
    count = 0
    listening = socket.create_server(("0.0.0.0", port), backlog=BACKLOG)  # noqa: S104 - the lab's own
    listening.setblocking(False)  # noqa: FBT003
    waiting = select.poll()
    waiting.register(listening, select.POLLIN)
    waiting.register(sys.stdin, select.POLLIN)
    print("ready", flush=True)
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor == listening.fileno():
                count += _accept(listening)
            elif sys.stdin.readline():
                print(count, flush=True)
            else:
                return


def _accept(listening: socket.socket) -> int:
    count = 0
    try:
        while True:
            descriptor, _ = listening._accept()  # type: ignore[attr-defined]  # noqa: SLF001
            socket.close(descriptor)
            count += 1
    except BlockingIOError:
        return count


if __name__ == "__main__":
    main(int(sys.argv[1]))
