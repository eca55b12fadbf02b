"""The program behind `load`: makes connections to a `peer` TCP server until told to stop.

    traffic.py long  ADDRESS PORT COUNT SECONDS   COUNT connections, a line on each every SECONDS
    traffic.py short ADDRESS PORT COUNT SECONDS   COUNT at a time, one after the other, with a pause
    traffic.py flow  ADDRESS PORT COUNT SECONDS   COUNT UDP sockets, a datagram every SECONDS

Says "ready" when the first connections have been answered (or have failed), and prints what
happened so far as JSON, one line, for each SIGUSR1 and once more when SIGTERM ends it. A program of
its own; it imports nothing of the lab.
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

# Longer than TCP's first repeats of a lost packet, and than a busy machine stands still.
PATIENCE = 60.0
# A datagram without an answer by then is lost: nobody repeats it.
LOST = 10.0


@dataclass(slots=True)
class Record:
    """What happened so far."""

    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    longest_wait: float = 0.0
    rounds: dict[str, int] = field(default_factory=dict)

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

    def went_round(self, connection: str) -> None:
        """Count an answer for the connection that had it."""
        self.rounds[connection] = self.rounds.get(connection, 0) + 1

    def broke(self, connection: str) -> None:
        """Forget a connection that is no more."""
        self.rounds.pop(connection, None)

    def line(self) -> str:
        """Write all this as one line of JSON."""
        return json.dumps(
            {
                "answers": self.answers,
                "failures": self.failures,
                "servers": self.servers,
                "longest_wait": self.longest_wait,
                "rounds": self.rounds,
            }
        )


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
    reported, name = False, str(id(asyncio.current_task()))
    try:
        reader, writer = await _connect(target)
        while True:
            await exchange(reader, writer, record)
            record.went_round(name)
            if not reported:
                reported = True
                ready.release()
            await asyncio.sleep(target.pause)
    except OSError as error:
        record.failed(error)
        record.broke(name)
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


class Answers(asyncio.DatagramProtocol):
    """What comes back on a UDP socket: answers, and refusals by ICMP."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.queue: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Keep an answer; the socket is connected, so its sender is known."""
        del addr
        self.queue.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Keep a refusal."""
        self.queue.put_nowait(exc if isinstance(exc, OSError) else OSError(exc))


async def flow(target: Target, record: Record, ready: asyncio.Semaphore) -> None:
    """Keep one UDP flow busy; it goes on after a datagram that is lost, as UDP programs do."""
    reported, name = False, str(id(asyncio.current_task()))
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(
        Answers, remote_addr=(target.address, target.port)
    )
    while True:
        started = time.monotonic()
        transport.sendto(b"who?\n")
        try:
            async with asyncio.timeout(LOST):
                answer = await answers.queue.get()
            if isinstance(answer, OSError):
                raise answer
            record.answered(answer, time.monotonic() - started)
        except OSError as error:
            record.failed(error)
        record.went_round(name)
        if not reported:
            reported = True
            ready.release()
        await asyncio.sleep(target.pause)


WORK = {"long": long_connection, "short": short_connections, "flow": flow}


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.open_connection(target.address, target.port)


async def main(arguments: list[str]) -> None:
    """Make the traffic that the command line says."""
    kind, address, port, count, pause = arguments
    target = Target(address, int(port), float(pause))
    record, ready, stopped = Record(), asyncio.Semaphore(0), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: print(record.line(), flush=True))
    tasks = [asyncio.create_task(WORK[kind](target, record, ready)) for _ in range(int(count))]
    for _ in tasks:
        await ready.acquire()
    print("ready", flush=True)
    await stopped.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(record.line())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
