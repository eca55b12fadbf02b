"""Files that must not break: replaced whole, or as they were."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lvsnat.errors import LvsnatError

_RANDOM = "[a-z0-9_]" * 8
"""What mkstemp puts at the end of a name."""


class StagedFile:
    """New contents of a file, safe on the disk beside it, that take its place at ``commit``.

    Staging does everything that can fail for want of space or permission; a commit is one rename.
    """

    def __init__(self, path: Path, text: str, mode: int = 0o644) -> None:
        # A symbolic link stays one: what it points to is replaced.
        self._path = Path(os.path.realpath(path))
        with file_errors(path, "write"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(
                prefix=f".{self._path.name}.", dir=self._path.parent
            )
            self._temporary: Path | None = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    self._keep_access(descriptor, mode)
                    file.write(text)
                    file.flush()
                    os.fsync(descriptor)
            except OSError:
                self.discard()
                raise

    @property
    def path(self) -> Path:
        """Where the new contents are until then, for whoever is to look them over."""
        return self._temporary or self._path

    def commit(self) -> None:
        """Put the new contents in place, so that they survive a power cut."""
        if self._temporary is None:
            return
        with file_errors(self._path, "replace"):
            self._temporary.replace(self._path)
            self._temporary = None
            _sync_directory(self._path.parent)

    def discard(self) -> None:
        """Forget the new contents."""
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _keep_access(self, descriptor: int, mode: int) -> None:
        """Let those read and write the new contents who may read and write the old ones."""
        try:
            old = self._path.stat()
        except FileNotFoundError:
            os.fchmod(descriptor, mode)
            return
        os.fchmod(descriptor, old.st_mode & 0o7777)
        # Only root may give a file away, and not even root within the unit that runs at boot.
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)


def sweep(path: Path) -> None:
    """Remove what a process that was killed had staged for a file. Call it under the lock."""
    real = Path(os.path.realpath(path))
    for left in real.parent.glob(f".{real.name}.{_RANDOM}"):
        with contextlib.suppress(OSError):
            left.unlink()


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file's contents atomically."""
    StagedFile(path, text, mode).commit()


def stamp(path: Path) -> tuple[int, ...] | None:
    """What another file in its place has another one of; None if there is no file."""
    try:
        seen = path.stat()
    except OSError:  # Whoever reads it says what is wrong.
        return None
    return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)


def read_file(path: Path) -> str | None:
    """A file's text, or None if there is none. Other failures are LvsnatError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise LvsnatError(
            f"{path}: not UTF-8 text (byte {error.start})", "save the file as UTF-8"
        ) from None
    except OSError as error:
        raise _explain(error, path, "read") from None


def remove_file(path: Path) -> None:
    """Remove a file for good; none there is fine."""
    with file_errors(path, "remove"):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def file_errors(path: Path, verb: str) -> Iterator[None]:
    """Say of a failure inside what could not be done to the file, as LvsnatError."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path, verb) from None


def _explain(error: OSError, path: Path, verb: str) -> LvsnatError:
    hint = {
        PermissionError: "run it as root (sudo)",
        IsADirectoryError: "name a file, not a folder",
    }.get(type(error))
    return LvsnatError(f"cannot {verb} {path}: {error.strerror}", hint)
