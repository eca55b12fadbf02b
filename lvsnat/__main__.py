"""``python -m lvsnat``, and the program ``lvsnat``."""

from __future__ import annotations

import gc

from lvsnat.cli.main import app

GARBAGE = 100_000
"""How many more values there must be before Python looks for circles of them."""


def main() -> None:
    # Of 10,000 services come 200,000 values, and hardly a circle: looking through all of them again
    # and again would take a quarter of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    app(prog_name="lvsnat")


if __name__ == "__main__":
    main()
