"""The ready-made checks, as values: what they look for, and which columns they read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from assetflow.model.checks import Severity

__all__ = [
    "Distribution",
    "Expression",
    "ForeignKey",
    "Freshness",
    "InRange",
    "InSet",
    "NotNull",
    "READY",
    "Ready",
    "RowCount",
    "Schema",
    "UniqueRows",
    "Volume",
    "name_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    severity: Severity | str = Severity.BLOCK
    #: As given; empty: made of what it says.
    name: str = ""


@dataclass(frozen=True, slots=True)
class NotNull(_Said):
    """No value is missing in any of these columns."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UniqueRows(_Said):
    """No two rows have the same values in these columns; a missing value equals none."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InSet(_Said):
    """Every value that is there is one of these."""

    columns: tuple[str, ...]
    values: tuple[Any, ...]  # plain values of the user


@dataclass(frozen=True, slots=True)
class InRange(_Said):
    """Every value that is there lies between these, both ends included. Without a column: the value itself."""

    columns: tuple[str, ...]
    min: Any = None  # plain values of the user
    max: Any = None


@dataclass(frozen=True, slots=True)
class RowCount(_Said):
    """The number of rows, or of what else the value holds."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey(_Said):
    """Every combination of values in these columns is there in columns of another asset; missing ones are let be."""

    columns: tuple[str, ...]
    #: A declaration or a name.
    to: Any
    #: One for each of ``columns``.
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Freshness(_Said):
    """The newest value of a column is not older than this when the check is asked."""

    columns: tuple[str, ...]
    max_age: timedelta


@dataclass(frozen=True, slots=True)
class Schema(_Said):
    """The table has these columns, of these types."""

    #: A pydantic model, or types by column.
    wanted: Any
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Expression(_Said):
    """A SQL condition over the columns holds of every row; a row of which it gives nothing passes."""

    sql: str


@dataclass(frozen=True, slots=True)
class Volume(_Said):
    """The number of rows is near those of earlier versions: within so many robust standard deviations."""

    within: float = 4.0
    #: How many earlier versions are looked at, and how many there must be before anything is said.
    most: int = 30
    least: int = 7
    #: Compare with the same weekday, where there are enough of these.
    weekday: bool = True


@dataclass(frozen=True, slots=True)
class Distribution(_Said):
    """A statistic of a column is near that of earlier versions."""

    columns: tuple[str, ...]
    #: ``mean``, ``min``, ``max``, ``sum``, ``null_share`` or ``distinct``.
    statistic: str = "mean"
    within: float = 4.0
    most: int = 30
    least: int = 7
    weekday: bool = True


Ready: TypeAlias = (
    NotNull
    | UniqueRows
    | InSet
    | InRange
    | RowCount
    | ForeignKey
    | Freshness
    | Schema
    | Expression
    | Volume
    | Distribution
)

#: All of them, to be told from other values.
READY = (
    NotNull,
    UniqueRows,
    InSet,
    InRange,
    RowCount,
    ForeignKey,
    Freshness,
    Schema,
    Expression,
    Volume,
    Distribution,
)


def name_of(ready: Ready) -> str:
    """The given name, else what it says: ``in_range(amount, min=0)``."""
    if ready.name:
        return ready.name
    match ready:
        case NotNull(columns):
            return f"not_null({', '.join(columns)})"
        case UniqueRows(columns):
            return f"unique({', '.join(columns)})"
        case InSet(columns, values):
            shown = ", ".join(map(str, values[:3])) + (", …" if len(values) > 3 else "")
            return f"in_set({', '.join((*columns, f'[{shown}]'))})"
        case InRange(columns, least, most):
            return f"in_range({', '.join((*columns, *_ends(least, most)))})"
        case RowCount(least, most):
            return f"row_count({', '.join(_ends(least, most))})"
        case ForeignKey(columns, to, _):
            return f"foreign_key({', '.join(columns)} → {getattr(to, 'name', to)})"
        case Freshness(columns, max_age):
            return f"freshness({columns[0]}, {max_age})"
        case Schema(wanted):
            return f"schema({wanted.__name__ if isinstance(wanted, type) else ', '.join(wanted)})"
        case Expression(sql):
            return f"expression({sql})"
        case Volume(within):
            return f"volume(within={within:g})"
        case Distribution(columns, statistic, within):
            return f"distribution({columns[0]}, {statistic}, within={within:g})"


def _ends(least: object, most: object) -> list[str]:
    return [f"{name}={value}" for name, value in (("min", least), ("max", most)) if value is not None]
