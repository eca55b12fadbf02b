"""lvsnat run from a process that has loaded it: the same program, without the second that it loads.

End-to-end tests run it a thousand times, and on a kernel in user mode most of a run is Python
loading modules. Here a server that has them forks for each run; the fork enters the network
namespace, takes the run's own streams, environment and words, and calls what ``lvsnat`` calls. What
a test wants to kill, to keep or to start otherwise it starts as everybody does: ``Host.run`` and
``Host.popen`` know nothing of this.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from labkit.host import HUNG, Host

_CLONE_NEWNET: Final = 0x40000000
_LONGEST: Final = 1 << 17
"""Bytes of a request: words and environment."""
_DESCRIPTORS: Final = 5
"""Three streams, the pipe for the exit code, the network namespace."""


def run(
    host: Host, *words: str, check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``lvsnat`` on a host and wait for it, as ``Host.run`` does."""
    surroundings = {**host.environment(), **variables}
    done = run_in(Path("/run/netns", host.namespace), words, surroundings)
    assert not check or done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
    return done


def run_here(
    words: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``lvsnat`` in the network namespace of this thread and wait for it."""
    return run_in(Path("/proc/thread-self/ns/net"), words, environment)


def run_in(
    namespace: Path, words: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``lvsnat`` in a network namespace and wait for it."""
    request = {"words": words, "environment": dict(environment), "folder": str(Path.cwd())}
    reading, writing = os.pipe()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        Path(os.devnull).open("rb") as nothing,
        namespace.open("rb") as space,
        os.fdopen(reading, "rb") as ending,
    ):
        files = [one.fileno() for one in (nothing, out, err)]
        with os.fdopen(writing, "wb"):
            socket.send_fds(
                _server(), [json.dumps(request).encode()], [*files, writing, space.fileno()]
            )
        if not select.select([ending], [], [], HUNG)[0]:
            raise subprocess.TimeoutExpired("lvsnat", HUNG)
        told = ending.read()
        # One that ended without a word was killed.
        code = int(told) if told else -signal.SIGKILL
        return subprocess.CompletedProcess(["lvsnat", *words], code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _server() -> socket.socket:
    """Start the server; it ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        started = subprocess.Popen([sys.executable, __file__, str(number)], pass_fds=[number])

    def end() -> None:
        ours.close()
        started.wait()

    atexit.register(end)
    return ours


def serve(requests: socket.socket) -> None:
    """Fork for each request, until nobody can ask any more."""
    _load()
    # Nobody waits for the forks: they tell how they end by themselves.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, _DESCRIPTORS)
        if not text:
            return
        if os.fork() == 0:
            requests.close()
            _become(json.loads(text), descriptors)
        for one in descriptors:
            os.close(one)


def _load() -> None:
    for name in ("boto3", "pyroute2", "regex"):
        import_module(name)
    package = import_module("lvsnat")
    for found in pkgutil.walk_packages(package.__path__, "lvsnat."):
        if not found.name.startswith("lvsnat.ui.live"):
            import_module(found.name)


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    *streams, ending, namespace = descriptors
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        os.write(2, os.strerror(ctypes.get_errno()).encode())
        os._exit(1)
    os.close(namespace)
    sys.argv = ["lvsnat", *request["words"]]
    os.write(ending, str(_outcome()).encode())
    os._exit(0)


def _outcome() -> int:
    """Run the program to its very end, as the interpreter does; its exit code."""
    from lvsnat.__main__ import main

    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
