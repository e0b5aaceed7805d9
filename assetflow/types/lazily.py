"""Lazy frames and relations run a batch at a time, so that what they give need not fit into memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from assetflow.types.canonical import ORIGIN
from assetflow.types.incoming import LOST_IN_ARROW, in_utc
from assetflow.types.libraries import TableKind
from assetflow.types.tables import to_arrow

__all__ = ["collected", "fetched"]

#: A result of up to so many bytes is one table.
_AT_ONCE = 32 << 20
#: Rows of one batch.
_BATCH = 1 << 15


def collected(frame: Any) -> Any:  # a polars.LazyFrame; a pyarrow.Table or RecordBatchReader
    """What a lazy frame gives: a small result as a canonical table, a large one as a stream of canonical batches, which
    is to be read once. It is run here, and while the stream is read.

    A frame with categories, which each batch would number by itself, is one table whatever its size.
    """
    polars: Any = sys.modules["polars"]
    schema = frame.collect_schema()
    if not hasattr(frame, "collect_batches") or any(_numbered(polars, kind) for kind in schema.dtypes()):
        return _table(frame.collect())
    batches = iter(frame.collect_batches(chunk_size=_BATCH, engine="streaming"))
    first, size = deque[Any](), 0
    for part in batches:
        first.append(part)
        size += part.estimated_size()
        if size > _AT_ONCE:
            canonical = to_arrow(first[0]).schema.remove_metadata()
            return pa.RecordBatchReader.from_batches(canonical, _batches(first, batches))
    return _table(polars.concat(list(first)) if first else polars.DataFrame(schema=schema))


def _batches(first: deque[Any], rest: Iterable[Any]) -> Iterator[pa.RecordBatch]:  # of polars.DataFrame
    while first:  # nothing of them is kept once it is given
        yield from to_arrow(first.popleft()).replace_schema_metadata(None).to_batches()
    for part in rest:
        yield from to_arrow(part).replace_schema_metadata(None).to_batches()


def fetched(relation: Any) -> Any:  # a duckdb.DuckDBPyRelation; a pyarrow.Table or RecordBatchReader
    """What a relation gives, as :func:`collected` does of a lazy frame.

    One with enums, or with types that Arrow has not, is given as it is: it is run, or refused, as one table.
    """
    if any(kind.id == "enum" or str(kind) in LOST_IN_ARROW for kind in relation.types):
        return relation
    reader = relation.to_arrow_reader(_BATCH) if hasattr(relation, "to_arrow_reader") else relation.fetch_record_batch()
    first, size = deque[pa.RecordBatch](), 0
    for batch in reader:
        first.append(batch)
        size += batch.nbytes
        if size > _AT_ONCE:
            canonical = _of_relation([first[0]], reader.schema).schema
            return pa.RecordBatchReader.from_batches(canonical, _rest(first, reader))
    mark = {ORIGIN: TableKind.DUCKDB.value}
    return _of_relation(list(first), reader.schema).replace_schema_metadata(mark)


def _rest(first: deque[pa.RecordBatch], reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while first:
        yield from _of_relation([first.popleft()], reader.schema).to_batches()
    for batch in reader:
        yield from _of_relation([batch], reader.schema).to_batches()


def _of_relation(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return to_arrow(in_utc(pa.Table.from_batches(batches, schema=schema))).replace_schema_metadata(None)


def _table(frame: Any) -> pa.Table:  # a polars.DataFrame
    return to_arrow(frame).replace_schema_metadata({ORIGIN: TableKind.POLARS_LAZY.value})


def _numbered(polars: Any, kind: Any) -> bool:  # the library, and a type of it
    inner = getattr(kind, "inner", None)
    fields = [field.dtype for field in getattr(kind, "fields", ())]
    return isinstance(kind, polars.Categorical) or any(
        _numbered(polars, each) for each in [*([inner] if inner is not None else []), *fields]
    )
