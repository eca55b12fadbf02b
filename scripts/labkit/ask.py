"""The program that clients of a topology run: asks a server of `peer` once, and prints the answer.

    ask.py tcp|udp|http ADDRESS PORT TIMEOUT

A program of its own, started with `ip netns exec` for every question: it imports next to nothing,
because imports are what takes its time in User-mode Linux.
"""

import os
import socket
import sys

# How it ends; `host` turns these back into exceptions.
ANSWERED, FAILED, TIMED_OUT, REFUSED, RESET = 0, 1, 3, 4, 5
# Each question over UDP has a port of its own, below those that others get by chance: two from one
# port are the same client to a load balancer.
FIRST_PORT, PORTS = 12000, 20000


def ask(protocol: str, address: str, port: int, timeout: float) -> str:
    """Ask, and give the answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as connection:
        connection.settimeout(timeout)
        if protocol == "udp":
            connection.bind(("", FIRST_PORT + os.getpid() % PORTS))
        connection.connect((address, port))
        if protocol == "http":
            return _ask_http(connection, address)
        connection.sendall(b"who?\n")
        return connection.recv(1024).decode()


def _ask_http(connection: socket.socket, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    received = b""
    while chunk := connection.recv(4096):
        received += chunk
    head, _, body = received.decode().partition("\r\n\r\n")
    status = head.split("\r\n", 1)[0]
    if head and status.split()[1] != "200":
        raise OSError(status)
    return body


def main(arguments: list[str]) -> int:
    """Ask what the command line says."""
    protocol, address, port, timeout = arguments
    try:
        answer = ask(protocol, address, int(port), float(timeout))
    except OSError as error:
        print(error, file=sys.stderr)
        return _status_of(error)
    if not answer:
        print("closed without an answer", file=sys.stderr)
        return RESET
    print(answer, end="")
    return ANSWERED


def _status_of(error: OSError) -> int:
    match error:
        case TimeoutError():
            return TIMED_OUT
        case ConnectionRefusedError():
            return REFUSED
        case ConnectionResetError():
            return RESET
        case _:
            return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
