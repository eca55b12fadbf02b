"""The program behind `load`: makes connections to a `peer` TCP server until told to stop.

    traffic.py long  ADDRESS PORT COUNT SECONDS   COUNT connections, a line on each every SECONDS
    traffic.py short ADDRESS PORT COUNT SECONDS   COUNT at a time, one after the other, with a pause

Says "ready" when the first connections have been answered (or have failed), and prints what
happened as JSON when it gets SIGTERM. A program of its own; it imports nothing of the lab.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

# Longer than TCP's first two repeats of a lost packet, so that one loss is no failure.
PATIENCE = 5.0


@dataclass(slots=True)
class Record:
    """What happened so far."""

    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    longest_wait: float = 0.0

    def answered(self, line: bytes, waited: float) -> None:
        """Count an answer."""
        if not line:
            raise ConnectionResetError("closed by the other side")
        self.answers += 1
        self.servers[line.split()[0].decode()] += 1
        self.longest_wait = max(self.longest_wait, waited)

    def failed(self, error: OSError) -> None:
        """Count a failure by its kind."""
        self.failures[type(error).__name__] += 1


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, and how often."""

    address: str
    port: int
    pause: float


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: Record
) -> None:
    """Send a line and wait for the answer."""
    started = time.monotonic()
    writer.write(b"who?\n")
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    record.answered(line, time.monotonic() - started)


async def long_connection(target: Target, record: Record, ready: asyncio.Semaphore) -> None:
    """Keep one connection busy; once it breaks it stays broken, so that each break counts once."""
    reported = False
    try:
        reader, writer = await _connect(target)
        while True:
            await exchange(reader, writer, record)
            if not reported:
                reported = True
                ready.release()
            await asyncio.sleep(target.pause)
    except OSError as error:
        record.failed(error)
    finally:
        if not reported:
            ready.release()


async def short_connections(target: Target, record: Record, ready: asyncio.Semaphore) -> None:
    """Connect, ask, close, and begin again."""
    reported = False
    while True:
        try:
            reader, writer = await _connect(target)
            try:
                await exchange(reader, writer, record)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        except OSError as error:
            record.failed(error)
        if not reported:
            reported = True
            ready.release()
        await asyncio.sleep(target.pause)


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.open_connection(target.address, target.port)


async def main(arguments: list[str]) -> None:
    """Make the traffic that the command line says."""
    kind, address, port, count, pause = arguments
    target = Target(address, int(port), float(pause))
    work = long_connection if kind == "long" else short_connections
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    record, ready = Record(), asyncio.Semaphore(0)
    tasks = [asyncio.create_task(work(target, record, ready)) for _ in range(int(count))]
    for _ in tasks:
        await ready.acquire()
    print("ready", flush=True)
    await stopped.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(
        json.dumps(
            {
                "answers": record.answers,
                "failures": dict(record.failures),
                "servers": dict(record.servers),
                "longest_wait": record.longest_wait,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
