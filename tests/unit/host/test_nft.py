"""What nft(8) says, where that needs no kernel; the rest is in tests/kernel."""

from __future__ import annotations

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.host import nft
from lvsnat.system import Completed


@pytest.mark.parametrize("said", ["", "table inet lvsnat {}", "{}"])
def test_a_listing_that_makes_no_sense_is_one_error(said: str) -> None:
    with pytest.raises(LvsnatError, match="what nft lists cannot be read") as caught:
        nft._objects(Completed(0, said, ""))

    assert "nft --version" in str(caught.value.hint)
