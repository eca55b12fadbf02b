"""The ledger and the overrides survive the way to the disk and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.director import ledgerfile, overridefile
from lvsnat.errors import LvsnatError
from lvsnat.model.override import Override, Reason
from lvsnat.model.resource import Key
from lvsnat.plan.ledger import Ledger
from lvsnat.plan.overlay import Overrides

keys = st.builds(Key, st.sampled_from(["service", "address", "sysctl"]), st.text(min_size=1))
ledgers = st.builds(Ledger, st.frozensets(keys), st.dictionaries(keys, st.text()))
times = st.none() | st.floats(0, 1e10)
overrides = st.dictionaries(keys, st.builds(Override, st.sampled_from(Reason), times))


@given(ledgers)
def test_a_ledger_is_read_as_it_was_written(ledger: Ledger) -> None:
    assert ledgerfile.parse(ledgerfile.render(ledger)) == ledger


@given(overrides)
def test_overrides_are_read_as_they_were_written(laid_over: Overrides) -> None:
    assert overridefile.parse(overridefile.render(laid_over)) == laid_over


def test_without_a_file_nothing_is_ours_and_nothing_is_laid_over(tmp_path: Path) -> None:
    assert ledgerfile.load(tmp_path / "ledger.json") == Ledger()
    assert overridefile.load(tmp_path / "overrides.json") == {}


BROKEN = ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1}', '{"version": 1, "owned": 3}']


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("load", [ledgerfile.load, overridefile.load])
def test_a_broken_file_is_one_error_that_says_what_to_do(
    tmp_path: Path, load: Callable[[Path], object], text: str
) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LvsnatError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}: not a ")
    assert f"mv {path} {path}.broken" in (caught.value.hint or "")


@given(ledgers)
def test_after_another_boot_nothing_is_ours_and_no_setting_is_remembered(ledger: Ledger) -> None:
    text = ledgerfile.render(ledger, "one boot")

    assert ledgerfile.parse(text, "one boot") == ledger
    assert ledgerfile.parse(text, "another boot") == Ledger()


def test_a_ledger_names_the_boot_of_this_kernel(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(
        ledgerfile.render(Ledger(frozenset({Key("service", "web")})))
    )

    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert f'"boot": "{boot}"' in (tmp_path / "ledger.json").read_text()


def test_a_ledger_that_names_no_boot_is_of_this_one() -> None:
    text = '{"version": 1, "owned": {"service": ["web"]}, "originals": {}}'

    assert ledgerfile.parse(text) == Ledger(frozenset({Key("service", "web")}))
