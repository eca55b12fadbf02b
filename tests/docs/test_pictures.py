"""The pictures of the documentation are those that scripts/pictures takes, and pages show them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from photographer import PICTURES, TEXT, in_columns

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SHOWN = re.compile(r"!\[[^\]]+\]\([\w./-]*images/(\w+)\.svg\)")


def test_every_picture_can_be_taken_anew() -> None:
    assert {picture.stem for picture in IMAGES.iterdir()} == PICTURES.keys()


def test_every_picture_is_shown_with_words_for_those_who_do_not_see_it() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    shown = {name for page in pages for name in SHOWN.findall(page.read_text(encoding="utf-8"))}

    assert shown == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_fetches_nothing(name: str) -> None:
    drawing = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")

    assert not re.findall(r"url\(['\"]?https?:|<image|@import", drawing)


def test_each_column_of_a_picture_has_a_place_of_its_own() -> None:
    line = (
        '<text class="r1" x="10" y="20" textLength="100" clip-path="url(#l)">'
        "&#160;&#160;a&#160;b&#160;&#160;c&gt;d</text>"
    )

    assert re.findall(r' x="([\d.]+)".*?>([^<]*)<', TEXT.sub(in_columns, line)) == [
        ("30.0", "a&#160;b"),
        ("80.0", "c&gt;d"),
    ]
