"""A table that a query engine reads: where it lies, not what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Scan", "is_scannable", "lazily"]


@dataclass(frozen=True, eq=False)
class Scan:
    """A canonical table, in a Parquet file whose bytes were verified, or in memory."""

    #: Of the columns that are read, in canonical form.
    schema: pa.Schema
    path: Path | None = None
    table: pa.Table | None = None

    def read(self) -> pa.Table:
        """The table itself."""
        if self.table is not None:
            return self.table
        return pq.read_table(self.path, columns=self.schema.names)

    def dataset(self) -> Any:  # a pyarrow.dataset.Dataset
        """The file as a dataset, of which is read what is asked for."""
        datasets: Any = import_module("pyarrow.dataset")
        return datasets.dataset(str(self.path), format="parquet")


def lazily(scan: Scan, outgoing: Callable[[pa.Table], Any]) -> Any:  # of polars; None where that cannot be
    """The file as a lazy frame, read a batch at a time as it is asked for. ``outgoing`` makes frames of tables."""
    plugins: Any = import_module("polars.io.plugins")
    path = scan.path
    if path is None or not scan.schema.names or not hasattr(plugins, "register_io_source"):
        return None

    def batches(
        with_columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[Any]:  # as polars calls it: an expression; frames
        names = scan.schema.names if with_columns is None else list(with_columns)
        wanted = pa.schema([scan.schema.field(name) for name in names])
        left = n_rows
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_PIECE) as file:
            for batch in file.iter_batches(min(batch_size or _BATCH, _BATCH), columns=names, use_threads=False):
                table = pa.Table.from_batches([batch]).select(names).cast(wanted)
                table = table if left is None else table.slice(0, left)
                left = None if left is None else left - table.num_rows
                frame = outgoing(table)
                yield frame if predicate is None else frame.filter(predicate)
                if left == 0:
                    return

    return plugins.register_io_source(batches, schema=outgoing(scan.schema.empty_table()).schema, is_pure=True)


#: Rows of one batch of a lazy frame, and bytes that are read at once.
_BATCH, _PIECE = 1 << 15, 1 << 20


def is_scannable(kind: pa.DataType) -> bool:
    """Whether every engine reads a Parquet column of this canonical type as what it is. Of the others, an Arrow schema
    inside of the file says what they are, which not every engine asks.
    """
    if pa.types.is_list(kind):
        return is_scannable(kind.value_type)
    if pa.types.is_struct(kind):
        return all(is_scannable(field.type) for field in kind)
    if pa.types.is_timestamp(kind):
        return kind.unit in {"ms", "us"}
    if pa.types.is_decimal(kind):
        return bool(pa.types.is_decimal128(kind))
    return kind in _PLAIN


_PLAIN = frozenset(
    {
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.binary(), pa.date32(), pa.time64("us")),
    }
)
