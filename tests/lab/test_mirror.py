from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labkit.errors import LabError
from labkit.mirror import Source, debian_mirror, is_debian_archive, parse_deb822, parse_one_line

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
Types: deb
# http://snapshot.invalid/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] https://vendor.example/apt cloud main
deb-src http://mirror.example/debian bookworm main
deb [trusted=no] http://mirror.example/debian/ bookworm main contrib
"""


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LVSNAT_DEBIAN_MIRROR", raising=False)


def test_deb822_gives_every_uri_with_every_suite() -> None:
    assert parse_deb822(DEB822) == [
        Source("http://mirror.example/debian", "bookworm"),
        Source("http://mirror.example/debian", "bookworm-updates"),
        Source("http://mirror.example/debian-security", "bookworm-security"),
    ]


def test_a_disabled_stanza_is_left_out() -> None:
    stanza = "Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"

    assert parse_deb822(stanza) == []


def test_uris_may_go_on_in_the_next_line() -> None:
    stanza = (
        "Types: deb\nURIs: http://one.example/debian\n http://two.example/debian\nSuites: sid\n"
    )

    assert [source.uri for source in parse_deb822(stanza)] == [
        "http://one.example/debian",
        "http://two.example/debian",
    ]


def test_one_line_style_skips_comments_options_and_sources() -> None:
    assert parse_one_line(ONE_LINE) == [
        Source("https://vendor.example/apt", "cloud"),
        Source("http://mirror.example/debian/", "bookworm"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        Source("http://mirror.example/debian-security", "bookworm-security"),
        Source("https://vendor.example/apt", "cloud"),
        Source("http://mirror.example/ubuntu", "noble"),
        Source("https://vendor.example/debian", "stable/cloud"),
    ],
)
def test_other_archives_are_not_debians(source: Source) -> None:
    assert not is_debian_archive(source)


def test_the_mirror_is_found_among_other_archives(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb https://vendor.example/apt cloud main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)

    assert debian_mirror(tmp_path) == "http://mirror.example/debian"


def test_a_mirror_that_is_told_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LVSNAT_DEBIAN_MIRROR", "http://told.example/debian/")

    assert debian_mirror(tmp_path) == "http://told.example/debian"


def test_without_a_mirror_the_error_says_how_to_tell_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no Debian archive") as caught:
        debian_mirror(tmp_path)

    assert "LVSNAT_DEBIAN_MIRROR=" in caught.value.hint
