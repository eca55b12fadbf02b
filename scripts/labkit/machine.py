"""What a provider has to give: how its kernel is started for a job. Also the `host` provider."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from labkit import packages, processor, qemu, syscalls, uml
from labkit.errors import LabError
from labkit.job import REPOSITORY, Job, Output
from labkit.providers import Provider, has_ip_vs
from labkit.relay import FileRelay, NoRelay, PipeRelay, Relay

LAUNCHER = REPOSITORY / "scripts/lab"


@dataclass(frozen=True, slots=True)
class Started:
    """A kernel that runs, and where its command's output comes from."""

    process: subprocess.Popen[bytes]
    relay: Relay


def output_of(provider: Provider, *, interactive: bool) -> Output:
    """Choose how output leaves the kernel."""
    if interactive:
        return Output.TERMINAL
    return {
        Provider.HOST: Output.INHERIT,
        Provider.UML: Output.CONSOLES,
        Provider.QEMU: Output.FILES,
    }[provider]


def build(provider: Provider) -> str:
    """Get the kernel ready, and name it."""
    match provider:
        case Provider.UML:
            return str(uml.build())
        case Provider.QEMU:
            return str(qemu.build().image)
        case Provider.HOST:
            packages.require(provider)
            if os.geteuid() != 0 or not has_ip_vs():
                msg = "the running kernel can't be the lab: it needs root and the module ip_vs"
                raise LabError(msg, hint="scripts/lab --kernel uml needs neither")
            return f"the running kernel, {os.uname().release}"


def start(job: Job, memory: str) -> Started:
    """Start the kernel of the job's provider on the job, whose folder is written already."""
    _write_start(job)
    match job.provider:
        case Provider.HOST:
            return _start_host(job)
        case Provider.UML:
            return _start_uml(job, memory)
        case Provider.QEMU:
            return _start_qemu(job, memory)


def modules_of(provider: Provider) -> str:
    """Give the folder of the kernel's modules where the kernel is not the host's own."""
    return str(qemu.build().modules) if provider is Provider.QEMU else ""


def _write_start(job: Job) -> None:
    """Write the program that the kernel starts: a script, because `init=` takes no arguments."""
    start_file = Path(job.control, "start")
    # -S, because nothing from site-packages is wanted and reading it is slow in there.
    command = shlex.join([sys.executable, "-S", str(LAUNCHER), "inside", job.control])
    start_file.write_text(f"#!/bin/sh\nexec {command}\n")
    start_file.chmod(0o755)


def _start_host(job: Job) -> Started:
    unshare = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork"]
    process = subprocess.Popen(
        [*unshare, "--kill-child=KILL", "--propagation=private", f"{job.control}/start"],
        stdin=None if job.output is Output.TERMINAL else subprocess.DEVNULL,
        start_new_session=job.output is not Output.TERMINAL,
        preexec_fn=_die_with_us,  # noqa: PLW1509  we have no threads
    )
    return Started(process, NoRelay())


def _start_uml(job: Job, memory: str) -> Started:
    if job.output is Output.TERMINAL:
        terminal = (os.dup(0), os.dup(1))
        process = _spawn_uml(job, memory, [f"con0=fd:{terminal[0]},fd:{terminal[1]}"], terminal)
        return Started(process, NoRelay())
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    consoles = ["con0=null,fd:1", f"con1=null,fd:{out_write}", f"con2=null,fd:{err_write}"]
    process = _spawn_uml(job, memory, consoles, (out_write, err_write))
    return Started(process, PipeRelay(out_read, err_read))


def _spawn_uml(
    job: Job, memory: str, consoles: list[str], descriptors: tuple[int, int]
) -> subprocess.Popen[bytes]:
    """Start the kernel with descriptors for its consoles, which are its own from then on."""
    quietest = processor.quietest()

    def in_the_child() -> None:
        _die_with_us()
        os.sched_setaffinity(0, {quietest})
        uml.open_as_many_files_as_may_be()

    with Path(job.control, "console.log").open("wb") as log:
        process = subprocess.Popen(
            [*uml.boot_command(job.control, memory), *consoles],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=descriptors,
            env=uml.boot_environment(job.control, memory),
            start_new_session=job.output is not Output.TERMINAL,
            preexec_fn=in_the_child,  # noqa: PLW1509  we have no threads
        )
    for descriptor in descriptors:
        os.close(descriptor)
    return process


def _start_qemu(job: Job, memory: str) -> Started:
    command = qemu.boot_command(qemu.build(), job, memory)
    if job.output is Output.TERMINAL:
        process = subprocess.Popen(
            command,
            env=qemu.boot_environment(),
            preexec_fn=_die_with_us,  # noqa: PLW1509  we have no threads
        )
        return Started(process, NoRelay())
    with Path(job.control, "console.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=qemu.boot_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_us,  # noqa: PLW1509  we have no threads
        )
    return Started(process, FileRelay(Path(job.control)))


def _die_with_us() -> None:
    # For an end that leaves us no time to clean up, as by kill -9.
    syscalls.die_with_parent(signal.SIGKILL)
