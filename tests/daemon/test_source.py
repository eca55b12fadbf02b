"""The configuration on the disk, as it changes under a daemon: what is in force, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsnat.config.problems import ConfigError
from lvsnat.daemon.source import SETTLED, Source
from lvsnat.director.wish import read
from lvsnat.system import write_file

ONE = '[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:80"\n'
TWO = ONE + '[[service]]\nname = "mail"\nlisten = "tcp/192.168.1.50:25"\n'
BROKEN = ONE + "[[service]\n"


class File:
    """A source over a file, and a clock that is told the time."""

    def __init__(self, path: Path, text: str | None) -> None:
        self.path = path
        if text is not None:
            write_file(path, text)
        self.source = Source(path, read)
        self.source.begin()
        self.now = 100.0

    def write(self, text: str) -> None:
        write_file(self.path, text)

    def look(self, later: float = 0.0, *, at_once: bool = False) -> bool:
        self.now += later
        return self.source.look(self.now, at_once=at_once)

    def settle(self) -> bool:
        """Look, and again when the file has been left alone."""
        return self.look() or self.look(SETTLED)

    @property
    def names(self) -> list[str]:
        return [service.name for service in self.source.config.services]


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "lvsnat.toml", ONE)


def test_a_file_that_stays_is_read_once(file: File) -> None:
    assert not file.settle()
    assert not file.source.pending()
    assert file.names == ["web"]


def test_a_change_is_in_force_when_the_file_is_left_alone(file: File) -> None:
    file.write(TWO)

    assert not file.look()
    assert file.source.pending()
    assert file.names == ["web"]
    assert file.look(SETTLED)
    assert not file.source.pending()
    assert file.names == ["web", "mail"]


def test_a_change_of_a_change_is_waited_for_again(file: File) -> None:
    file.write(BROKEN)
    file.look()
    file.write(TWO)

    assert not file.look(SETTLED)
    assert file.look(SETTLED)
    assert file.source.problems == ()


def test_one_who_says_that_it_is_finished_is_believed(file: File) -> None:
    file.write(TWO)

    assert file.look(at_once=True)


def test_a_broken_file_leaves_the_old_one_in_force(file: File) -> None:
    file.write(BROKEN)

    assert not file.settle()
    assert file.names == ["web"]
    (problem,) = file.source.problems
    assert str(file.path) in problem
    assert not file.source.pending()


def test_a_file_that_is_mended_has_no_problems(file: File) -> None:
    file.write(BROKEN)
    file.settle()
    file.write(ONE)

    assert not file.settle()
    assert file.source.problems == ()


@pytest.mark.parametrize("left", ["", "\n", None], ids=["empty", "blank", "gone"])
def test_an_empty_file_takes_nothing_away(file: File, left: str | None) -> None:
    if left is None:
        file.path.unlink()
    else:
        file.write(left)

    assert not file.settle()
    assert file.names == ["web"]
    assert "the services stay" in file.source.problems[0]


def test_a_symbolic_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    for name, text in (("one", ONE), ("two", TWO)):
        write_file(tmp_path / name, text)
    path = tmp_path / "lvsnat.toml"
    path.symlink_to("one")
    file = File(path, None)

    path.unlink()
    path.symlink_to("two")

    assert file.settle()
    assert file.names == ["web", "mail"]


def test_without_a_file_there_is_nothing_to_watch_over_until_there_is(tmp_path: Path) -> None:
    file = File(tmp_path / "lvsnat.toml", None)
    assert file.names == []

    file.write(ONE)

    assert file.settle()
    assert file.names == ["web"]


def test_a_daemon_does_not_begin_with_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        File(tmp_path / "lvsnat.toml", BROKEN)
