"""The digest of a table: of its content, and of nothing else."""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import math
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetflow.model.versions import DataVersion
from assetflow.store.columns import TableDigest, table_version, type_text
from assetflow.types.tables import to_arrow

SCALARS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.string(), st.text(st.characters(codec="utf-8"), max_size=4)),
    (pa.binary(), st.binary(max_size=4)),
    (pa.date32(), st.dates()),
    (pa.timestamp("us", "UTC"), st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1))),
    (pa.decimal128(12, 3), st.decimals(-99999, 99999, places=3)),
    (pa.null(), st.none()),
]


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Types with how to make values of them, around simpler ones."""
    return st.one_of(
        inner.map(lambda x: (pa.list_(x[0]), st.lists(x[1] | st.none(), max_size=3))),
        inner.map(lambda x: (pa.list_(x[0], 2), st.lists(x[1] | st.none(), min_size=2, max_size=2))),
        inner.map(
            lambda x: (
                pa.map_(pa.string(), x[0]),
                st.lists(st.tuples(st.text("ab", max_size=2), x[1] | st.none()), max_size=3),
            )
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda xs: (
                pa.struct([(f"f{i}", x[0]) for i, x in enumerate(xs)]),
                st.fixed_dictionaries({f"f{i}": x[1] | st.none() for i, x in enumerate(xs)}),
            )
        ),
    )


kinds = st.recursive(st.sampled_from(SCALARS), nested, max_leaves=4)


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    kind, values = draw(kinds)
    return pa.array(draw(st.lists(values | st.none(), max_size=12)), kind)


def digest(column: pa.Array | pa.ChunkedArray) -> DataVersion:
    return table_version(pa.table({"x": column}))


def cut(array: pa.Array, places: list[int]) -> pa.ChunkedArray:
    """The same rows in chunks, each a slice of a larger array."""
    padded = pa.concat_arrays([array, array, array])
    ends = sorted(place % (len(array) + 1) for place in places)
    bounds = [0, *ends, len(array)]
    return pa.chunked_array(
        [padded.slice(len(array) + a, b - a) for a, b in itertools.pairwise(bounds)], type=array.type
    )


@given(columns(), st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=150)
def test_chunks_and_offsets_make_no_difference(array: pa.Array, places: list[int]) -> None:
    assert digest(cut(array, places)) == digest(array)


@given(columns(), st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=60)
def test_batches_of_any_size_give_the_version_of_the_whole(array: pa.Array, places: list[int]) -> None:
    taking = TableDigest(pa.schema([("x", array.type)]))
    for chunk in cut(array, places).chunks:
        taking.update(pa.record_batch({"x": chunk}))
    assert taking.version() == digest(array)


@given(columns(), columns())
@settings(max_examples=150)
def test_columns_have_equal_digests_exactly_when_they_are_equal(one: pa.Array, two: pa.Array) -> None:
    assert (digest(one) == digest(two)) == (one.type == two.type and same(one, two))


@given(kinds.flatmap(lambda k: st.tuples(*(st.lists(k[1] | st.none(), max_size=4) for _ in "ab"), st.just(k[0]))))
@settings(max_examples=150)
def test_columns_of_one_type_have_equal_digests_exactly_when_they_are_equal(case: tuple[Any, Any, Any]) -> None:
    one, two = pa.array(case[0], case[2]), pa.array(case[1], case[2])
    assert (digest(one) == digest(two)) == same(one, two)


def same(one: pa.Array, two: pa.Array) -> bool:
    """Equal as values; every NaN is one, as is zero."""
    return plain(one.to_pylist()) == plain(two.to_pylist())


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


S = pa.string()
LISTS = pa.list_(pa.int64())


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        (S, ["ab", "c"], ["a", "bc"]),
        (S, ["", None], [None, ""]),
        (S, ["", ""], [""]),
        (S, [None, None], [None]),
        (S, ["a"], ["a", ""]),
        (LISTS, [[], None], [None, []]),
        (LISTS, [[1], [2]], [[1, 2], []]),
        (LISTS, [[None], []], [[], [None]]),
        (pa.list_(LISTS), [[[1], []]], [[[], [1]]]),
        (pa.list_(LISTS), [[[1]], [[2]]], [[[1], [2]], []]),
        (pa.struct([("a", S)]), [None], [{"a": None}]),
        (pa.struct([("a", S), ("b", S)]), [{"a": "x", "b": None}], [{"a": None, "b": "x"}]),
        (pa.map_(S, pa.int64()), [[("a", 1)], []], [[], [("a", 1)]]),
        (pa.map_(S, pa.int64()), [[("a", 1), ("b", 2)]], [[("b", 2), ("a", 1)]]),
        (pa.bool_(), [True, None], [None, True]),
        (pa.int64(), [0, None], [None, 0]),
        (pa.int64(), [1, 2], [2, 1]),
    ],
)
def test_what_looks_alike_in_memory_is_told_apart(kind: pa.DataType, one: list[Any], two: list[Any]) -> None:
    assert digest(pa.array(one, kind)) != digest(pa.array(two, kind))


def test_every_nan_counts_as_one_and_zero_has_no_sign() -> None:
    odd = pa.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], pa.uint64()).view(pa.float64())
    assert digest(odd) == digest(pa.array([float("nan")] * 3))
    for kind in (pa.float64(), pa.float32(), pa.float16()):
        assert digest(pa.array([-0.0, None, 1.0], kind)) == digest(pa.array([0.0, None, 1.0], kind))
        assert digest(pa.array([-0.0], kind)) != digest(pa.array([1.0], kind))
    assert digest(pa.array([float("nan")])) != digest(pa.array([None], pa.float64()))
    assert digest(pa.array([[-0.0]])) == digest(pa.array([[0.0]]))


def test_bytes_behind_nulls_do_not_count() -> None:
    clean = pa.array(["a", None, "c"])
    dirty = pa.Array.from_buffers(
        pa.string(), 3, [pa.array([True, False, True]).buffers()[1], *pa.array(["a", "hidden", "c"]).buffers()[1:]]
    )
    assert dirty.equals(clean)
    assert digest(dirty) == digest(clean)
    numbers = pa.Array.from_buffers(
        pa.int64(), 3, [pa.array([True, False, True]).buffers()[1], pa.array([1, 99, 3]).buffers()[1]]
    )
    assert digest(numbers) == digest(pa.array([1, None, 3]))
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), pa.array([1, 99, 3]), mask=pa.array([False, True, False]))
    assert digest(lists) == digest(pa.array([[1], None, [3]]))
    struct = pa.StructArray.from_arrays([pa.array([1, 99])], ["a"], mask=pa.array([False, True]))
    assert digest(struct) == digest(pa.array([{"a": 1}, None]))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_how_texts_are_laid_out_makes_no_difference(kind: pa.DataType) -> None:
    texts = ["a", None, "more than twelve bytes of text", "", "é"]
    assert digest(pa.array(texts, kind)[1:]) == digest(pa.array(texts)[1:])


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_how_bytes_are_laid_out_makes_no_difference(kind: pa.DataType) -> None:
    assert digest(pa.array([b"a", None, b"x" * 20], kind)) == digest(pa.array([b"a", None, b"x" * 20]))


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
def test_how_lists_are_laid_out_makes_no_difference(kind: Any) -> None:
    lists = [[1, None], None, [], [3]]
    assert digest(pa.array(lists, kind(pa.int64()))[1:]) == digest(pa.array(lists, LISTS)[1:])


@given(st.lists(st.text("ab", max_size=2) | st.none()).map(lambda texts: pa.array(texts, pa.string())))
@settings(max_examples=30)
def test_dictionary_and_run_end_encoding_make_no_difference(array: pa.Array) -> None:
    assert digest(array.dictionary_encode()) == digest(array)
    assert digest(pc.run_end_encode(array)) == digest(array)


def test_an_unused_or_reordered_dictionary_makes_no_difference_inside_lists_either() -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([2, 0, None]), pa.array(["b", "unused", "a"]))
    assert digest(coded) == digest(pa.array(["a", "b", None]))
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3]), coded)
    assert digest(lists) == digest(pa.array([["a", "b"], [None]]))


def test_an_enums_domain_and_order_are_part_of_its_type() -> None:
    def version(*domain: str) -> DataVersion:
        frame = pl.DataFrame({"x": pl.Series(["a", "b", "a"], dtype=pl.Enum(domain))})
        return table_version(to_arrow(frame))

    assert version("a", "b") == version("a", "b")
    assert version("a", "b").columns[0].digest == version("b", "a").columns[0].digest
    assert len({version(*d) for d in (("a", "b"), ("b", "a"), ("a", "b", "c"))}) == 3
    assert version("a", "b").columns[0].type == 'enum<string> {"ordered":true,"values":["a","b"]}'
    many = version(*(f"value {i}" for i in range(100)), "a", "b").columns[0].type
    assert many.startswith("enum<string> 102 values ")
    assert len(many) < 80


def test_libraries_make_no_difference() -> None:
    rows = {"i": [1, 2, 3], "s": ["a", "b", "c"], "f": [1.5, 2.5, -0.0]}
    versions = {table_version(to_arrow(make(rows))) for make in (pa.table, pl.DataFrame, pd.DataFrame)}
    assert len(versions) == 1


def test_names_types_order_and_row_count_are_part_of_the_version() -> None:
    versions = [
        table_version(table)
        for table in (
            pa.table({"a": [1, 2], "b": [3, 4]}),
            pa.table({"b": [3, 4], "a": [1, 2]}),
            pa.table({"a": [1, 2], "c": [3, 4]}),
            pa.table({"a": pa.array([1, 2], pa.int32()), "b": [3, 4]}),
            pa.table({"a": pa.nulls(2)}),
            pa.table({"a": pa.nulls(3)}),
            pa.table({}),
        )
    ]
    assert len({version.digest for version in versions}) == len(versions)


def test_more_rows_than_one_pass_takes_and_several_threads_give_the_same() -> None:
    rows = 200_001
    texts = [None if i % 7 == 0 else f"t{i % 1001}" for i in range(rows)]
    table = pa.table(
        {
            "i": pa.array(range(rows)),
            "n": pa.array([None if i % 3 == 0 else i for i in range(rows)]),
            "s": pa.array(texts),
            "l": pa.array([[i, None] if i % 5 else None for i in range(rows)]),
        }
    )
    whole = table_version(table)
    one = TableDigest(table.schema, threads=1)
    for batch in table.to_batches(max_chunksize=7_919):
        one.update(batch)
    assert one.version() == whole
    assert whole.rows == rows
    changed = table.set_column(1, "n", pa.array([None if i % 3 == 0 or i == rows - 1 else i for i in range(rows)]))
    assert [c.name for c, d in zip(whole.columns, table_version(changed).columns, strict=True) if c != d] == ["n"]


def test_types_are_spelled_for_people_and_without_what_no_function_sees() -> None:
    assert type_text(pa.large_string()) == "string"
    assert type_text(pa.float64()) == "float64"
    assert type_text(pa.timestamp("us", "UTC")) == "timestamp[us, tz=UTC]"
    assert type_text(pa.large_list(pa.field("element", pa.int32(), nullable=False))) == "list<int32>"
    assert type_text(pa.list_(pa.int32(), 3)) == "array<int32, 3>"
    assert type_text(pa.map_(pa.string(), pa.float32())) == 'map<struct<"key": string, "value": float32>>'
    assert type_text(pa.dictionary(pa.int8(), pa.string())) == "string"


def test_digests_are_the_same_in_every_version_to_come() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, 3]),
            "f": pa.array([1.5, float("nan"), -0.0]),
            "s": pa.array(["a", None, "é"]),
            "b": pa.array([True, False, None]),
            "l": pa.array([[1, 2], [], None]),
            "d": pa.array([dt.date(2026, 1, 5), None, None]),
            "m": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")]),
            "o": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
        }
    )
    assert table_version(table).digest == "2ceb685d3fcf84993387c900ef4ad888"
