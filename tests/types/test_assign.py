"""Which edges fit."""

from __future__ import annotations

import collections
import datetime as dt
import enum
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Protocol, TypedDict, TypeVar

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

from assetflow.types.assign import assignable

T = TypeVar("T")
N = TypeVar("N", bound=float)
UserId = NewType("UserId", int)


class Animal(BaseModel):
    name: str


class Dog(Animal):
    tricks: int = 0


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Movie(TypedDict):
    title: str
    year: int


class Titled(TypedDict):
    title: str


class MaybeRated(TypedDict):
    title: str
    rating: NotRequired[float]


class Rated(TypedDict):
    title: str
    rating: float


class Point(NamedTuple):
    x: int
    y: int


class HasArea(Protocol):
    side: float

    def area(self, scale: float) -> float: ...


@dataclass
class Square:
    side: float

    def area(self, scale: float) -> float:
        return self.side**2 * scale


@dataclass
class WordySquare:
    side: float

    def area(self, scale: float) -> str:
        return str(self.side * scale)


@dataclass
class LessSquare:
    side: float

    def area(self) -> float:
        return self.side


class Box(Generic[T]):
    pass


class Names(list[str]):
    pass


class Registry(dict[str, T]):
    pass


class NamedFrame(pd.DataFrame):
    pass


FITS = "fits"
CONVERTS = "converts"
UNKNOWN = "unknown"
NO = "no"

CASES: list[tuple[str, object, object, str]] = [
    ("the same class", int, int, FITS),
    ("optional", int, int | None, FITS),
    ("optional into a union", int | None, int | str | None, FITS),
    ("what may be missing into what may not", int | None, int, NO),
    ("a wider union", int | str, int, NO),
    ("int to float", int, float, CONVERTS),
    ("optional int to optional float", int | None, float | None, CONVERTS),
    ("int where a union has it as it is", int, float | int, FITS),
    ("float to int", float, int, NO),
    ("int to str", int, str, NO),
    ("bool to int", bool, int, CONVERTS),
    ("an int enum to int", Level, int, FITS),
    ("int to bool", int, bool, NO),
    ("a missing producer annotation", None, int, UNKNOWN),
    ("a missing consumer annotation", int, None, UNKNOWN),
    ("Any", Any, list[int], UNKNOWN),
    ("into Any", list[int], Any, UNKNOWN),
    ("into object", list[int], object, FITS),
    ("list to Sequence", list[int], Sequence[int], FITS),
    ("list to Sequence of what converts", list[int], Sequence[float], CONVERTS),
    ("list to Sequence of something else", list[int], Sequence[str], NO),
    ("Sequence to list", Sequence[int], list[int], NO),
    ("list to a wider list, as the consumer has its own", list[Dog], list[Animal], FITS),
    ("list to Iterable and Collection", list[int], Collection[int], FITS),
    ("a bare list", list, list[int], UNKNOWN),
    ("into a bare list", list[int], list, FITS),
    ("dict to Mapping", dict[str, int], Mapping[str, int], FITS),
    ("dict to MutableMapping of other values", dict[str, int], MutableMapping[str, str], NO),
    ("dict to Iterable of its keys", dict[str, int], Iterable[str], FITS),
    ("OrderedDict to dict", collections.OrderedDict[str, int], dict[str, int], FITS),
    ("set to AbstractSet", set[int], AbstractSet[int], FITS),
    ("set to Sequence", set[int], Sequence[int], NO),
    ("text to Sequence of texts", str, Sequence[str], NO),
    ("range to Sequence", range, Sequence[int], FITS),
    ("a child of a generic list", Names, Sequence[str], FITS),
    ("a child of a generic list of something else", Names, Sequence[int], NO),
    ("a generic child of dict", Registry[int], Mapping[str, float], CONVERTS),
    ("a generic class", Box[int], Box[int | None], FITS),
    ("a generic class of something else", Box[int], Box[str], NO),
    ("fixed tuple to the same", tuple[int, str], tuple[int, str], FITS),
    ("fixed tuple to variadic", tuple[int, int], tuple[int, ...], FITS),
    ("variadic tuple to fixed", tuple[int, ...], tuple[int, int], NO),
    ("tuples of other lengths", tuple[int, int], tuple[int], NO),
    ("tuple to Sequence", tuple[int, str], Sequence[int | str], FITS),
    ("tuple to list", tuple[int, int], list[int], NO),
    ("NamedTuple to tuple", Point, tuple[int, int], FITS),
    ("NamedTuple to Sequence of something else", Point, Sequence[str], NO),
    ("subclass", Dog, Animal, FITS),
    ("superclass", Animal, Dog, NO),
    ("an unrelated model", Animal, Square, NO),
    ("Literal to its class", Literal["a"], str, FITS),
    ("Literal to more", Literal["a"], Literal["a", "b"], FITS),
    ("Literal to fewer", Literal["a", "c"], Literal["a", "b"], NO),
    ("Literal that only looks alike", Literal[1], Literal[True], NO),
    ("class to Literal", str, Literal["a"], NO),
    ("bool to both its values", bool, Literal[True, False], FITS),
    ("enum to all its members", Colour, Literal[Colour.RED, Colour.BLUE], FITS),
    ("enum to one of its members", Colour, Literal[Colour.RED], NO),
    ("TypedDict to fewer keys", Movie, Titled, FITS),
    ("TypedDict to more keys", Titled, Movie, NO),
    ("TypedDict whose key may be missing", MaybeRated, Rated, NO),
    ("TypedDict to one that does not insist", Rated, MaybeRated, FITS),
    ("TypedDict to Mapping", Movie, Mapping[str, object], FITS),
    ("TypedDict to Mapping of what it does not hold", Movie, Mapping[str, int], NO),
    ("dict to TypedDict", dict[str, str], Titled, NO),
    ("a class that has what a protocol asks for", Square, HasArea, FITS),
    ("a method that returns something else", WordySquare, HasArea, NO),
    ("a method that takes less", LessSquare, HasArea, NO),
    ("a class without it", Animal, HasArea, NO),
    ("NewType to what it is made of", UserId, int, FITS),
    ("what a NewType is made of", int, UserId, NO),
    ("a type variable", int, T, UNKNOWN),
    ("a type variable with a bound", str, N, NO),
    ("Annotated", Annotated[int, "days"], int, FITS),
    ("into Annotated", int, Annotated[float, "days"], CONVERTS),
    ("datetime to date", dt.datetime, dt.date, NO),
    ("Path to its parent", Path, Path().__class__.__mro__[1], FITS),
    ("a function to Callable", Callable[[int], str], Callable[[bool], object], FITS),
    ("a function that takes something else", Callable[[str], str], Callable[[int], str], NO),
    ("class objects", type[Dog], type[Animal], FITS),
    ("class objects of something else", type[Animal], type[Dog], NO),
    ("None", None.__class__, int | None, FITS),
    ("polars to itself", pl.DataFrame, pl.DataFrame, FITS),
    ("polars to a lazy frame", pl.DataFrame, pl.LazyFrame, CONVERTS),
    ("polars to Arrow", pl.DataFrame, pa.Table, CONVERTS),
    ("pandas to a relation", pd.DataFrame, duckdb.DuckDBPyRelation, CONVERTS),
    ("a relation to a stream", duckdb.DuckDBPyRelation, pa.RecordBatchReader, CONVERTS),
    ("Arrow to pandas with a row model", pa.Table, Annotated[pd.DataFrame, Animal], CONVERTS),
    ("a table to optional", pa.Table, pl.DataFrame | None, CONVERTS),
    ("a table to a list", pl.DataFrame, list[int], NO),
    ("a list to a table", list[int], pl.DataFrame, NO),
    ("a table to a special one", pd.DataFrame, NamedFrame, NO),
]


@pytest.mark.parametrize(("producer", "consumer", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_an_edge_fits_exactly_when_the_table_says_so(producer: object, consumer: object, expected: str) -> None:
    verdict = assignable(producer, consumer)

    found = NO if not verdict.ok else UNKNOWN if verdict.reason == "unknown" else CONVERTS if verdict.converts else FITS
    assert found == expected, verdict.reason


@pytest.mark.parametrize(
    ("producer", "consumer", "reason"),
    [
        (int, str, "int is not str"),
        (Titled, Movie, "Titled is not Movie: it has no 'year'"),
        (MaybeRated, Rated, "MaybeRated is not Rated: 'rating' may be missing"),
        (Animal, HasArea, "Animal is not HasArea: it has no area"),
        (WordySquare, HasArea, "WordySquare is not HasArea: its area: str is not float"),
        (int, UserId, "int is not UserId: only UserId(...) makes one"),
        (Literal["a", "c"], Literal["a"], "Literal['a', 'c'] is not Literal['a']: it may be 'c'"),
        (list[int], Sequence[str], "list[int] is not Sequence[str]: int is not str"),
        (dt.datetime, dt.date, "datetime is not date: a datetime does not compare with dates"),
        (tuple[int, int], tuple[int], "tuple[int, int] is not tuple[int]: it has 2 elements, not 1"),
    ],
)
def test_a_refusal_says_what_does_not_fit(producer: object, consumer: object, reason: str) -> None:
    assert assignable(producer, consumer).reason == reason
