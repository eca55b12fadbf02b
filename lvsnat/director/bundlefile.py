"""One new tar.gz, whole or not at all, that nobody else may read."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from lvsnat.errors import LvsnatError, RefusedError

FOLDER: Final = "lvsnat-bundle"
"""All of it unpacks into this folder."""
_MODE: Final = 0o600


def refuse_hopeless(path: Path) -> None:
    """Raise what `write_bundle` would raise: a long look is not for nothing."""
    try:
        there = path.is_symlink() or path.exists()
        if not there:
            # Rights alone do not tell: a file system may be read-only, or no place for files.
            with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
                pass
    except OSError as error:
        raise _failed(path, error) from None
    if there:
        raise _exists(path)


def write_bundle(path: Path, texts: Mapping[str, str], now: float) -> None:
    """Write the texts by their names; ``now`` in seconds since the epoch.

    Raises RefusedError where there is such a file, LvsnatError where it cannot be written.
    """
    try:
        # mkstemp gives it the mode 0600 before anything is in it.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _failed(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _pack(file, texts, now)
            file.flush()
            os.fsync(descriptor)
        os.link(temporary, path)  # A link, unlike a rename, takes nobody's place.
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _failed(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _pack(file: IO[bytes], texts: Mapping[str, str], now: float) -> None:
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in texts.items():
            data = text.encode("utf-8", "replace")
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size, member.mode, member.mtime = len(data), _MODE, int(now)
            archive.addfile(member, io.BytesIO(data))


def _exists(path: Path) -> RefusedError:
    return RefusedError(f"{path} exists already", "name another file, or remove that one")


def _failed(path: Path, error: OSError) -> LvsnatError:
    why = error.strerror
    if isinstance(error, FileNotFoundError):  # In /proc, too, where no file can be made.
        there = path.parent.is_dir()
        why = f"no file can be made in {path.parent}" if there else f"no folder {path.parent}"
    return LvsnatError(f"cannot write {path}: {why}", "name a file in another folder")
