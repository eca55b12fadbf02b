from __future__ import annotations

import pytest

from lvsnat.ipvs import wire


def test_values_are_padded_to_four_bytes() -> None:
    assert wire.u8(1, 7).hex() == "0500010007000000"
    assert wire.u16_be(2, 80).hex() == "0600020000500000"
    assert wire.text(6, "rr").hex() == "0700060072720000"


def test_a_nest_says_that_it_is_one() -> None:
    assert wire.nest(1, wire.u32(5, 1)).hex() == "0c0001800800050001000000"


def test_a_reader_gives_the_wanted_values_in_the_wanted_order() -> None:
    reader = wire.AttributeReader((3, 1, 9), blobs={3})
    data = wire.u32(1, 17) + wire.u16(2, 5) + wire.u16_be(3, 80)

    assert reader.read(data, 0, len(data)) == (b"\0P", 17, None)


def test_a_reader_tells_layouts_of_the_same_length_apart() -> None:
    reader = wire.AttributeReader((1, 2))
    one = wire.u32(1, 17) + wire.u16(2, 5)
    other = wire.u16(2, 5) + wire.u32(1, 17)
    short = wire.u16(1, 17) + wire.u8(2, 5)

    for data in (one, other, short, one, other, short):
        assert reader.read(data, 0, len(data)) == (17, 5)


def test_a_reader_reads_from_the_middle() -> None:
    reader = wire.AttributeReader((1, 2))
    data = b"xxxx" + wire.u32(1, 17) + b"yyyy"

    assert reader.read(data, 4, 12) == (17, None)


@pytest.mark.parametrize("data", [b"\x08", b"\x02\x00\x01\x00", b"\x20\x00\x01\x00\x00\x00"])
def test_torn_attributes_are_said(data: bytes) -> None:
    with pytest.raises(wire.UnreadableError, match="cannot be read"):
        list(wire.attributes(data, 0, len(data)))
