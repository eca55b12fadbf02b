"""The results as Markdown: medians, and ratios that mean the same on every machine. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchkit.measure import (
    ADMIN_FILL,
    ADMIN_READ,
    BARE,
    FILL,
    NOTHING,
    ONE,
    READ,
    READ_WITHIN,
    Results,
)
from benchkit.process import Sample

BEGIN, END = "<!-- scripts/bench writes from here -->", "<!-- to here -->"
CHECKS_BEGIN = "<!-- scripts/bench --checks writes from here -->"
LIVE_BEGIN = "<!-- scripts/bench --live writes from here -->"


def markdown(results: Results) -> str:
    """Write every table."""
    parts = [
        [f"Medians of {results.rounds} rounds on the kernel {results.kernel}."],
        _beside_ipvsadm(results),
        _alone(results),
        _starts(results),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def between_the_markers(page: str, text: str, marker: str = BEGIN) -> str:
    """Replace what stands between the markers of a page; a page without them is the text alone."""
    before, begin, rest = page.partition(marker)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return text
    return f"{before}{marker}\n\n{text}\n{END}{after}"


def _beside_ipvsadm(results: Results) -> list[str]:
    rows = []
    for size, found in results.tables.items():
        pairs = (
            ("fill an empty kernel", FILL, ADMIN_FILL),
            ("read it all, with the start of the program", READ, ADMIN_READ),
            ("read it all, in a program that runs (`--watch`)", READ_WITHIN, ADMIN_READ),
        )
        for what, ours, theirs in pairs:
            rows.append(
                [
                    what,
                    str(size),
                    _seconds(found[ours]),
                    _seconds(found[theirs]),
                    f"**{_ratio(found[ours], found[theirs]):.2f}**",
                ]
            )
    return list(table(["", "services x servers", "lvsnat", "ipvsadm", "ratio"], rows))


def _alone(results: Results) -> list[str]:
    rows = []
    for size, found in results.tables.items():
        start = median(one.seconds for one in results.starts["lvsnat apply"])
        fill = median(one.seconds for one in found[FILL])
        rows.append(
            [
                str(size),
                _seconds(found[NOTHING]),
                _seconds(found[ONE]),
                f"{(fill - start) / size.services * 1000:.2f} ms",
                f"{max(one.megabytes for one in found[FILL]):.0f} MB",
            ]
        )
    head = ["services x servers", "changes nothing", "changes one server"]
    return list(table([*head, "fill, per service, beyond the start", "peak memory of fill"], rows))


def _starts(results: Results) -> list[str]:
    bare = results.starts[BARE]
    rows = [
        [f"`{name}`", _seconds(samples), f"{_ratio(samples, bare):.1f}"]
        for name, samples in results.starts.items()
    ]
    return list(table(["start-up, nothing to do", "time", "bare interpreters"], rows))


def _seconds(samples: Sequence[Sample]) -> str:
    return f"{median(one.seconds for one in samples):.2f} s"


def _ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float:
    """Compare within each round: what slows a round slows both."""
    return median(a.seconds / b.seconds for a, b in zip(ours, theirs, strict=True))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write the lines of one table."""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
