"""Strategies made from row models: what they make keeps the model, and reaches what a model allows."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from pydantic import BaseModel, Field

from assetflow import Expect, PrimaryKey, Unique
from assetflow.errors import DefinitionError, UsageError
from assetflow.testing import tables
from assetflow.types.conforming import conformed
from assetflow.types.rowmodels import row_model


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Part(BaseModel):
    weight: Annotated[int, Field(gt=0, le=9)]
    name: str | None


class Everything(BaseModel):
    id: Annotated[int, PrimaryKey()]
    small: Annotated[int, pa.int8()]
    step: Annotated[int, Field(ge=-7, lt=20, multiple_of=3)]
    amount: Annotated[float, Field(ge=0, lt=10)]
    free: float | None
    half: Annotated[float, Field(multiple_of=0.5, ge=-2, le=2)]
    single: Annotated[float, pa.float32()]
    price: Annotated[decimal.Decimal, Field(max_digits=6, decimal_places=2, ge=0)]
    code: Annotated[str, Field(pattern="^[A-Z]{2}-[0-9]+$", max_length=8)]
    text: Annotated[str, Field(min_length=1, max_length=3)]
    kind: Literal["a", "b"] | None
    level: Literal[1, 2]
    size: Size
    day: Annotated[datetime.date, Field(ge=datetime.date(2026, 1, 1))]
    at: datetime.datetime
    seen: Annotated[datetime.datetime, pa.timestamp("ns", "Europe/Berlin")]
    clock: datetime.time
    span: datetime.timedelta | None
    blob: bytes
    key: Annotated[uuid.UUID | None, Unique()]
    flag: bool
    parts: Annotated[list[Part], Field(min_length=1)]
    words: dict[str, int]
    in_order: ClassVar = Expect("step <= small or flag")


@settings(max_examples=25)
@given(tables(Everything, as_=pa.Table))
def test_what_is_made_keeps_the_model(made: pa.Table) -> None:
    conformed(made, row_model(Everything), what="the table")


#: Whether something is found, not the smallest.
QUICK = settings(max_examples=2000, phases=[Phase.generate])


class Usual(BaseModel):
    id: Annotated[int, PrimaryKey()]
    amount: float
    note: str | None
    day: datetime.date
    parts: list[int]


@pytest.mark.parametrize(
    "kind", [pa.Table, pl.DataFrame, pl.LazyFrame, pd.DataFrame, duckdb.DuckDBPyRelation], ids=repr
)
def test_in_every_library(kind: type) -> None:
    @settings(max_examples=10)
    @given(tables(Usual, as_=kind, max_size=4))
    def law(made: Any) -> None:
        assert isinstance(made, kind)
        assert conformed(made, row_model(Usual), what="the table").num_rows <= 4

    law()


@pytest.mark.parametrize(
    "wanted",
    [
        lambda made: made.num_rows == 0,
        lambda made: made.column("note").null_count > 0,
        lambda made: any(math.isnan(value) for value in made.column("amount").to_pylist()),
        lambda made: "" in made.column("note").to_pylist(),
        lambda made: [] in made.column("parts").to_pylist(),
        lambda made: made.num_rows > 3,
    ],
    ids=["no rows", "a null", "a NaN", "an empty text", "an empty list", "several rows"],
)
def test_what_a_model_allows_is_reached(wanted: Any) -> None:
    find(tables(Usual, as_=pa.Table), wanted, settings=QUICK)


def test_what_it_forbids_is_not() -> None:
    with pytest.raises(NoSuchExample):
        find(
            tables(Usual, as_=pa.Table),
            lambda made: len(set(made.column("id").to_pylist())) < made.num_rows or made.column("day").null_count > 0,
            settings=settings(max_examples=200),
        )


def mean_note_length(orders: pl.DataFrame) -> float:
    """With two mistakes: there may be no rows, and a note may be missing."""
    lengths = [len(note) for note in orders["note"].to_list()]
    return sum(lengths) / len(lengths)


@pytest.mark.parametrize("error", [ZeroDivisionError, TypeError])
def test_it_finds_the_planted_mistakes(error: type[Exception]) -> None:
    def fails(made: pl.DataFrame) -> bool:
        try:
            mean_note_length(made)
        except error:
            return True
        except Exception:
            return False
        return False

    find(tables(Usual, as_=pl.DataFrame), fails, settings=QUICK)


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="is no table class"):
        tables(Usual, as_=int)
    with pytest.raises(DefinitionError, match="is no row model"):
        tables(int, as_=pa.Table)
