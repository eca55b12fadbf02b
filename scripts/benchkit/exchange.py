"""Short TCP connections, as fast as they go: the client and the server of the comparison of modes.

    exchange.py serve PORT                            answers each connection with whom it saw
    exchange.py ask SECONDS AT_ONCE ADDRESS:PORT...   connects, sends a line, reads until the end

What asks prints one line of JSON: how many were answered, how long each took in milliseconds, whom
the servers saw. A program of its own, with blocking calls alone, so that little of the time is its
own; the server closes first, so that the client's ports are free at once.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

WARM_UP = 0.5
PATIENCE = 10.0
BACKLOG = 1024
QUESTION = b"who?\n"


def serve(port: int) -> None:
    """Answer one connection after the other, for ever."""
    with socket.create_server(("0.0.0.0", port), backlog=BACKLOG) as listener:  # noqa: S104
        print("ready", flush=True)
        while True:
            connection, (peer, _) = listener.accept()
            with connection:
                try:
                    connection.recv(len(QUESTION))
                    connection.sendall(peer.encode())
                except ConnectionError:
                    continue


def ask(seconds: float, places: list[tuple[str, int]]) -> dict[str, object]:
    """Ask for so long; what comes in the first moments is not counted."""
    waits: list[float] = []
    seen: set[str] = set()
    failures = 0
    begin = time.monotonic() + WARM_UP
    number = os.getpid()
    while (started := time.monotonic()) < begin + seconds:
        number += 1
        try:
            with socket.create_connection(places[number % len(places)], PATIENCE) as connection:
                connection.sendall(QUESTION)
                answer = b""
                while part := connection.recv(64):
                    answer += part
        except OSError:
            failures += 1
            continue
        failures += not answer
        seen.add(answer.decode())
        if started >= begin:
            waits.append((time.monotonic() - started) * 1000)
    return {"waits": waits, "seen": sorted(seen), "failures": failures}


def ask_at_once(seconds: float, count: int, places: list[tuple[str, int]]) -> dict[str, object]:
    """Ask from so many processes, and put together what they found."""
    pipes = []
    for _ in range(count):
        reading, writing = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writing, "w") as end:
                json.dump(ask(seconds, places), end)
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    found = []
    for pipe in pipes:
        with os.fdopen(pipe) as end:
            found.append(json.load(end))
    return {
        "waits": [wait for one in found for wait in one["waits"]],
        "seen": sorted({peer for one in found for peer in one["seen"]}),
        "failures": sum(one["failures"] for one in found),
    }


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    match arguments:
        case ["serve", port]:
            serve(int(port))
        case ["ask", seconds, count, *places]:
            pairs = [place.rsplit(":", 1) for place in places]
            targets = [(host, int(port)) for host, port in pairs]
            print(json.dumps(ask_at_once(float(seconds), int(count), targets)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
