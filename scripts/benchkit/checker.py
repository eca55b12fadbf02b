"""The engine of the checks alone, with nothing to decide: what a check itself costs.

    checker.py COUNT INTERVAL    asks 10.0.0.1 and the COUNT - 1 addresses after it by TCP

Says "ready", then its pace as JSON for each line that it reads. A program of its own.
"""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import asdict
from ipaddress import IPv4Address

from lvsnat.health.engine import Engine
from lvsnat.health.track import Track, next_interval
from lvsnat.health.values import Answer, Target
from lvsnat.model.health import HealthCheck

PORT = 8080
FIRST = IPv4Address("10.0.0.1")


def main(count: int, interval: float) -> None:
    """Check until the end of standard input."""
    check = HealthCheck(interval=interval, fast_interval=interval)
    tracks = {Target(FIRST + number, PORT, check): Track() for number in range(count)}
    state = {"answers": 0, "failures": 0, "done": False}

    def answered(target: Target, answer: Answer) -> float:
        state["answers"] += 1
        state["failures"] += not answer.ok
        track = tracks[target] = tracks[target].after(answer, check, 0.0, time.time())
        return next_interval(track, check, random.random())  # noqa: S311 - jitter is no secret

    engine = Engine(answered)

    def read() -> None:
        if not sys.stdin.readline():
            state["done"] = True
            return
        print(json.dumps(asdict(engine.pace) | state), flush=True)

    engine.watch(tracks)
    engine.add_reader(sys.stdin.fileno(), read)
    print("ready", flush=True)
    while not state["done"]:
        engine.step(60)
    engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
