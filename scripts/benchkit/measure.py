"""The runs themselves: every round does everything once, lvsnat and ipvsadm in turn.

So a machine that is busy for a while slows both, and the ratio of a round stays true.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchkit.process import BenchError, Place, Sample, fresh
from benchkit.tables import Size, configuration, rules

LVSNAT = "lvsnat"
FILL, NOTHING, ONE, READ, READ_WITHIN = "fill", "nothing", "one", "read", "read within"
ADMIN_FILL, ADMIN_READ = "ipvsadm -R", "ipvsadm -Sn"

STARTS: dict[str, tuple[str, ...]] = {
    "python3 -c pass": ("python3", "-c", "pass"),
    "ipvsadm --version": ("ipvsadm", "--version"),
    "lvsnat --version": (LVSNAT, "--version"),
    "lvsnat service add --help": (LVSNAT, "service", "add", "--help"),
    "lvsnat service list": (LVSNAT, "service", "list"),
    "lvsnat plan": (LVSNAT, "plan"),
    "lvsnat apply": (LVSNAT, "apply"),
    "lvsnat status": (LVSNAT, "status"),
    "lvsnat export ipvsadm --live": (LVSNAT, "export", "ipvsadm", "--live"),
}
"""Commands on an empty configuration and an empty kernel."""
BARE = "python3 -c pass"

READER = """
import time
from lvsnat.ipvs.backend import IpvsBackend
backend = IpvsBackend()
backend.kernel.info()
started = time.monotonic()
backend.read()
print(time.monotonic() - started)
backend.close()
"""
"""Times one reading of the table and its counters by a program that has started already."""


@dataclass(slots=True)
class Results:
    """Samples by what was done, and for tables by their size."""

    rounds: int
    kernel: str
    starts: dict[str, list[Sample]] = field(default_factory=dict)
    tables: dict[Size, dict[str, list[Sample]]] = field(default_factory=dict)


def measure(sizes: list[Size], rounds: int, kernel: str, folder: Path) -> Results:
    """Do it all, saying on stderr how far it is."""
    results = Results(rounds, kernel)
    for number in range(rounds):
        with _said(f"round {number + 1} of {rounds}: start-up"):
            _starts(results, folder)
        for size in sizes:
            with _said(f"round {number + 1} of {rounds}: {size}"):
                _tables(results.tables.setdefault(size, {}), size, folder)
    return results


def _starts(results: Results, folder: Path) -> None:
    with fresh(folder) as place:
        (place.folder / "lvsnat.toml").touch()
        for name, command in STARTS.items():
            results.starts.setdefault(name, []).append(place.run(*command))


def _tables(found: dict[str, list[Sample]], size: Size, folder: Path) -> None:
    def note(what: str, sample: Sample) -> None:
        found.setdefault(what, []).append(sample)

    saved = folder / "rules"
    saved.write_text(rules(size))
    with fresh(folder) as place:
        note(ADMIN_FILL, place.run("ipvsadm", "-R", stdin=saved))
        note(ADMIN_READ, place.run("ipvsadm", "-Sn"))
    with fresh(folder) as place:
        config = place.folder / "lvsnat.toml"
        config.write_text(configuration(size))
        note(FILL, place.run(LVSNAT, "apply"))
        _insist_on_sameness(place, saved)
        note(NOTHING, place.run(LVSNAT, "apply"))
        note(READ, place.run(LVSNAT, "export", "ipvsadm", "--live"))
        note(READ_WITHIN, _reading_within(place))
        config.write_text(configuration(size, weight=2))
        note(ONE, place.run(LVSNAT, "apply"))


def _reading_within(place: Place) -> Sample:
    took = place.folder / "took"
    sample = place.run(sys.executable, "-c", READER, stdout=took)
    return Sample(float(took.read_text()), sample.megabytes)


def _insist_on_sameness(place: Place, saved: Path) -> None:
    """Two programs that do different things must not be compared."""
    made = place.folder / "made"
    place.run("ipvsadm", "-Sn", stdout=made)
    if sorted(made.read_text().splitlines()) != sorted(saved.read_text().splitlines()):
        msg = "lvsnat apply and ipvsadm -R made different tables"
        raise BenchError(msg)


@contextmanager
def _said(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
