"""The rest of a switch, left to systemd: a unit that ends with its work."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from lvsnat.director.install import BOOTED
from lvsnat.errors import LvsnatError, RefusedError
from lvsnat.model.mode import Mode
from lvsnat.system import run

UNIT = "lvsnat-mode.service"
_PROGRAM = "systemd-run"


def possible(booted: Path = BOOTED) -> bool:
    """Whether systemd is there to finish what is left."""
    return booted.is_dir() and shutil.which(_PROGRAM) is not None


def insist(booted: Path = BOOTED) -> None:
    """Raise RefusedError where nobody would finish what is left."""
    if not possible(booted):
        raise RefusedError(
            "systemd does not run here: nobody would finish the switch",
            "leave out --detach: the same command after nohup(1) outlives the terminal; nothing was"
            " changed",
        )


def command(program: Sequence[str], mode: Mode, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The words that have systemd go on with a switch; its limit is in the journal."""
    settings = [f"--setenv={name}={value}" for name, value in environment.items()]
    about = f"--description=lvsnat: the switch to {mode}"
    return (_PROGRAM, "--collect", "--quiet", f"--unit={UNIT}", about, *settings,
            *program, "mode", str(mode))  # fmt: skip


def leave(words: Sequence[str]) -> None:
    """Have systemd go on; a unit that does so already reads where the switch stands."""
    done = run(words)
    said = done.stderr.strip() or f"exit status {done.returncode}"
    if done.returncode != 0 and "already" not in said:
        raise LvsnatError(
            f"{_PROGRAM}: {said.splitlines()[0]}",
            "new connections go to the new side; 'lvsnat apply' goes on with the switch",
        )
