"""What a lab kernel is asked to do: one command, with its folder, environment and way of talking.

Written by the outside (`session`) into the control folder, read by the inside (`inside`) from it.
"""

from __future__ import annotations

import fnmatch
import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from labkit.providers import Provider

REPOSITORY = Path(__file__).resolve().parents[2]

# What a command inside may need to know of the outside; everything else stays outside, so that a
# run does not depend on who started it.
PASSED = (
    "PYTEST_*",
    "LVSNAT_*",
    "HYPOTHESIS_*",
    "COVERAGE_*",
    "PYTHON[!HP]*",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TERM",
    "LANG",
    "LC_*",
    "CI",
    "HOME",
    "TZ",
)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Output(StrEnum):
    """How what the command prints gets out of the kernel."""

    INHERIT = "inherit"
    CONSOLES = "consoles"
    FILES = "files"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Job:
    """One command to run inside."""

    provider: Provider
    command: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    control: str
    results: str
    output: Output
    modules: str = ""

    def write(self) -> None:
        """Leave the job where the inside looks for it."""
        Path(self.control, "job.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, control: str) -> Job:
        """Read the job that the outside left."""
        fields = json.loads(Path(control, "job.json").read_text(encoding="utf-8"))
        fields["provider"] = Provider(fields["provider"])
        fields["output"] = Output(fields["output"])
        fields["command"] = tuple(fields["command"])
        return cls(**fields)


def environment(provider: Provider, results: str) -> dict[str, str]:
    """Choose the variables that the command gets."""
    chosen = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in PASSED)
    }
    chosen.setdefault("HOME", "/root")
    chosen.setdefault("TERM", "dumb")
    venv = virtual_environment()
    path = [os.environ.get("PATH", ""), SYSTEM_PATH]
    if venv is not None:
        chosen["VIRTUAL_ENV"] = str(venv)
        path.insert(0, str(venv / "bin"))
    chosen |= {
        "PATH": ":".join(part for part in path if part),
        "USER": "root",
        "PYTHONPATH": str(REPOSITORY / "scripts"),
        "LVSNAT_RESULTS": results,
        "LVSNAT_LAB": "1",
        "LVSNAT_LAB_KERNEL": str(provider),
    }
    return chosen


def virtual_environment() -> Path | None:
    """Find the project's virtual environment: named, else active, else the repository's own."""
    named = [os.environ.get("LVSNAT_VENV"), os.environ.get("VIRTUAL_ENV")]
    candidates = [Path(value).absolute() for value in named if value]
    candidates.append(REPOSITORY / ".venv")
    return next((path for path in candidates if os.access(path / "bin/python", os.X_OK)), None)
