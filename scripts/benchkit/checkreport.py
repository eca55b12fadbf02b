"""The comparison of health checks as Markdown. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from benchkit.checks import (
    FEW,
    FEW_INTERVAL,
    MANY,
    MANY_INTERVAL,
    Checker,
    CheckResults,
    Load,
)
from benchkit.report import table

HEAD = (
    "TCP checks",
    "by",
    "made, of those due",
    "processor time of each",
    "ratio to keepalived",
    "memory",
    "late at most",
)


def checks_markdown(results: CheckResults) -> str:
    """Write the tables; every ratio is taken within its round."""
    opening = (
        f"Medians of {results.rounds} rounds on the kernel {results.kernel}: health checks beside"
        " keepalived's, which watches the same servers with the same settings."
    )
    rows = [
        *_rows(f"{FEW:,} each {FEW_INTERVAL:g} s", results.few),
        *_rows(f"{MANY:,} each {MANY_INTERVAL:g} s", results.many),
    ]
    return "\n".join([opening, "", *table(HEAD, rows), "", *_detection(results)]) + "\n"


def _rows(what: str, found: Mapping[Checker, Sequence[Load]]) -> Iterator[list[str]]:
    theirs = found[Checker.KEEPALIVED]
    for who, loads in found.items():

        def middle(of: Callable[[Load], float], loads: Sequence[Load] = loads) -> float:
            return median(of(one) for one in loads)

        ratio = median(a.each / b.each for a, b in zip(loads, theirs, strict=True))
        lags = [one.lag for one in loads if one.lag is not None]
        yield [
            what,
            str(who),
            f"{middle(lambda one: one.checks / one.expected):.0%}",
            f"{middle(lambda one: one.each):,.0f} µs",
            f"**{ratio:.2f}**",
            f"{middle(lambda one: one.megabytes):.0f} MB",
            f"{max(lags) * 1000:.0f} ms" if lags else "",
        ]


def _detection(results: CheckResults) -> Iterator[str]:
    """How long a dead server is sent clients to."""
    rows = [
        [
            failure,
            str(who),
            f"{median(found):.1f} s",
            f"{max(found):.1f} s",
        ]
        for (failure, who), found in sorted(results.detection.items())
    ]
    head = ("a server", "noticed by", "after (median)", "after (most)")
    yield from table(head, rows)
