"""Lazy frames over files, and lazy results: the same as in memory, and no more of it than a batch at a time."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from assetflow.store import tablefile
from assetflow.types import lazily
from assetflow.types.scans import Scan, is_scannable
from assetflow.types.tables import from_arrow, to_arrow

ROWS = 300_000


def wide() -> pl.DataFrame:
    day = datetime.date(2026, 1, 1)
    return pl.DataFrame(
        {
            "id": range(ROWS),
            "name": [f"row {i % 7}" if i % 5 else None for i in range(ROWS)],
            "day": [day + datetime.timedelta(i % 30) for i in range(ROWS)],
            "at": pl.datetime_range(
                datetime.datetime(2026, 1, 1),
                datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=ROWS - 1),
                "1s",
                eager=True,
                time_zone="Europe/Berlin",
            ),
            "tags": [[i % 3, None] for i in range(ROWS)],
            "small": pl.Series([i % 100 for i in range(ROWS)], dtype=pl.UInt8),
        }
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    path = tmp_path_factory.mktemp("lazily") / "t.parquet"
    frame = wide()
    tablefile.write(frame, path, "snappy")
    return path, frame


def scanned(path: Path, columns: list[str] | None = None) -> Any:
    schema = to_arrow(wide().head(1)).schema
    schema = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    return tablefile.lazily(Scan(schema, path), tablefile._polars)


def test_a_file_read_lazily_is_the_frame_that_was_written(file: tuple[Path, pl.DataFrame]) -> None:
    path, frame = file
    lazy = scanned(path)
    assert lazy.collect_schema() == frame.schema
    assert_frame_equal(lazy.collect(), frame)
    assert_frame_equal(scanned(path, ["day", "id"]).collect(), frame.select("day", "id"))


@pytest.mark.parametrize(
    "asked",
    [
        lambda f: f.filter(pl.col("id") % 1000 == 7).select("name", "id"),
        lambda f: f.head(5),
        lambda f: f.filter(pl.col("small") == 3).head(4).select("id"),
        lambda f: f.slice(140_000, 10),
        lambda f: f.group_by("day").agg(pl.len()).sort("day"),
        lambda f: f.select(pl.col("at").max()),
        lambda f: f.tail(3),
    ],
    ids=["filter", "head", "filtered head", "slice", "groups", "greatest", "tail"],
)
def test_what_is_asked_of_it_is_what_a_frame_in_memory_gives(asked: Any, file: tuple[Path, pl.DataFrame]) -> None:
    path, frame = file
    assert_frame_equal(asked(scanned(path)).collect(), asked(frame.lazy()).collect())


def test_a_large_result_is_a_stream_and_a_small_one_a_table(file: tuple[Path, pl.DataFrame]) -> None:
    path, frame = file
    big = pl.concat([frame, frame, frame]).lazy().with_columns(twice=pl.col("id") * 2)
    found = lazily.collected(big)
    assert isinstance(found, pa.RecordBatchReader)
    assert_frame_equal(pl.DataFrame(found.read_all()), pl.DataFrame(to_arrow(big.collect())))
    small = lazily.collected(scanned(path).head(3))
    assert isinstance(small, pa.Table)
    assert_frame_equal(from_arrow(small, pl.DataFrame), frame.head(3))  # type: ignore[arg-type]
    assert isinstance(from_arrow(small, None), pl.LazyFrame)


def test_a_result_without_rows_keeps_its_columns() -> None:
    found = lazily.collected(pl.DataFrame({"a": [1], "b": ["x"]}).lazy().filter(pl.col("a") > 1))
    assert found.num_rows == 0
    assert found.schema.names == ["a", "b"]


def test_categories_are_those_of_the_whole() -> None:
    frame = pl.DataFrame({"c": ["a", "b", "a"]}, schema={"c": pl.Categorical})
    found = lazily.collected(frame.lazy())
    assert from_arrow(found, pl.DataFrame)["c"].to_list() == ["a", "b", "a"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "scannable"),
    [
        (pa.int64(), True),
        (pa.list_(pa.string()), True),
        (pa.struct([("a", pa.date32())]), True),
        (pa.timestamp("us", "UTC"), True),
        (pa.timestamp("s"), False),
        (pa.timestamp("ns"), False),
        (pa.duration("us"), False),
        (pa.dictionary(pa.int32(), pa.string()), False),
        (pa.decimal128(12, 2), True),
        (pa.decimal256(60, 2), False),
        (pa.map_(pa.string(), pa.int64()), False),
    ],
    ids=str,
)
def test_what_other_engines_read_as_it_is(kind: pa.DataType, scannable: bool) -> None:
    assert is_scannable(kind) is scannable
