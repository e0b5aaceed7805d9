"""In what two tables differ, against a comparison of Python dicts."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetflow.catalog.records import Version
from assetflow.errors import UsageError
from assetflow.model.history import Materialization
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.trace import Recipe
from assetflow.model.versions import Stored
from assetflow.store.codecs import Parquet
from assetflow.types.scans import Scan
from assetflow.upkeep.diff import Diff, Rows, difference

KINDS = {"n": pa.int64(), "x": pa.float64(), "t": pa.string(), "when": pa.timestamp("us", "UTC")}
VALUES = {
    "n": st.none() | st.integers(0, 3),
    "x": st.none() | st.sampled_from([0.0, 1.5, float("nan")]),
    "t": st.none() | st.sampled_from(["", "a", "ä", "null"]),
    "when": st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
}
ROWS = st.fixed_dictionaries({"id": st.none() | st.integers(0, 6), "k": st.sampled_from("ab"), **VALUES})
TABLES = st.tuples(st.sets(st.sampled_from(sorted(KINDS))), st.lists(ROWS, max_size=7))


def table(columns: set[str], rows: list[dict[str, object]]) -> pa.Table:
    kinds = {"id": pa.int64(), "k": pa.string(), **{name: KINDS[name] for name in sorted(columns)}}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})


def version(number: int, found: pa.Table) -> Version:
    data = Parquet().version(found)
    made = Materialization(
        id=number,
        partition=Partition(AssetKey("shop", "orders")),
        version=number,
        attempt=number,
        trace="",
        recipe=Recipe.of(code=""),
        edges=(),
        data=data,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Version(
        materialization=made,
        stored=Stored(data=data, codec="parquet"),
        environment="main",
        run=1,
        attempt_number=1,
        published=True,
        window="",
    )


def compared(before: pa.Table, after: pa.Table, key: tuple[str, ...] = (), sample: int = 100) -> Diff:
    """The difference of two tables that are in memory."""
    held = {1: before, 2: after}
    versions = [version(number, found) for number, found in held.items()]
    tables = {id(v.stored): held[v.materialization.version] for v in versions}
    loads = SimpleNamespace(load=lambda stored, hint: Scan(tables[id(stored)].schema, table=tables[id(stored)]))
    past = SimpleNamespace(store=None, refuse_freed=lambda v: None, definitions=dict)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("assetflow.upkeep.diff.Values", lambda store: loads)
        return difference(past, *versions, key=key, sample=sample)


def plain(value: object) -> str:
    """A value as JSON has it, so that what is equal is equal: nothing, and no number, too."""
    if isinstance(value, datetime):
        value = value.isoformat()
    return json.dumps(None if value is None else "NaN" if isinstance(value, float) and math.isnan(value) else value)


def by_key(rows: list[dict[str, object]], columns: list[str]) -> dict[tuple[str, str], list[str]]:
    return {(plain(row["id"]), row["k"]): [plain(row[name]) for name in columns] for row in rows}


@settings(max_examples=60)
@given(before=TABLES, after=TABLES)
def test_with_a_key_rows_are_told_apart(before, after):
    old, new = ({(row["id"], row["k"]): row for row in rows} for _, rows in (before, after))
    both = sorted(before[0] & after[0])
    found = compared(table(before[0], list(old.values())), table(after[0], list(new.values())), ("id", "k"))
    a, b = by_key(list(old.values()), both), by_key(list(new.values()), both)
    changes = {
        (key, both[place])
        for key in a.keys() & b.keys()
        for place in range(len(both))
        if a[key][place] != b[key][place]
    }
    assert found.rows is not None
    assert (found.rows.added, found.rows.removed) == (len(b.keys() - a.keys()), len(a.keys() - b.keys()))
    assert found.rows.changed == len({key for key, _ in changes})
    assert found.rows.equal == len(a.keys() & b.keys()) - found.rows.changed
    assert found.changed == Counter(column for _, column in changes)
    assert {((plain(c.key["id"]), c.key["k"]), c.column) for c in found.changes} == changes
    assert {(plain(row["id"]), row["k"]) for row in found.new_rows} == b.keys() - a.keys()
    assert {(plain(row["id"]), row["k"]) for row in found.old_rows} == a.keys() - b.keys()
    assert set(found.added) == after[0] - before[0]
    assert set(found.removed) == before[0] - after[0]


@settings(max_examples=60)
@given(before=TABLES, after=TABLES)
def test_without_a_key_rows_are_counted_as_wholes(before, after):
    both = ["id", "k", *sorted(before[0] & after[0])]
    found = compared(table(*before), table(*after))
    a, b = (Counter(tuple(plain(row[name]) for name in both) for row in rows) for _, rows in (before, after))
    assert found.rows is not None
    assert (found.rows.added, found.rows.removed, found.rows.changed) == ((b - a).total(), (a - b).total(), 0)
    assert found.rows.equal == (a & b).total()
    assert Counter(tuple(plain(value) for value in row.values()) for row in found.new_rows) == b - a


def test_a_sample_is_as_large_as_is_asked_for():
    before = pa.table({"id": range(10), "x": range(10)})
    after = pa.table({"id": range(5, 20), "x": [-1] * 15})
    found = compared(before, after, ("id",), 2)
    assert [c.key["id"] for c in found.changes] == [5, 6]
    assert [row["id"] for row in found.new_rows] == [10, 11]
    assert [row["id"] for row in found.old_rows] == [0, 1]
    assert compared(before, after, ("id",), 0).changes == ()


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (pa.array([1, 2]), pa.array([1.0, 2.5]), 1),
        (pa.array([1, 2]), pa.array(["1", "x"]), 1),
        (pa.array([True, False]), pa.array(["true", "x"]), 1),
        (pa.array([{"a": 1}, {"a": 2}]), pa.array([{"a": 1}, {"a": 3}]), 1),
    ],
)
def test_columns_of_another_type_are_compared_all_the_same(old, new, changed):
    found = compared(pa.table({"id": [1, 2], "x": old}), pa.table({"id": [1, 2], "x": new}), ("id",))
    assert (set(found.retyped) == {"x"}) is (old.type != new.type)
    assert found.changed == {"x": changed}
    whole = compared(pa.table({"id": [1, 2], "x": old}), pa.table({"id": [1, 2], "x": new}))
    assert whole.rows == Rows(added=changed, removed=changed, changed=0, equal=2 - changed)


def test_strange_names_of_columns_are_names():
    before = pa.table({'i"d': [1], "a b{}": [1], "select": [1]})
    after = pa.table({'i"d': [1], "a b{}": [2], "select": [3]})
    assert compared(before, after, ('i"d',)).changed == {"a b{}": 1, "select": 1}
    assert compared(before, after).rows.removed == 1


def test_names_that_differ_only_in_case_are_two_columns():
    before = pa.table({"id": [1, 2], "A": [1, 1], "a": [5, 6], "here": [1, 1]})
    after = pa.table({"id": [1, 2], "A": [1, 1], "a": [5, 7], "here": [1, 1]})
    assert compared(before, after, ("id",)).changed == {"a": 1}
    assert compared(before, after, ("a",)).new_rows == ({"id": 2, "A": 1, "a": 7, "here": 1},)
    assert compared(before, after).new_rows == ({"id": 2, "A": 1, "a": 7, "here": 1},)


def test_another_order_is_told_as_that():
    found = compared(pa.table({"id": [1, 2], "x": [3, 4]}), pa.table({"id": [2, 1], "x": [4, 3]}))
    assert found.reordered
    assert not found.equal
    assert compared(pa.table({"id": [1]}), pa.table({"id": [1]})).equal


def test_tables_without_a_common_column():
    found = compared(pa.table({"a": [1, 2]}), pa.table({"b": [1]}))
    assert (found.rows.added, found.rows.removed) == (1, 2)
    assert (found.added, found.removed) == ({"b": "int64"}, {"a": "int64"})


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (("x",), "2 rows of shop.orders:v1 have x=1"),
        (("idd",), "there is no column 'idd' in either"),
        (("old",), "there is no column 'old' in one of them"),
    ],
)
def test_mistakes(key, told):
    before, after = pa.table({"id": [1, 2], "x": [1, 1], "old": [1, 2]}), pa.table({"id": [1, 2], "x": [1, 2]})
    with pytest.raises(UsageError, match=told):
        compared(before, after, key)
