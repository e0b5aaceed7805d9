"""What the ready-made checks say of values. Tables are judged column by column, in their canonical form."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, assert_never

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import create_model

from assetflow.errors import ValueMismatch, nearest
from assetflow.model import ready
from assetflow.model.checks import CheckResult, Measured
from assetflow.model.rows import Rows
from assetflow.types.conforming import broken, shaped, told
from assetflow.types.libraries import kind_of_value
from assetflow.types.rowmodels import RowModel, row_model
from assetflow.types.tables import to_arrow

__all__ = ["Circumstances", "judgement", "of_rows"]

#: Rows that are shown of those that fail.
_SHOWN = 5
#: A normal distribution's standard deviation, in median absolute deviations.
_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a check may need to know beside the value."""

    now: datetime
    #: The number of rows, where it is recorded.
    rows: int | None = None
    #: Earlier versions, newest first.
    past: Sequence[Measured] = ()
    #: Gives a DuckDB connection that reaches no file and no network.
    connect: Callable[[], Any]


def of_rows(value: Any, rows: RowModel) -> CheckResult:  # a table of any library
    """Whether the rows are those of a model."""
    found = broken(shaped(value, rows, what="the table"), rows)
    return CheckResult(not found, "\n".join(told(found)))


def judgement(check: ready.Ready, value: Any, other: Any, around: Circumstances) -> CheckResult:  # users' values
    """What a check says. Raises ValueMismatch ``check-columns`` where a column is missing, and what DuckDB raises."""
    match check:
        case ready.NotNull():
            return _not_null(_columns(value, check.columns))
        case ready.UniqueRows():
            return _unique(_columns(value, check.columns))
        case ready.InSet():
            return _in_set(_columns(value, check.columns), check)
        case ready.InRange():
            return _in_range(value, check)
        case ready.RowCount():
            return _row_count(_count(value, around), check)
        case ready.ForeignKey():
            return _foreign_key(_columns(value, check.columns), _columns(other, check.to_columns), check)
        case ready.Freshness():
            return _freshness(_columns(value, check.columns).column(0), check, around.now)
        case ready.Schema():
            return _schema(value, check)
        case ready.Expression():
            return _expression(to_arrow(value), check.sql, around.connect())
        case ready.Volume():
            count = _count(value, around)
            counts = [(each.at, each.rows, each.metrics.get("rows")) for each in around.past]
            # A source's size is known only where it was measured.
            sizes = [(at, said if rows is None else rows) for at, rows, said in counts]
            earlier = [(at, float(size)) for at, size in sizes if size is not None]
            return _near("rows", float(count), earlier, check, around.now, least_scale=abs(count) ** 0.5)
        case ready.Distribution():
            return _distribution(_columns(value, check.columns).column(0), check, around)
        case _:
            assert_never(check)


def _columns(value: Any, names: Sequence[str]) -> pa.Table:
    table = to_arrow(value)
    for name in names:
        if name not in table.column_names:
            close = nearest(name, table.column_names)
            raise ValueMismatch("check-columns", f"the table has no column {name!r}", hint=close)
    return table.select(list(names))


def _count(value: Any, around: Circumstances) -> int:
    if around.rows is not None:
        return around.rows
    return int(to_arrow(value).num_rows) if kind_of_value(value) is not None else len(value)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _sample(table: pa.Table, mask: Any) -> tuple[Mapping[str, Any], ...]:  # a boolean column; values of the user
    """The first rows of a mask, with their numbers."""
    places = pc.indices_nonzero(mask)[:_SHOWN]
    rows = table.take(places).to_pylist()
    return tuple({"row": place, **row} for place, row in zip(places.to_pylist(), rows, strict=True))


def _shown(sample: Sequence[Mapping[str, Any]], name: str) -> str:
    return ", ".join(f"row {row['row']:,} ({row[name]!r})" for row in sample[:3])


def _missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))


def _not_null(table: pa.Table) -> CheckResult:
    masks = {name: _missing(table.column(name)) for name in table.column_names}
    counts = {name: pc.sum(mask).as_py() or 0 for name, mask in masks.items()}
    wrong = [name for name, count in counts.items() if count]
    if not wrong:
        return CheckResult(True, metrics={"missing": 0})
    text = "; ".join(f"{counts[name]:,} of {table.num_rows:,} rows have no {name}" for name in wrong)
    return CheckResult(False, text, {"missing": sum(counts.values())}, _sample(table, masks[wrong[0]]))


def _unique(table: pa.Table) -> CheckResult:
    names = table.column_names
    part = pa.table([_plain(column) for column in table.columns], names=names)
    for name in names:
        part = part.filter(pc.invert(_missing(part.column(name))))
    counted = part.group_by(names).aggregate([([], "count_all")])
    repeated = part.num_rows - counted.num_rows
    if not repeated:
        return CheckResult(True, metrics={"repeated": 0})
    double = counted.filter(pc.greater(counted.column("count_all"), 1))
    sample = tuple(
        {**{name: row[name] for name in names}, "times": row["count_all"]}
        for row in double.slice(0, _SHOWN).to_pylist()
    )
    examples = "; ".join(f"({', '.join(repr(row[name]) for name in names)}) {row['times']} times" for row in sample[:3])
    text = f"{double.num_rows:,} values of {', '.join(names)} stand in several rows: {examples}"
    return CheckResult(False, text, {"repeated": repeated}, sample)


def _in_set(table: pa.Table, check: ready.InSet) -> CheckResult:
    (name,) = check.columns
    column = _plain(table.column(name))
    allowed = pa.array([_scalar(value, column.type).as_py() for value in check.values], column.type)
    mask = pc.and_(pc.invert(pc.is_in(column, value_set=allowed)), column.is_valid())
    return _each(table, name, mask, "outside of the set")


def _scalar(value: object, kind: pa.DataType) -> pa.Scalar:
    try:
        return pa.scalar(value, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise ValueMismatch("check-columns", f"{value!r} is no {kind}, as the column's values are") from None


def _in_range(value: Any, check: ready.InRange) -> CheckResult:
    if not check.columns:
        low = check.min is not None and not value >= check.min
        high = check.max is not None and not value <= check.max
        return CheckResult(not low and not high, f"it is {value!r}" if low or high else "")
    (name,) = check.columns
    table = _columns(value, check.columns)
    column = _plain(table.column(name))
    inside = column.is_valid()
    if check.min is not None:
        inside = pc.and_(inside, pc.greater_equal(column, _bound(check.min, column.type)))
    if check.max is not None:
        inside = pc.and_(inside, pc.less_equal(column, _bound(check.max, column.type)))
    mask = pc.and_(pc.invert(pc.fill_null(inside, False)), column.is_valid())
    return _each(table, name, mask, "out of range")


def _bound(value: object, kind: pa.DataType) -> pa.Scalar:
    """A bound to compare with, of the column's type where that can hold it."""
    try:
        return pa.scalar(value, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        if isinstance(value, int | float) and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            return pa.scalar(value)
        raise ValueMismatch("check-columns", f"{value!r} cannot be compared with {kind}") from None


def _each(table: pa.Table, name: str, mask: pa.ChunkedArray, what: str) -> CheckResult:
    count = pc.sum(mask).as_py() or 0
    if not count:
        return CheckResult(True, metrics={"failing": 0})
    sample = _sample(table, mask)
    text = f"{count:,} of {table.num_rows:,} rows are {what}, such as {_shown(sample, name)}"
    return CheckResult(False, text, {"failing": count}, sample)


def _row_count(count: int, check: ready.RowCount) -> CheckResult:
    passed = (check.min is None or count >= check.min) and (check.max is None or count <= check.max)
    return CheckResult(passed, "" if passed else f"there are {count:,}", {"rows": count})


def _foreign_key(table: pa.Table, other: pa.Table, check: ready.ForeignKey) -> CheckResult:
    plain = pa.table([_plain(column) for column in table.columns], names=table.column_names)
    keys = [f"k{place}" for place in range(len(check.columns))]
    target = pa.table([_plain(column) for column in other.columns], names=keys)
    own = pa.table(
        [_comparable(column, target.column(key).type) for column, key in zip(plain.columns, keys, strict=True)],
        names=keys,
    )
    valid = pa.chunked_array([pa.array([True] * own.num_rows, pa.bool_())])
    for key in keys:
        valid = pc.and_(valid, pc.invert(_missing(own.column(key))))
    if len(keys) == 1:
        known = pc.is_in(own.column("k0"), value_set=pc.unique(target.column("k0")))
        mask = pc.and_(valid, pc.invert(known))
    else:
        numbered = own.append_column("n", pa.array(range(own.num_rows), pa.int64()))
        strays = numbered.join(target.group_by(keys).aggregate([]), keys, join_type="left anti").column("n")
        mask = pc.and_(valid, pc.is_in(numbered.column("n"), value_set=strays.combine_chunks()))
    count = pc.sum(mask).as_py() or 0
    if not count:
        return CheckResult(True, metrics={"orphans": 0})
    sample = _sample(table, mask)
    values = ", ".join("(" + ", ".join(repr(row[name]) for name in check.columns) + ")" for row in sample[:3])
    text = f"{count:,} of {table.num_rows:,} rows refer to nothing, such as {values}"
    return CheckResult(False, text, {"orphans": count}, sample)


def _comparable(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    try:
        return column.cast(kind)
    except (pa.ArrowException, ValueError):
        raise ValueMismatch("check-columns", f"{column.type} and {kind} cannot be compared") from None


def _freshness(column: pa.ChunkedArray, check: ready.Freshness, now: datetime) -> CheckResult:
    newest = pc.max(_plain(column)).as_py()
    if newest is None:
        return CheckResult(False, "there is no value")
    if not isinstance(newest, date):
        raise ValueMismatch("check-columns", f"{check.columns[0]!r} holds no dates, but {column.type}")
    if not isinstance(newest, datetime):
        newest = datetime.combine(newest, time.max, UTC)  # a day is over at its end
    elif newest.tzinfo is None:
        newest = newest.replace(tzinfo=UTC)
    age = max((now - newest).total_seconds(), 0.0)
    passed = age <= check.max_age.total_seconds()
    text = "" if passed else f"the newest is {newest:%Y-%m-%d %H:%M} UTC, older than {check.max_age}"
    return CheckResult(passed, text, {"age_seconds": age})


def _schema(value: Any, check: ready.Schema) -> CheckResult:
    wanted = check.wanted
    if isinstance(wanted, Mapping):
        wanted = create_model("schema", **{name: (kind | None, None) for name, kind in wanted.items()})  # type: ignore[call-overload]
        # Every column must be there, whatever may be missing in it.
        absent = [name for name in check.wanted if name not in to_arrow(value).column_names]
        if absent:
            return CheckResult(False, f"there is no column {', '.join(map(repr, absent))}")
    rows = row_model(wanted, Rows(extra="keep" if check.extra else "refuse", validators="ignore"))
    try:
        shaped(value, rows, what="the table")
    except ValueMismatch as error:
        return CheckResult(False, "; ".join(told(error.where) if error.where else [error.message]))
    return CheckResult(True)


def _expression(table: pa.Table, sql: str, connection: Any) -> CheckResult:  # a DuckDB connection
    asking = connection.cursor()
    try:
        asking.register("checked_rows", table)
        # The line break ends a comment that the condition may end with.
        where = f"FROM checked_rows WHERE NOT ({sql}\n)"
        ((count,),) = asking.execute(f"SELECT count(*) {where}").fetchall()
        if not count:
            return CheckResult(True, metrics={"failing": 0})
        asking.execute(f"SELECT * {where} LIMIT {_SHOWN}")
        names = [each[0] for each in asking.description]
        sample = tuple(dict(zip(names, row, strict=True)) for row in asking.fetchall())
    finally:
        asking.close()
    return CheckResult(False, f"{count:,} of {table.num_rows:,} rows do not hold it", {"failing": count}, sample)


def _distribution(column: pa.ChunkedArray, check: ready.Distribution, around: Circumstances) -> CheckResult:
    number = _statistic(_plain(column), check.statistic)
    name = check.statistic
    if number is None:
        return CheckResult(True, "there is no value")
    earlier = [(each.at, each.metrics[name]) for each in around.past if name in each.metrics]
    return _near(name, number, earlier, check, around.now, least_scale=0.0)


def _statistic(column: pa.ChunkedArray, name: str) -> float | None:
    match name:
        case "null_share":
            return (pc.sum(_missing(column)).as_py() or 0) / len(column) if len(column) else None
        case "distinct":
            return float(pc.count_distinct(column).as_py())
        case "mean" | "min" | "max" | "sum":
            if pa.types.is_floating(column.type):
                column = column.filter(pc.invert(_missing(column)))
            found = getattr(pc, name)(column).as_py()
            return None if found is None else float(found)
        case _:
            raise ValueMismatch(
                "check-columns", f"there is no statistic {name!r}", hint="mean, min, max, sum, null_share or distinct"
            )


def _near(
    what: str,
    number: float,
    earlier: Sequence[tuple[datetime, float]],
    check: ready.Volume | ready.Distribution,
    now: datetime,
    *,
    least_scale: float,
) -> CheckResult:
    """Whether a number is near the median of earlier ones, in units of their median absolute deviation.

    The deviation is that of Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation" (1993): times 1.4826
    it estimates a standard deviation, whatever a few wild values do. It is taken to be at least a hundredth of the
    median, and for counts its square root, as numbers that hardly ever moved would make any movement a wonder.
    """
    metrics = {what: number}
    if check.weekday:
        same = [(at, value) for at, value in earlier if at.weekday() == now.weekday()]
        earlier = same if len(same) >= check.least else earlier
    values = [value for _, value in earlier][: check.most]
    if len(values) < max(check.least, 2):
        return CheckResult(True, f"{len(values)} earlier versions are too few to compare with", metrics)
    median = statistics.median(values)
    deviation = _DEVIATION * statistics.median(abs(value - median) for value in values)
    # Of few values the estimate is too small too often: widened as the tails of Student's distribution are.
    scale = max(deviation * (1 + 8 / len(values)), least_scale, abs(median) / 100)
    if not scale:
        return CheckResult(number == median, "" if number == median else f"{number:g} was always {median:g}", metrics)
    off = abs(number - median) / scale
    if off <= check.within:
        return CheckResult(True, metrics=metrics)
    text = f"{what} is {number:,.6g}, {off:.1f} deviations from {median:,.6g}, the median of {len(values)} versions"
    return CheckResult(False, text, metrics)
