"""Tables held to their row models: what passes comes out as the model says, and what does not is told with its rows."""

from __future__ import annotations

import datetime
import decimal
import enum
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model

from assetflow import PrimaryKey, Rows, Unique
from assetflow.errors import ValueMismatch
from assetflow.types.arrowtypes import arrow_type
from assetflow.types.conforming import Streamed, conformed, stream
from assetflow.types.rowmodels import row_model


class Line(BaseModel):
    sku: str
    count: int = Field(ge=1)


class Order(BaseModel):
    id: int = Field(ge=0, lt=1000)
    share: float = Field(gt=0, le=1)
    name: str | None = Field(min_length=1, max_length=4, pattern="^[a-z]+$")
    status: Literal["open", "paid"]
    tags: list[Annotated[int, Field(multiple_of=3)]] = Field(max_length=2)
    lines: list[Line] | None


SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "share": pa.float64(),
        "name": pa.string(),
        "status": pa.string(),
        "tags": pa.list_(pa.int64()),
        "lines": pa.list_(pa.struct({"sku": pa.string(), "count": pa.int64()})),
    }
)

line = st.one_of(
    st.none(), st.fixed_dictionaries({"sku": st.one_of(st.none(), st.text(max_size=2)), "count": st.integers(0, 3)})
)
rows = st.fixed_dictionaries(
    {
        "id": st.one_of(st.none(), st.integers(-1, 3), st.just(1000)),
        "share": st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0, 1.5, float("nan")])),
        "name": st.one_of(st.none(), st.sampled_from(["", "a", "abcd", "abcde", "A", "é"])),
        "status": st.sampled_from(["open", "paid", "lost", None]),
        "tags": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.sampled_from([0, 3, 4])), max_size=3)),
        "lines": st.one_of(st.none(), st.lists(line, max_size=2)),
    }
)
good = st.fixed_dictionaries(
    {
        "id": st.integers(0, 999),
        "share": st.sampled_from([0.5, 1.0]),
        "name": st.one_of(st.none(), st.sampled_from(["a", "abcd"])),
        "status": st.sampled_from(["open", "paid"]),
        "tags": st.lists(st.sampled_from([0, 3]), max_size=2),
        "lines": st.one_of(
            st.none(), st.lists(st.fixed_dictionaries({"sku": st.just("x"), "count": st.integers(1, 3)}), max_size=2)
        ),
    }
)
MODEL = row_model(Order)
ONE_BY_ONE = TypeAdapter(list[Order])


@given(st.lists(good, max_size=4), st.lists(rows, max_size=2), st.integers(1, 3))
def test_a_table_passes_exactly_when_each_of_its_rows_is_a_record_of_the_model(
    sound: list[dict[str, Any]], others: list[dict[str, Any]], chunk: int
) -> None:
    records = [*sound, *others]
    table = pa.Table.from_pylist(records, SCHEMA)
    table = pa.concat_tables([table.slice(at, chunk) for at in range(0, table.num_rows, chunk)] or [table])
    broken = [number for number, record in enumerate(records) if not _is_order(record)]
    if not broken:
        assert conformed(table, MODEL, what="t").to_pylist() == records
        return
    with pytest.raises(ValueMismatch) as caught:
        conformed(table, MODEL, what="t")
    assert caught.value.code == "bad-rows"
    told = " ".join(caught.value.where)
    assert f"of {len(records)} rows" in told
    assert any(f"row {number} " in told for number in broken)


def _is_order(record: dict[str, Any]) -> bool:
    try:
        ONE_BY_ONE.validate_python([record], strict=True)
    except ValidationError:
        return False
    return True


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Wide(BaseModel):
    small: Annotated[int, pa.int32()]
    number: float
    price: Annotated[decimal.Decimal, Field(max_digits=6, decimal_places=2)]
    at: datetime.datetime
    colour: Colour
    note: str = "none"


def wide(**columns: Any) -> dict[str, Any]:
    usual = {
        "small": [1, 2],
        "number": [1, 2],
        "price": [decimal.Decimal("1.5"), decimal.Decimal(2)],
        "at": [datetime.datetime(2026, 1, 1)] * 2,
        "colour": ["r", "b"],
    }
    return {**usual, **columns}


def of_polars(columns: dict[str, Any]) -> Any:
    return pl.DataFrame(columns)


def of_pandas(columns: dict[str, Any]) -> Any:
    return pd.DataFrame(columns)


def of_arrow(columns: dict[str, Any]) -> Any:
    return pa.table(columns)


def of_duckdb(columns: dict[str, Any]) -> Any:
    return duckdb.connect().from_arrow(pa.table(columns))


def of_lazy(columns: dict[str, Any]) -> Any:
    return pl.LazyFrame(columns)


@pytest.mark.parametrize("make", [of_polars, of_pandas, of_arrow, of_duckdb, of_lazy])
def test_lossless_conversions_are_made_whatever_library_it_is(make: Any) -> None:
    made = conformed(make(wide()), row_model(Wide), what="t")
    assert made.column_names == ["small", "number", "price", "at", "colour", "note"]
    assert [str(kind) for kind in made.schema.types[:4]] == ["int32", "double", "decimal128(6, 2)", "timestamp[us]"]
    assert made.column("colour").chunk(0).dictionary.to_pylist() == ["r", "b"]
    assert made.to_pylist()[1] == {
        "small": 2,
        "number": 2.0,
        "price": decimal.Decimal("2.00"),
        "at": datetime.datetime(2026, 1, 1),
        "colour": "b",
        "note": "none",
    }


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (wide(small=[1, 2**40]), "column 'small' is int64, and 1099511627776 (row 1) is no int32"),
        (wide(number=["1", "2"]), "column 'number' is string, not double"),
        (wide(number=[1, 2**53 + 1]), "column 'number' is int64, and 9007199254740993 (row 1) is no double"),
        (
            wide(price=[decimal.Decimal("1.555"), decimal.Decimal(2)]),
            "Decimal('1.555') (row 0) is no decimal128(6, 2)",
        ),
        (wide(colour=["r", "green"]), "column 'colour' has 'green', which is not one of enum(r, b)"),
        (wide(at=[datetime.date(2026, 1, 1)] * 2), "column 'at' is date32[day], not timestamp[us]"),
        (wide(more=[1, 2]), "'more' is no column of Wide; Rows(extra='drop') drops it"),
        (wide(small=[None, 1]), "column 'small': 1 of 2 rows have no value, such as row 0 (None)"),
        (
            {k: v for k, v in wide(numbre=[1.0, 2.0]).items() if k != "number"},
            "column 'number' is missing: did you mean numbre?",
        ),
    ],
)
def test_what_cannot_be_converted_is_told_with_an_example(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        conformed(pa.table(columns), row_model(Wide), what="shop.wide")
    assert caught.value.message == "shop.wide is not a table of Wide"
    assert any(told in line for line in caught.value.where), caught.value.where


def test_all_that_is_wrong_is_told_at_once_and_not_too_much() -> None:
    columns = {name: ["x"] for name in ("small", "number", "price", "at")}
    with pytest.raises(ValueMismatch) as caught:
        conformed(pa.table({**columns, "x": [1]}), row_model(Wide), what="t")
    assert len(caught.value.where) == 5
    assert caught.value.where[-1] == "and 2 more"


def test_pandas_missing_numbers_are_missing_values() -> None:
    class Row(BaseModel):
        a: int | None
        b: float | None

    frame = pd.DataFrame({"a": [1, np.nan], "b": [np.nan, 2.0]})
    made = conformed(frame, row_model(Row), what="t")
    assert made.to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": 2.0}]
    assert str(made.schema.field("a").type) == "int64"


def test_extra_columns_are_kept_or_dropped_where_that_is_said() -> None:
    class Row(BaseModel):
        a: int

    table = pa.table({"x": [1], "a": [2], "y": [3]})
    assert conformed(table, row_model(Row, Rows(extra="drop")), what="t").column_names == ["a"]
    assert conformed(table, row_model(Row, Rows(extra="keep")), what="t").column_names == ["a", "x", "y"]


class Loose(BaseModel):
    a: int
    b: int | None
    c: int = 3


@pytest.mark.parametrize(
    ("policy", "columns", "wanted"),
    [
        (Rows(), {"b": [1], "a": [2]}, {"a": [2], "b": [1], "c": [3]}),
        (Rows(order="same"), {"a": [2], "b": [1]}, {"a": [2], "b": [1], "c": [3]}),
        (Rows(order="same"), {"b": [1], "a": [2]}, "its columns stand in another order than Loose's: b, a"),
        (Rows(order="same", extra="keep"), {"x": [0], "a": [2], "y": [0], "b": [1]}, ["a", "b", "c", "x", "y"]),
        (Rows(), {"a": [2]}, "column 'b' is missing"),
        (Rows(missing="fill"), {"a": [2]}, {"a": [2], "b": [None], "c": [3]}),
        (Rows(missing="fill"), {"b": [2]}, "column 'a' is missing"),
    ],
    ids=["put in order", "in order", "not in order", "others beside", "missing", "filled", "not to be filled"],
)
def test_policies_about_columns(policy: Rows, columns: dict[str, list[int]], wanted: Any) -> None:
    rows = row_model(Loose, policy)
    if isinstance(wanted, str):
        with pytest.raises(ValueMismatch) as caught:
            conformed(pa.table(columns), rows, what="t")
        assert wanted in caught.value.where[0]
        return
    found = conformed(pa.table(columns), rows, what="t")
    assert (found.column_names if isinstance(wanted, list) else found.to_pydict()) == wanted


def test_a_policy_that_changes_values_is_part_of_the_type() -> None:
    usual, filled, ordered = (row_model(Loose, policy) for policy in (Rows(), Rows(missing="fill"), Rows(order="same")))
    assert usual.shape != filled.shape
    assert usual.shape == ordered.shape
    assert usual.identity != ordered.identity


class Keyed(BaseModel):
    id: Annotated[int, PrimaryKey()]
    line: Annotated[int, PrimaryKey()]
    email: Annotated[str | None, Unique()] = None


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"id": [1, 1, 1], "line": [1, 2, 1]}, "the primary key 'id', 'line' is repeated: (1, 1) 2 times"),
        ({"id": [1, 2], "line": [1, 1], "email": ["a", "a"]}, "the unique 'email' is repeated: ('a') 2 times"),
        ({"id": [1, None], "line": [1, 1]}, "column 'id': 1 of 2 rows have no value"),
    ],
)
def test_keys_are_not_repeated(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        conformed(pa.table(columns), row_model(Keyed), what="t")
    assert any(told in line for line in caught.value.where), caught.value.where


def test_nulls_are_not_held_to_be_equal_in_a_unique_column() -> None:
    made = conformed(
        pa.table({"id": [1, 2], "line": [1, 1], "email": pa.array([None, None], pa.string())}),
        row_model(Keyed),
        what="t",
    )
    assert made.num_rows == 2


@pytest.mark.parametrize(
    ("hint", "values", "told"),
    [
        (
            dict[str, Annotated[int, Field(ge=0)]],
            [{"a": 1}, {"b": -1}],
            "column 'a[]': 1 of 2 rows are not at least 0, such as row 1",
        ),
        (
            Line,
            [{"sku": "a", "count": 1}, {"sku": "b", "count": 0}],
            "column 'a.count': 1 of 2 rows are not at least 1",
        ),
        (
            list[list[Annotated[int, Field(lt=5)]]],
            [[[1], [2, 9]], []],
            "column 'a[][]': 1 of 2 rows are not below 5, such as row 0",
        ),
        (list[Literal["x"]], [["x"], ["x", "y"]], "column 'a[]': 1 of 2 rows are not one of 'x'"),
        (Annotated[bytes, Field(max_length=1)], [b"a", b"ab"], "column 'a': 1 of 2 rows are not of length at most 1"),
        (Annotated[float, Field(allow_inf_nan=False)], [1.0, float("inf")], "are not finite, such as row 1 (inf)"),
        (
            Annotated[datetime.date, Field(ge=datetime.date(2026, 1, 1))],
            [datetime.date(2025, 1, 1), datetime.date(2026, 1, 1)],
            "are not at least 2026-01-01",
        ),
        (
            Annotated[datetime.timedelta, Field(ge=datetime.timedelta(0))],
            [datetime.timedelta(1), datetime.timedelta(-1)],
            "1 of 2 rows are not at least datetime.timedelta(0), such as row 1",
        ),
        (Annotated[int, Field(ge=2**63)], [1, 2], "2 of 2 rows are not at least 9223372036854775808"),
        (Annotated[int, pa.uint8(), Field(ge=-5, lt=2)], [1, 2], "1 of 2 rows are not below 2, such as row 1 (2)"),
        (
            Annotated[decimal.Decimal, Field(max_digits=6, decimal_places=2, le=1.5)],
            [decimal.Decimal("1.5"), decimal.Decimal("1.51")],
            "1 of 2 rows are not at most 1.5, such as row 1",
        ),
        (
            Annotated[float, Field(multiple_of=0.1)],
            [0.3, 0.35],
            "1 of 2 rows are not a multiple of 0.1, such as row 1 (0.35)",
        ),
    ],
)
def test_rules_reach_into_what_columns_hold(hint: Any, values: list[Any], told: str) -> None:

    model = row_model(create_model("Row", a=(hint, ...)))

    kind = arrow_type(model.columns[0].slot.type)
    values = [list(each.items()) for each in values] if pa.types.is_map(kind) else values
    with pytest.raises(ValueMismatch) as caught:
        conformed(pa.table({"a": pa.array(values, kind)}), model, what="t")
    assert told in caught.value.where[0], caught.value.where


def test_a_stream_is_held_to_its_model_batch_by_batch_and_its_keys_at_its_end() -> None:
    taken: list[int] = []

    def batches(*ids: list[int]) -> Iterator[pa.RecordBatch]:
        for each in ids:
            taken.append(len(each))
            yield pa.record_batch({"id": each, "line": [1] * len(each)})

    schema = pa.schema({"id": pa.int64(), "line": pa.int64()})
    found = Streamed()
    held = stream(pa.RecordBatchReader.from_batches(schema, batches([1, 2], [3])), row_model(Keyed), found, what="t")
    assert taken == []
    assert held.read_all().column_names == ["id", "line", "email"]
    assert found.wrong == []
    again = pa.RecordBatchReader.from_batches(schema, batches([1, 2], [1]))
    assert stream(again, row_model(Keyed), found, what="t").read_all().num_rows == 3
    assert found.wrong == ["the primary key 'id', 'line' is repeated: (1, 1) 2 times"]


def test_an_empty_table_needs_its_columns_too() -> None:
    assert conformed(pl.DataFrame(schema={"id": pl.Int64, "line": pl.Int64}), row_model(Keyed), what="t").num_rows == 0
    with pytest.raises(ValueMismatch, match="is not a table of Keyed"):
        conformed(pl.DataFrame(), row_model(Keyed), what="t")
