"""What went wrong, in the words of the person who is woken up by it. Pure."""

from __future__ import annotations

import errno
import os

MAX_DETAIL = 160
"""As much of somebody else's text as fits into a line of a log."""

_ERRORS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ECONNABORTED: "connection reset",
    errno.EPIPE: "connection closed",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to the network",
    errno.EHOSTDOWN: "host is down",
    errno.ETIMEDOUT: "no answer",
    errno.EADDRNOTAVAIL: "the director has no local address or port left to ask from",
    errno.EACCES: "the director is not allowed to ask (its firewall, or its rights)",
    errno.EPERM: "the director is not allowed to ask (its firewall, or its rights)",
    errno.ENOPROTOOPT: "protocol unreachable",
    errno.EMSGSIZE: "the question is too long for one datagram",
}
SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})
"""What the director itself has run out of: no fault of the server that was to be asked."""
_SCARCE = {
    errno.EMFILE: "the director has no file descriptors left for this process (LimitNOFILE=)",
    errno.ENFILE: "the director has no file descriptors left (fs.file-max)",
    errno.EAGAIN: "the director can start no more processes (TasksMax=)",
}


def error_words(error: OSError) -> str:
    """Say what the kernel refused."""
    number = error.errno or 0
    known = _ERRORS.get(number) or _SCARCE.get(number)
    if known is None and number in SCARCE:
        known = "the director has no memory left for sockets"
    return known or (os.strerror(number).lower() if number else plain(str(error)))


def bug_words(error: Exception) -> str:
    """Say what no check expected."""
    return plain(f"the check itself failed: {type(error).__name__}: {error}")


def plain(text: str, limit: int = MAX_DETAIL) -> str:
    """Somebody else's text as one printable line, cut where it is too long."""
    line = "".join(char if char.isprintable() else " " for char in text[: 4 * limit])
    line = " ".join(line.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
