"""Start scripts/lab from a program, and find out which processes it has started and has left."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = str(REPOSITORY / "scripts/lab")


def lab(*arguments: str, timeout: float = 1100) -> subprocess.CompletedProcess[str]:
    """Run scripts/lab to its end."""
    return subprocess.run(
        [LAB, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start scripts/lab, its output piped."""
    return subprocess.Popen(
        [LAB, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def descendants(process: int) -> set[int]:
    """Every process below one."""
    parents = {
        int(entry.name): int(stat[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (stat := _stat(int(entry.name)))
    }
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def alive(processes: set[int]) -> set[int]:
    """Those of some processes that still run."""
    states = {process: (_stat(process) or ["X"])[0] for process in processes}
    return {process for process, state in states.items() if state not in {"Z", "X"}}


def _stat(process: int) -> list[str]:
    """State, parent and so on; nothing for a process that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return []


def soon(condition: Callable[[], object], seconds: float = 180) -> bool:
    """Tell whether something comes true within a bounded time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
