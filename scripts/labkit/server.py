"""A background server of a topology: stop it, and read whom it saw."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A program that answers, and writes down its peers."""

    process: subprocess.Popen[str]
    log: Path

    def seen(self) -> list[str]:
        """List the address of each peer that it answered, in order, repeats included."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def stop(self) -> None:
        """Stop it; from now on the port refuses connections."""
        self.process.terminate()
        self.process.communicate(timeout=60)
