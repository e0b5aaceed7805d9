"""What a consumer is given of a value in memory."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path
from typing import Any, Protocol

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

from assetflow.store.codecs import codec_for
from assetflow.types.handover import handed, reading_hint
from assetflow.types.values import checked


class Order(BaseModel):
    lines: list[int]


class LargeOrder(Order):
    discount: float = 0.0


class Priced(Protocol):
    discount: float


@dataclasses.dataclass
class Holder:
    items: list[int]


class Opaque:
    def __init__(self) -> None:
        self.items = [1]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"items": [1]}, dict[str, list[int]]),
        ({"items": [1]}, None),
        (Order(lines=[1]), Order),
        (Holder([1]), Holder),
        ([Holder([1])], list[Holder]),
    ],
    ids=["dict", "dict without annotation", "model", "dataclass", "list"],
)
def test_what_a_consumer_changes_is_its_own(value: Any, hint: object) -> None:
    before = repr(value)

    mine = handed(value, hint)
    inner = mine[0] if isinstance(mine, list) else mine
    items = inner["items"] if isinstance(inner, dict) else getattr(inner, "items", None) or inner.lines
    items.append(2)

    assert repr(value) == before
    assert repr(handed(value, hint)) == before


def test_arrays_are_copied_as_a_file_would_give_them() -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))

    mine = handed(array, np.ndarray)
    mine[0, 0] = 99
    strided = handed(np.arange(6)[::2], None)

    assert array[0, 0] == 0
    assert mine.flags.f_contiguous
    assert strided.flags.c_contiguous


def test_what_nothing_is_known_of_is_copied_deeply() -> None:
    value = Opaque()

    mine = handed(value, Opaque)
    mine.items.append(2)
    with_opaque = handed({"a": value}, None)

    assert value.items == [1]
    assert with_opaque["a"] is not value
    assert with_opaque["a"].items == [1]


def test_immutable_values_are_handed_on_as_they_are() -> None:
    for value in (b"bytes", "text", Path("x"), 10**30, None, True):
        assert handed(value, type(value)) is value


def test_other_bytes_come_as_bytes() -> None:
    assert handed(bytearray(b"x"), None) == handed(memoryview(b"x"), bytes) == b"x"
    assert type(handed(bytearray(b"x"), None)) is bytes


def test_ints_become_floats_where_the_consumer_asks_for_floats() -> None:
    assert repr(handed(3, float)) == "3.0"
    assert repr(handed({"a": [1]}, dict[str, list[float]])) == "{'a': [1.0]}"


@pytest.mark.parametrize("made", [pa.Table, pl.DataFrame, pd.DataFrame, duckdb.DuckDBPyRelation], ids=str)
@pytest.mark.parametrize(
    "asked",
    [pa.Table, pa.RecordBatchReader, pl.DataFrame, pl.LazyFrame, pd.DataFrame, duckdb.DuckDBPyRelation],
    ids=str,
)
def test_tables_come_in_the_library_that_is_asked_for(made: Any, asked: Any) -> None:
    value = handed(pa.table({"a": [1, 2], "b": ["x", None]}), made)

    mine = handed(value, asked)

    assert isinstance(mine, asked)
    assert handed(mine, pa.Table).to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_without_annotation_a_table_stays_in_its_library() -> None:
    assert isinstance(handed(pd.DataFrame({"a": [1]}), None), pd.DataFrame)
    assert isinstance(handed(pl.DataFrame({"a": [1]}), None), pl.DataFrame)


def test_relations_are_handed_on_over_the_steps_connection() -> None:
    connection = duckdb.connect()

    orders = handed(pl.DataFrame({"a": [1]}), duckdb.DuckDBPyRelation, connection=connection)

    assert connection.sql("select a + 1 from orders").fetchall() == [(2,)]
    assert orders.fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("producer", "consumer", "expected"),
    [
        (None, None, None),
        (None, int, int),
        (int, None, int),
        (Any, int, int),
        (int, object, int),
        (int, float, float),
        (list[int], list[float], list[float]),
        (LargeOrder, Order, LargeOrder),
        (LargeOrder, Priced, LargeOrder),
        (pl.DataFrame, pd.DataFrame, pd.DataFrame),
        (pl.DataFrame, None, pl.DataFrame),
        (int, int | None, int),
    ],
    ids=repr,
)
def test_a_value_is_read_as_what_it_was_made_unless_the_consumer_has_it_converted(
    producer: object, consumer: object, expected: object
) -> None:
    assert reading_hint(producer, consumer) == expected


def test_a_library_that_another_thread_is_importing_has_no_values_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", types.ModuleType("numpy"))
    monkeypatch.setitem(sys.modules, "pydantic.main", types.ModuleType("pydantic.main"))
    assert handed([1.5], list[float]) == [1.5]
    assert checked(3, int, what="it") == 3
    assert codec_for(dict, {"a": 1}).text == codec_for(dict, {}).text
