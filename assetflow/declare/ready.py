"""The ready-made checks that stand in ``checks=[…]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from assetflow.errors import DefinitionError
from assetflow.model import ready
from assetflow.model.checks import Severity
from assetflow.model.durations import duration

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import MultiAsset, Output
    from assetflow.declare.sources import Source

__all__ = [
    "distribution",
    "expression",
    "foreign_key",
    "freshness",
    "in_range",
    "in_set",
    "not_null",
    "row_count",
    "schema",
    "unique",
    "volume",
]


def not_null(*columns: str, severity: Severity | str = Severity.BLOCK, name: str = "") -> ready.NotNull:
    """No value is missing in these columns. NaN counts as missing."""
    return ready.NotNull(_some("not_null", columns), severity=severity, name=name)


def unique(*columns: str, severity: Severity | str = Severity.BLOCK, name: str = "") -> ready.UniqueRows:
    """No two rows have the same values in these columns together. A missing value equals none."""
    return ready.UniqueRows(_some("unique", columns), severity=severity, name=name)


def in_set(
    column: str, values: Iterable[Any], /, *, severity: Severity | str = Severity.BLOCK, name: str = ""
) -> ready.InSet:
    """Every value that is there is one of these."""
    return ready.InSet((column,), tuple(values), severity=severity, name=name)


def in_range(
    column: str = "",
    /,
    *,
    min: Any = None,  # a plain value of the column's type
    max: Any = None,
    severity: Severity | str = Severity.BLOCK,
    name: str = "",
) -> ready.InRange:
    """Every value that is there lies between the two, ends included. Without a column: the asset's value itself."""
    if min is None and max is None:
        raise DefinitionError("bad-check", "in_range needs min=, max= or both")
    return ready.InRange((column,) if column else (), min, max, severity=severity, name=name)


def row_count(
    *, min: int | None = None, max: int | None = None, severity: Severity | str = Severity.BLOCK, name: str = ""
) -> ready.RowCount:
    """The table has so many rows; of another value, ``len()`` of it."""
    if min is None and max is None:
        raise DefinitionError("bad-check", "row_count needs min=, max= or both")
    return ready.RowCount(min, max, severity=severity, name=name)


def foreign_key(
    *columns: str,
    to: Asset[..., Any] | MultiAsset[..., Any] | Output | Source | str,
    to_columns: Sequence[str] = (),
    severity: Severity | str = Severity.BLOCK,
    name: str = "",
) -> ready.ForeignKey:
    """Each combination of values in these columns is one of the other asset's; rows with a missing value are let be.

    ``to_columns`` are the other asset's columns, by default of the same names.
    """
    own = _some("foreign_key", columns)
    other = tuple(to_columns) or own
    if len(other) != len(own):
        raise DefinitionError("bad-check", f"foreign_key compares {len(own)} columns with {len(other)}")
    return ready.ForeignKey(own, to, other, severity=severity, name=name)


def freshness(
    column: str, /, *, max_age: timedelta | str, severity: Severity | str = Severity.BLOCK, name: str = ""
) -> ready.Freshness:
    """The newest date or instant of a column is not older than this when the value is made, or checked."""
    return ready.Freshness((column,), duration(max_age), severity=severity, name=name)


def schema(
    wanted: type | Mapping[str, Any],  # types of the user
    /,
    *,
    extra: bool = False,
    severity: Severity | str = Severity.BLOCK,
    name: str = "",
) -> ready.Schema:
    """The table has the columns of a pydantic model, or these: ``schema({"day": date, "amount": float})``.

    ``extra`` allows others beside.
    """
    return ready.Schema(wanted, extra, severity=severity, name=name)


def expression(sql: str, /, *, severity: Severity | str = Severity.BLOCK, name: str = "") -> ready.Expression:
    """A condition in DuckDB's SQL holds of every row: ``expression("arrived >= departed")``.

    Where it gives NULL, the row passes.
    """
    return ready.Expression(sql, severity=severity, name=name)


def volume(
    *,
    within: float = 4.0,
    last: int = 30,
    at_least: int = 7,
    weekday: bool = True,
    severity: Severity | str = Severity.WARN,
    name: str = "",
) -> ready.Volume:
    """The number of rows is near that of the ``last`` versions: ``within`` robust standard deviations of their median.

    Nothing is said before there are ``at_least`` of them. With ``weekday``, versions made on the same day of the week
    are compared with, once there are enough.
    """
    return ready.Volume(within, last, at_least, weekday, severity=severity, name=name)


def distribution(
    column: str,
    statistic: str = "mean",
    /,
    *,
    within: float = 4.0,
    last: int = 30,
    at_least: int = 7,
    weekday: bool = True,
    severity: Severity | str = Severity.WARN,
    name: str = "",
) -> ready.Distribution:
    """A statistic of a column is near that of the ``last`` versions: ``mean``, ``min``, ``max``, ``sum``,
    ``null_share`` or ``distinct``. As :func:`volume`.
    """
    return ready.Distribution((column,), statistic, within, last, at_least, weekday, severity=severity, name=name)


def _some(function: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    if not columns:
        raise DefinitionError("bad-check", f"{function} needs a column")
    return columns
