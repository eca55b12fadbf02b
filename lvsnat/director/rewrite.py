"""Files that change with the world: written beside their places before, put in place after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lvsnat.system import StagedFile, read_file, remove_file


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text of a file, before and after; None is no file."""

    path: Path
    before: str | None
    after: str | None

    def inverse(self) -> Rewrite:
        return Rewrite(self.path, self.after, self.before)


def replacing(path: Path, text: str, kept: Path) -> list[Rewrite]:
    """What gives a file another text, and keeps the old one in another file."""
    old = read_file(path)
    if old is None or old == text:
        return [] if old == text else [Rewrite(path, None, text)]
    return [Rewrite(kept, read_file(kept), old), Rewrite(path, old, text)]


class Staged:
    """Rewrites whose new texts are safe on the disk."""

    def __init__(self, rewrites: Iterable[Rewrite]) -> None:
        self._files: list[StagedFile] = []
        self._gone: list[Path] = []
        try:
            for rewrite in rewrites:
                if rewrite.after is not None:
                    self._files.append(StagedFile(rewrite.path, rewrite.after))
                elif rewrite.before is not None:
                    self._gone.append(rewrite.path)
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        """Put the new texts in place, in the order given."""
        for file in self._files:
            file.commit()
        for path in self._gone:
            remove_file(path)

    def discard(self) -> None:
        for file in self._files:
            file.discard()


@contextlib.contextmanager
def staged(rewrites: Iterable[Rewrite]) -> Iterator[Staged]:
    """Stage the rewrites; those that are not committed are forgotten."""
    files = Staged(rewrites)
    try:
        yield files
    finally:
        files.discard()
