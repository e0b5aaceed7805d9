"""What stands in a row model, or beside it in ``Annotated``, and says more of a table than its columns' types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Classified", "Divert", "Expect", "ForeignKey", "PrimaryKey", "Rows", "Unique"]


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """``order_id: Annotated[int, PrimaryKey()]``: no two rows are equal in all fields so marked, and none is null."""


@dataclass(frozen=True, slots=True)
class Unique:
    """``email: Annotated[str, Unique()]``: no value stands in two rows. Nulls may.

    Fields with the same name are unique together: ``Unique("place")`` on both ``x`` and ``y``.
    """

    together: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``customer: Annotated[int, ForeignKey("customers", "id")]``: each value is one of that column; nulls are let be.

    It is a check of every table that is made, or observed, with the row model; who reads one relies on it.
    """

    #: An asset, or its name.
    to: Any  # anything the user wrote
    #: The other asset's column; empty: of the same name.
    column: str = ""


@dataclass(frozen=True, slots=True)
class Expect:
    """``in_order: ClassVar = Expect("shipped >= placed")`` in a row model: what holds of each row, over its columns.

    It is a SQL condition, as DuckDB has them. A row of which it gives null passes.
    """

    sql: str


@dataclass(frozen=True, slots=True, init=False)
class Classified:
    """``email: Annotated[str, Classified("pii")]``: what kind of secret the column holds.

    Every column that is made of it holds the same, unless it says itself what it holds: ``Classified()`` is nothing. No
    column of an asset tagged ``public`` may hold any.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """``Annotated[pl.DataFrame, Order, Rows(extra="keep")]``: how strictly a table is held to its row model.

    It is for the table that a function returns; what a function reads has the model's columns and no others.
    """

    #: Columns that the model does not name: an error, left out, or kept behind the model's own.
    extra: Literal["refuse", "drop", "keep"] = "refuse"
    #: A column that may be null, has no default, and is not there: an error, or filled with nulls.
    missing: Literal["refuse", "fill"] = "refuse"
    #: Columns in another order than the model's: put into it, or an error.
    order: Literal["any", "same"] = "any"
    #: A model's Python validators see one row at a time and are refused; so marked, tables are not held to them.
    validators: Literal["refuse", "ignore"] = "refuse"


@dataclass(frozen=True, slots=True)
class Divert:
    """``on_bad_rows=Divert(limit=0.001)``: rows that break the row model go to an asset of their own, with the reason.

    They are those with a missing value, a broken rule, or a key that stands in a row before.
    """

    #: The share of rows, from 0 to 1; where more are bad, the value is held back.
    limit: float = 0.01
