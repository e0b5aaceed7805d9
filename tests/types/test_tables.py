"""Tables through the canonical form: between all libraries, without loss, and each consumer with its own."""

from __future__ import annotations

import datetime as dt
import gc
import math
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetflow.errors import ValueMismatch
from assetflow.store.columns import table_version
from assetflow.types.libraries import TableKind
from assetflow.types.scans import Scan
from assetflow.types.tables import concat, from_arrow, is_table, is_table_hint, kind_of_hint, to_arrow

CLASSES = {
    TableKind.ARROW: pa.Table,
    TableKind.ARROW_BATCH: pa.RecordBatch,
    TableKind.ARROW_READER: pa.RecordBatchReader,
    TableKind.POLARS: pl.DataFrame,
    TableKind.POLARS_LAZY: pl.LazyFrame,
    TableKind.PANDAS: pd.DataFrame,
    TableKind.DUCKDB: duckdb.DuckDBPyRelation,
    TableKind.SCAN: Scan,
}


def rows(table: pa.Table) -> str:
    """A table's content as text: unlike Arrow's own comparison, NaN equals NaN and -0.0 is not 0.0."""
    return repr(table.to_pylist())


def same(one: pa.Table, other: pa.Table) -> bool:
    return bool(one.schema.equals(other.schema, check_metadata=True)) and rows(one) == rows(other)


def without_origin(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata(None)


EVERYWHERE = pa.table(
    {
        "whole": pa.array([1, None, -(2**62)], pa.int64()),
        "small": pa.array([1, None, 255], pa.uint8()),
        "full": pa.array([1, 2, 3], pa.int32()),
        "ratio": pa.array([1.5, None, float("inf")], pa.float64()),
        "half": pa.array([1.5, None, -2.0], pa.float32()),
        "flag": pa.array([True, None, False]),
        "name": pa.array(["a", None, "ß🐍"]),
        "bytes": pa.array([b"\x00", None, b""], pa.binary()),
        "day": pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]),
        "at": pa.array([dt.datetime(2026, 1, 1, 12, 0, 0, 1), None, dt.datetime(1900, 1, 1)], pa.timestamp("us")),
        "at_ns": pa.array([1, None, 2**60], pa.timestamp("ns")),
        "utc": pa.array([0, None, 10**15], pa.timestamp("us", "UTC")),
        "clock": pa.array([dt.time(1, 2, 3, 4), None, dt.time(0)], pa.time64("us")),
        "price": pa.array([Decimal("1.20"), None, Decimal("-99.99")], pa.decimal128(38, 2)),
        "items": pa.array([[1, None], None, []], pa.list_(pa.int64())),
        "words": pa.array([["a"], None, []], pa.list_(pa.string())),
        "place": pa.array([{"x": 1.0, "y": None}, {"x": None, "y": "b"}, {"x": 0.5, "y": "c"}]),
        "nothing": pa.nulls(3),
    }
)

#: What a library cannot hold as it is: column by library.
CANNOT = {
    # pandas has one missing value for an empty list and list entries; times are Python's, in microseconds.
    TableKind.PANDAS: set[str](),
    # polars' times count nanoseconds.
    TableKind.POLARS: {"clock"},
    TableKind.POLARS_LAZY: {"clock"},
}


@pytest.mark.parametrize("kind", list(TableKind))
def test_a_table_survives_each_library(kind: TableKind) -> None:
    table = EVERYWHERE.drop_columns(list(CANNOT.get(kind, ())))

    there = from_arrow(table, CLASSES[kind])
    back = to_arrow(there)

    assert isinstance(there, CLASSES[kind])
    assert same(without_origin(back), to_arrow(table))


@pytest.mark.parametrize("kind", list(TableKind))
def test_an_empty_table_survives_each_library(kind: TableKind) -> None:
    table = EVERYWHERE.slice(0, 0).select(["whole", "flag", "name", "day", "utc", "ratio"])

    there = from_arrow(table, CLASSES[kind])

    assert isinstance(there, CLASSES[kind])
    if kind is not TableKind.PANDAS:  # whose dates without values are objects without a type
        assert same(without_origin(to_arrow(there)), table)


@pytest.mark.parametrize("kind", [kind for kind in TableKind if kind is not TableKind.DUCKDB])
def test_a_table_without_columns_survives(kind: TableKind) -> None:
    there = from_arrow(pa.table({}), CLASSES[kind])

    assert to_arrow(there).num_columns == 0


def test_duckdb_refuses_a_table_without_columns() -> None:
    with pytest.raises(ValueMismatch, match="without columns"):
        from_arrow(pa.table({}), duckdb.DuckDBPyRelation)


def test_polars_times_are_kept_as_nanoseconds() -> None:
    frame = pl.DataFrame({"clock": [dt.time(1, 2, 3, 4), None]})

    table = to_arrow(frame)

    assert table.schema.field("clock").type == pa.time64("ns")
    assert same(to_arrow(from_arrow(table, pl.DataFrame)), table)


def test_a_time_too_fine_for_pandas_is_refused() -> None:
    table = pa.table({"clock": pa.array([1], pa.time64("ns"))})

    with pytest.raises(ValueMismatch) as caught:
        from_arrow(table, pd.DataFrame)

    assert caught.value.code == "table-column"


@pytest.mark.parametrize("kind", [TableKind.POLARS, TableKind.PANDAS, TableKind.ARROW])
def test_zones_survive(kind: TableKind) -> None:
    at = dt.datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    table = to_arrow(pl.DataFrame({"at": [at]}))

    back = to_arrow(from_arrow(table, CLASSES[kind]))

    assert back.schema.field("at").type == pa.timestamp("us", "Europe/Berlin")
    assert back["at"][0].as_py() == at


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_what_duckdb_gives_is_in_utc_whatever_zone_the_session_is_in(zone: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"set timezone = '{zone}'")

    table = to_arrow(
        connection.sql("select timestamptz '2026-01-01 00:00:00+01' as at, [timestamptz '2026-01-01 00:00:00Z'] as ats")
    )

    assert table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert table.schema.field("ats").type == pa.list_(pa.timestamp("us", "UTC"))
    assert table["at"][0].as_py() == dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize("zone", ["Etc/UTC", "Zulu", "+00:00", "UTC"])
def test_the_names_of_utc_are_one(zone: str) -> None:
    assert to_arrow(pa.table({"at": pa.array([0], pa.timestamp("s", zone))})).schema.field("at").type.tz == "UTC"


def test_encodings_are_not_part_of_a_table() -> None:
    plain = pa.table(
        {
            "text": pa.array(["a", None, "b"]),
            "bytes": pa.array([b"a", None, b"b"]),
            "list": pa.array([["a"], None, []], pa.list_(pa.string())),
            "struct": pa.array([{"x": "a"}, {"x": None}, {"x": "c"}]),
            "price": pa.array([Decimal("1.5"), None, Decimal("2.5")], pa.decimal128(5, 1)),
            "count": pa.array([1, 1, 2]),
            "day": pa.array([dt.date(2026, 1, 1), None, None]),
        }
    )
    coded = pa.table(
        {
            "text": plain["text"].cast(pa.large_string()).dictionary_encode(),
            "bytes": plain["bytes"].cast(pa.binary_view()),
            "list": pa.array([["a"], None, []], pa.large_list(pa.field("element", pa.large_string(), nullable=False))),
            "struct": pa.array([{"x": "a"}, {"x": None}, {"x": "c"}], pa.struct([("x", pa.string_view())])),
            "price": plain["price"].cast(pa.decimal32(5, 1)),
            "count": pa.compute.run_end_encode(plain["count"]),
            "day": plain["day"].cast(pa.date64()),
        },
        metadata={"pandas": "{}"},
    )

    assert same(to_arrow(coded), plain)
    assert same(to_arrow(plain), plain)


def test_nested_dictionaries_extensions_and_intervals_are_decoded() -> None:
    coded = pa.table(
        {
            "words": pa.array([["a", "b"], None, ["a"]], pa.list_(pa.dictionary(pa.int8(), pa.large_string()))),
            "place": pa.array(
                [{"kind": "x"}, None, {"kind": None}], pa.struct([("kind", pa.dictionary(pa.int8(), pa.string()))])
            ),
            "pair": pa.array([["a", "b"], None, ["b", "c"]], pa.list_(pa.dictionary(pa.int8(), pa.string()), 2)),
            "map": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.dictionary(pa.int8(), pa.string()))),
            "id": pa.array([b"0" * 16, None, b"1" * 16], pa.uuid()),
            "lasting": pa.array([pa.MonthDayNano((0, 1, 1000)), None, pa.MonthDayNano((0, 0, -1000))]),
        }
    )

    for table in (to_arrow(coded), to_arrow(coded.slice(1)), to_arrow(coded.slice(0, 2))):
        assert [str(kind) for kind in table.schema.types] == [
            "list<item: string>",
            "struct<kind: string>",
            "fixed_size_list<item: string>[2]",
            "map<string, string>",
            "binary",
            "duration[us]",
        ]
    nested = ["words", "place", "pair", "map"]
    for start in (0, 1):
        assert rows(to_arrow(coded.slice(start)).select(nested)) == rows(coded.slice(start).select(nested))
    assert to_arrow(coded)["lasting"].to_pylist() == [dt.timedelta(1, 0, 1), None, dt.timedelta(0, 0, -1)]


def test_a_lasting_of_months_is_refused() -> None:
    with pytest.raises(ValueMismatch, match=r"column 'iv'.*months"):
        to_arrow(duckdb.sql("select interval 1 month as iv"))


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_zeros_and_nans_are_normalised_wherever_they_are(kind: pa.DataType) -> None:
    odd_nan = np.array([-np.nan, np.nan], kind.to_pandas_dtype())
    odd_nan = np.where(np.array([True, False]), np.copysign(odd_nan, kind.to_pandas_dtype()(-1)), odd_nan)
    plain = pa.array([-0.0, None, 1.5, -math.inf], kind)
    odd = pa.concat_arrays([plain, pa.array(odd_nan)])
    nested = pa.ListArray.from_arrays(pa.array([0, 4, 6], pa.int32()), odd)
    deep = pa.StructArray.from_arrays([nested, nested], names=["a", "b"])

    table = to_arrow(pa.table({"list": nested, "struct": deep}))

    assert rows(table)[:40].count("-0.0") == 0
    bits = {2: "H", 4: "I", 8: "Q"}[kind.bit_width // 8]
    found = table["list"].chunk(0).values
    values = memoryview(found.buffers()[1])[: len(found) * kind.bit_width // 8].cast(bits)
    assert values[4] == values[5]
    assert values[0] == 0
    assert to_arrow(pa.table({"x": odd}))["x"].chunk(0).buffers()[1].to_pybytes() == found.buffers()[1].to_pybytes()


def test_what_is_canonical_already_is_not_copied() -> None:
    table = EVERYWHERE

    again = to_arrow(table)

    for name in table.column_names:
        old, new = table[name].chunk(0).buffers(), again[name].chunk(0).buffers()
        assert [b and b.address for b in old] == [b and b.address for b in new]


def test_numbers_go_to_polars_and_back_without_copying() -> None:
    table = to_arrow(pa.table({"x": pa.array(range(1000)), "y": pa.array([0.5] * 1000)}))

    back = to_arrow(from_arrow(table, pl.DataFrame))

    for name in table.column_names:
        assert table[name].chunk(0).buffers()[1].address == back[name].chunk(0).buffers()[1].address


REFUSED: dict[str, tuple[Callable[[], object], str, str]] = {
    "a label": (lambda: pd.DataFrame({"a": [1]}, index=[7]), "table-index", "reset_index()"),
    "a column as index": (lambda: pd.DataFrame({"a": [1, 2]}).set_index("a"), "table-index", "reset_index()"),
    "a slice's labels": (lambda: pd.DataFrame({"a": [1, 2, 3]})[1:], "table-index", "reset_index()"),
    "a named index": (lambda: pd.DataFrame({"a": [1]}).rename_axis("n"), "table-index", "reset_index()"),
    "numbers as names": (lambda: pd.DataFrame([[1, 2]]), "table-columns", "must be text"),
    "doubles in pandas": (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "table-columns", "several a"),
    "doubles in DuckDB": (lambda: duckdb.sql("select 1 a, 2 a"), "table-columns", "several a"),
    "doubles in Arrow": (lambda: pa.table([[1], [2]], names=["b", "b"]), "table-columns", "several b"),
    "mixed objects": (lambda: pd.DataFrame({"a": [1, "x"]}), "table-column", "column 'a'"),
    "pandas intervals": (lambda: pd.DataFrame({"a": pd.cut([1, 2], 2)}), "table-column", "column 'a'"),
    "pandas periods": (lambda: pd.DataFrame({"a": pd.period_range("2026", periods=2)}), "table-column", "column 'a'"),
    "polars objects": (lambda: pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}), "table-column", "column 'a'"),
    "polars Int128": (lambda: pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}), "table-column", "column 'a'"),
    "times with offsets": (lambda: duckdb.sql("select time '01:02:03+02'::timetz a"), "table-column", "column 'a'"),
    "unions": (lambda: duckdb.sql("select union_value(x := 1) a"), "table-column", "column 'a'"),
    "bit strings": (lambda: duckdb.sql("select '101'::bit a"), "table-column", "column 'a'"),
    "no table at all": (lambda: [1], "not-a-table", "list"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_has_no_canonical_form_is_refused(case: str) -> None:
    make, code, says = REFUSED[case]

    with pytest.raises(ValueMismatch) as caught:
        to_arrow(make())

    assert caught.value.code == code
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"a": [1, 2]}, index=[0, 1]),
        pd.DataFrame({"a": [2, 1]}).sort_values("a").reset_index(drop=True),
        pd.DataFrame({"a": [1, 2]})[lambda f: f.a > 5],
    ],
    ids=["range", "positions", "reset", "filtered to nothing"],
)
def test_an_index_that_is_only_positions_is_dropped(frame: pd.DataFrame) -> None:
    assert to_arrow(frame).column_names == ["a"]


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (TableKind.PANDAS, lambda: pd.DataFrame({"big": pd.array([2**60 + 1, None], dtype="Int64")})),
        (TableKind.PANDAS, lambda: pd.DataFrame({"flag": pd.array([True, None], dtype="boolean")})),
        (TableKind.PANDAS, lambda: pd.DataFrame({"when": pd.to_datetime(["2026-01-01", None])})),
        (TableKind.PANDAS, lambda: pd.DataFrame({"x": [1.5, None]})),
        (TableKind.PANDAS, lambda: pd.DataFrame({"s": ["a", None]})),
    ],
    ids=["integers", "booleans", "times", "floats", "texts"],
)
def test_pandas_columns_with_missing_values_come_back_as_they_were(
    kind: TableKind, frame: Callable[[], pd.DataFrame]
) -> None:
    before = frame()

    after = from_arrow(to_arrow(before), CLASSES[kind])

    pd.testing.assert_frame_equal(after, before)


def test_integers_with_gaps_keep_their_value_in_pandas() -> None:
    table = pa.table({"x": [2**60 + 1, None], "deep": [[2**60 + 1, None], None], "deeper": [{"l": [1, None]}, None]})

    frame: Any = from_arrow(table, pd.DataFrame)

    assert str(frame["x"].dtype) == "Int64"
    assert list(frame.columns) == ["x", "deep", "deeper"]
    assert same(without_origin(to_arrow(frame)), table)


def test_decimals_of_pandas_have_one_width_whatever_their_values() -> None:
    short, long = pd.DataFrame({"p": [Decimal("1.20")]}), pd.DataFrame({"p": [Decimal("12345.67")]})

    assert to_arrow(short).schema.field("p").type == to_arrow(long).schema.field("p").type == pa.decimal128(38, 2)


ENUM = pl.Enum(["low", "mid", "high"])


@pytest.mark.parametrize("kind", list(TableKind))
def test_an_enum_keeps_its_domain_and_its_order(kind: TableKind) -> None:
    table = to_arrow(pl.DataFrame({"e": pl.Series(["high", None, "low"], dtype=ENUM), "x": [1, 2, 3]}))

    there = from_arrow(table, CLASSES[kind])

    assert same(without_origin(to_arrow(there)), without_origin(table))
    if kind is TableKind.POLARS:
        assert there.schema["e"] == ENUM
    if kind is TableKind.PANDAS:
        assert there["e"].max() == "high"
    if kind is TableKind.DUCKDB:
        assert there.order("e").fetchall()[0] == ("low", 3)


def written_types(table: pa.Table) -> tuple[str, ...]:
    """The types as they are recorded."""
    return tuple(column.type for column in table_version(table).columns)


@pytest.mark.parametrize("kind", list(TableKind))
def test_an_enum_without_rows_keeps_its_domain(kind: TableKind) -> None:
    table = to_arrow(pl.DataFrame({"e": pl.Series([], dtype=ENUM)}))

    assert written_types(to_arrow(from_arrow(table, CLASSES[kind]))) == written_types(table)


def test_a_domain_survives_parquet_which_forgets_values_that_no_row_has(tmp_path: Any) -> None:
    table = to_arrow(pl.DataFrame({"e": pl.Series(["high"], dtype=ENUM)})).slice(0, 0)
    pq.write_table(table, tmp_path / "e.parquet")

    assert same(to_arrow(pq.read_table(tmp_path / "e.parquet")), table)
    assert from_arrow(pq.read_table(tmp_path / "e.parquet"), pl.DataFrame).schema["e"] == ENUM


def test_another_domain_is_another_type() -> None:
    texts = {
        written_types(to_arrow(frame))
        for frame in [
            pl.DataFrame({"e": pl.Series(["a"], dtype=pl.Enum(["a", "b"]))}),
            pl.DataFrame({"e": pl.Series(["a"], dtype=pl.Enum(["b", "a"]))}),
            pl.DataFrame({"e": pl.Series(["a"], dtype=pl.Enum(["a"]))}),
            pd.DataFrame({"e": pd.Categorical(["a"], ["a", "b"])}),
            pl.DataFrame({"e": ["a"]}),
        ]
    }

    assert len(texts) == 5


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("values", [["z", "a", "unseen"], [3, 1, 2]])
def test_pandas_categories_come_back_as_they_were(values: list[Any], ordered: bool) -> None:
    frame = pd.DataFrame({"c": pd.Categorical([values[1], None, values[0]], values, ordered=ordered), "x": 1})

    table = to_arrow(frame)

    pd.testing.assert_frame_equal(from_arrow(table, pd.DataFrame), frame)
    assert same(to_arrow(from_arrow(table, pd.DataFrame)), table)


def test_a_polars_categorical_is_plain_text() -> None:
    first = pl.DataFrame({"c": pl.Series(["b", "a"], dtype=pl.Categorical)})

    assert same(to_arrow(first), to_arrow(pl.DataFrame({"c": ["b", "a"]})))


def test_a_value_outside_its_domain_is_refused() -> None:
    table = to_arrow(pl.DataFrame({"e": pl.Series(["high"], dtype=ENUM)}))
    strange = pa.Table.from_arrays(
        [pa.array(["huge"])], schema=pa.schema([table.schema.field(0).with_type(pa.string())])
    )

    with pytest.raises(ValueMismatch, match="'huge'"):
        to_arrow(strange)


def test_what_one_consumer_does_to_its_frame_reaches_no_other() -> None:
    table = to_arrow(pa.table({"x": [1.0, 2.0], "n": [1, 2], "l": [[1], [2]], "s": ["a", "b"]}))
    before = rows(table)

    frame: Any = from_arrow(table, pd.DataFrame)
    frame.loc[0, "x"] = -1.0
    frame.loc[0, "s"] = "changed"
    with pytest.raises(ValueError, match="read-only"):
        frame["l"][0][0] = 99
    other: Any = from_arrow(table, pl.DataFrame)
    other[0, "x"] = -1.0

    assert rows(table) == before


def test_one_column_of_floats_is_the_consumers_own_too() -> None:
    table = to_arrow(pa.table({"x": [1.0, 2.0]}))

    frame: Any = from_arrow(table, pd.DataFrame)
    frame.iloc[0, 0] = 5.0

    assert frame["x"].tolist() == [5.0, 2.0]
    assert table["x"].to_pylist() == [1.0, 2.0]


def test_a_stream_is_read_once_and_then_refused() -> None:
    reader = pa.table({"a": [1]}).to_reader()

    assert to_arrow(reader).num_rows == 1
    with pytest.raises(ValueMismatch) as caught:
        to_arrow(reader)
    assert caught.value.code == "drained-reader"


def test_a_lazy_frame_is_collected_once() -> None:
    calls = []

    def seen(frame: pl.DataFrame) -> pl.DataFrame:
        calls.append(1)
        return frame

    to_arrow(pl.LazyFrame({"a": [1]}).map_batches(seen, schema={"a": pl.Int64}))

    assert len(calls) == 1


def test_a_relation_is_run_once() -> None:
    connection = duckdb.connect()
    connection.execute("create sequence s")

    assert to_arrow(connection.sql("select nextval('s') as n"))["n"].to_pylist() == [1]
    assert connection.sql("select nextval('s')").fetchall() == [(2,)]


def test_a_relation_is_made_on_the_connection_that_is_given() -> None:
    connection = duckdb.connect()
    relation: Any = from_arrow(pa.table({"a": [1, 2]}), duckdb.DuckDBPyRelation, connection=connection)
    gc.collect()

    assert connection.sql("select sum(a) from relation").fetchall() == [(3,)]
    assert relation.aggregate("sum(a)").fetchall() == [(3,)]


def test_without_annotation_a_consumer_gets_the_library_that_the_table_came_from(tmp_path: Any) -> None:
    for kind, cls in CLASSES.items():
        table = to_arrow(from_arrow(pa.table({"a": [1]}), cls))
        pq.write_table(table, tmp_path / f"{kind}.parquet")

        assert isinstance(from_arrow(table, None), cls)
        assert isinstance(from_arrow(pq.read_table(tmp_path / f"{kind}.parquet"), None), cls)


def test_an_arrow_consumer_sees_no_metadata_of_the_table() -> None:
    assert from_arrow(to_arrow(pl.DataFrame({"a": [1]})), pa.Table).schema.metadata is None  # type: ignore[attr-defined]


def test_tables_are_put_below_each_other_by_name() -> None:
    whole = concat([pa.table({"a": [1], "b": ["x"]}), pa.table({"b": ["y"], "a": [2.5]}), pa.table({"a": [3]})])

    assert whole.to_pylist() == [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": "y"}, {"a": 3.0, "b": None}]


def test_no_tables_make_an_empty_one() -> None:
    assert concat([]).num_columns == 0


def test_tables_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueMismatch) as caught:
        concat([pa.table({"a": [1]}), pa.table({"a": ["x"]})])

    assert caught.value.code == "table-schemas"


def test_unordered_domains_are_united_and_ordered_ones_must_be_equal() -> None:
    parts = [to_arrow(pd.DataFrame({"c": pd.Categorical(values)})) for values in (["b"], ["a", "b"])]
    ordered = [to_arrow(pl.DataFrame({"c": pl.Series(["a"], dtype=pl.Enum(names))})) for names in (["a"], ["a", "b"])]

    assert concat(parts)["c"].to_pylist() == ["b", "a", "b"]
    assert from_arrow(concat(parts), pd.DataFrame)["c"].cat.categories.tolist() == ["b", "a"]  # type: ignore[index]
    assert concat([ordered[0], ordered[0]])["c"].to_pylist() == ["a", "a"]
    with pytest.raises(ValueMismatch) as caught:
        concat(ordered)
    assert caught.value.code == "table-schemas"


def test_tables_are_told_from_other_values() -> None:
    assert is_table(pl.DataFrame())
    assert is_table(duckdb.sql("select 1"))
    assert not is_table([1])
    assert not is_table(pd.Series([1]))
    assert not is_table(pl.DataFrame)
    assert is_table_hint(pl.LazyFrame | None)
    assert not is_table_hint(dict[str, pl.DataFrame])
    assert not is_table_hint(None)
    assert kind_of_hint(pa.Table | pl.DataFrame, TableKind.POLARS) is TableKind.POLARS
    assert kind_of_hint(pa.Table | pl.DataFrame) is TableKind.ARROW


# Random tables: a type, and values of it, as every library in the set can hold them.

Typed = tuple[pa.DataType, st.SearchStrategy[Any]]

SCALARS: dict[str, Typed] = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint8": (pa.uint8(), st.integers(0, 255)),
    "int16": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "float64": (pa.float64(), st.floats()),
    "float32": (pa.float32(), st.floats(width=32)),
    "bool": (pa.bool_(), st.booleans()),
    "string": (pa.string(), st.text(max_size=5)),
    "binary": (pa.binary(), st.binary(max_size=5)),
    "date": (pa.date32(), st.dates(dt.date(1600, 1, 1), dt.date(2300, 1, 1))),
    "timestamp_us": (pa.timestamp("us"), st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))),
    "timestamp_ns": (pa.timestamp("ns"), st.integers(-(2**60), 2**60)),
    "timestamp_utc": (pa.timestamp("us", "UTC"), st.integers(-(2**50), 2**50)),
    "decimal": (pa.decimal128(38, 2), st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-2))),
    "zoned": (pa.timestamp("us", "Asia/Tokyo"), st.integers(-(2**50), 2**50)),
    "time_ns": (pa.time64("ns"), st.integers(0, 86_399_999_999_999)),
    "time_us": (pa.time64("us"), st.integers(0, 86_399_999_999)),
    "duration": (pa.duration("us"), st.integers(-(2**40), 2**40)),
}
NOT_IN = {
    TableKind.POLARS: {"time_us"},
    TableKind.DUCKDB: {"zoned", "duration"},
}
#: NaN and null are one in pandas, and an object column without values has no type.
NOT_TYPED_IN_PANDAS = frozenset({"float64", "float32", "date", "time_us", "time_ns", "decimal", "binary", "string"})


def nested(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    lists = inner.map(lambda t: (pa.list_(t[0]), st.lists(st.none() | t[1], max_size=3)))
    structs = st.lists(inner, min_size=1, max_size=2).map(
        lambda parts: (
            pa.struct([(f"f{i}", kind) for i, (kind, _) in enumerate(parts)]),
            st.fixed_dictionaries({f"f{i}": st.none() | values for i, (_, values) in enumerate(parts)}),
        )
    )
    return lists | structs


@st.composite
def tables(draw: st.DrawFn, without: frozenset[str] = frozenset(), nesting: bool = True) -> pa.Table:
    scalars = st.sampled_from([typed for name, typed in SCALARS.items() if name not in without])
    kinds = draw(st.lists(st.recursive(scalars, nested, max_leaves=3) if nesting else scalars, min_size=1, max_size=3))
    count = draw(st.integers(0, 5))
    columns = [
        pa.array(draw(st.lists(st.none() | values, min_size=count, max_size=count)), kind) for kind, values in kinds
    ]
    return pa.table(columns, names=[f"c{i}" for i in range(len(columns))])


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.data(), st.sampled_from([TableKind.POLARS, TableKind.POLARS_LAZY, TableKind.DUCKDB, TableKind.ARROW_READER]))
def test_any_table_survives_a_library_that_can_hold_it(data: st.DataObject, kind: TableKind) -> None:
    known = TableKind.POLARS if kind is TableKind.POLARS_LAZY else kind
    table = to_arrow(data.draw(tables(frozenset(NOT_IN.get(known, ())))))

    assert same(without_origin(to_arrow(from_arrow(table, CLASSES[kind]))), table)


@QUICK
@given(tables(NOT_TYPED_IN_PANDAS, nesting=False))
def test_any_table_of_typed_columns_survives_pandas(table: pa.Table) -> None:
    assert same(without_origin(to_arrow(from_arrow(table, pd.DataFrame))), to_arrow(table))


@QUICK
@given(tables())
def test_the_canonical_form_of_a_canonical_form_is_itself(table: pa.Table) -> None:
    once = to_arrow(table)

    assert same(to_arrow(once), once)
    assert to_arrow(once).validate(full=True) is None


@QUICK
@given(tables(), st.data())
def test_chunks_and_offsets_have_no_effect(table: pa.Table, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, table.num_rows))
    cut = data.draw(st.integers(start, table.num_rows))
    padded = pa.concat_tables([table.slice(0, start), table.slice(start, cut - start), table.slice(cut)])

    assert same(to_arrow(padded), to_arrow(table))
    assert same(to_arrow(table.slice(start)), to_arrow(table).slice(start))
    assert to_arrow(table.slice(start)).validate(full=True) is None


@QUICK
@given(tables())
def test_the_content_is_kept_but_for_the_sign_of_zero(table: pa.Table) -> None:
    assert rows(to_arrow(table)).replace("-0.0", "0.0") == rows(table).replace("-0.0", "0.0")
    assert "-0.0" not in rows(to_arrow(table))


def test_a_chunk_beyond_32_bit_offsets_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetflow.types.canonical._MAXIMUM", 100)
    words = ["some", "words", None, "ß"] * 50
    table = pa.table(
        {
            "text": pa.array(words, pa.large_string()),
            "lists": pa.array([[word, word] for word in words], pa.large_list(pa.large_string())),
        }
    )

    found = to_arrow(table)

    assert found["text"].num_chunks > 10
    assert found.schema.types == [pa.string(), pa.list_(pa.string())]
    assert rows(found) == rows(table)
