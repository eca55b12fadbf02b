"""What the ledger remembers, and when."""

from __future__ import annotations

from worlds import Child, Knob, Parent

from lvsnat.plan.change import Create, Delete, Update
from lvsnat.plan.ledger import Ledger

A = Parent("a")
OFF, ON = Knob(name="forward", value="0"), Knob(name="forward", value="1")


def test_what_is_to_be_created_is_ours_before_it_exists() -> None:
    assert Ledger().intending([Create(A)]).owns(A.key)


def test_a_child_is_ours_through_its_parent() -> None:
    ledger = Ledger().intending([Create(A), Create(Child("a", "1"))])

    assert ledger.owned == {A.key}


def test_the_first_value_of_a_setting_is_the_one_to_put_back() -> None:
    ledger = Ledger().intending([Update(OFF, ON)])

    again = ledger.intending([Update(ON, Knob(name="forward", value="2"))])

    assert again.originals == {ON.key: "0"}


def test_a_restored_setting_is_forgotten() -> None:
    ledger = Ledger(originals={ON.key: "0"})

    assert ledger.after([Update(ON, OFF)]) == Ledger()


def test_a_removed_resource_is_forgotten() -> None:
    assert Ledger(frozenset({A.key})).after([Delete(A)]) == Ledger()


def test_an_edited_resource_stays_ours() -> None:
    ledger = Ledger(frozenset({A.key}))

    assert ledger.after([Update(A, Parent("a", 2))]) == ledger


def test_an_entry_of_a_run_that_was_killed_is_forgotten() -> None:
    ledger = Ledger(frozenset({A.key}), {ON.key: "0"})

    assert ledger.pruned({}, {OFF.key: OFF}) == Ledger()
    assert ledger.pruned({A.key: A, ON.key: ON}, {OFF.key: OFF}) == ledger
    assert ledger.pruned({}, {A.key: A, ON.key: ON}) == ledger
