"""A table that a query engine reads: where it lies, not what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Scan", "is_scannable"]


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
