"""Parquet files of canonical tables, of which a few columns can be read and verified alone.

``Blob.chunks`` of such a file is: a version byte, the footer's length (4 bytes, little-endian, with the 8 bytes that
end the file), the footer's XXH3-128, and then, for each top-level column in order, the XXH3-128 of its column chunks
in all row groups one after the other. Where these lie is read from the footer once that is verified. All is parsed
from the very bytes that were hashed: small files are read, large ones mapped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from xxhash import xxh3_128

from assetflow.errors import StorageError, ValueMismatch
from assetflow.model.versions import DataVersion
from assetflow.store.columns import TableDigest, table_version
from assetflow.types.canonical import ORIGIN
from assetflow.types.libraries import TableKind, kind_of_hint, kind_of_value
from assetflow.types.outgoing import outgoing
from assetflow.types.scans import Scan, is_scannable, lazily
from assetflow.types.tables import from_arrow, to_arrow

__all__ = ["read", "read_verified", "settled", "version", "write", "write_stream"]

_LAYOUT = 1
_MAGIC = b"PAR1"
_DIGEST = 16
_MAPPED = 32 << 20
_PIECE = 1 << 20
#: Cells of a table from which on several threads are worth starting.
_MANY = 1_000_000
#: A row group is written when this many bytes of Arrow data, or rows, have come together.
_GROUP_BYTES = 64 << 20
_GROUP_ROWS = 1 << 19
#: These are run again each time they are asked, or only once.
_UNSETTLED = frozenset({TableKind.POLARS_LAZY, TableKind.DUCKDB, TableKind.ARROW_READER})


def settled(value: Any) -> Any:  # a table of any library
    """The canonical table, where asking the value twice could give two answers; else the value itself."""
    return to_arrow(value) if kind_of_value(value) in _UNSETTLED else value


def version(value: Any) -> DataVersion:  # a table of any library
    """Schema, row count and a digest per column. A lazy table is run, a stream is used up: settle them before."""
    return table_version(to_arrow(value))


def write(value: Any, path: Path, compression: str) -> bytes:  # a table of any library
    """Write a table; give the digests of footer and columns."""
    table = to_arrow(value)
    with _writer(path, table.schema, compression) as writer:
        _write(writer, table)
    return _digests(path)


def write_stream(value: Any, path: Path, compression: str) -> tuple[DataVersion, bytes]:  # a table, or a stream
    """Write a table, or a reader's batches with a row group of them in memory; give the version and the digests.

    Raises ValueMismatch ``table-schemas`` where the canonical schema of the batches changes.
    """
    first, rest = _parts(value)
    digest = TableDigest(first.schema)
    with _writer(path, first.schema, compression) as writer:
        digest.update(first)
        waiting = [first]
        for part in rest:
            if not part.schema.equals(first.schema, check_metadata=True):
                raise ValueMismatch(
                    "table-schemas", "the batches of one stream have different schemas, or enums of different values"
                )
            digest.update(part)
            waiting.append(part)
            if sum(w.nbytes for w in waiting) >= _GROUP_BYTES or sum(w.num_rows for w in waiting) >= _GROUP_ROWS:
                _write(writer, pa.concat_tables(waiting))
                waiting = []
                pa.default_memory_pool().release_unused()
        if waiting:
            _write(writer, pa.concat_tables(waiting))
    return digest.version(), _digests(path)


def _parts(value: Any) -> tuple[pa.Table, Iterator[pa.Table]]:  # a table, or a stream
    if kind_of_value(value) is not TableKind.ARROW_READER:
        return to_arrow(value), iter(())
    mark = {ORIGIN: TableKind.ARROW_READER.value}

    def canonical(table: pa.Table) -> pa.Table:
        return to_arrow(table).replace_schema_metadata(mark)

    return canonical(value.schema.empty_table()), (canonical(pa.Table.from_batches([batch])) for batch in value)


def _writer(path: Path, schema: pa.Schema, compression: str) -> pq.ParquetWriter:
    # Numbers as they are: looking for repeated ones takes as long as all the rest, and saves a tenth of the bytes.
    texts = [field.name for field in schema if not pa.types.is_primitive(field.type)]
    try:
        return pq.ParquetWriter(
            path,
            schema,
            compression=compression,
            use_dictionary=texts or False,
            store_schema=True,
            write_page_checksum=False,
        )
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise _unwritable(error) from error


def _write(writer: pq.ParquetWriter, table: pa.Table) -> None:
    try:
        writer.write_table(table, row_group_size=_GROUP_ROWS)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise _unwritable(error) from error


def _unwritable(error: Exception) -> ValueMismatch:
    return ValueMismatch(
        "no-codec",
        f"this table cannot be stored as Parquet: {error}",
        hint="cast the column to a type that Parquet has",
    )


def read(path: Path, hint: object) -> object:
    """Read a whole table, unverified, as the hint says; None: as it was written."""
    with pa.memory_map(str(path)) as file:
        return from_arrow(_parsed(pq.ParquetFile(file), None), hint)


def read_verified(
    path: Path, *, digest: str, size: int, chunks: bytes, hint: object, columns: tuple[str, ...] | None
) -> object:
    """Read these columns in this order (None: all) after their bytes are verified. The bytes of others are not read.

    Raises StorageError ``blob-damaged``, and ValueMismatch ``table-columns`` for a column that is not there.
    """
    if kind_of_hint(hint) is TableKind.SCAN and (scan := _scanned(path, size, chunks, columns)) is not None:
        return scan
    if kind_of_hint(hint) is TableKind.POLARS_LAZY and size > _MAPPED:
        scan = _scanned(path, size, chunks, columns)
        if scan is not None and (lazy := lazily(scan, _polars)) is not None:
            return lazy
    data = _bytes(path)
    if data.size != size:
        raise _damaged(f"it has {data.size:,} bytes, not {size:,}")
    in_part = columns is not None and _verified_columns(data, chunks, columns)
    if not in_part and xxh3_128(data).hexdigest() != digest:
        raise _damaged("its bytes have changed")
    return from_arrow(_parsed(pq.ParquetFile(pa.BufferReader(data), pre_buffer=False), columns), hint)


def _scanned(path: Path, size: int, chunks: bytes, columns: tuple[str, ...] | None) -> Scan | None:
    """The file as one to be scanned, its bytes verified a piece at a time; None where it is better read here."""
    if not chunks or chunks[0] != _LAYOUT:
        return None
    length = int.from_bytes(chunks[1:5], "little")
    digests = [chunks[i : i + _DIGEST] for i in range(5, len(chunks), _DIGEST)]
    with path.open("rb") as data:
        if data.seek(0, 2) != size:
            raise _damaged(f"it has {data.tell():,} bytes, not {size:,}")
        if length > size or _piecewise(data, [(size - length, length)]) != digests[0]:
            raise _damaged("its footer has changed")
        with pq.ParquetFile(path) as file:
            written, ranges = _written_schema(file), _ranges(file)
        names = written.names if columns is None else list(columns)
        known = set(names) <= set(written.names) and not any("." in name for name in written.names)
        if not known or not all(is_scannable(written.field(name).type) for name in names):
            return None
        for place, name in enumerate(written.names):
            if name in names and _piecewise(data, ranges[place]) != digests[1 + place]:
                raise _damaged(f"its column {name!r} has changed")
    return Scan(pa.schema([written.field(name) for name in names]), path)


def _piecewise(file: BinaryIO, ranges: list[tuple[int, int]]) -> bytes:
    digest = xxh3_128()
    for start, length in ranges:
        file.seek(start)
        left = length
        while left > 0 and (piece := file.read(min(left, _PIECE))):
            digest.update(piece)
            left -= len(piece)
    return digest.digest()


def _written_schema(file: pq.ParquetFile) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(file.metadata.metadata[b"ARROW:schema"])))


def _polars(table: pa.Table) -> Any:  # a polars.DataFrame
    return outgoing(table, TableKind.POLARS, None)


def _parsed(file: pq.ParquetFile, columns: tuple[str, ...] | None) -> pa.Table:
    missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
    if missing:
        raise ValueMismatch("table-columns", f"the stored table has no column {', '.join(map(repr, missing))}")
    wanted = None if columns is None else list(columns)
    table = file.read(columns=wanted, use_threads=file.metadata.num_rows * file.metadata.num_columns > _MANY)
    if columns is not None and table.column_names != list(columns):
        table = table.select(list(columns))
    return _as_written(table, file)


def _as_written(table: pa.Table, file: pq.ParquetFile) -> pa.Table:
    """The table with the types it was written with: Parquet knows no whole seconds."""
    written = _written_schema(file)
    for index, field in enumerate(table.schema):
        if field.type != (wanted := written.field(field.name).type):
            table = table.set_column(index, field.with_type(wanted), table.column(index).cast(wanted))
    return table


def _bytes(path: Path) -> pa.Buffer:
    if path.stat().st_size <= _MAPPED:
        return pa.py_buffer(path.read_bytes())
    with pa.memory_map(str(path)) as file:
        return file.read_buffer()


def _verified_columns(data: pa.Buffer, chunks: bytes, columns: tuple[str, ...]) -> bool:
    """Verify the footer and these columns. False where only the whole file can tell: an unknown layout, or names that
    Parquet would take for paths."""
    if not chunks or chunks[0] != _LAYOUT:
        return False
    length = int.from_bytes(chunks[1:5], "little")
    digests = [chunks[i : i + _DIGEST] for i in range(5, len(chunks), _DIGEST)]
    if length > data.size or xxh3_128(data.slice(data.size - length)).digest() != digests[0]:
        raise _damaged("its footer has changed")
    file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    names = file.schema_arrow.names
    if any("." in name for name in names):
        return False
    for index, ranges in enumerate(_ranges(file)):
        if names[index] in columns and _digest(data, ranges) != digests[1 + index]:
            raise _damaged(f"its column {names[index]!r} has changed")
    return True


def _digests(path: Path) -> bytes:
    """``Blob.chunks`` of a file. It is read a piece at a time: it may be larger than memory."""
    with pq.ParquetFile(path) as file:
        ranges = _ranges(file)
    with path.open("rb") as data:
        size = data.seek(-8, 2) + 8
        length = int.from_bytes(data.read(4), "little") + 8
        parts = [_LAYOUT.to_bytes(1, "little"), length.to_bytes(4, "little")]
        parts.append(_piecewise(data, [(size - length, length)]))
        parts += [_piecewise(data, each) for each in ranges]
    return b"".join(parts)


def _digest(data: pa.Buffer, ranges: list[tuple[int, int]]) -> bytes:
    digest = xxh3_128()
    for start, length in ranges:
        digest.update(data.slice(start, length))
    return digest.digest()


def _ranges(file: pq.ParquetFile) -> list[list[tuple[int, int]]]:
    """For each top-level column, where its column chunks lie: row group by row group."""
    metadata = file.metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    found, leaf = [], 0
    for field in file.schema_arrow:
        leaves = range(leaf, leaf + _leaves(field.type))
        leaf = leaves.stop
        found.append([_range(group.column(i)) for group in groups for i in leaves])
    return found


def _range(column: pq.ColumnChunkMetaData) -> tuple[int, int]:
    first = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset is not None:
        first = min(first, column.dictionary_page_offset)
    return first, column.total_compressed_size


def _leaves(type_: pa.DataType) -> int:
    """How many Parquet columns a column of a canonical type has."""
    if pa.types.is_dictionary(type_) or not type_.num_fields:
        return 1
    return sum(_leaves(type_.field(i).type) for i in range(type_.num_fields))


def _damaged(why: str) -> StorageError:
    return StorageError("blob-damaged", why)
