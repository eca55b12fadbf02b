"""What the kernel says of IPVS in files and nowhere else: its connections, and their table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lvsnat.errors import LvsnatError
from lvsnat.model.connection import TableState

NET = Path("/proc/thread-self/net")
SYSCTLS = Path("/proc/sys/net/ipv4/vs")


class ProcFiles:
    """Reads the files of the network namespace that the calling thread is in."""

    def __init__(self, net: Path = NET, sysctls: Path = SYSCTLS) -> None:
        self._net = net
        self._sysctls = sysctls

    def connection_lines(self) -> Iterator[str]:
        """Line after line, as the kernel makes them: it is no picture of one moment."""
        path = self._net / "ip_vs_conn"
        try:
            # A persistence engine's data may be any bytes, and no line ends but at \n.
            with path.open(encoding="ascii", errors="backslashreplace", newline="\n") as file:
                yield from file
        except FileNotFoundError:
            raise LvsnatError(
                f"{path} is not there: IPVS is not loaded",
                "run 'sudo modprobe ip_vs'; 'lvsnat status' says what else may be missing",
            ) from None
        except OSError as error:
            raise LvsnatError(f"cannot read {path}: {error.strerror}") from None

    def exist(self) -> bool:
        """Whether this kernel has IPVS at work."""
        return (self._net / "ip_vs_conn").exists()

    def table_state(self) -> TableState:
        """How full the table is, and whether its counters move."""
        limit = _number(_text(self._sysctls / "conn_max"))
        cpus = _text(self._sysctls / "est_cpulist")
        return TableState(
            self._held() if limit is not None else None,
            limit,
            _text(self._sysctls / "run_estimation") != "0" and cpus != "",
        )

    def _held(self) -> int | None:
        for line in (_text(self._net / "ip_vs_status") or "").splitlines():
            name, _, value = line.partition(":")
            if name == "Conns":
                return _number(value.strip())
        return None


def _text(path: Path) -> str | None:
    """What a file says; None where this kernel has no such file, or will not say."""
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace").strip()
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
