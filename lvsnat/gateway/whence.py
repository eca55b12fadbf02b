"""Through which ssh connection somebody works on this server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SSH_CONNECTION"
PROC = Path("/proc")


def ssh_connection(
    environment: Mapping[str, str], proc: Path = PROC, parent: int | None = None
) -> str:
    """What sshd says of the connection: from the environment, or from that of who started this.

    sudo takes the variable away, and is what most people work with. Empty where nobody knows.
    """
    found = environment.get(VARIABLE, "")
    process = os.getppid() if parent is None else parent
    while not found and process > 1:
        try:
            entries = (proc / str(process) / "environ").read_bytes().split(b"\0")
            stat = (proc / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # It has ended, or is somebody else's.
            break
        values = [one.decode(errors="replace").partition("=") for one in entries]
        found = next((value for name, _, value in values if name == VARIABLE), "")
        # The name of the program, in parentheses, may hold spaces itself (proc_pid_stat(5)).
        process = int(stat.rpartition(")")[2].split()[1])
    return found
