"""Row models along an edge: what is asked for must be made, and what is not told is not assumed."""

from __future__ import annotations

import datetime
import decimal
import enum
from typing import Annotated, Any, Literal

import pyarrow as pa
import pytest
from pydantic import AwareDatetime, Field, create_model

from assetflow import PrimaryKey, Rows, Unique
from assetflow.types.rowfits import guaranteed, misfits
from assetflow.types.rowmodels import RowModel, row_model


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Two(enum.Enum):
    RED = "r"
    GREEN = "g"
    BLUE = "b"


def rows(hint: Any, name: str = "a", policy: Rows = Rows()) -> RowModel:  # noqa: B008  # a frozen value
    return row_model(create_model("Row", **{name: (hint, ...)}), policy)


Money = Annotated[decimal.Decimal, Field(max_digits=8, decimal_places=2)]
More = Annotated[decimal.Decimal, Field(max_digits=12, decimal_places=3)]

#: Made, asked for, whether it fits, and whether nothing is to be converted or looked at.
EDGES: list[tuple[Any, Any, bool, bool]] = [
    (int, int, True, True),
    (int, float, True, False),
    (float, int, False, False),
    (int, str, False, False),
    (str, int, False, False),
    (bool, int, False, False),
    (Annotated[int, pa.int32()], int, True, False),
    (int, Annotated[int, pa.int32()], False, False),
    (Annotated[int, pa.uint32()], int, True, False),
    (int, int | None, True, True),
    (int | None, int, False, False),
    (int | None, int | None, True, True),
    (Money, More, True, False),
    (More, Money, False, False),
    (int, Money, False, False),
    (Annotated[int, pa.int8()], Money, True, False),
    (datetime.date, datetime.date, True, True),
    (datetime.date, datetime.datetime, False, False),
    (datetime.datetime, AwareDatetime, False, False),
    (AwareDatetime, Annotated[datetime.datetime, pa.timestamp("ns", "Europe/Berlin")], True, False),
    (AwareDatetime, Annotated[datetime.datetime, pa.timestamp("s", "UTC")], False, False),
    (Colour, str, True, False),
    (str, Colour, False, False),
    (Colour, Colour, True, True),
    (Colour, Two, True, False),
    (Two, Colour, False, False),
    (Literal["x"], str, True, True),
    (str, Literal["x"], True, False),
    (Literal["x"], Literal["x", "y"], True, True),
    (Literal["x", "y"], Literal["x"], False, False),
    (Annotated[int, Field(ge=0)], int, True, True),
    (int, Annotated[int, Field(ge=0)], True, False),
    (Annotated[int, Field(ge=1)], Annotated[int, Field(ge=0)], True, True),
    (Annotated[int, Field(gt=0)], Annotated[int, Field(ge=0)], True, True),
    (Annotated[int, Field(ge=0)], Annotated[int, Field(gt=0)], False, False),
    (Annotated[int, Field(ge=-1)], Annotated[int, Field(ge=0)], False, False),
    (Annotated[int, Field(le=5)], Annotated[int, Field(ge=0)], True, False),
    (Literal[1, 2], Annotated[int, Field(ge=0)], True, True),
    (Annotated[str, Field(max_length=3)], Annotated[str, Field(max_length=4)], True, True),
    (Annotated[str, Field(max_length=5)], Annotated[str, Field(max_length=4)], False, False),
    (Annotated[str, Field(pattern="a")], Annotated[str, Field(pattern="b")], True, False),
    (list[int], list[int], True, True),
    (list[int], list[float], True, False),
    (list[int | None], list[int], False, False),
    (list[Annotated[int, Field(ge=0)]], list[Annotated[int, Field(ge=0)]], True, True),
    (list[int], list[Annotated[int, Field(ge=0)]], True, False),
    (list[int], int, False, False),
    (dict[str, int], dict[str, int], True, True),
    (dict[str, int], dict[int, int], False, False),
    (dict[str, int], list[int], False, False),
    (Annotated[int, PrimaryKey()], int, True, True),
    (int, Annotated[int, PrimaryKey()], True, False),
    (Annotated[int, PrimaryKey()], Annotated[int, Unique()], True, True),
    (bytes, str, False, False),
    (datetime.timedelta, int, False, False),
    (float, Annotated[float, pa.float32()], False, False),
    (datetime.time, datetime.time, True, True),
]


@pytest.mark.parametrize(("made", "asked", "fits", "sure"), EDGES, ids=[str(n) for n in range(len(EDGES))])
def test_one_column_against_another(made: Any, asked: Any, fits: bool, sure: bool) -> None:
    found = misfits(rows(made), rows(asked))
    assert (not found) is fits, found
    assert guaranteed(rows(made), rows(asked)) is sure
    assert all(text.startswith("column 'a'") for text in found)


def test_a_column_that_is_not_made_is_named_with_the_nearest() -> None:
    assert misfits(rows(int, "amount"), rows(int, "amuont")) == ("Row has no column 'amuont': did you mean amount?",)
    assert misfits(rows(int, "amount", Rows(extra="keep")), rows(int, "amuont")) == ()


def test_a_column_with_a_default_may_be_missing() -> None:
    asked = row_model(create_model("Row", a=(int, ...), note=(str | None, None)))
    assert misfits(rows(int), asked) == ()
    assert not guaranteed(rows(int), asked)


def test_a_key_that_is_another_one_is_no_key() -> None:
    made = row_model(create_model("Row", a=(Annotated[int, PrimaryKey()], ...), b=(int, ...)))
    asked = row_model(create_model("Row", b=(Annotated[int, PrimaryKey()], ...)))
    assert misfits(made, asked) == ("primary key (b) is not one of Row",)
    wider = row_model(create_model("Row", a=(Annotated[int, PrimaryKey()], ...), b=(Annotated[int, PrimaryKey()], ...)))
    assert guaranteed(made, wider)
