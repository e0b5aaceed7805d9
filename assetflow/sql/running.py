"""A query run: over its tables where they lie, by an engine that reaches nothing else, its rows given as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from assetflow.errors import ValueMismatch
from assetflow.model.keys import AssetKey
from assetflow.sql.binding import finished, views
from assetflow.sql.ducktypes import duck_type
from assetflow.sql.engine import handed
from assetflow.sql.parsing import parsed
from assetflow.sql.query import Columns
from assetflow.sql.refusals import refusal
from assetflow.types.arrowtypes import field_type
from assetflow.types.engine import closed, connected, literal, quoted
from assetflow.types.scans import Scan

__all__ = ["run"]

#: A result of up to so many bytes is one table; a larger one is given batch by batch.
_AT_ONCE = 32 << 20


def run(
    name: str,
    text: str,
    tables: Mapping[str, AssetKey],
    scans: Mapping[AssetKey, Scan],
    parameters: Mapping[str, Any],  # JSON-able values of the user
    *,
    columns: Mapping[AssetKey, Columns] | None = None,
    spill: Path | None = None,
) -> pa.Table | pa.RecordBatchReader:
    """Run a query over these tables. A large result is a stream, which is to be read once and to its end.

    With ``columns`` it was bound to tables that have these, and reads of them those of the scans. What does not fit
    into memory goes to ``spill``.

    Raises ValueMismatch ``query-failed`` where its values do not allow what it asks; a stream raises it when it is
    read.
    """
    connection = connected()
    try:
        with _telling(name):
            return _run(connection, name, text, tables, scans, handed(parameters), columns or {}, spill)
    except BaseException:
        connection.close()
        raise


def _run(
    connection: Any,  # a DuckDB connection
    name: str,
    text: str,
    tables: Mapping[str, AssetKey],
    scans: Mapping[AssetKey, Scan],
    parameters: Mapping[str, Any] | None,  # JSON-able values of the user
    columns: Mapping[AssetKey, Columns],
    spill: Path | None,
) -> pa.Table | pa.RecordBatchReader:
    for number, (key, scan) in enumerate(scans.items()):
        source = _source(connection, f"_{number}", scan)
        has = {each.name: field_type(each) for each in scan.schema}
        listed = ", ".join(
            f"cast({quoted(column) if column in has else 'null'} as {duck_type(kind)}) as {quoted(column)}"
            for column, kind in columns.get(key, has).items()
        )
        connection.execute(f"create schema if not exists {quoted(key.group)}")
        connection.execute(f"create view {quoted(key.group)}.{quoted(key.name)} as select {listed} from {source}")
    for each in views(tables):
        connection.execute(each)
    files = [str(scan.path) for scan in scans.values() if scan.path is not None]
    closed(connection, files=files, spill=spill)
    try:
        relation = connection.sql(text, params=parameters)
    except duckdb.Error as error:  # what its tables have was not known before
        names = {key: tuple(scan.schema.names) for key, scan in scans.items()}
        fault = refusal(str(error), parsed(text), tables, names)
        raise ValueMismatch("query-failed", f"{name}: {fault.message}", hint=fault.hint) from None
    whole = finished(text, relation.columns, list(map(str, relation.types)))
    if whole != text:
        relation = connection.sql(whole, params=parameters)
    reader = pa.RecordBatchReader.from_stream(relation)
    first = deque[pa.RecordBatch]()
    size = 0
    for batch in reader:
        first.append(batch)
        size += batch.nbytes
        if size > _AT_ONCE:
            break
    else:
        connection.close()
        return pa.Table.from_batches(first, schema=reader.schema)
    return pa.RecordBatchReader.from_batches(reader.schema, _rest(name, first, reader, connection))


def _rest(
    name: str, first: deque[pa.RecordBatch], reader: pa.RecordBatchReader, connection: Any
) -> Iterator[pa.RecordBatch]:  # a DuckDB connection, kept as long as it is read from
    try:
        with _telling(name):
            while first:  # nothing of them is kept once it is given
                yield first.popleft()
            yield from reader
    finally:
        connection.close()


def _source(connection: Any, name: str, scan: Scan) -> str:  # a DuckDB connection
    if scan.path is not None:
        return f"read_parquet({literal(str(scan.path))})"
    table = scan.read()
    if not table.num_columns:
        return f"range({table.num_rows})"
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    connection.register(name, pa.table(plain, names=table.column_names))
    return quoted(name)


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """What the values of its tables do not allow, as a mistake of the data."""
    try:
        yield
    except RuntimeError as error:  # so DuckDB ends at the signal that Python has for it
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # a stream raises pyarrow's, with DuckDB's text
        kind, _, what = str(error).strip().partition("\n")[0].partition(": ")
        if kind not in _OF_DATA:
            raise
        raise ValueMismatch("query-failed", f"{name}: {what}", hint=_OF_DATA[kind]) from None


#: What DuckDB says of values, and what to do.
_OF_DATA = {
    "Conversion Error": "try_cast(… as …) gives null for what cannot be converted",
    "Out of Range Error": "cast it to a wider type first",
    "Invalid Input Error": "",
    "Constraint Error": "",
}
