"""The signals that end a process: held back, or made what Ctrl-C is."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Final

_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and its like back until the block ends: half of it would be worse than none.

    Programs that are run meanwhile hold them back, too.
    """
    came: list[int] = []
    try:
        # What this thread does not take, the kernel gives to another one; Python then interrupts
        # the main thread all the same.
        with _handled_by(lambda number, _: came.append(number)):
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    finally:
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Give the signals that end a process to a handler, except those that are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [one for one in _ENDING if signal.getsignal(one) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def interrupted_by_every_end() -> Iterator[None]:
    """Make ``kill`` and a terminal that goes away what Ctrl-C is: a KeyboardInterrupt.

    What is ignored stays so: nohup(1) means it.
    """

    def interrupt(number: int, frame: object) -> None:
        del frame
        raise KeyboardInterrupt(signal.Signals(number).name)

    with _handled_by(interrupt):
        yield
