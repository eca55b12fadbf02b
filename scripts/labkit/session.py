"""Run one command in a lab kernel: from the control folder's making to the last process's end."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
import termios
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from labkit import machine, syscalls
from labkit.errors import LabError
from labkit.job import REPOSITORY, Job, Output, environment
from labkit.progress import say
from labkit.providers import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

TIMED_OUT = 124
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Request:
    """What to run, and how."""

    provider: Provider
    command: tuple[str, ...]
    memory: str = "2G"
    timeout: float | None = None
    results: Path | None = None
    interactive: bool = False


class _InterruptedError(Exception):
    """A signal asked us to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def run(request: Request) -> int:
    """Run the command and give its exit status, 124 for a time-out, 130 for Ctrl-C."""
    machine.build(request.provider)
    syscalls.adopt_orphans()
    with _control_folder() as control, _ending_on_signals(), _terminal_kept():
        job = _job(request, control)
        job.write()
        started = machine.start(job, request.memory)
        try:
            _follow(started, request.timeout)
        except TimeoutError:
            say(f"ended after {request.timeout:g} s, as --timeout says")
            return TIMED_OUT
        except _InterruptedError as interrupted:
            return interrupted.status
        finally:
            _end(started)
        return _status(job, started)


def _job(request: Request, control: Path) -> Job:
    results = request.results.absolute() if request.results else control / "results"
    results.mkdir(parents=True, exist_ok=True)
    variables = environment(request.provider, str(results))
    output = machine.output_of(request.provider, interactive=request.interactive)
    command = request.command
    if request.interactive:
        command = ("bash", "--init-file", _shell_start(control, variables), "-i")
    plain = output in {Output.CONSOLES, Output.FILES}
    if plain and sys.stdout.isatty() and "NO_COLOR" not in variables:
        # The command sees a pipe, but a person looks at its other end.
        variables.setdefault("FORCE_COLOR", "1")
        variables.setdefault("COLUMNS", str(shutil.get_terminal_size().columns))
    return Job(
        provider=request.provider,
        command=command,
        environment=variables,
        folder=str(_folder()),
        control=str(control),
        results=str(results),
        output=output,
        modules=machine.modules_of(request.provider),
    )


def _shell_start(control: Path, variables: dict[str, str]) -> str:
    """Write what a shell reads first: the user's own start file, and then what that may undo."""
    file = control / "bashrc"
    file.write_text(
        "[ -f ~/.bashrc ] && . ~/.bashrc\n"
        f"export PATH={shlex.quote(variables['PATH'])}\n"
        f"PS1='(lab {variables['LVSNAT_LAB_KERNEL']}) '$PS1\n"
    )
    return str(file)


def _folder() -> Path:
    """Stay where the caller is when that is in the repository, else go to its top."""
    here = Path.cwd()
    return here if here.is_relative_to(REPOSITORY) else REPOSITORY


def _follow(started: machine.Started, timeout: float | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    while started.process.poll() is None:
        left = 1.0 if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        started.relay.step(min(left, 1.0))


def _end(started: machine.Started) -> None:
    """End every process of the kernel, also those whose own parent is gone."""
    if started.process.poll() is None:
        started.process.kill()
        started.process.wait()
    # Nobody outlives the second signal, but on a busy machine it may take a while to be heeded.
    for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 60)):
        deadline = time.monotonic() + patience
        while _signal_descendants(number) and time.monotonic() < deadline:
            time.sleep(0.02)
    started.relay.finish()


def _signal_descendants(number: signal.Signals) -> bool:
    """Signal our children, who have adopted every orphan below us, and reap the dead ones."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    children = _children()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, number)
    return bool(children)


def _children() -> list[int]:
    """List our children; a kernel need not have the file in /proc that would list them at once."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit():
                after_name = (process / "stat").read_text().rpartition(")")[2]
                if int(after_name.split()[1]) == os.getpid():
                    found.append(int(process.name))
    return found


def _status(job: Job, started: machine.Started) -> int:
    file = Path(job.control, "status")
    if file.exists():
        return int(file.read_text())
    log = Path(job.control, "console.log")
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:]) if log.exists() else ""
    msg = f"the {job.provider} kernel ended ({started.process.returncode}) before the command did"
    raise LabError(f"{msg}\n{tail}".rstrip())


@contextmanager
def _control_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lvsnat-lab-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        # A second one must not come between us and the cleaning up.
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise _InterruptedError(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Give the terminal back as it was: the kernel's console puts it into raw mode."""
    if not sys.stdin.isatty():
        yield
        return
    settings = termios.tcgetattr(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, settings)
