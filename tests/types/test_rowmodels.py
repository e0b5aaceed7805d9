"""Row models read into columns: every type that has one, and every model that has none refused with its field."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import uuid
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional

import annotated_types
import polars as pl
import pyarrow as pa
import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    NaiveDatetime,
    PastDate,
    PositiveInt,
    StrictInt,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from assetflow import PrimaryKey, Rows, Unique
from assetflow.errors import DefinitionError
from assetflow.types.arrowtypes import arrow_type, column_type
from assetflow.types.columns import Enumeration
from assetflow.types.rowmodels import REQUIRED, row_model, row_model_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Place(BaseModel):
    x: float
    y: float | None = None


class Pair(NamedTuple):
    a: int
    b: str


Metres = NewType("Metres", float)

MAPPED: list[tuple[Any, str]] = [
    (int, "int64"),
    (StrictInt, "int64"),
    (bool, "bool"),
    (float, "double"),
    (Metres, "double"),
    (str, "string"),
    (bytes, "binary"),
    (datetime.date, "date32[day]"),
    (datetime.time, "time64[us]"),
    (datetime.datetime, "timestamp[us]"),
    (NaiveDatetime, "timestamp[us]"),
    (AwareDatetime, "timestamp[us, tz=UTC]"),
    (datetime.timedelta, "duration[us]"),
    (Annotated[decimal.Decimal, Field(max_digits=12, decimal_places=2)], "decimal128(12, 2)"),
    (Annotated[decimal.Decimal, Field(max_digits=50, decimal_places=2)], "decimal256(50, 2)"),
    (Optional[int], "int64 or null"),  # noqa: UP045
    (int | None, "int64 or null"),
    (PositiveInt | None, "int64 or null above 0"),
    (Literal["a", "b"], "string one of 'a', 'b'"),
    (Literal[1, 2], "int64 one of 1, 2"),
    (Literal["a", None], "string or null one of 'a'"),
    (Colour, "enum(red, blue)"),
    (Level, "enum(1, 2)"),
    (list[int], "list<int64>"),
    (list[int | None], "list<int64 or null>"),
    (set[str], "list<string>"),
    (tuple[int, ...], "list<int64>"),
    (list[Colour], "list<string one of 'red', 'blue'>"),
    (list[Annotated[int, Field(ge=0)]], "list<int64 at least 0>"),
    (dict[str, int], "map<string, int64>"),
    (Place, "struct<x: double, y: double or null>"),
    (list[Place], "list<struct<x: double, y: double or null>>"),
    (Pair, "struct<a: int64, b: string>"),
    (Annotated[int, pa.int32()], "int32"),
    (Annotated[str, pa.large_string()], "string"),
    (Annotated[datetime.datetime, pa.timestamp("ms", "Europe/Berlin")], "timestamp[ms, tz=Europe/Berlin]"),
    (Annotated[float, pa.float32()], "float"),
    (Annotated[int, Field(ge=0, lt=10, multiple_of=2)], "int64 at least 0 below 10 a multiple of 2"),
    (Annotated[int, annotated_types.Interval(gt=0, le=9)], "int64 above 0 at most 9"),
    (Annotated[str, Field(min_length=1, max_length=3)], "string of length at least 1 of length at most 3"),
    (Annotated[str, StringConstraints(pattern="^a")], "string matching '^a'"),
    (Annotated[float, Field(allow_inf_nan=False)], "double finite"),
    (Annotated[datetime.date, Field(ge=datetime.date(2026, 1, 1))], "date32[day] at least 2026-01-01"),
    (Annotated[list[int], Field(min_length=1)], "list<int64> of length at least 1"),
    (Annotated[int, "a note", Field(description="x")], "int64"),
]


def model_of(**fields: Any) -> type[BaseModel]:
    return create_model("Row", **{name: (hint, ...) for name, hint in fields.items()})


@pytest.mark.parametrize(("hint", "text"), MAPPED, ids=[f"{n} {text}" for n, (_, text) in enumerate(MAPPED)])
def test_every_type_has_its_column(hint: Any, text: str) -> None:
    (column,) = row_model(model_of(a=hint)).columns
    assert str(column.slot) == text
    assert column.default is REQUIRED
    if not isinstance(column.slot.type, Enumeration):
        assert arrow_type(column.slot.type) == arrow_type(column_type(arrow_type(column.slot.type)))


def test_a_uuid_is_a_text_of_its_form() -> None:
    (column,) = row_model(model_of(a=uuid.UUID)).columns
    assert str(column.slot.type) == "string"
    assert re.search(column.slot.rules[0].value, str(uuid.uuid4()))


class Recursive(BaseModel):
    inner: list["Recursive"] = []  # noqa: UP037  # it is not there yet


class Validated(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def odd(cls, value: int) -> int:
        return value


class Judged(BaseModel):
    a: int

    @model_validator(mode="after")
    def odd(self) -> "Judged":  # noqa: UP037
        return self


REFUSED: list[tuple[Any, str]] = [
    (decimal.Decimal, "Decimal needs its digits"),
    (Annotated[decimal.Decimal, Field(max_digits=90, decimal_places=1)], "cannot have 90 digits"),
    (int | str, "has no column type"),
    (Any, "has no column type"),
    (object, "has no column type"),
    (list, "does not say of what"),
    (dict[str | None, int], "keys of a dict cannot be None"),
    (Literal["a", 1], "mixes types"),
    (HttpUrl, "has no column type"),
    (PastDate, "has no column type"),
    (tuple[int, str], "has no column type"),
    (Recursive, "contains itself"),
    (Annotated[int, pa.string()], "no Arrow type for int64"),
    (Annotated[str, Field(ge="a")], "cannot be asked of string"),
    (Annotated[bool, Field(multiple_of=2)], "cannot be asked of bool"),
    (Annotated[int, Field(max_length=2)], "cannot be asked of int64"),
    (Annotated[int, Field(pattern="a")], "cannot be asked of int64"),
    (Annotated[str, Field(pattern="(?=a)b")], "looks around or back"),
    (Annotated[int, Field(ge=5, lt=5)], "cannot both be"),
    (Annotated[str, Field(min_length=5, max_length=4)], "cannot both be"),
    (Annotated[int, AfterValidator(abs)], "AfterValidator"),
    (Annotated[int, annotated_types.Predicate(bool)], "Predicate"),
    (Annotated[str, StringConstraints(to_upper=True)], "changes the text"),
    (list[Annotated[int, AfterValidator(abs)]], "AfterValidator"),
    (Validated, "Validated.odd is a Python validator"),
]


@pytest.mark.parametrize(("hint", "text"), REFUSED, ids=[f"{n} {text}" for n, (_, text) in enumerate(REFUSED)])
def test_what_has_no_column_is_refused_with_its_field(hint: Any, text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        row_model(
            create_model(
                "Row", __config__=ConfigDict(arbitrary_types_allowed=True, regex_engine="python-re"), a=(hint, ...)
            )
        )
    assert caught.value.code == "bad-row-model"
    assert text in caught.value.message
    assert caught.value.message.startswith(("Row.a", "Validated."))
    assert caught.value.hint


@pytest.mark.parametrize("model", [Validated, Judged])
def test_validators_can_be_left_out(model: type[BaseModel]) -> None:
    with pytest.raises(DefinitionError, match="Python validator"):
        row_model(model)
    assert row_model(model, Rows(validators="ignore")).names == ("a",)


def test_aliases_defaults_and_keys_are_read() -> None:
    class Order(BaseModel):
        id: Annotated[int, PrimaryKey()]
        line: Annotated[int, PrimaryKey]
        email: Annotated[str, Unique()]
        x: Annotated[int, Unique("place")]
        y: Annotated[int, Unique("place")]
        total: float = Field(alias="Total")
        note: str | None = None
        made: list[int] = Field(default_factory=list)

    read = row_model(Order)
    assert read.names == ("id", "line", "email", "x", "y", "Total", "note", "made")
    assert read.primary_key == ("id", "line")
    assert read.unique == (("email",), ("x", "y"))
    assert {c.name: c.default for c in read.columns if c.default is not REQUIRED} == {"note": None}


def test_the_model_of_an_annotation_is_found() -> None:
    class Order(BaseModel):
        id: int

    assert row_model_of(pl.DataFrame) is None
    assert row_model_of(Annotated[pl.DataFrame, "a note"]) is None
    assert row_model_of(Annotated[list[int], Order]) is None
    found = row_model_of(Annotated[pl.LazyFrame, Order, Rows(extra="keep")])
    assert found is not None
    assert (found.name, found.policy.extra) == ("Order", "keep")
    with pytest.raises(DefinitionError, match="several row models: Order, Place"):
        row_model_of(Annotated[pl.DataFrame, Order, Place])
    with pytest.raises(DefinitionError, match="not a pydantic model"):
        row_model_of(Annotated[pl.DataFrame, Pair])
    with pytest.raises(DefinitionError, match="no fields"):
        row_model(create_model("Empty"))


def test_what_counts_is_what_tables_are_held_to() -> None:
    def identity(**fields: Any) -> str:
        return row_model(create_model("Row", **fields)).identity

    same = identity(a=(int, ...), b=(str | None, None))
    assert identity(a=(Annotated[int, Field(description="x")], ...), b=(Optional[str], None)) == same  # noqa: UP045
    others = [
        identity(b=(str | None, None), a=(int, ...)),
        identity(a=(int, 1), b=(str | None, None)),
        identity(a=(int, ...), b=(str, ...)),
        identity(a=(Annotated[int, Field(ge=0)], ...), b=(str | None, None)),
        identity(a=(Annotated[int, Field(ge=0.0)], ...), b=(str | None, None)),
        identity(a=(Annotated[int, PrimaryKey()], ...), b=(str | None, None)),
        identity(a=(Annotated[int, Unique()], ...), b=(str | None, None)),
        identity(a=(int, Field(alias="A")), b=(str | None, None)),
        identity(a=(Annotated[int, pa.int32()], ...), b=(str | None, None)),
    ]
    assert len({same, *others}) == len(others) + 1
