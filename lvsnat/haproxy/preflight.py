"""What can be seen to fail before HAProxy is started or reloaded. Changes nothing.

``haproxy -c`` reads a text and no more: it sees neither ports that are taken nor missing rights.
"""

from __future__ import annotations

import errno
import grp
import pwd
import re
import resource
import shutil
import socket
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from lvsnat import system
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.haproxy.process import CAPABILITIES, USER, program
from lvsnat.haproxy.sockets import conflicts, holder
from lvsnat.model.endpoint import Endpoint, Family

OLDEST: Final = (2, 6)
"""The first version with 'balance hash', and the oldest that this was tried with."""
_BITS: Final = {"net_bind_service": 10, "net_raw": 13, "setgid": 6, "setuid": 7, "setpcap": 8}
"""Of linux/capability.h."""
_NET_ADMIN: Final = 12
_SYS_RESOURCE: Final = 24
_STATUS = Path("/proc/self/status")
_NR_OPEN = Path("/proc/sys/fs/nr_open")
_PER_CONNECTION = 2
_SPARE = 1000
"""Files beside those of connections: listeners, checks, sockets to talk to it."""


def descriptors(maxconn: int, places: int, servers: int) -> int:
    """How many files HAProxy may need to have open."""
    return _PER_CONNECTION * maxconn + places + 2 * servers + _SPARE


def check_program(said: str | None = None) -> None:
    """Raise LvsnatError unless HAProxy is here, new enough and able to connect as the client.

    ``said`` is what ``haproxy -vv`` prints; where it is None, it is asked.
    """
    if said is None:
        said = system.run([_program(), "-vv"]).stdout
    found = re.search(r"HAProxy version (\d{1,4})\.(\d{1,4})\S*", said, re.IGNORECASE)
    oldest = ".".join(map(str, OLDEST))
    if found is None:
        raise LvsnatError(
            "the program haproxy does not say its version", f"install HAProxy {oldest} or later"
        )
    if (int(found[1]), int(found[2])) < OLDEST:
        raise LvsnatError(
            f"HAProxy {found[1]}.{found[2]} is too old",
            f"install {oldest} or later: backports and haproxy.debian.net have it",
        )
    if not re.search(r"\+TPROXY\b", said) and "IP_TRANSPARENT" not in said:
        raise LvsnatError(
            "this HAProxy was built without TPROXY: it cannot connect from the client's address",
            "install a distribution's own package, or build it with USE_LINUX_TPROXY=1",
        )


def check_start(needed: int) -> None:
    """Raise LvsnatError unless we may start it ourselves, with so many open files."""
    for word in ("setpriv", "prlimit"):
        if shutil.which(word) is None:
            raise LvsnatError(f"the program {word} is missing", "install the package util-linux")
    try:
        pwd.getpwnam(USER)
        grp.getgrnam(USER)
    except KeyError:
        raise LvsnatError(
            f"there is no user {USER}, or no group of this name",
            f"the package haproxy makes them; or: useradd --system --user-group {USER}",
        ) from None
    missing = [name for name in (*CAPABILITIES, *_BITS) if not _has(_BITS[name])]
    if missing:
        names = ", ".join(f"CAP_{name.upper()}" for name in dict.fromkeys(missing))
        raise LvsnatError(
            f"HAProxy cannot be started: {names} missing",
            "run it as root (sudo); a container must be given these capabilities",
        )
    limit = _limit()
    if needed > limit:
        raise LvsnatError(
            f"HAProxy would need {needed} open files, and no more than {limit} are allowed",
            "lower maxconn under [haproxy], or raise the limit: 'ulimit -n', fs.nr_open",
        )


def check_ports(
    places: Collection[Endpoint], side_ports: Collection[int], ours: Collection[int]
) -> None:
    """Raise RefusedError if somebody else listens where HAProxy is to listen.

    ``ours`` are the processes that may: they give way.
    """
    found = [(place, one, holder(one.inode)) for place, one in conflicts(places)]
    taken = [(place, one, pid) for place, one, pid in found if pid not in ours]
    if not taken:
        return
    lines = [
        f"{place} is taken by {process_name(pid)}"
        + ("" if one.place == place else f", which listens on {one.place}")
        for place, one, pid in taken
    ]
    hint = "stop that program, or have it listen on other addresses than the service's"
    if any(place.port in side_ports for place, *_ in taken):
        hint = "side_port_offset under [haproxy] moves the ports that a switch needs for a while"
    raise RefusedError("\n".join(lines), f"{hint}; nothing was changed")


def check_text(path: Path, *, as_user: bool) -> system.Completed:
    """Have HAProxy read a file, with the rights that it will have if we can give them."""
    words = [_program(), "-c", "-f", str(path)]
    if as_user:
        words = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", *words]
    return system.run(words, timeout=60)


def check_reach(*folders: Path) -> None:
    """Raise LvsnatError if HAProxy's user may not pass to a folder of ours."""
    for folder in folders:
        # The folder's own parent is ours, too, and is opened when it is needed.
        for above in reversed(folder.parents[1:]):
            if above.exists() and not above.stat().st_mode & 0o001:
                raise LvsnatError(
                    f"{above}: the user {USER} may not enter, and {folder} is below it",
                    f"chmod o+x {above}; or LVSNAT_STATE_DIR and LVSNAT_RUN_DIR elsewhere",
                )


def unbindable(places: Iterable[Endpoint]) -> Iterator[str]:
    """Where nobody can listen now, and why."""
    for place in places:
        family = socket.AF_INET if place.family is Family.IPV4 else socket.AF_INET6
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((str(place.address), place.port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    yield f"HAProxy cannot listen on {place}: this host has no such address"
                elif error.errno == errno.EADDRINUSE:
                    yield f"HAProxy cannot listen on {place}: the port is taken"


def may_become_user() -> bool:
    """Whether we may run a program as HAProxy's user."""
    return _has(_BITS["setuid"]) and _has(_BITS["setgid"]) and bool(shutil.which("setpriv"))


def _program() -> str:
    found = program()
    if found is None:
        raise LvsnatError(
            "the program haproxy is not installed",
            "apt install haproxy, or dnf install haproxy; its own service may stay disabled:"
            " lvsnat runs an instance of its own",
        )
    return found


def may_spoof(pid: int) -> bool:
    """Whether a process may connect from the clients' addresses; OSError where it is gone."""
    held = _capabilities(Path(f"/proc/{pid}/status"))
    return any(held >> bit & 1 for bit in (_BITS["net_raw"], _NET_ADMIN))


def _has(bit: int) -> bool:
    """Whether this process has a capability."""
    return bool(_capabilities(_STATUS) >> bit & 1)


def _capabilities(status: Path) -> int:
    """The effective ones, a bit for each."""
    # The name of the program stands there, too, and may be of any letters.
    text = status.read_text("utf-8", errors="replace")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", text, re.MULTILINE)
    return 0 if found is None else int(found[1], 16)


def process_name(pid: int | None) -> str:
    """How a process is told of: ``nginx (process 12)``."""
    if pid is None:
        return "another process"
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text('utf-8').strip()} (process {pid})"
    except OSError:
        return f"process {pid}"


def _limit() -> int:
    """How many files a process that we start may have open."""
    if _has(_SYS_RESOURCE):
        return int(_NR_OPEN.read_text("ascii"))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
