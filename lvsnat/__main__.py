"""``python -m lvsnat``, and the program ``lvsnat``."""

from __future__ import annotations

from lvsnat.cli.main import app


def main() -> None:
    app(prog_name="lvsnat")


if __name__ == "__main__":
    main()
