"""Where checks are compared: a director, and a machine that answers on every address of a network.

Two network namespaces with one wire between them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from secrets import token_hex

from benchkit import acceptor
from benchkit.process import BenchError

PORT = 8080
FIRST = IPv4Address("10.0.0.1")
SERVERS = "10.0.0.0/16"
BLOCK = "add table ip block; add chain ip block in { type filter hook input priority 0; }; "
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Wire:
    """The two machines."""

    director: str
    far: str
    folder: Path
    acceptor: subprocess.Popen[str]
    environment: dict[str, str] = field(repr=False)

    def start(self, *command: str, pipes: bool = False) -> subprocess.Popen[str]:
        """Start a program on the director; what it complains of goes to a file."""
        with (self.folder / "complaints").open("a", encoding="utf-8") as complaints:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.director, *command],
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else complaints,
                stderr=complaints,
                text=True,
                env=self.environment,
            )

    def on_director(self, *command: str) -> str:
        """Run a command there to its end, and give what it prints."""
        return _run("ip", "netns", "exec", self.director, *command, env=self.environment)

    def connections(self) -> int:
        """How many connections have been accepted so far."""
        return int(ask(self.acceptor))

    @contextmanager
    def broken(self, address: IPv4Address, verdict: str) -> Iterator[None]:
        """One address does not answer meanwhile; ``verdict`` is nft's."""
        rule = f"add rule ip block in ip daddr {address} tcp dport {PORT} {verdict}"
        words = BLOCK + rule
        _run("ip", "netns", "exec", self.far, "nft", words)
        try:
            yield
        finally:
            _run("ip", "netns", "exec", self.far, "nft", "delete table ip block")

    def complaints(self) -> str:
        """What programs on the director complained of."""
        return (self.folder / "complaints").read_text(encoding="utf-8", errors="replace")


@contextmanager
def wired(folder: Path) -> Iterator[Wire]:
    """Make both, and let them go."""
    mark = token_hex(3)
    director, far = f"director{mark}", f"far{mark}"
    home = folder / mark
    home.mkdir(parents=True)
    environment = os.environ | {
        "LVSNAT_CONFIG": str(home / "lvsnat.toml"),
        "LVSNAT_STATE_DIR": str(home / "state"),
        "LVSNAT_RUN_DIR": str(home / "run"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    try:
        _lay(director, far)
        program = str(Path(acceptor.__file__).resolve())
        words = [sys.executable, "-I", "-S", program, str(PORT)]
        with subprocess.Popen(
            ["ip", "netns", "exec", far, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            _insist_on_ready(process)
            yield Wire(director, far, home, process, environment)
            process.kill()
    finally:
        for name in (director, far):
            subprocess.run(["ip", "netns", "delete", name], check=False)


def ask(process: subprocess.Popen[str]) -> str:
    """Give a program a line, and return the one that it answers with."""
    if process.stdin is None or process.stdout is None:
        msg = "the program has no pipes"
        raise BenchError(msg)
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        msg = f"{process.args!r} has ended"
        raise BenchError(msg)
    return line


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used, in the kernel and beside it (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int) -> float:
    """The memory that a process holds at the moment."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    found = next(line for line in lines if line.startswith("VmRSS:"))
    return int(found.split()[1]) / 1024


def _lay(director: str, far: str) -> None:
    for name in (director, far):
        _run("ip", "netns", "add", name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
    _run("ip", "-n", director, "link", "add", "wire", "type", "veth", "peer", "wire", "netns", far)
    for name, last in ((director, 1), (far, 2)):
        _run("ip", "-n", name, "address", "add", f"10.255.0.{last}/24", "dev", "wire")
        _run("ip", "-n", name, "link", "set", "wire", "up")
    _run("ip", "-n", director, "route", "add", SERVERS, "via", "10.255.0.2")
    _run("ip", "-n", far, "route", "add", "local", SERVERS, "dev", "lo")
    _run("ip", "netns", "exec", far, "sysctl", "-qw", "net.core.somaxconn=8192")


def _insist_on_ready(process: subprocess.Popen[str]) -> None:
    if process.stdout is None or process.stdout.readline() != "ready\n":
        msg = "the program that accepts connections did not start"
        raise BenchError(msg)


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        msg = f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()}"
        raise BenchError(msg)
    return done.stdout
