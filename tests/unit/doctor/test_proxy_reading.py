"""What is read of HAProxy, as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.doctor.proxy import room

PORT = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("span", "reserved", "left"),
    [
        ("10240\t32767\n", "\n", 22_528),
        ("10240\t32767\n", "10242-32767\n", 2),
        ("10240\t32767\n", "8080,10240,40000-50000\n", 22_527),
        ("10240\t10249\n", "9000-10244,10249-65535\n", 4),
    ],
)
def test_reserved_ports_are_no_source_ports(span: str, reserved: str, left: int) -> None:
    assert room(span, reserved) == left


@given(PORT, PORT, st.sets(PORT))
def test_what_is_left_is_what_nobody_keeps(one: int, other: int, kept: set[int]) -> None:
    first, last = sorted((one, other))

    left = room(f"{first}\t{last}\n", ",".join(map(str, sorted(kept))) + "\n")

    assert left == len(set(range(first, last + 1)) - kept)
