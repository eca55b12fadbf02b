"""The program that real servers of a topology run: answers who it is and whom it saw.

    peer.py tcp|udp|http PORT NAME LOG STATUS     answers "NAME PEER", records PEER in LOG

A program of its own, started with `ip netns exec`; it imports nothing of the lab. `ask` is the
other end. It complains of no connection that breaks: nobody reads that, and it would wait until
somebody does.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

BOTH_FAMILIES = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104


class Server:
    """What every protocol answers and records."""

    def __init__(self, name: str, log: Path, status: int) -> None:
        """Start a record."""
        self._name = name
        self._log = log.open("a", buffering=1, encoding="utf-8")
        self._status = status

    def answer(self, peer: str) -> bytes:
        """Record a peer, and say who we are and whom we saw."""
        self._log.write(f"{peer}\n")
        return f"{self._name} {peer}\n".encode()

    async def tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every line of a connection; the peer is recorded once for each."""
        try:
            while await reader.readline():
                writer.write(self.answer(writer.get_extra_info("peername")[0]))
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a connection."""
        try:
            while (await reader.readline()).strip():
                continue
            body = self.answer(writer.get_extra_info("peername")[0])
            head = f"HTTP/1.1 {self._status} Lab\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def answer_datagrams(connection: socket.socket, server: Server) -> None:
    """Answer every datagram that has arrived, each to where it came from."""
    with suppress(OSError):
        while True:
            _, peer = connection.recvfrom(4096)
            connection.sendto(server.answer(peer[0]), peer)


async def serve(protocol: str, port: int, server: Server) -> None:
    """Listen on both families, say so on stdout, and answer until told to stop."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    if protocol == "udp":
        for family, address in BOTH_FAMILIES:
            connection = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            connection.setblocking(False)  # noqa: FBT003
            connection.bind((address, port))
            loop.add_reader(connection, answer_datagrams, connection, server)
    else:
        handler = server.tcp if protocol == "tcp" else server.http
        await asyncio.start_server(handler, port=port, backlog=4096)
    print("ready", flush=True)
    await stopped.wait()


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    protocol, port, name, log, status = arguments
    server = Server(name, Path(log), int(status))
    asyncio.run(serve(protocol, int(port), server))


if __name__ == "__main__":
    main(sys.argv[1:])
