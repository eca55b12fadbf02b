"""A million connections pass through in the memory that a thousand need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import re, sys
from pathlib import Path
from lvsnat.cli.context import Session
from lvsnat.cli.main import app
from lvsnat.director.director import Director
from lvsnat.director.paths import Paths
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.ipvs.proc import ProcFiles

folder = Path(sys.argv[1])
paths = Paths(folder / "no.toml", folder, folder)
director = Director(paths, IpvsBackend(files=ProcFiles(folder)))
try:
    app(sys.argv[2:], obj=Session(lambda *_: director), prog_name="lvsnat")
finally:
    # ru_maxrss would be the parent's where that is larger: a child begins in its memory.
    status = Path("/proc/self/status").read_text()
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], file=sys.stderr)
"""
KERNEL = "TCP {client:08X} {port:04X} C0A80132 0050 C0A802{server:02X} 1F90 ESTABLISHED 899\n"
MILLION = 1_000_000
BLOCK = 50_000
MORE_KILOBYTES = 24_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A folder with a table of a thousand connections, and one of a million."""
    folders = {}
    lines = [
        KERNEL.format(client=0xCB007100 + n % 4096, port=1024 + n, server=n % 16)
        for n in range(BLOCK)
    ]
    for size in (1000, MILLION):
        folders[size] = tmp_path_factory.mktemp(str(size))
        with (folders[size] / "ip_vs_conn").open("w") as file:
            file.write("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n")
            for _ in range(max(size // BLOCK, 1)):
                file.writelines(lines[:size])
    return folders


def peak(folder: Path, *arguments: str) -> tuple[int, int]:
    """The memory that a command needed in kB, and how many lines it wrote."""
    with (folder / "answer").open("w+") as answer:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder), "connections", *arguments],
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        answer.seek(0)
        lines = sum(1 for _ in answer)
    return int(done.stderr.split()[-1]), lines


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["-o", "json"], MILLION + 5),
        (["--client", "203.0.113.0/24"], 62_000),
        (["--by", "client"], 4097),
        (["--count"], 1),
        (["--top", "5"], 20),
    ],
    ids=str,
)
def test_a_million_connections_need_no_more_memory_than_a_thousand(
    tables: dict[int, Path], arguments: list[str], lines: int
) -> None:
    few, _ = peak(tables[1000], *arguments)

    many, written = peak(tables[MILLION], *arguments)

    assert written >= lines
    assert many < few + MORE_KILOBYTES


@pytest.mark.timeout(600)
def test_who_holds_the_most_of_a_million_clients_needs_little_memory(
    tables: dict[int, Path], tmp_path: Path
) -> None:
    with (tmp_path / "ip_vs_conn").open("w") as file:
        for n in range(MILLION):
            # Every tenth connection is of one client.
            file.write(
                KERNEL.format(
                    client=0x0A000000 + (n if n % 10 else 0), port=n % 60_000, server=n % 16
                )
            )
    few, _ = peak(tables[1000], "--by", "client", "--top", "3")

    many, _ = peak(tmp_path, "--by", "client", "--top", "3")

    first = (tmp_path / "answer").read_text().splitlines()[1].split()
    assert first[0] == "10.0.0.0"
    assert 100_000 - 50 <= int(first[1]) <= 100_000
    assert many < few + MORE_KILOBYTES
