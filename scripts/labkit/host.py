"""A host of a topology: a network namespace, with a folder of its own, in which programs run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from labkit import ask, peer
from labkit.errors import LabError
from labkit.server import Server

PEER = str(Path(peer.__file__).resolve())
ASK = str(Path(ask.__file__).resolve())
# -I and -S because the programs need nothing but the standard library and start faster so.
PYTHON = (sys.executable, "-I", "-S")
# Seconds after which a command will never end. On an emulated machine whose real one is busy, a
# start of Python may take a minute.
HUNG = 300.0
# Seconds for an answer that comes at once unless the machine is busy.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: its name, and the address it saw the client at."""

    server: str
    client: str


@dataclass(slots=True)
class Host:
    """One machine of the picture; the addresses are empty where it has none."""

    name: str
    namespace: str
    home: Path
    address: str = ""
    address6: str = ""
    _running: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self,
        *command: str,
        check: bool = True,
        input: str | None = None,  # noqa: A002  the name that subprocess has taught everybody
        timeout: float | None = HUNG,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here and wait for it; one that fails raises, with what it said."""
        done = subprocess.run(
            self.command(*command),
            env=self.environment(),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            said = (done.stderr + done.stdout).strip()
            msg = f"{self.name}: {' '.join(command)} failed ({done.returncode}): {said}"
            raise LabError(msg)
        return done

    def popen(self, *command: str) -> subprocess.Popen[str]:
        """Start a command here, its output piped; it is ended with the topology at the latest."""
        process = subprocess.Popen(
            self.command(*command),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def started(self, *command: str) -> subprocess.Popen[str]:
        """Start a program that says a line when it is ready, and wait for that line."""
        process = self.popen(*command)
        said = process.stdout.readline() if process.stdout else ""
        if not said:
            _, complaint = process.communicate(timeout=HUNG)
            msg = f"{self.name}: {command[0]} ended before it was ready: {complaint.strip()}"
            raise LabError(msg)
        return process

    def daemon(self, *command: str) -> subprocess.Popen[str]:
        """Start a command that may talk for long; what it says goes to `output` in `home`."""
        with (self.home / "output").open("a", encoding="utf-8") as output:
            process = subprocess.Popen(
                self.command(*command),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def command(self, *command: str) -> list[str]:
        """Give the command that runs `command` here, for one who wants to start it otherwise."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def environment(self) -> dict[str, str]:
        """Give the environment of what runs here: each host has lvsnat files of its own."""
        return {
            **os.environ,
            "LVSNAT_CONFIG": str(self.home / "lvsnat.toml"),
            "LVSNAT_STATE_DIR": str(self.home / "state"),
            "LVSNAT_RUN_DIR": str(self.home / "run"),
        }

    def sysctl(self, **settings: int) -> None:
        """Set kernel parameters below /proc/sys/net, dots written as double underscores."""
        pairs = [f"net.{key.replace('__', '.')}={value}" for key, value in settings.items()]
        self.run("sysctl", "--quiet", "--write", *pairs)

    def serve_tcp(self, port: int) -> Server:
        """Answer each line of a TCP connection with this host's name and the peer's address."""
        return self._serve("tcp", port)

    def serve_udp(self, port: int) -> Server:
        """Answer each datagram with this host's name and the peer's address."""
        return self._serve("udp", port)

    def serve_http(self, port: int, status: int = 200) -> Server:
        """Answer each HTTP request so, with one status for all."""
        return self._serve("http", port, status)

    def ask_tcp(self, address: str, port: int, timeout: float = PATIENCE) -> Answer:
        """Connect, ask, and give the answer; TimeoutError or ConnectionError without one."""
        return self._ask("tcp", address, port, timeout)

    def ask_udp(self, address: str, port: int, timeout: float = PATIENCE) -> Answer:
        """Send one datagram and give the answer; TimeoutError or ConnectionError without one."""
        return self._ask("udp", address, port, timeout)

    def ask_http(self, address: str, port: int, timeout: float = PATIENCE) -> Answer:
        """Send one HTTP request; OSError for a status other than 200, too."""
        return self._ask("http", address, port, timeout)

    def stop_all(self) -> None:
        """End every program that was started here."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self._running.clear()

    def _serve(self, protocol: str, port: int, status: int = 200) -> Server:
        log = self.home / f"{protocol}-{port}.seen"
        words = (protocol, str(port), self.name, str(log), str(status))
        process = self.popen(*PYTHON, PEER, *words)
        if process.stdout is None or process.stdout.readline() != "ready\n":
            process.kill()
            said = process.communicate()[1].strip()
            msg = f"{self.name}: can't serve {protocol} on port {port}: {said}"
            raise LabError(msg)
        return Server(process, log)

    def _ask(self, protocol: str, address: str, port: int, timeout: float) -> Answer:
        words = (protocol, address, str(port), str(timeout))
        done = self.run(*PYTHON, ASK, *words, check=False, timeout=timeout + HUNG)
        if done.returncode == ask.ANSWERED:
            server, client = done.stdout.split()
            return Answer(server, client)
        kinds = {
            ask.TIMED_OUT: TimeoutError,
            ask.REFUSED: ConnectionRefusedError,
            ask.RESET: ConnectionResetError,
        }
        raise kinds.get(done.returncode, OSError)(
            f"{self.name} asked {protocol} {address} port {port}: {done.stderr.strip()}"
        )
