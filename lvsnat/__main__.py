"""``python -m lvsnat``, and the program ``lvsnat``."""

from __future__ import annotations

import gc
import os
import sys

from lvsnat.cli.main import app

GARBAGE = 100_000
"""How many more values there must be before Python looks for circles of them."""


ADMINISTRATORS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def have_streams() -> None:
    """Open the standard streams that were closed (``<&-``), with nothing behind them.

    Otherwise the lock would become standard input, and a warning would be written into it.
    """
    streams = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(streams):
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the standard library's own
    os.close(descriptor)
    for number, (name, mode) in enumerate(streams):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def find_what_root_finds() -> None:
    """Look for programs where nft and modprobe are: a plain su(1) keeps a PATH without that."""
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join((path, *ADMINISTRATORS_FOLDERS))


def main() -> None:
    have_streams()
    find_what_root_finds()
    # Of 10,000 services come 200,000 values, and hardly a circle: looking through all of them again
    # and again takes a twentieth to a quarter of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    app(prog_name="lvsnat")


if __name__ == "__main__":
    main()
