"""Values against their types: what is admitted, what is converted, and how a misfit is named."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple, NewType, NotRequired, Protocol, TypedDict

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator

from assetflow.errors import ValueMismatch
from assetflow.types.values import checked

UserId = NewType("UserId", int)


class Order(BaseModel):
    order_id: int
    amount: float = Field(default=0.0, ge=0)


class LargeOrder(Order):
    discount: float = 0.0


@dataclasses.dataclass(frozen=True)
class Line:
    price: float
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Node:
    value: int
    children: list[Node] = dataclasses.field(default_factory=list)


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: float


class Colour(enum.StrEnum):
    RED = "red"


class Runs(Protocol):
    def run(self) -> int: ...


class Runner:
    def run(self) -> int:
        return 1


class Plain:
    pass


class Shy:
    def __repr__(self) -> str:
        raise RuntimeError("no")


ADMITTED: dict[str, tuple[Any, Any]] = {
    "an int": (3, int),
    "None": (None, type(None)),
    "nothing for optional": (None, int | None),
    "a missing annotation": (object(), None),
    "Any": (object(), Any),
    "a list": ([1, 2], list[int]),
    "an empty list": ([], list[int]),
    "a list of optional": ([1, None], list[int | None]),
    "a Sequence": ((1, 2), Sequence[int]),
    "an Iterable": ({1, 2}, Iterable[int]),
    "a Mapping": ({"a": 1}, Mapping[str, int]),
    "a variadic tuple": ((1, 2, 3), tuple[int, ...]),
    "a fixed tuple": ((1, "a"), tuple[int, str]),
    "a deque": (collections.deque([1]), collections.deque[int]),
    "a model": (Order(order_id=1), Order),
    "a model's child": (LargeOrder(order_id=1), Order),
    "models in a dict": ({"a": [Order(order_id=1)]}, dict[str, list[Order]]),
    "a dataclass": (Line(1.0), Line),
    "a dataclass that holds itself": (Node(1, [Node(2)]), Node),
    "a TypedDict": ({"title": "x"}, Movie),
    "a NamedTuple": (Point(1, 2.0), Point),
    "a literal": ("a", Literal["a", "b"]),
    "an enum": (Colour.RED, Colour),
    "a NewType": (UserId(3), UserId),
    "a date": (dt.date(2026, 1, 1), dt.date),
    "a decimal": (Decimal("1.5"), Decimal),
    "a path": (Path("x"), Path),
    "a function": (len, Callable[[Any], int]),
    "a class": (bool, type[int]),
    "an array": (np.zeros(2), np.ndarray),
    "a typed array": (np.zeros(2), npt.NDArray[np.float64]),
    "a class that pydantic does not know": (Plain(), Plain),
    "what has a protocol's methods": (Runner(), Runs),
    "such in a list": ([Runner()], list[Runs]),
    "a polars frame": (pl.DataFrame(), pl.DataFrame),
    "a lazy frame": (pl.LazyFrame(), pl.LazyFrame),
    "a pandas frame": (pd.DataFrame(), pd.DataFrame | None),
    "an Arrow table": (pa.table({}), pa.Table),
    "a relation": (duckdb.sql("select 1"), duckdb.DuckDBPyRelation),
    "frames in a dict": ({"a": pl.DataFrame()}, dict[str, pl.DataFrame]),
}


@pytest.mark.parametrize("case", list(ADMITTED))
def test_a_value_of_its_type_is_admitted_as_it_is(case: str) -> None:
    value, hint = ADMITTED[case]

    found = checked(value, hint, what="shop.orders")

    assert type(found) is type(value)
    if not isinstance(value, pl.DataFrame | pl.LazyFrame | pd.DataFrame | np.ndarray | dict):
        assert found == value


CONVERTED: dict[str, tuple[Any, Any, Any]] = {
    "an int to float": (3, float, 3.0),
    "a bool to int": (True, int, 1),
    "bools in a list": ([1, True], list[int], [1, 1]),
    "bools as floats": ({"a": True}, dict[str, float], {"a": 1.0}),
    "ints in a list": ([1, 2.5], list[float], [1.0, 2.5]),
    "a numpy integer": (np.int64(3), int, 3),
    "a numpy float": (np.float32(0.5), float, 0.5),
    "a numpy float that is one": (np.float64(0.5), float, 0.5),
    "a numpy boolean": (np.bool_(True), bool, True),
    "a numpy text": (np.str_("a"), str, "a"),
    "numpy's numbers in a dict": ({"a": [np.int8(1)]}, dict[str, list[int]], {"a": [1]}),
    "an int field": (Line(3), Line, Line(3.0)),
    "a NamedTuple's field": (Point(1, 2), Point, Point(1, 2.0)),
    "optional": (3, float | None, 3.0),
}


@pytest.mark.parametrize("case", list(CONVERTED))
def test_numbers_are_converted_where_edges_of_such_types_convert(case: str) -> None:
    value, hint, expected = CONVERTED[case]

    found = checked(value, hint, what="shop.orders")

    assert (repr(found), type(found)) == (repr(expected), type(expected))


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "a text for an int": ("3", int, "expected int, got str '3'"),
    "an int for a text": (3, str, "expected str, got int 3"),
    "a float for an int": (1.0, int, "expected int, got float 1.0"),
    "nothing": (None, int, "expected int, got None"),
    "something for nothing": (3, type(None), "expected None, got int 3"),
    "an element": ([1, 2, "x"], list[int], "list[int], got list of 3\n  [2]: expected int, got str 'x'"),
    "an element of optional": ([None, "x"], list[int | None], "[1]: expected int | None, got str 'x'"),
    "one deep inside": ({"a": [[1], ["x"]]}, dict[str, list[list[int]]], "['a'][1][0]: expected int, got str 'x'"),
    "a key": ({1: 2, "x": 3}, dict[int, int], "its key should be int"),
    "one of a tuple": ((1, 2), tuple[int, str], "[1]: expected str, got int 2"),
    "one of a Sequence": ([1, "x"], Sequence[int], "[1]: expected int, got str 'x'"),
    "a text for a Sequence": ("abc", Sequence[str], "expected Sequence[str], got str 'abc'"),
    "a list for a tuple": ([1], tuple[int, ...], "expected tuple[int, ...], got list of 1"),
    "a missing key": ({}, Movie, "'title' is missing"),
    "a value in a TypedDict": ({"title": 1}, Movie, "['title']: expected str, got int 1"),
    "a dataclass's field": (Line(1.0, ["a", 2]), Line, "tags[1]: expected str, got int 2"),  # type: ignore[list-item]
    "one in a list of dataclasses": ([Line("x")], list[Line], "[0].price: expected float, got str 'x'"),  # type: ignore[arg-type]
    "a NamedTuple's": (Point("x", 1.0), Point, "x: expected int, got str 'x'"),  # type: ignore[arg-type]
    "a dict for a model": ({"order_id": 1}, Order, "expected Order, got dict of 1"),
    "another literal": ("c", Literal["a", "b"], "expected Literal['a', 'b'], got str 'c'"),
    "a datetime for a date": (dt.datetime(2026, 1, 1), dt.date, "expected date, got datetime"),
    "no such method": (Plain(), Runs, "it is not Runs: it has no run"),
    "a class for its child": (Order(order_id=1), LargeOrder, "expected LargeOrder, got Order"),
    "another library's table": (pd.DataFrame(), pl.DataFrame, "expected polars.DataFrame, got pandas.DataFrame"),
    "a list for a table": ([1], pl.DataFrame, "expected polars.DataFrame, got list of 1"),
    "a table for a list": (pl.DataFrame(), list[int], "expected list[int], got polars.DataFrame"),
    "one table of many": (
        {"a": pd.DataFrame()},
        dict[str, pl.DataFrame],
        "['a']: expected polars.DataFrame, got pandas",
    ),
    "what cannot be shown": (Shy(), int, "expected int, got Shy"),
    "a class pydantic does not know": (3, Plain, "expected Plain, got int 3"),
    "a long text": ("x" * 200, int, f"got str '{'x' * 56}..."),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_a_value_of_another_type_is_refused_with_its_first_misfit(case: str) -> None:
    value, hint, says = REFUSED[case]

    with pytest.raises(ValueMismatch) as caught:
        checked(value, hint, what="shop.orders")

    text = str(caught.value)
    assert caught.value.code == "wrong-type"
    assert text.startswith("error[wrong-type]: shop.orders: expected ")
    assert says in text
    assert len(text.splitlines()) <= 6
    assert all(len(line) < 200 for line in text.splitlines())


def test_a_validator_that_fails_is_told_as_a_misfit() -> None:
    class Strict(BaseModel):
        x: int

        @field_validator("x")
        @classmethod
        def positive(cls, x: int) -> int:
            if x <= 0:
                raise ZeroDivisionError("not positive")
            return x

    class Wanted(TypedDict):
        inner: Strict

    with pytest.raises(ValueMismatch):
        checked({"inner": {"x": 0}}, Wanted, what="shop.orders")


def test_the_whole_error_reads_well() -> None:
    with pytest.raises(ValueMismatch) as caught:
        checked([{"title": "a"}, {"title": 3}], list[Movie], what="shop.films")

    assert str(caught.value) == (
        "error[wrong-type]: shop.films: expected list[Movie], got list of 2\n"
        "  [1]['title']: expected str, got int 3\n"
        "hint: return what the annotation says, or change the annotation"
    )


def test_a_million_numbers_are_checked_fast_also_when_the_last_one_does_not_fit() -> None:
    numbers: list[object] = list(range(1_000_000))
    checked([1], list[int], what="shop.numbers")

    checked(numbers, list[int], what="shop.numbers")
    numbers[-1] = "x"
    with pytest.raises(ValueMismatch, match=r"list of 1000000"):
        checked(numbers, list[int], what="shop.numbers")


def test_types_that_python_calls_equal_are_told_apart() -> None:
    assert checked(1, Literal[1], what="x") == 1
    with pytest.raises(ValueMismatch):
        checked(1, Literal[True], what="x")
    with pytest.raises(ValueMismatch):
        checked([1], list[Literal[True]], what="x")
