"""The comparison of modes as Markdown. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from benchkit.modes import AT_ONCE, Carrier, ModeResults, Sample
from benchkit.report import table

HEAD = (
    "between client and servers",
    "connections/s",
    "ratio to `lvs-nat`",
    "added time per connection",
    "latency, p50",
    "ratio",
    "latency, p99",
    "ratio",
)


def modes_markdown(results: ModeResults) -> str:
    """Write the table; every ratio is taken within its round."""
    opening = (
        f"Medians of {results.rounds} rounds on the kernel {results.kernel}: connections a second"
        f" with {AT_ONCE} at once, latency with one at a time. A ratio of connections above 1 is"
        " better than `lvs-nat`, one of latency below 1."
    )
    rows = [_row(results, carrier, samples) for carrier, samples in results.paths.items()]
    return "\n".join([opening, "", *table(HEAD, rows)]) + "\n"


def _row(results: ModeResults, carrier: Carrier, samples: Sequence[Sample]) -> list[str]:
    nat, direct = results.paths[Carrier.LVS_NAT], results.paths[Carrier.DIRECT]

    def ratio(of: Callable[[Sample], float]) -> str:
        found = median(of(a) / of(b) for a, b in zip(samples, nat, strict=True))
        return f"**{found:.2f}**"

    added = median(1e6 / a.rate - 1e6 / b.rate for a, b in zip(samples, direct, strict=True))
    return [
        str(carrier),
        f"{median(one.rate for one in samples):,.0f}",
        ratio(lambda one: one.rate),
        "" if carrier is Carrier.DIRECT else f"{added:,.0f} µs",
        f"{median(one.half for one in samples):.2f} ms",
        ratio(lambda one: one.half),
        f"{median(one.most for one in samples):.2f} ms",
        ratio(lambda one: one.most),
    ]
