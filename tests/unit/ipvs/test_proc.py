"""The kernel's files about IPVS, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.ipvs.proc import ProcFiles
from lvsnat.model.connection import TableState

STATUS_7_2 = "Conns:\t12\nConn buckets:\t256 (8 bits, lfactor -2)\n"


def files(folder: Path, **contents: str) -> ProcFiles:
    for name, text in contents.items():
        (folder / name).write_text(text)
    return ProcFiles(folder, folder)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ({}, TableState()),
        ({"run_estimation": "1\n"}, TableState()),
        ({"run_estimation": "0\n"}, TableState(estimating=False)),
        ({"run_estimation": "1\n", "est_cpulist": "0-3\n"}, TableState()),
        ({"run_estimation": "1\n", "est_cpulist": "\n"}, TableState(estimating=False)),
        ({"conn_max": "1000\n", "ip_vs_status": STATUS_7_2}, TableState(12, 1000)),
        ({"conn_max": "1000\n"}, TableState(None, 1000)),
    ],
    ids=str,
)
def test_the_table_is_described_as_far_as_the_kernel_does(
    tmp_path: Path, contents: dict[str, str], expected: TableState
) -> None:
    assert files(tmp_path, **contents).table_state() == expected


def test_lines_come_as_the_kernel_ends_them(tmp_path: Path) -> None:
    (tmp_path / "ip_vs_conn").write_bytes(b"one\rstill one\ntwo\xff\n")

    lines = list(ProcFiles(tmp_path, tmp_path).connection_lines())

    assert lines == ["one\rstill one\n", "two\\xff\n"]


def test_without_ipvs_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LvsnatError, match="IPVS is not loaded") as error:
        list(files(tmp_path).connection_lines())

    assert "modprobe ip_vs" in str(error.value.hint)


def test_ipvs_is_loaded_where_it_has_its_files(tmp_path: Path) -> None:
    assert not files(tmp_path).exist()
    assert files(tmp_path, ip_vs_conn="").exist()
