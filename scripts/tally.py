"""Add up what the parts of a full test run say, and decide whether all is well.

Reads what tox and pytest left in one folder: `tox.json`, and `NAME.xml` for each part with tests.
A part that failed without a failing test (lint, or one that never got to run a test) counts as one
failure, so that the last line tells the whole truth.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

INTERPRETER = re.compile(r"py3\d+")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the suite: an environment of tox."""

    name: str
    ran: bool
    succeeded: bool
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: tuple[str, ...] = ()

    @property
    def failures(self) -> int:
        """Failed and skipped tests, or 1 where the part failed by itself."""
        counted = self.failed + len(self.skipped)
        return counted or int(self.ran and not self.succeeded)


def main(folder: Path) -> int:
    """Print the tally and give the exit status."""
    parts = read(folder)
    failed = sum(part.failures for part in parts)
    for part in parts:
        print(line(part))
        for skipped in part.skipped:
            print(f"       skipped, which counts as failed: {skipped}")
    if not any(part.ran for part in parts):
        print("no part ran: see what tox says above")
        failed += 1
    interpreters = [part for part in parts if INTERPRETER.fullmatch(part.name)]
    if interpreters and not any(part.ran for part in interpreters):
        print("none of these interpreters is on this machine")
        failed += 1
    print(f"\n{sum(part.passed for part in parts)} passed, {failed} failed")
    return int(failed > 0)


def line(part: Part) -> str:
    """One part on one line."""
    if not part.ran:
        return f"{part.name:7} not run: this machine has no such interpreter"
    word = "FAILED" if part.failures else "ok"
    tests = f"{part.passed} tests passed" if part.passed else ""
    return f"{part.name:7} {word:6} {part.seconds:4.0f} s  {tests}".rstrip()


def read(folder: Path) -> list[Part]:
    """Read every part's result, in the order in which they ran."""
    report = folder / "tox.json"
    if not report.exists():
        return []
    environments = json.loads(report.read_text(encoding="utf-8"))["testenvs"]
    return [
        _part(name, environment, folder / f"{name}.xml")
        for name, environment in environments.items()
        if "result" in environment and not name.startswith(".")
    ]


def _part(name: str, environment: dict[str, dict[str, object]], tests: Path) -> Part:
    result = environment["result"]
    ran = not result["skipped"]
    succeeded = bool(result["success"])
    seconds = float(str(result["duration"]))
    if not tests.exists():
        return Part(name, ran, succeeded, seconds)
    cases = list(ET.parse(tests).iter("testcase"))  # noqa: S314 - pytest wrote it
    failed = [case for case in cases if _has(case, "failure") or _has(case, "error")]
    skipped = tuple(_named(case) for case in cases if _has(case, "skipped"))
    passed = len(cases) - len(failed) - len(skipped)
    return Part(name, ran, succeeded, seconds, passed, len(failed), skipped)


def _has(case: ET.Element, what: str) -> bool:
    return case.find(what) is not None


def _named(case: ET.Element) -> str:
    skipped = case.find("skipped")
    reason = skipped.get("message", "") if skipped is not None else ""
    return f"{case.get('classname')}::{case.get('name')}: {reason}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
