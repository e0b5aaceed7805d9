"""``table``: records of all kinds as tables of their row model."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator

from assetflow import PrimaryKey, table
from assetflow.errors import DefinitionError, ValueMismatch


class Kind(enum.Enum):
    NEW = "new"
    OLD = "old"


class Line(BaseModel):
    sku: str
    kind: Kind = Kind.NEW


class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    placed: datetime.date
    amount: Annotated[decimal.Decimal, Field(max_digits=8, decimal_places=2)]
    kind: Kind
    token: uuid.UUID
    lines: list[Line] = []
    prices: dict[str, float] = {}
    total: float = Field(default=0.0, alias="Total", ge=0)
    note: str | None = None


TOKEN = "12345678-1234-5678-1234-567812345678"
RECORD = {"id": "1", "placed": "2026-01-05", "amount": "1.5", "kind": "new", "token": TOKEN, "more": 1}
SEEN = {
    "id": 1,
    "placed": datetime.date(2026, 1, 5),
    "amount": decimal.Decimal("1.50"),
    "kind": "new",
    "token": TOKEN,
    "lines": [],
    "prices": [],
    "Total": 0.0,
    "note": None,
}


def test_records_are_parsed_and_filled() -> None:
    made = table(Order, [RECORD], as_=pa.Table)
    assert made.to_pylist() == [SEEN]


@pytest.mark.parametrize(
    "as_",
    [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.Table, duckdb.DuckDBPyRelation],
    ids=["polars", "lazy", "pandas", "arrow", "duckdb"],
)
def test_the_table_is_of_the_class_that_is_asked_for(as_: Any) -> None:
    records = [{**RECORD, "lines": [{"sku": "a", "kind": "old"}], "prices": {"eur": 1}}]
    assert isinstance(table(Order, records, as_=as_), as_)


def test_without_records_the_schema_stays() -> None:
    empty = table(Order, [], as_=pl.DataFrame)
    assert empty.height == 0
    assert empty.schema["placed"] == pl.Date
    assert empty.schema["amount"] == pl.Decimal(8, 2)
    assert empty.schema["kind"] == pl.Enum(["new", "old"])


def test_instances_and_objects_are_records_too() -> None:
    @dataclass
    class Place:
        x: int
        y: float

    class Point(BaseModel):
        x: int
        y: float

    class Odd(Point):
        @field_validator("x")
        @classmethod
        def is_odd(cls, value: int) -> int:
            assert value % 2, "not odd"
            return value

    points = [Place(1, 2.0), Point(x=3, y=4.0), {"x": 5, "y": "6"}]
    assert table(Point, points, as_=pl.DataFrame).rows() == [(1, 2.0), (3, 4.0), (5, 6.0)]
    with pytest.raises(DefinitionError, match="Python validator"):
        table(Odd, points, as_=pl.DataFrame)


def test_records_that_do_not_fit_are_told_with_their_places() -> None:
    records = [
        RECORD,
        {**RECORD, "id": "x"},
        {**RECORD, "lines": [{"sku": None}]},
        {k: v for k, v in RECORD.items() if k != "kind"},
    ]
    with pytest.raises(ValueMismatch) as caught:
        table(Order, records, as_=pa.Table)
    assert caught.value.code == "bad-rows"
    assert caught.value.message == "3 of 4 records are no Order"
    assert caught.value.where[0].startswith("record 1, id: ")
    assert caught.value.where[0].endswith(", got 'x'")
    assert caught.value.where[1].startswith("record 2, lines.0.sku: ")
    assert caught.value.where[2].startswith("record 3, kind: Field required")


def test_a_key_that_is_repeated_is_told() -> None:
    with pytest.raises(ValueMismatch, match="not a table of Order") as caught:
        table(Order, [RECORD, RECORD], as_=pa.Table)
    assert "the primary key 'id' is repeated: (1) 2 times" in caught.value.where[0]


def test_what_no_column_can_hold_is_told() -> None:
    with pytest.raises(ValueMismatch) as caught:
        table(Order, [{**RECORD, "id": 2**70}], as_=pa.Table)
    assert "column 'id'" in caught.value.where[0]
