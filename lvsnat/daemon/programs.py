"""Tell programs of transitions: one JSON object each on standard input, one after the other.

Each program has a thread of its own, so that one that hangs delays neither a check nor another
program, and none is started twice at once. What it is told comes in order.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Final

from lvsnat.daemon.logs import say
from lvsnat.errors import LvsnatError
from lvsnat.system import Completed, run

TIMEOUT: Final = 10.0
"""Seconds after which a program is killed."""
WAITING: Final = 1000
"""So many transitions wait for one program; of more, the new ones are not told."""

Message = dict[str, object]
Run = Callable[[str, str], Completed]


def run_program(path: str, text: str) -> Completed:
    """Run a program without arguments and without a shell."""
    return run([path], stdin=text, timeout=TIMEOUT)


class Programs:
    """The programs that are told."""

    def __init__(self, run_one: Run = run_program, room: int = WAITING) -> None:
        """``room``: so many transitions wait for each program."""
        self._run = run_one
        self._room = room
        self._waiting: dict[str, queue.Queue[Message | None]] = {}
        self._threads: list[threading.Thread] = []

    def tell(self, paths: Iterable[str], messages: Iterable[Message]) -> None:
        """Have each program told; returns at once."""
        told = list(messages)
        for path in dict.fromkeys(paths):
            waiting = self._waiting_for(path)
            for number, message in enumerate(told):
                try:
                    waiting.put_nowait(message)
                except queue.Full:
                    _say_overflow(path, self._room, len(told) - number)
                    break

    def end(self, patience: float) -> None:
        """Wait at most so many seconds until all is told; what is left then is not."""
        for waiting in self._waiting.values():
            with_room = not waiting.full()
            if with_room:
                waiting.put_nowait(None)
        for thread in self._threads:
            thread.join(patience / len(self._threads))

    def _waiting_for(self, path: str) -> queue.Queue[Message | None]:
        if path not in self._waiting:
            self._waiting[path] = queue.Queue(self._room)
            # A daemon thread: a program that hangs does not keep this process from its end.
            thread = threading.Thread(target=self._work, args=(path,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self._waiting[path]

    def _work(self, path: str) -> None:
        waiting = self._waiting[path]
        while (message := waiting.get()) is not None:
            self._tell_one(path, message)

    def _tell_one(self, path: str, message: Message) -> None:
        try:
            done = self._run(path, json.dumps(message, ensure_ascii=False) + "\n")
        except LvsnatError as error:
            say("notify-failed", f"notify: {error.message}", logging.WARNING, program=path)
            return
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            say(
                "notify-failed",
                f"notify: {path} ended with {done.returncode}: {said}",
                logging.WARNING,
                program=path,
            )


def _say_overflow(path: str, room: int, number: int) -> None:
    say(
        "notify-failed",
        f"notify: {path} is {room} transitions behind: {number} are not told",
        logging.WARNING,
        program=path,
    )
