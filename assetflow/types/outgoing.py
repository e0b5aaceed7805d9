"""From canonical Arrow tables into each table library, without loss, or with a refusal."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, assert_never

import pyarrow as pa

from assetflow.errors import ValueMismatch
from assetflow.types.canonical import Domain, domain_of
from assetflow.types.libraries import TableKind
from assetflow.types.scans import Scan

__all__ = ["outgoing"]


def outgoing(table: pa.Table, kind: TableKind, connection: Any) -> object:  # a DuckDB connection, or None
    """A canonical table as a value of a library that nobody else has. Raises ValueMismatch ``table-column``."""
    match kind:
        case TableKind.ARROW:
            return table.replace_schema_metadata(None)
        case TableKind.ARROW_BATCH:
            batches = table.replace_schema_metadata(None).combine_chunks().to_batches()
            return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
        case TableKind.ARROW_READER:
            return table.replace_schema_metadata(None).to_reader()
        case TableKind.POLARS:
            return _polars(table)
        case TableKind.POLARS_LAZY:
            return _polars(table).lazy()
        case TableKind.PANDAS:
            return _pandas(table)
        case TableKind.DUCKDB:
            return _duckdb(table, connection)
        case TableKind.SCAN:
            return Scan(table.schema, table=table)
        case _:
            assert_never(kind)


def _library(name: str) -> Any:  # of a library that need not be installed
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueMismatch(
            "missing-library",
            f"an annotation asks for a table of {name}, which is not installed",
            hint=f"install {name}",
        ) from error


def _refused(name: str, kind: object, library: str) -> ValueMismatch:
    return ValueMismatch(
        "table-column", f"column {name!r}: {library} has no type for {kind}", hint="cast it where it is made"
    )


def _replaced(table: pa.Table, change: Callable[[pa.Field, pa.ChunkedArray], pa.ChunkedArray]) -> pa.Table:
    """The table with each column as ``change`` gives it, and without metadata."""
    columns = [change(field, column) for field, column in zip(table.schema, table.columns, strict=True)]
    return pa.table(columns, names=table.column_names) if columns else table


def _values(field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without its dictionary."""
    return column.cast(field.type.value_type) if pa.types.is_dictionary(field.type) else column


def _text_domains(table: pa.Table) -> dict[str, Domain]:
    """The domains that polars and DuckDB can hold; those of integers are for pandas only."""
    domains = {field.name: domain_of(field) for field in table.schema}
    return {
        name: domain
        for name, domain in domains.items()
        if domain is not None and all(isinstance(value, str) for value in domain.values)
    }


def _has_wide_decimals(kind: pa.DataType) -> bool:
    return pa.types.is_decimal256(kind) or any(_has_wide_decimals(kind.field(i).type) for i in range(kind.num_fields))


def _polars(table: pa.Table) -> Any:  # a polars.DataFrame
    polars = _library("polars")
    for field in table.schema:
        if _has_wide_decimals(field.type):
            raise _refused(field.name, field.type, "polars")
    frame = polars.from_arrow(_replaced(table, _values), rechunk=False)
    enums = {name: polars.Enum(list(domain.values)) for name, domain in _text_domains(table).items()}
    return frame.with_columns(polars.col(name).cast(kind) for name, kind in enums.items()) if enums else frame


def _pandas(table: pa.Table) -> Any:  # a pandas.DataFrame
    """Plain pandas types, but for what these would change: integers and booleans of which some are missing."""
    pandas = _library("pandas")
    if not table.num_columns:
        return pandas.DataFrame(index=pandas.RangeIndex(table.num_rows))
    special: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        domain = domain_of(field)
        if domain is not None and not domain.ordered:
            special[field.name] = column.to_pandas().cat.as_unordered()
        elif column.null_count and (pa.types.is_integer(field.type) or pa.types.is_boolean(field.type)):
            special[field.name] = column.to_pandas(types_mapper=_masked_types(pandas).get)
        elif any(_has_gaps(chunk) for chunk in column.chunks):
            special[field.name] = pandas.Series(column.to_pylist(), dtype=object)
    try:
        plain = table.drop_columns(list(special)).to_pandas()
    except pa.ArrowException as error:
        raise ValueMismatch("table-column", f"pandas cannot hold this table: {error}") from error
    if not special:
        return plain
    columns = {name: special[name] if name in special else plain[name] for name in table.column_names}
    return pandas.DataFrame(columns)


def _masked_types(pandas: Any) -> dict[pa.DataType, Any]:
    kinds = {pa.bool_(): pandas.BooleanDtype()}
    for bits in (8, 16, 32, 64):
        kinds[getattr(pa, f"int{bits}")()] = getattr(pandas, f"Int{bits}Dtype")()
        kinds[getattr(pa, f"uint{bits}")()] = getattr(pandas, f"UInt{bits}Dtype")()
    return kinds


def _has_gaps(array: pa.Array) -> bool:
    """Whether somewhere inside, lists of integers or booleans lack some: numpy would make floats of the others."""
    kind = array.type
    if pa.types.is_struct(kind):
        return any(_has_gaps(array.field(index)) for index in range(kind.num_fields))
    if not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)):
        return False
    values = array.flatten()
    numbers = pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)
    return bool(values.null_count and numbers) or _has_gaps(values)


def _duckdb(table: pa.Table, connection: Any) -> Any:  # a duckdb.DuckDBPyRelation
    duckdb = _library("duckdb")
    if not table.num_columns:
        raise ValueMismatch("table-columns", "DuckDB has no tables without columns")

    def readable(field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if _has_wide_decimals(field.type):
            raise _refused(field.name, field.type, "DuckDB")
        return column.cast(pa.float32()) if field.type == pa.float16() else _values(field, column)

    relation = (connection or duckdb).from_arrow(_replaced(table, readable))
    domains = _text_domains(table)
    if not domains:
        return relation
    return relation.project(", ".join(_projected(name, domains.get(name)) for name in table.column_names))


def _projected(name: str, domain: Domain | None) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if domain is None or not domain.values:
        return quoted
    values = ", ".join("'" + str(value).replace("'", "''") + "'" for value in domain.values)
    return f"cast({quoted} as enum({values})) as {quoted}"
