"""What is found before HAProxy is started: the program, and folders that its user may not enter."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.haproxy.preflight import check_program, check_reach, descriptors

GOOD = """\
HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/
Feature list : +EPOLL -KQUEUE +TPROXY +LINUX_TPROXY
"""


@pytest.mark.parametrize("version", ["2.6.12-1+deb12u4", "3.2.0-0de2e49", "10.0"])
def test_a_version_that_is_new_enough_will_do(version: str) -> None:
    check_program(GOOD.replace("2.6.12-1+deb12u4", version))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (GOOD.replace("2.6.12", "2.4.22"), r"HAProxy 2\.4 is too old"),
        (GOOD.replace("2.6.12", "1.8.30"), r"HAProxy 1\.8 is too old"),
        (GOOD.replace("+TPROXY", "-TPROXY"), "built without TPROXY"),
        ("", "does not say its version"),
    ],
)
def test_a_program_that_will_not_do_is_named_with_a_cure(said: str, complaint: str) -> None:
    with pytest.raises(LvsnatError, match=complaint) as caught:
        check_program(said)

    assert "install" in (caught.value.hint or "")


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(LvsnatError, match="may not enter"):
        check_reach(closed / "lvsnat" / "haproxy")


def test_every_connection_needs_two_files() -> None:
    assert descriptors(20_000, 2, 4) > 40_000
