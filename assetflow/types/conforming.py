"""Tables held to their row models: which columns, of which types, then nulls, rules and keys (``judging``).

A table is judged in its canonical form, so the same way whatever library it is of, and never row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.errors import ValueMismatch, nearest
from assetflow.model.checks import CheckResult
from assetflow.types.arrowtypes import arrow_field, arrow_type, column_type, field_type
from assetflow.types.canonical import ORIGIN
from assetflow.types.columns import ColumnType, Conversion, Enumeration, conversion
from assetflow.types.judging import Broken, judged, repeated
from assetflow.types.libraries import TableKind
from assetflow.types.rowmodels import REQUIRED, Column, RowModel
from assetflow.types.tables import to_arrow

__all__ = ["READ", "Streamed", "broken", "conformed", "of_columns", "shaped", "stream", "told"]

#: The mark of a table that was a stream.
READ = {ORIGIN: TableKind.ARROW_READER.value}

#: How many problems of one table are told.
_TOLD = 4


def conformed(value: object, rows: RowModel, *, what: str, keys: bool = True) -> pa.Table:
    """A table of any library as its row model says, or an error.

    As :func:`shaped`; and where rules or, with ``keys``, keys are broken it raises ValueMismatch ``bad-rows`` with
    every one of them, the number of rows and the first of these.
    """
    table = shaped(value, rows, what=what)
    if found := broken(table, rows, keys=keys):
        raise _bad(what, rows, found)
    return table


def shaped(value: object, rows: RowModel, *, what: str) -> pa.Table:
    """A table of any library with the row model's columns, in its order, of exactly its types.

    Lossless conversions are made. ``what`` names the table in the error. Raises ValueMismatch ``bad-rows`` with every
    column that is missing or of another type; and what :func:`assetflow.types.tables.to_arrow` raises.
    """
    table = to_arrow(value)
    columns, fields, wrong = _shaped(table, rows)
    if wrong:
        raise _bad(what, rows, [each.text for each in wrong])
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def broken(table: pa.Table, rows: RowModel, *, keys: bool = True) -> list[str]:
    """What is wrong with the rows of a shaped table: missing values, broken rules, repeated keys."""
    return [each.text for each in (*judged(table, rows), *(repeated(table, rows) if keys else ()))]


def of_columns(values: Sequence[Sequence[Any]], rows: RowModel) -> pa.Table:
    """A table of Python values by column, as the model says. Raises ValueMismatch ``bad-rows``."""
    arrays = []
    for column, found in zip(rows.columns, values, strict=True):
        try:
            arrays.append(pa.array(found, arrow_type(column.slot.type)))
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            text = f"column {column.name!r}: {error}"
            raise ValueMismatch("bad-rows", f"these are no rows of {rows.name}", where=[text]) from error
    return conformed(pa.table(arrays, names=list(rows.names)), rows, what="the table")


@dataclass(slots=True)
class Streamed:
    """What is wrong with the rows of a stream. It is complete once the stream was read."""

    wrong: list[str] = field(default_factory=list)

    @property
    def result(self) -> CheckResult:
        """Whether it may be published."""
        return CheckResult(not self.wrong, "\n".join(told(self.wrong)))


def stream(reader: pa.RecordBatchReader, rows: RowModel, found: Streamed, *, what: str) -> pa.RecordBatchReader:
    """A stream of record batches with the row model's columns. What is wrong with its rows is added to ``found`` while
    it is read, batch by batch; its keys at its end. Raises ValueMismatch ``bad-rows`` with the columns that are missing
    or of another type.
    """
    schema = shaped(reader.schema.empty_table(), rows, what=what).schema
    wrong = found.wrong
    wanted = tuple(dict.fromkeys(name for key in (rows.primary_key, *rows.unique) for name in key))

    def batches() -> Iterator[pa.RecordBatch]:
        kept: list[pa.Table] = []
        before = 0
        for batch in reader:
            table = shaped(pa.Table.from_batches([batch]), rows, what=what)
            if len(wrong) < _TOLD:
                wrong.extend(f"rows from {before:,} on: {text}" for text in broken(table, rows, keys=False))
            before += table.num_rows
            if wanted:
                kept.append(table.select(list(wanted)))
            yield from table.replace_schema_metadata(READ).to_batches()
        if kept:
            wrong.extend(each.text for each in repeated(pa.concat_tables(kept), rows))

    return pa.RecordBatchReader.from_batches(schema.with_metadata(READ), batches())


# Shape


def _shaped(table: pa.Table, rows: RowModel) -> tuple[list[pa.ChunkedArray], list[pa.Field], list[Broken]]:
    """The model's columns of the table, converted; and what is missing, too much, or cannot be converted."""
    columns: list[pa.ChunkedArray] = []
    fields: list[pa.Field] = []
    wrong: list[Broken] = []
    there = set(table.column_names)
    for column in rows.columns:
        if column.name not in there:
            fills = rows.policy.missing == "fill" and column.slot.nullable
            if column.default is REQUIRED and not fills:
                close = nearest(column.name, sorted(there - set(rows.names)))
                wrong.append(Broken(f"column {column.name!r} is missing{f': {close}' if close else ''}"))
            else:
                columns.append(_filled(column, table.num_rows))
                fields.append(arrow_field(column.name, column.slot.type))
            continue
        try:
            columns.append(_converted(table.column(column.name), table.schema.field(column.name), column))
            fields.append(arrow_field(column.name, column.slot.type))
        except ValueMismatch as error:
            wrong.append(Broken(error.message))
    found = [name for name in table.column_names if name in rows.names]
    if rows.policy.order == "same" and found != [name for name in rows.names if name in there]:
        wrong.append(Broken(f"its columns stand in another order than {rows.name}'s: {', '.join(found)}"))
    extra = [name for name in table.column_names if name not in rows.names]
    if extra and rows.policy.extra == "refuse":
        names = ", ".join(map(repr, extra[:5])) + (" …" if len(extra) > 5 else "")
        wrong.append(
            Broken(
                f"{names} {'is' if len(extra) == 1 else 'are'} no column of {rows.name}; Rows(extra='drop') drops it"
            )
        )
    if rows.policy.extra == "keep":
        columns += [table.column(name) for name in extra]
        fields += [table.schema.field(name) for name in extra]
    return columns, fields, wrong


def _filled(column: Column, count: int) -> pa.ChunkedArray:
    default = getattr(column.default, "value", column.default)  # of an enum its member's value
    default = None if column.default is REQUIRED else default
    field = arrow_field(column.name, column.slot.type)
    array = pa.array([default], arrow_type(column.slot.type)).take(pa.array([0] * count, pa.int64()))
    if isinstance(column.slot.type, Enumeration):
        return _encoded(pa.chunked_array([array]), column.slot.type.values, field)
    return pa.chunked_array([array], type=field.type)


def _converted(array: pa.ChunkedArray, field: pa.Field, column: Column) -> pa.ChunkedArray:
    found, wanted = field_type(field), column.slot.type
    match conversion(found, wanted):
        case Conversion.SAME:
            return array
        case Conversion.NONE:
            raise ValueMismatch("bad-rows", f"column {column.name!r} is {found}, not {wanted}")
        case _:
            return _cast(array, wanted, column)


def _cast(array: pa.ChunkedArray, wanted: ColumnType, column: Column) -> pa.ChunkedArray:
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    field = arrow_field(column.name, wanted)
    try:
        plain = array.cast(arrow_type(wanted))
        if isinstance(wanted, Enumeration):
            return _encoded(plain, wanted.values, field)
    except (pa.ArrowException, ValueError) as error:
        example = _first_that_fails(array, arrow_type(wanted))
        text = f"column {column.name!r} is {column_type(array.type)}, and {example} is no {wanted}"
        raise ValueMismatch("bad-rows", text) from error
    return plain


def _first_that_fails(array: pa.ChunkedArray, wanted: pa.DataType) -> str:
    """The first value that cannot be converted, found by halves."""
    start, end = 0, len(array)
    while end - start > 1:
        middle = (start + end) // 2
        try:
            array.slice(start, middle - start).cast(wanted)
            start = middle
        except (pa.ArrowException, ValueError):
            end = middle
    return f"{array[start].as_py()!r} (row {start:,})" if len(array) else "it"


def _encoded(plain: pa.ChunkedArray, values: Sequence[Any], field: pa.Field) -> pa.ChunkedArray:
    dictionary = pa.array(list(values), plain.type)
    chunks = []
    for chunk in plain.chunks or [pa.array([], plain.type)]:
        indices = pc.index_in(chunk, value_set=dictionary)
        if indices.null_count != chunk.null_count:
            stray = chunk.filter(pc.and_(indices.is_null(), chunk.is_valid()))[0].as_py()
            kind = Enumeration(tuple(values))
            raise ValueMismatch("bad-rows", f"column {field.name!r} has {stray!r}, which is not one of {kind}")
        chunks.append(pa.DictionaryArray.from_arrays(indices, dictionary, ordered=True))
    return pa.chunked_array(chunks, type=field.type)


def _bad(what: str, rows: RowModel, found: Sequence[str]) -> ValueMismatch:
    return ValueMismatch(
        "bad-rows",
        f"{what} is not a table of {rows.name}",
        where=told(found),
        hint="make the rows as the model says, or change the model",
    )


def told(found: Sequence[str]) -> list[str]:
    """The first problems, and how many more there are."""
    more = [f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
    return [*found[:_TOLD], *more]
