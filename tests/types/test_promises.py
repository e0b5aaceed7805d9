"""Promises: written down and read back, and every change called additive is one that hurts nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as Number
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Slot, Struct, Timestamp
from assetflow.types.promises import Promise, changes_between, version_problem
from assetflow.types.rules import Rule, RuleKind
from assetflow.types.written import read_back, written

INT, TEXT = Plain("int64"), Plain("string")
OLD = Promise(
    asset="shop.orders",
    version="1.0",
    owner="sales",
    freshness=3600.0,
    columns={"id": Slot(INT, nullable=False), "note": Slot(TEXT)},
    keys=(("id",),),
    guarantees={"row_count(min=1)": "a"},
)


def with_column(name: str, slot: Slot) -> Promise:
    return replace(OLD, columns={**OLD.columns, name: slot})


@pytest.mark.parametrize(
    ("new", "breaking", "text"),
    [
        (replace(OLD, columns={"id": OLD.columns["id"]}), True, "column note is gone"),
        (with_column("day", Slot(INT)), False, "column day (int64 or null) is new"),
        (with_column("id", Slot(INT)), True, "column id may be null, which it could not"),
        (with_column("note", Slot(TEXT, nullable=False)), False, "column note is never null any more"),
        (with_column("note", Slot(INT)), True, "column note is int64, was string"),
        (with_column("id", Slot(Plain("double"), nullable=False)), True, "column id is double, was int64"),
        (
            with_column("id", Slot(Plain("int32"), nullable=False)),
            False,
            "column id is int32, which int64 holds too",
        ),
        (
            with_column("id", Slot(INT, False, (Rule(RuleKind.AT_LEAST, 0),))),
            False,
            "column id is at least 0 now",
        ),
        (replace(OLD, keys=()), True, "(id) need not be unique any more"),
        (replace(OLD, keys=(("id",), ("note",))), False, "(note) is unique now"),
        (replace(OLD, keys=(("id", "note"),)), True, "(id) need not be unique any more"),
        (replace(OLD, guarantees={}), True, "row_count(min=1) is not checked any more"),
        (replace(OLD, guarantees={"row_count(min=1)": "b"}), True, "row_count(min=1) checks something else"),
        (replace(OLD, guarantees={**OLD.guarantees, "new": "c"}), False, "new is checked now"),
        (replace(OLD, freshness=7200.0), True, "it is at most 2 hours old, was at most 1 hours old"),
        (replace(OLD, freshness=None), True, "it is of any age, was at most 1 hours old"),
        (replace(OLD, freshness=1800.0), False, "it is at most 0.5 hours old, was at most 1 hours old"),
        (replace(OLD, owner="ops"), False, "ops owns it, was sales"),
        (replace(OLD, type="int"), True, "it is int, was a table"),
    ],
)
def test_each_change_is_told(new: Promise, breaking: bool, text: str) -> None:
    found = changes_between(OLD, new)
    assert (breaking, text) in [(change.breaking, change.text) for change in found]
    assert [change.breaking for change in found if change.text == text] == [breaking]
    assert any(change.breaking for change in found) is breaking


def test_a_rule_may_become_stronger_but_not_weaker() -> None:
    low, high = (with_column("id", Slot(INT, False, (Rule(RuleKind.AT_LEAST, bound),))) for bound in (0, 5))
    assert [(c.breaking, c.text) for c in changes_between(low, high)] == [(False, "column id is at least 5 now")]
    assert [(c.breaking, c.text) for c in changes_between(high, low)] == [
        (True, "column id need not be at least 5 any more")
    ]


def test_what_is_inside_of_a_column_is_looked_at() -> None:
    old = with_column("tags", Slot(List(Slot(INT, nullable=False))))
    new = with_column("tags", Slot(List(Slot(INT))))
    (change,) = changes_between(old, new)
    assert change.breaking
    assert change.text == "column tags element may be null, which it could not"


@pytest.mark.parametrize(
    ("before", "after", "breaking", "problem"),
    [
        ("1.0", "1.0", False, ""),
        ("1.0", "1.1", False, ""),
        ("1.0", "2.0", True, ""),
        ("1.0", "1.1", True, "breaking, so its version has to be 2.0, not 1.1"),
        ("1.10", "1.9", False, "version 1.9 is before 1.10"),
        ("1.0.0", "1.0", False, ""),
    ],
)
def test_versions(before: str, after: str, breaking: bool, problem: str) -> None:
    assert version_problem(before, after, breaking=breaking) == problem


VALUES = st.one_of(
    st.integers(-9, 9),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(timedelta(-9), timedelta(9)),
)
TYPES: st.SearchStrategy[ColumnType] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            [INT, TEXT, Plain("int32"), Decimal(9, 2), Timestamp("us"), Timestamp("ns", "UTC"), Enumeration(("a", "b"))]
        ),
        SLOTS.map(List),
        st.tuples(st.just(TEXT), SLOTS).map(lambda pair: Map(*pair)),
        st.dictionaries(st.sampled_from("xyz"), SLOTS, min_size=1).map(lambda d: Struct(tuple(d.items()))),
    )
)
RULES = st.one_of(
    st.builds(Rule, st.sampled_from([RuleKind.AT_LEAST, RuleKind.BELOW]), VALUES),
    st.builds(Rule, st.just(RuleKind.ONE_OF), st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.just(Rule(RuleKind.FINITE)),
)
SLOTS: st.SearchStrategy[Slot] = st.builds(Slot, TYPES, st.booleans(), st.lists(RULES, max_size=2).map(tuple))
PROMISES = st.builds(
    Promise,
    asset=st.just("a.b"),
    version=st.just("1.0"),
    owner=st.text(max_size=3),
    freshness=st.none() | st.floats(0, 1e6),
    columns=st.dictionaries(st.sampled_from("abc"), SLOTS),
    keys=st.lists(st.sampled_from([("a",), ("a", "b")]), unique=True).map(tuple),
    guarantees=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    readers=st.dictionaries(st.sampled_from("abc"), st.just(("a.c",))),
)


@given(PROMISES)
def test_what_is_written_is_read_back(promise: Promise) -> None:
    again = read_back(json.loads(json.dumps(written(promise))))
    assert again == promise
    assert changes_between(promise, again) == ()


NUMBERS = range(-3, 4)
BOUNDS = st.builds(
    Rule,
    st.sampled_from([RuleKind.AT_LEAST, RuleKind.ABOVE, RuleKind.AT_MOST, RuleKind.BELOW]),
    st.sampled_from(NUMBERS),
)
SETS = st.builds(Rule, st.just(RuleKind.ONE_OF), st.lists(st.sampled_from(NUMBERS), min_size=1).map(tuple))
SMALL = st.builds(Slot, st.just(INT), st.booleans(), st.lists(BOUNDS | SETS, max_size=3).map(tuple))


def admits(slot: Slot, value: Any) -> bool:
    """Whether a value is one of the slot's, in plain words."""
    if value is None:
        return slot.nullable
    said = {
        RuleKind.AT_LEAST: lambda bound: value >= bound,
        RuleKind.ABOVE: lambda bound: value > bound,
        RuleKind.AT_MOST: lambda bound: value <= bound,
        RuleKind.BELOW: lambda bound: value < bound,
        RuleKind.ONE_OF: lambda values: value in values,
    }
    return all(said[rule.kind](rule.value) for rule in slot.rules)


@given(SMALL, SMALL)
def test_after_additive_changes_no_value_comes_that_could_not_come_before(before: Slot, after: Slot) -> None:
    found = changes_between(replace(OLD, columns={"x": before}), replace(OLD, columns={"x": after}))
    if not any(change.breaking for change in found):
        assert all(admits(before, value) for value in (None, *NUMBERS) if admits(after, value))


@pytest.mark.parametrize(
    "value",
    [Number("1.50"), date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), time(3, 4), timedelta(1, 2, 3), b"\x00"],
    ids=repr,
)
def test_values_keep_their_type(value: Any) -> None:
    promise = replace(OLD, columns={"x": Slot(TEXT, rules=(Rule(RuleKind.AT_LEAST, value),))})
    again = read_back(json.loads(json.dumps(written(promise))))
    assert again.columns["x"].rules[0].value == value
    assert type(again.columns["x"].rules[0].value) is type(value)
