"""What root alone can do with files; what anybody can is in tests/unit/test_system.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvsnat.system import write_file

pytestmark = pytest.mark.kernel


def test_a_file_keeps_its_owner_and_its_group(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    os.chown(path, 12, 34)

    write_file(path, "new")

    now = path.stat()
    assert (now.st_uid, now.st_gid, now.st_mode & 0o777) == (12, 34, 0o640)
