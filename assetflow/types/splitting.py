"""One table cut into the partitions that its rows belong to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.errors import ValueMismatch
from assetflow.model.calendars import Calendar, Hourly
from assetflow.model.cells import parted
from assetflow.model.partitioning import Partitioning, Product
from assetflow.types.tables import to_arrow

__all__ = ["split"]

#: Which key a value of a column stands for; None: none of those that are asked for.
_Named: TypeAlias = Callable[[Any], str | None]


def split(
    value: object, columns: str | Mapping[str, str], keys: Sequence[str], cut: Partitioning, *, what: str
) -> dict[str, pa.Table]:
    """A table of any library as one canonical table for each of these keys, rows in the order in which they stood.

    ``columns`` names the column that says which partition a row belongs to, or of a product one for each dimension. It
    holds keys as texts; or, of a time partitioning, dates, which belong to the window that has this date, or points in
    time, which belong to the window that they lie in; those without a zone are read on the clock of the windows' zone.
    A key without rows gets a table without rows. Raises ValueMismatch ``wrong-partition`` for rows that belong to none
    of the keys, and where there is no such column or it holds something else.
    """
    table = to_arrow(value)
    if isinstance(columns, str):
        places = _places(table, columns, keys, cut, what)
    else:
        assert isinstance(cut, Product)
        places = _combined(table, columns, keys, cut, what)
    if places.null_count:
        raise _strangers(table, columns, places, what)
    ordered = table.take(pc.sort_indices(places))  # which leaves rows of one key in their order
    counts = {each["values"]: each["counts"] for each in places.value_counts().to_pylist()}
    found, begin = {}, 0
    for place, key in enumerate(keys):
        found[key] = ordered.slice(begin, counts.get(place, 0))
        begin += counts.get(place, 0)
    return found


def _places(table: pa.Table, column: str, keys: Sequence[str], cut: Partitioning, what: str) -> pa.Array:
    """Which of the keys each row belongs to, by number; null: to none. Every value is looked at once."""
    named = _naming(table, column, keys, cut, what)
    numbers: dict[str | None, int] = {key: number for number, key in enumerate(keys)}
    return _looked_up(table[column].combine_chunks(), lambda value: numbers.get(named(value)))


def _combined(table: pa.Table, columns: Mapping[str, str], keys: Sequence[str], cut: Product, what: str) -> pa.Array:
    """As :func:`_places`, of a product: each dimension by itself, then the cell that they are."""
    cells = [parted(key) or {} for key in keys]
    combined, number = pa.array([0] * table.num_rows, pa.int64()), [0] * len(keys)
    for name, part in cut.dimensions.items():
        own = list(dict.fromkeys(cell[name] for cell in cells))
        combined = pc.add(pc.multiply(combined, len(own)), _places(table, columns[name], own, part, what))
        number = [so_far * len(own) + own.index(cell[name]) for so_far, cell in zip(number, cells, strict=True)]
    return _looked_up(combined, {cell: place for place, cell in enumerate(number)}.get)


def _looked_up(values: pa.Array, place: Callable[[Any], int | None]) -> pa.Array:
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    known = pa.array([place(value) for value in encoded.dictionary.to_pylist()], pa.int64())
    return known.take(encoded.indices)


def _naming(table: pa.Table, column: str, keys: Sequence[str], cut: Partitioning, what: str) -> _Named:
    if column not in table.column_names:
        there = ", ".join(table.column_names)
        message = f"{what}: the table has no column {column!r}, which says to which partition a row belongs"
        raise ValueMismatch("wrong-partition", message, hint=f"it has {there}")
    kind = table.schema.field(column).type
    known = set(keys)
    value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(value_type) or pa.types.is_large_string(value_type):
        return lambda text: text if text in known else None
    if pa.types.is_null(kind):
        return lambda _: None
    if isinstance(cut, Calendar) and pa.types.is_date(kind) and not isinstance(cut, Hourly):
        return _dated(keys, cut)
    if isinstance(cut, Calendar) and pa.types.is_timestamp(kind):
        return _timed(keys, cut)
    wanted = "texts"
    if isinstance(cut, Calendar):
        wanted = "texts or points in time" if isinstance(cut, Hourly) else "texts, dates or points in time"
    message = f"{what}: the column {column!r} is {kind}, and says to which partition a row belongs"
    raise ValueMismatch("wrong-partition", message, hint=f"make it {wanted}")


def _dated(keys: Sequence[str], cut: Calendar) -> _Named:
    windows = sorted((window[0].date(), window[1].date(), key) for key in keys for window in [cut.window(key)])
    begins = [begin for begin, _, _ in windows]

    def named(day: date | None) -> str | None:
        place = -1 if day is None else bisect_right(begins, day) - 1
        return windows[place][2] if place >= 0 and day is not None and day < windows[place][1] else None

    return named


def _timed(keys: Sequence[str], cut: Calendar) -> _Named:
    windows = sorted(
        (window[0].timestamp(), window[1].timestamp(), key) for key in keys for window in [cut.window(key)]
    )
    begins = [begin for begin, _, _ in windows]
    zone = cut.window(keys[0])[0].tzinfo

    def named(at: datetime | None) -> str | None:
        if at is None:
            return None
        instant = (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()
        place = bisect_right(begins, instant) - 1
        return windows[place][2] if place >= 0 and instant < windows[place][1] else None

    return named


def _strangers(table: pa.Table, columns: str | Mapping[str, str], places: pa.Array, what: str) -> ValueMismatch:
    rows = pc.indices_nonzero(places.is_null())
    names = [columns] if isinstance(columns, str) else list(columns.values())
    few = table.select(names).take(rows[:1000]).to_pylist()
    shown = list(dict.fromkeys(", ".join(f"{name} = {value}" for name, value in row.items()) for row in few))
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    many = f"{len(rows):,} rows belong" if len(rows) > 1 else "1 row belongs"
    return ValueMismatch(
        "wrong-partition",
        f"{what}: {many} to none of the partitions that are made: {'; '.join(shown[:3])}{more}",
        hint="give the rows of ctx.batch only",
    )
