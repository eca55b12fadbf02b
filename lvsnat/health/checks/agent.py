"""The agent-check of HAProxy: a server says on a TCP port how much it wants to carry. Pure.

Its words, from HAProxy's configuration manual ("agent-check"): ``75%``, ``maxconn:N``, ``ready``,
``drain``, ``maint``, ``down``, ``failed``, ``stopped`` with ``#a reason``, ``up``. They end with
the line or with the connection. Unlike there, each answer stands for itself: what it does not
say is as usual.
"""

from __future__ import annotations

import re

from lvsnat.health.checks.words import plain
from lvsnat.health.values import Answer

MAX_LINE = 1024
MOST_PER_CENT = 256 * 100
"""HAProxy's own limit: 256 times the weight of the configuration."""

_END = re.compile(rb"[\r\n\0]")
_SPACE = re.compile(r"[ \t,]+")
_SHARE = re.compile(r"([0-9]{1,6})%")
_LIMIT = re.compile(r"maxconn:[0-9]+")
_BAD = frozenset({"down", "fail", "failed", "stopped"})


class AgentTalk:
    """Reads one line."""

    def __init__(self, send: str | None) -> None:
        self._out = (send or "").encode()
        self._line = bytearray()

    @property
    def missing(self) -> str:
        return "no end of its line" if self._line else "no answer"

    def outgoing(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes) -> Answer | None:
        self._line += data
        end = _END.search(self._line)
        if end is None and data and len(self._line) < MAX_LINE:
            return None
        line = self._line[: min(end.start() if end else MAX_LINE, MAX_LINE)]
        return agent_answer(line.decode("utf-8", "replace"))


def agent_answer(line: str) -> Answer:
    """What a line of an agent means."""
    said, _, reason = line.partition("#")
    words = [word.lower() for word in _SPACE.split(said.strip()) if word]
    reason = plain(reason)
    detail = plain(f"agent says {' '.join(words)}{': ' if reason else ''}{reason}")
    unknown = [word for word in words if not _known(word)]
    if not words or unknown:
        what = repr(plain(line, 60)) if line.strip() else "nothing"
        return Answer(ok=False, detail=f"not an answer of an agent: {what}")
    if "maint" in words:
        return Answer(ok=True, detail=detail, maintenance=True)
    if _BAD & set(words):
        return Answer(ok=False, detail=detail)
    share = 0 if "drain" in words else _share(words)
    return Answer(ok=True, detail=detail, share=share)


def _share(words: list[str]) -> int | None:
    shares = [int(found[1]) for word in words if (found := _SHARE.fullmatch(word))]
    return min(shares[-1], MOST_PER_CENT) if shares else None


def _known(word: str) -> bool:
    return (
        word in _BAD
        or word in {"up", "ready", "drain", "maint"}
        or _SHARE.fullmatch(word) is not None
        or _LIMIT.fullmatch(word) is not None
    )
