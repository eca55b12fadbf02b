"""Real servers that fail on command, all in one process; the commands come on standard input.

    python farm.py ADDRESS:PORT...    then lines such as "10.2.0.1:8001 hang"

``serve`` answers 200, ``wrong`` 503, ``hang`` accepts and says nothing, ``cut`` ends in the midst
of an answer, ``refuse`` does not listen. Needs the standard library alone.
"""

from __future__ import annotations

import asyncio
import sys

ANSWERS = {
    "serve": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "wrong": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "cut": b"HTTP/1.1 2",
}


class Place:
    """One address and port."""

    def __init__(self, word: str) -> None:
        self._host, _, port = word.rpartition(":")
        self._port = int(port)
        self._manner = "serve"
        self._server: asyncio.Server | None = None

    async def behave(self, manner: str) -> None:
        self._manner = manner
        if manner == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif manner != "refuse" and self._server is None:
            self._server = await asyncio.start_server(self._answer, self._host, self._port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self._manner in ANSWERS:
                writer.write(ANSWERS[self._manner])
                await writer.drain()
            else:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def serve(words: list[str]) -> None:
    places = {word: Place(word) for word in words}
    for place in places.values():
        await place.behave("serve")
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    while line := (await commands.readline()).decode().split():
        await places[line[0]].behave(line[1])


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
