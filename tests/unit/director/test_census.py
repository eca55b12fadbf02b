"""Who holds the most connections, in bounded memory."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.director.census import Census
from lvsnat.ipvs.servicenames import ServiceNames
from lvsnat.model.connection import Grouping, Tally


def fields(client: int) -> list[str]:
    words = f"TCP {client:08X} 1000 C0A80132 0050 C0A80237 1F90 ESTABLISHED 899"
    return words.split()


def counted(clients: list[int], most: int | None, batch: int, kept: int) -> Census:
    one = Census(Grouping.CLIENT, ServiceNames(()), most, kept=kept, for_each=kept)
    for number, client in enumerate(clients, 1):
        one.add(fields(client), template=False)
        if number % batch == 0:
            one.thin()
    return one


def test_whoever_asks_for_all_gets_all_and_exactly() -> None:
    ranking = counted([*range(50), 7], None, 5, kept=2).ranking(Tally(51))

    assert ranking.groups[0] == ("0.0.0.7", Tally(2))
    assert (len(ranking.groups), ranking.complete, ranking.too_low_by) == (50, True, 0)


@given(
    st.lists(st.integers(0, 400), max_size=600),
    st.integers(1, 50),
)
def test_what_is_told_is_too_low_by_no_more_than_is_said(clients: list[int], batch: int) -> None:
    ranking = counted(clients, 1, batch, kept=4).ranking(Tally(len(clients)))

    exact = Counter(f"0.0.{client >> 8}.{client & 255}" for client in clients)
    # Batches of Misra and Gries: at most one in (kept + 1) connections is taken from each.
    assert ranking.too_low_by <= len(clients) // 5
    assert ranking.total == Tally(len(clients))
    for name, tally in ranking.groups:
        assert 0 <= exact[name] - tally.connections <= ranking.too_low_by
    told = dict(ranking.groups)
    least = min((tally.connections for tally in told.values()), default=0)
    for name, held in exact.items():
        assert name in told or held <= least + ranking.too_low_by
