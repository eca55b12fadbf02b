"""The first program inside a lab kernel: move into the overlay, run the command, carry its end out.

On `uml` it is process 1 of the machine, on `host` process 1 of a process namespace, on `qemu` a
child of virtme-ng's init. It ends with the machine.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import termios
import traceback
import tty
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from labkit import overlay, syscalls
from labkit.job import Job, Output
from labkit.providers import Provider

# How often what was written to the results folder is pushed to the outside, in seconds.
SYNC_EVERY = 0.5
CONSOLES = {"stdout": "/dev/tty1", "stderr": "/dev/tty2"}


def main(arguments: list[str]) -> int:
    """Run the job in the control folder; on `host` alone this returns."""
    control = arguments[1]
    provider = Provider.HOST
    try:
        _early_mounts()
        job = Job.read(control)
        provider = job.provider
        overlay.enter(job)
        _prepare_machine(job)
        status = _run(job)
    except Exception:  # noqa: BLE001  process 1 must not die: whatever it is, say it and power off
        # The outside shows the console's end when no status was left.
        traceback.print_exc()
        status = None
    if status is not None:
        _leave_status(control, status)
    if provider is not Provider.HOST:
        _end_machine()
    return 1 if status is None else status


def _early_mounts() -> None:
    if not Path("/proc/self").exists():
        syscalls.mount("proc", "/proc", "proc")


def _prepare_machine(job: Job) -> None:
    os.environ.clear()
    os.environ.update(job.environment)
    if job.provider is not Provider.HOST:
        socket.sethostname("lab")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if job.modules:
        subprocess.run(["modprobe", "--all", "ip_vs", "nf_tables", "veth", "bridge"], check=True)


def _run(job: Job) -> int:
    match job.output:
        case Output.TERMINAL:
            return _run_on_terminal(job)
        case Output.CONSOLES:
            return _run_on_consoles(job)
        case Output.FILES:
            with (
                Path(job.control, "stdout").open("wb", buffering=0) as out,
                Path(job.control, "stderr").open("wb", buffering=0) as err,
            ):
                return _wait(job, _start(job, out, err))
        case Output.INHERIT:
            return _wait(job, _start(job, None, None))


def _start(job: Job, out: BinaryIO | int | None, err: BinaryIO | int | None) -> int:
    """Start the command and give its process number, or say why it can't be, as a shell does."""
    try:
        process = subprocess.Popen(
            job.command,
            cwd=job.folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    except OSError as error:
        text = f"lab: {job.command[0]}: {error.strerror}\n".encode()
        descriptor = err.fileno() if err is not None and not isinstance(err, int) else err
        os.write(2 if descriptor is None else descriptor, text)
        return -126 if isinstance(error, PermissionError) else -127
    # Reaping is done below for every child at once, which Popen must not come between.
    process.returncode = 0
    return process.pid


def _wait(job: Job, process: int) -> int:
    """Wait for one process while reaping every orphan, and give the status as a shell would."""
    if process < 0:
        return -process
    if job.provider is Provider.UML:
        _sync_now_and_then(job)
    while True:
        found, status = os.waitpid(-1, 0)
        if found == process:
            signal.setitimer(signal.ITIMER_REAL, 0)
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


def _sync_now_and_then(job: Job) -> None:
    """Push what was written to the shared folders out, also for a command that is killed later.

    A signal's handler runs between two tries of the wait for the command, which needs no thread.
    """
    shared = tuple(dict.fromkeys((job.control, job.results)))

    def push(_signal: int, _frame: object) -> None:
        for folder in shared:
            syscalls.sync_folder(folder)

    signal.signal(signal.SIGALRM, push)
    signal.setitimer(signal.ITIMER_REAL, SYNC_EVERY, SYNC_EVERY)


def _run_on_consoles(job: Job) -> int:
    """Carry stdout and stderr through a console each, with a pipe between so that neither is a tty.

    Separate processes do the carrying, so that the command is never held up by our own waiting.
    """
    ends: dict[str, int] = {}
    carriers = []
    for name, console in CONSOLES.items():
        read_end, write_end = os.pipe()
        carrier = os.fork()
        if carrier == 0:
            for other in (write_end, *ends.values()):
                os.close(other)
            _carry(read_end, console)
        os.close(read_end)
        ends[name] = write_end
        carriers.append(carrier)
    process = _start(job, ends["stdout"], ends["stderr"])
    for end in ends.values():
        os.close(end)
    status = _wait(job, process)
    _kill_the_rest(carriers)
    for carrier in carriers:
        # One that ended first was reaped by the wait for the command.
        with suppress(ChildProcessError):
            os.waitpid(carrier, 0)
    return status


def _carry(source: int, console: str) -> NoReturn:
    try:
        target = os.open(console, os.O_WRONLY | os.O_NOCTTY)
        tty.setraw(target)
        while chunk := os.read(source, 65536):
            view = memoryview(chunk)
            while view:
                view = view[os.write(target, view) :]
        termios.tcdrain(target)
    finally:
        os._exit(0)


def _kill_the_rest(spared: list[int]) -> None:
    """End what the command left running, which would keep the pipes open for ever."""
    for entry in Path("/proc").iterdir():
        number = int(entry.name) if entry.name.isdigit() else 0
        is_kernel_thread = number and not _command_line(entry)
        if number > 1 and number not in spared and not is_kernel_thread:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _run_on_terminal(job: Job) -> int:
    process = os.fork()
    if process == 0:
        _become_interactive(job)
    return _wait(job, process)


def _become_interactive(job: Job) -> NoReturn:
    try:
        if job.provider is Provider.UML:
            os.setsid()
            terminal = os.open("/dev/tty0", os.O_RDWR)
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            for descriptor in (0, 1, 2):
                os.dup2(terminal, descriptor)
        os.chdir(job.folder)
        os.execvp(job.command[0], job.command)  # noqa: S606
    except OSError as error:
        print(f"lab: {job.command[0]}: {error}", file=sys.stderr)
        os._exit(127)


def _leave_status(control: str, status: int) -> None:
    path = Path(control, "status")
    path.with_suffix(".new").write_text(f"{status}\n")
    path.with_suffix(".new").rename(path)


def _end_machine() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    syscalls.power_off()
    signal.pause()
    raise AssertionError
