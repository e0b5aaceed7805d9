"""From each table library into Arrow, as the library itself does it, with what Arrow's types do not say: domains."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple
from weakref import WeakSet

import pyarrow as pa

from assetflow.errors import ValueMismatch
from assetflow.types.canonical import Domain
from assetflow.types.libraries import TableKind, kind_of_value

__all__ = ["LOST_IN_ARROW", "Incoming", "in_utc", "incoming"]


class Incoming(NamedTuple):
    """An Arrow table, not yet canonical, and the domains of its enums by column."""

    table: pa.Table
    domains: dict[str, Domain]


def incoming(value: Any) -> Incoming:  # a table of a library that need not be installed
    """A table of any library as Arrow. Lazy ones are run; a reader is drained, and refused when it was already.

    Raises ValueMismatch.
    """
    match kind_of_value(value):
        case TableKind.ARROW:
            return Incoming(value, {})
        case TableKind.ARROW_BATCH:
            return Incoming(pa.Table.from_batches([value]), {})
        case TableKind.ARROW_READER:
            return Incoming(_drained(value), {})
        case TableKind.POLARS:
            return _from_polars(value)
        case TableKind.POLARS_LAZY:
            return _from_polars(value.collect())
        case TableKind.PANDAS:
            return _from_pandas(value)
        case TableKind.DUCKDB:
            return _from_duckdb(value)
        case TableKind.SCAN:
            return Incoming(value.read(), {})
        case None:
            raise ValueMismatch("not-a-table", f"a {type(value).__name__} is not a table")


_DRAINED: WeakSet[pa.RecordBatchReader] = WeakSet()


def _drained(reader: pa.RecordBatchReader) -> pa.Table:
    # A drained reader reads as an empty table, in silence.
    if reader in _DRAINED:
        raise ValueMismatch("drained-reader", "this stream of record batches was read already; it can be read once")
    _DRAINED.add(reader)
    return reader.read_all()


def _from_polars(frame: Any) -> Incoming:  # a polars.DataFrame
    polars: Any = sys.modules["polars"]
    domains = {}
    for name, kind in frame.schema.items():
        if isinstance(kind, polars.Enum):
            domains[name] = Domain(tuple(kind.categories.to_list()), True)
        elif _holds(kind, polars.Object):
            raise _unreadable(name, "it holds Python objects")
    try:
        return Incoming(frame.to_arrow(), domains)
    except Exception as error:  # polars raises its own classes and pyarrow's
        for name in frame.columns:
            try:
                frame.get_column(name).to_arrow()
            except Exception as reason:
                raise _unreadable(name, f"{frame.schema[name]} has no Arrow type ({reason})") from error
        raise


def _holds(kind: Any, wanted: type) -> bool:  # polars.DataType
    inner = getattr(kind, "inner", None)
    fields = getattr(kind, "fields", ())
    return (
        isinstance(kind, wanted)
        or (inner is not None and _holds(inner, wanted))
        or any(_holds(field.dtype, wanted) for field in fields)
    )


def _from_pandas(frame: Any) -> Incoming:  # a pandas.DataFrame
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names) or frame.columns.nlevels > 1:
        raise ValueMismatch(
            "table-columns",
            f"column names must be text; these are {names[:5]!r}",
            hint="rename them: frame.columns = frame.columns.map(str)",
        )
    _refuse_index(frame)
    if not frame.columns.is_unique:  # refused by name later; pyarrow would say less
        return Incoming(pa.table([pa.nulls(0)] * len(names), names=names), {})
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        text = error.args[0] if error.args else error
        name = next((name for name in names if f"olumn {name} " in f"{error} "), "")
        raise _unreadable(name, str(text)) from error
    domains = {}
    for name, kind in frame.dtypes.items():
        if getattr(kind, "categories", None) is not None and kind.name == "category":
            values = kind.categories.tolist()
            if all(type(value) is str for value in values) or all(type(value) is int for value in values):
                domains[name] = Domain(tuple(values), bool(kind.ordered))
    return Incoming(_widened(table), domains)


def _refuse_index(frame: Any) -> None:  # a pandas.DataFrame
    pandas: Any = sys.modules["pandas"]
    index = frame.index
    plain = index.nlevels == 1 and index.name is None
    if not plain or not (len(index) == 0 or index.equals(pandas.RangeIndex(len(index)))):
        raise ValueMismatch(
            "table-index",
            "this pandas frame has an index of its own, which is not part of a table",
            hint="say reset_index() to make it a column, reset_index(drop=True) to drop it",
        )


def _widened(table: pa.Table) -> pa.Table:
    """Decimals as wide as they may be: pandas' own have no width, and pyarrow would take it from the values."""
    fields = [
        field.with_type(pa.decimal128(38, field.type.scale))
        if pa.types.is_decimal128(field.type) and 0 <= field.type.scale <= 38
        else field
        for field in table.schema
    ]
    schema = pa.schema(fields)
    return table if schema.equals(table.schema) else table.replace_schema_metadata(None).cast(schema)


#: DuckDB's types that Arrow would hold as something else, or of another value.
LOST_IN_ARROW = ("TIME WITH TIME ZONE", "BIT", "UHUGEINT")


def _from_duckdb(relation: Any) -> Incoming:  # a duckdb.DuckDBPyRelation
    domains = {}
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if str(kind) in LOST_IN_ARROW:
            raise _unreadable(name, f"{kind} has no Arrow type")
        if kind.id == "enum":
            values = dict(kind.children)["values"]
            domains[name] = Domain(tuple(values), True)
    return Incoming(in_utc(relation.to_arrow_table()), domains)


def in_utc(table: pa.Table) -> pa.Table:
    """What DuckDB gave, with its instants in UTC."""
    fields = [field.with_type(_in_utc(field.type)) for field in table.schema]
    schema = pa.schema(fields)
    if schema.equals(table.schema):
        return table
    # By position: a relation's names need not be unique, and are refused later.
    columns = [column.cast(field.type) for column, field in zip(table.columns, fields, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """DuckDB keeps no zones: it writes the session's, which differs from machine to machine."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([child.with_type(_in_utc(child.type)) for child in kind])
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_in_utc(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(_in_utc(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_in_utc(kind.key_type), _in_utc(kind.item_type))
    return kind


def _unreadable(name: str, reason: str) -> ValueMismatch:
    return ValueMismatch(
        "table-column",
        f"column {name!r}: {reason}" if name else reason,
        hint="cast it to a type that Arrow and all table libraries know",
    )
