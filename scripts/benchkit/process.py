"""Run a program to its end: how long it took, and how much memory it held at most."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex


class BenchError(Exception):
    """Something that was to be measured did not work."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a program."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Place:
    """A network namespace without a past, and a folder for lvsnat's files."""

    namespace: str
    folder: Path
    environment: dict[str, str] = field(repr=False)

    def run(self, *command: str, stdin: Path | None = None, stdout: Path | None = None) -> Sample:
        """Run a command here; what it prints is thrown away, but for its complaints."""
        complaints = self.folder / "complaints"
        with (
            (stdin or Path(os.devnull)).open("rb") as given,
            (stdout or Path(os.devnull)).open("wb") as taken,
            complaints.open("wb") as complained,
        ):
            started = time.monotonic()
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *command],
                stdin=given,
                stdout=taken,
                stderr=complained,
                env=self.environment,
            )
            # ip becomes the command, so that this is the command's own memory.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = complaints.read_text(errors="replace").strip()
            msg = f"{' '.join(command)} failed ({process.returncode}): {said}"
            raise BenchError(msg)
        return Sample(seconds, usage.ru_maxrss / 1024)


@contextmanager
def fresh(folder: Path) -> Iterator[Place]:
    """Make a place, and empty it before it goes, so that the next one is not slowed by that."""
    name = f"bench{token_hex(3)}"
    home = folder / name
    home.mkdir(parents=True)
    environment = os.environ | {
        "LVSNAT_CONFIG": str(home / "lvsnat.toml"),
        "LVSNAT_STATE_DIR": str(home / "state"),
        "LVSNAT_RUN_DIR": str(home / "run"),
    }
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        place = Place(name, home, environment)
        yield place
        place.run("ipvsadm", "-C")
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
