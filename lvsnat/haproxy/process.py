"""Our own HAProxy as processes: found, started, reloaded, ended. Never the distribution's.

There is one master at most. It is told to end softly by SIGUSR1, and as long as connections keep it
alive it is also what a new configuration is handed to: so nothing of a process that ends can stand
in the way of one that begins.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lvsnat import system
from lvsnat.errors import LvsnatError
from lvsnat.haproxy import answers
from lvsnat.haproxy.answers import Processes, Worker
from lvsnat.haproxy.complaints import first_of
from lvsnat.haproxy.mapping import RUNTIME_SOCKET, SERVER_STATES
from lvsnat.haproxy.runtime import NobodyListensError, RuntimeSocket, unless_ended

USER: Final = "haproxy"
UNIT: Final = "lvsnat-haproxy.service"
CAPABILITIES: Final = ("net_raw", "net_bind_service")
"""To connect from foreign addresses, and to listen below port 1024."""
SOCKET_MODE: Final = "666"
"""Their directory admits HAProxy's user and root's group alone; lvsnat may be a root that is held
to the modes of files (lvsnat.service)."""
_START_SECONDS: Final = 60.0
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_BOOTED = Path("/run/systemd/system")


@dataclass(frozen=True, slots=True)
class Files:
    """Where HAProxy's configuration and its sockets are."""

    config: Path
    run: Path
    """The directory of the sockets, HAProxy's own."""

    @property
    def replaced(self) -> Path:
        """The last configuration that served, before this one."""
        return self.config.with_name(f"{self.config.name}.lkg")

    @property
    def server_states(self) -> Path:
        """What a process that is reloaded reads of its servers; see ``carryover``."""
        return self.run.with_name(SERVER_STATES)

    @property
    def runtime(self) -> Path:
        return self.run / RUNTIME_SOCKET

    @property
    def master(self) -> Path:
        return self.run / "master.sock"


def program() -> str | None:
    """The absolute path of haproxy, also where PATH is a user's; None if it is not installed."""
    return shutil.which("haproxy") or shutil.which("haproxy", path=_SBIN)


def command_line(haproxy: str, files: Files) -> tuple[str, ...]:
    """What runs it, whoever starts it: a master that is reloaded, and its workers."""
    # Its directory is the root: one that a person stood in could not be unmounted.
    return (haproxy, "-W", "-C", "/", "-f", str(files.config),
            "-S", f"{files.master},mode,{SOCKET_MODE}")  # fmt: skip


class Supervisor(Protocol):
    """Who starts HAProxy, and may signal it."""

    def start(self, descriptors: int) -> None:
        """Start it with so many file descriptors; LvsnatError says why it will not."""
        ...

    def died(self) -> bool:
        """Whether what was started is known to have ended."""
        ...

    def give_up(self) -> None:
        """Try no more to start it."""
        ...

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Signal the master; one that has ended needs none."""
        ...


class Daemon:
    """HAProxy started by ourselves, where systemd does not do it."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def start(self, descriptors: int) -> None:
        """Returns when it listens, or has said why it does not."""
        make_directory(self._files.run)
        # One whose sockets were lost cannot be talked to any more.
        for pid in processes_of(self._files):
            self.signal(pid, signal.SIGUSR1)
        haproxy = program() or "haproxy"
        run, *rest = command_line(haproxy, self._files)
        rights = ",".join(f"+{name}" for name in CAPABILITIES)
        words = (
            "prlimit", f"--nofile={descriptors}:{descriptors}",
            "setpriv", "--reuid", USER, "--regid", USER, "--init-groups",
            "--inh-caps", f"-all,{rights}", "--ambient-caps", f"-all,{rights}",
            "--bounding-set", f"-all,{rights}", "--no-new-privs",
            run, "-D", *rest,
        )  # fmt: skip
        done = system.run(words, timeout=_START_SECONDS)
        if done.returncode != 0:
            raise LvsnatError(f"HAProxy does not start: {first_of(done.stderr)}")

    def died(self) -> bool:
        return not processes_of(self._files)

    def give_up(self) -> None:
        """Nobody tries."""

    def signal(self, pid: int, number: signal.Signals) -> None:
        if pid in processes_of(self._files):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class Unit:
    """HAProxy started by systemd, by the unit that 'lvsnat system install' writes."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def start(self, descriptors: int) -> None:
        """Returns when it was started: whether it listens, its sockets tell."""
        del descriptors  # The unit has a limit of its own.
        _systemctl("reset-failed", UNIT)
        done = _systemctl("restart", UNIT)
        if done.returncode != 0:
            raise LvsnatError(
                f"systemctl cannot start {UNIT}: {first_of(done.stderr)}",
                f"'journalctl -u {UNIT}' has what it said",
            )

    def died(self) -> bool:
        return _systemctl("is-active", "--quiet", UNIT).returncode != 0

    def give_up(self) -> None:
        _systemctl("stop", UNIT)

    def signal(self, pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:  # lvsnat.service may not signal other users' processes.
            _systemctl("kill", "--kill-who=main", f"--signal={number.name}", UNIT)


def supervisor(files: Files) -> Supervisor:
    """The unit if systemd runs and has it for these very files in this network, else ourselves."""
    if _BOOTED.is_dir() and shutil.which("systemctl") and _is_home():
        shown = _systemctl("show", "--property=ExecStart", "--value", UNIT).stdout
        if f"{files.config} " in shown:
            return Unit(files)
    return Daemon(files)


class Instance:
    """Our HAProxy, running or not."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.runtime = RuntimeSocket(files.runtime)
        self.master = RuntimeSocket(files.master)

    def worker(self) -> Worker | None:
        """The process that takes new connections; None if none does."""
        try:
            return answers.worker(self.runtime.ask("show info"))
        except NobodyListensError:
            return None

    def processes(self) -> Processes | None:
        """The master and its workers; None if there is no master."""
        try:
            return answers.processes(self.master.ask("show proc"))
        except NobodyListensError:
            return None

    def ending(self) -> int:
        """How many connections are left of processes that were replaced or stopped.

        HangsError if one does not answer: what it has must not be taken for gone.
        """
        seen = self.processes()
        if seen is None:
            return 0
        workers = (self._of_worker(pid) for pid in (*seen.workers, *seen.old))
        return sum(one.connections for one in workers if one is not None and one.stopping)

    def ask_workers(self, command: str) -> Iterator[str]:
        """What each worker answers, those that end softly too; HangsError as in ``ending``."""
        seen = self.processes()
        for pid in () if seen is None else (*seen.workers, *seen.old):
            with unless_ended():
                yield self.master.ask(f"@!{pid} {command}")

    def all_stopping(self) -> bool:
        """Whether no worker takes anything new any more."""
        seen = self.processes()
        if seen is None:
            return True
        states = [self._of_worker(pid) for pid in seen.workers]
        return all(one is None or one.stopping for one in states)

    def end_leftovers(self, supervisor: Supervisor) -> None:
        """Cut what is left of processes that were replaced or stopped; one that serves goes on."""
        seen = self.processes()
        if seen is None:
            return
        states = {pid: self._of_worker(pid) for pid in (*seen.workers, *seen.old)}
        leftovers = [pid for pid, one in states.items() if one is not None and one.stopping]
        if len(leftovers) == len(states):
            supervisor.signal(seen.master, signal.SIGTERM)
            return
        ours = processes_of(self.files)
        for pid in leftovers:
            if pid in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)

    def _of_worker(self, pid: int) -> Worker | None:
        """What a worker says of itself; None if it has ended meanwhile."""
        found: Worker | None = None
        with unless_ended():
            found = answers.worker(self.master.ask(f"@!{pid} show info"))
        return found  # noqa: RET504 - it is None where the block was left


def processes_of(files: Files) -> set[int]:
    """The processes of haproxy that read our file, as far as /proc shows them."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if words[0].endswith(b"haproxy") and os.fsencode(files.config) in words:
                found.add(int(path.parent.name))
    return found


def make_folder(path: Path) -> None:
    """The place of the configuration: HAProxy's user can read it, whatever the umask."""
    with _explained(path):
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(0o755)
        _let_pass(path.parent)


def make_directory(path: Path) -> None:
    """The place of the sockets: HAProxy's user makes them, and root's group may enter."""
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o750)
        shutil.chown(path, USER, 0)
        _let_pass(path.parent)


def _let_pass(folder: Path) -> None:
    """Let others through a folder of lvsnat's own; they need not see what is in it."""
    mode = folder.stat().st_mode & 0o7777
    if mode & 0o011 != 0o011:  # noqa: PLR2004 - others and the group may enter
        folder.chmod(mode | 0o011)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, LookupError) as error:
        raise LvsnatError(f"cannot prepare {path} for the user {USER}: {error}") from None


def _is_home() -> bool:
    """Whether this is the network namespace of systemd's services, as far as is to be seen."""
    try:
        return Path("/proc/1/ns/net").readlink() == Path("/proc/thread-self/ns/net").readlink()
    except OSError:
        return True


def _systemctl(*words: str) -> system.Completed:
    return system.run(["systemctl", *words], timeout=_START_SECONDS)
