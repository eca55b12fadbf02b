"""Skip what needs a kernel with IPVS where there is none, and say how to get one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

IN_THE_LAB = os.environ.get("LVSNAT_LAB") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("kernel") and not IN_THE_LAB:
            item.add_marker(pytest.mark.skip("needs a lab kernel: scripts/lab test tests/lab"))
