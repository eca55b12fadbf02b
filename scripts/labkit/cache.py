"""Where built kernels are kept, and how two builds keep out of each other's way."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_root() -> Path:
    """Give the folder of everything that the lab keeps between runs."""
    told = os.environ.get("LVSNAT_CACHE_DIR")
    if told:
        return Path(told).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    base = Path(xdg) if xdg else Path.home() / ".cache"
    return base / "lvsnat"


@contextmanager
def building(name: str) -> Iterator[Path]:
    """Lend an empty work folder, with every other build of `name` kept waiting meanwhile.

    The work folder is on the cache's own file system, so that what is made in it can be renamed
    into place in one step. It is removed afterwards, whatever happened.
    """
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with (root / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
