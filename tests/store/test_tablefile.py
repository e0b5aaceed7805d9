"""Tables in Parquet files: what comes back, and reading columns that are verified alone."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetflow.errors import StorageError, ValueMismatch
from assetflow.model.versions import Stored
from assetflow.store.codecs import Parquet
from assetflow.store.columns import table_version
from assetflow.store.values import Values
from assetflow.types.tables import to_arrow

CODEC = Parquet()


def wide() -> pa.Table:
    """A column of every kind of type."""
    return pa.table(
        {
            "i": pa.array([1, None, 3], pa.int8()),
            "u": pa.array([1, None, 2**64 - 1], pa.uint64()),
            "f": pa.array([1.5, float("nan"), -0.0]),
            "h": pa.array([1.5, None, -0.0], pa.float16()),
            "s": pa.array(["a", None, "é"]),
            "b": pa.array([b"a", None, b""]),
            "t": pa.array([True, False, None]),
            "n": pa.nulls(3),
            "d": pa.array([dt.date(2026, 1, 5), None, None]),
            "ts": pa.array([1, None, 3], pa.timestamp("s")),
            "tu": pa.array([1, None, 3], pa.timestamp("us", "Europe/Berlin")),
            "tn": pa.array([1, None, 3], pa.timestamp("ns", "UTC")),
            "ti": pa.array([1, None, 3], pa.time32("s")),
            "du": pa.array([1, None, 3], pa.duration("ms")),
            "de": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")], pa.decimal128(12, 2)),
            "dw": pa.array([decimal.Decimal("1.50"), None, None], pa.decimal256(50, 2)),
            "l": pa.array([[1, None], [], None]),
            "fl": pa.array([[1, None], None, [3, 4]], pa.list_(pa.int64(), 2)),
            "ll": pa.array([[["a"], None], [], None]),
            "o": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
            "m": pa.array([[("k", 1.5)], [], None], pa.map_(pa.string(), pa.float64())),
        }
    )


@pytest.mark.parametrize("compression", ["snappy", "zstd", "lz4", "none"])
def test_every_type_comes_back_with_the_same_version(values: Values, compression: Any) -> None:
    table = to_arrow(wide())
    stored = values.save(table, Parquet(compression=compression), "a/b/_/1.parquet")
    back = values.load(stored, pa.Table)
    assert back.schema.equals(table.schema)
    assert table_version(back) == stored.data == table_version(table)


def test_a_schema_is_text_a_reader_can_show(values: Values) -> None:
    stored = values.save(pa.table({"a": [1], "b": ["x"]}), CODEC, "a/b/_/1.parquet")
    assert stored.schema == "a: int64\nb: string"
    assert stored.codec == "parquet"


@pytest.mark.parametrize(
    "make",
    [pa.table, pl.DataFrame, pl.LazyFrame, pd.DataFrame, lambda rows: duckdb.sql("select 1 as x").arrow()],
    ids=["pyarrow", "polars", "polars lazy", "pandas", "duckdb"],
)
def test_tables_of_all_libraries_come_back_as_what_they_were(make: Any, values: Values) -> None:
    value = make({"x": [1]})
    stored = values.save(value, CODEC, "a/b/_/1.parquet")
    assert type(values.load(stored)) is type(value)
    assert values.load(stored, pl.DataFrame).equals(pl.DataFrame({"x": pl.Series([1], dtype=_dtype(stored))}))


def _dtype(stored: Stored) -> Any:
    return pl.Int32 if stored.data.columns[0].type == "int32" else pl.Int64


def test_an_enum_keeps_its_domain_also_where_no_row_has_it(values: Values) -> None:
    domain = pl.Enum(["small", "medium", "large"])
    for number, rows in enumerate((["large", None, "small"], [])):
        frame = pl.DataFrame({"size": pl.Series(rows, dtype=domain)})
        stored = values.save(frame, CODEC, f"a/b/_/{number}.parquet")
        back = values.load(stored, pl.DataFrame)
        assert back.schema == frame.schema
        assert back.equals(frame)
        assert values.version(back, CODEC) == stored.data


@pytest.mark.parametrize(
    "table", [pa.table({}), pa.table({"x": pa.array([], pa.int64())}), pa.table({"x": pa.nulls(0)})]
)
def test_empty_tables_come_back_empty(table: pa.Table, values: Values) -> None:
    stored = values.save(table, CODEC, "a/b/_/1.parquet")
    assert values.load(stored, pa.Table).equals(table)
    assert values.version(values.load(stored, pa.Table), CODEC) == stored.data


def batches(count: int = 5, rows: int = 1000) -> pa.RecordBatchReader:
    schema = pa.schema([("i", pa.int64()), ("s", pa.large_string())])
    made = (
        pa.record_batch([pa.array(range(n * rows, n * rows + rows)), pa.array(["x"] * rows, pa.large_string())], schema)
        for n in range(count)
    )
    return pa.RecordBatchReader.from_batches(schema, made)


def test_a_stream_is_saved_batch_by_batch_with_the_version_of_the_whole(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetflow.store.tablefile._GROUP_ROWS", 2000)
    stored = values.save(batches(), CODEC, "a/b/_/1.parquet")
    assert stored.data == values.version(batches().read_all(), CODEC)
    assert values.load(stored, pa.Table)["i"].to_pylist() == list(range(5000))
    assert stored.blob is not None
    assert pq.ParquetFile(values.store.local(stored.blob.name)).num_row_groups == 3


def test_a_stream_without_batches_is_an_empty_table(values: Values) -> None:
    stored = values.save(batches(0), CODEC, "a/b/_/1.parquet")
    assert values.load(stored, pa.Table).num_rows == 0


def test_a_streams_memory_is_bounded(values: Values) -> None:
    before = pa.total_allocated_bytes()
    most = 0

    def watched() -> Any:
        nonlocal most
        for batch in batches(40, 100_000):
            most = max(most, pa.total_allocated_bytes() - before)
            yield batch

    reader = pa.RecordBatchReader.from_batches(batches(0).schema, watched())
    stored = values.save(reader, CODEC, "a/b/_/1.parquet")
    assert stored.data.rows == 4_000_000
    assert most < 40_000_000, "all of it would be 84 MB"


def test_a_lazy_table_is_recorded_as_what_was_written_not_as_what_it_said_before(values: Values) -> None:
    asked = iter(range(100))
    lazy = pl.LazyFrame({"x": [0]}).map_batches(lambda _: pl.DataFrame({"x": [next(asked)]}))
    version = values.version(lazy, CODEC)
    stored = values.save(lazy, CODEC, "a/b/_/1.parquet", version)
    back = values.load(stored, pl.DataFrame)
    assert stored.data == values.version(back, CODEC) != version


def test_settling_runs_a_lazy_table_once(values: Values) -> None:
    settled = values.settled(batches(), CODEC)
    version = values.version(settled, CODEC)
    assert values.save(settled, CODEC, "a/b/_/1.parquet", version).data.rows == 5000
    frame = pl.DataFrame({"x": [1]})
    assert values.settled(frame, CODEC) is frame


def stored_wide(values: Values) -> Stored:
    table = pa.table({name: pa.array(range(i, i + 2000)) for i, name in enumerate("abc")})
    table = table.append_column("o", pa.array([{"p": i, "q": str(i)} for i in range(2000)]))
    return values.save(table, CODEC, "a/b/_/1.parquet")


def test_a_few_columns_are_read_in_the_readers_order(values: Values) -> None:
    stored = stored_wide(values)
    assert values.load(stored, pa.Table, ("c", "a")).column_names == ["c", "a"]
    assert values.load(stored, pa.Table, ("o",))["o"][7].as_py() == {"p": 7, "q": "7"}
    assert values.load(stored, pa.Table, ()).num_columns == 0


def test_a_column_that_is_not_there_is_named(values: Values) -> None:
    with pytest.raises(ValueMismatch, match="the stored table has no column 'z'"):
        values.load(stored_wide(values), pa.Table, ("a", "z"))


def place_of(path: Path, column: int) -> int:
    """Somewhere in the middle of a leaf column's bytes."""
    found = pq.ParquetFile(path).metadata.row_group(0).column(column)
    return int(found.dictionary_page_offset or found.data_page_offset) + found.total_compressed_size // 2


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_is_found_by_whoever_reads_that_column_and_by_no_other(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values.store, "set_aside", lambda name: None)
    stored = stored_wide(values)
    assert stored.blob is not None
    path = values.store.local(stored.blob.name)
    for leaf, column in ((1, "b"), (4, "o")):
        flip(path, place := place_of(path, leaf))
        assert values.load(stored, pa.Table, ("c", "a")).num_rows == 2000
        for columns in ((column,), ("a", column), None):
            with pytest.raises(StorageError, match=r"1\.parquet is damaged: its ") as caught:
                values.load(stored, pa.Table, columns)
            assert caught.value.code == "blob-damaged"
        flip(path, place)
    assert values.load(stored, pa.Table).num_rows == 2000


def test_any_flipped_byte_is_found_by_a_reader_of_all(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values.store, "set_aside", lambda name: None)
    stored = values.save(pa.table({"a": [1, 2], "b": ["x", "y"]}), CODEC, "a/b/_/1.parquet")
    assert stored.blob is not None
    path = values.store.local(stored.blob.name)
    whole = path.read_bytes()
    for place in range(len(whole)):
        flip(path, place)
        with pytest.raises(StorageError, match="damaged"):
            values.load(stored, pa.Table)
        if place >= len(whole) - int.from_bytes(stored.blob.chunks[1:5], "little"):
            with pytest.raises(StorageError, match="footer"):
                values.load(stored, pa.Table, ())
        path.write_bytes(whole)


def test_names_that_parquet_takes_for_paths_are_verified_with_the_whole_file(values: Values) -> None:
    table = pa.table({"a.b": [1], "a": pa.array([{"b": 2}]), "c": [3]})
    stored = values.save(table, CODEC, "a/b/_/1.parquet")
    assert values.load(stored, pa.Table, ("a.b",)).to_pylist() == [{"a.b": 1}]
    assert values.load(stored, pa.Table, ("a",)).to_pylist() == [{"a": {"b": 2}}]
    assert stored.blob is not None
    path = values.store.local(stored.blob.name)
    flip(path, place_of(path, 1))
    with pytest.raises(StorageError):
        values.load(stored, pa.Table, ("a.b",))


def test_digests_of_columns_are_a_few_bytes_each(values: Values) -> None:
    table = pa.table({f"c{i}": [1] for i in range(50)})
    stored = values.save(table, CODEC, "a/b/_/1.parquet")
    assert stored.blob is not None
    assert len(stored.blob.chunks) == 5 + 16 + 50 * 16


def test_what_parquet_cannot_hold_is_refused_with_what_to_do(values: Values) -> None:
    table = pa.table({"x": pa.array([{}], pa.struct([]))})
    with pytest.raises(ValueMismatch, match="cannot be stored as Parquet") as caught:
        values.save(table, CODEC, "a/b/_/1.parquet")
    assert caught.value.code == "no-codec"
    assert list(values.store.names()) == []
