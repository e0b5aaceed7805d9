"""Tables as Parquet. What needs pyarrow is in :mod:`assetflow.store.tablefile`, loaded when a table comes by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assetflow import store
from assetflow.model.versions import DataVersion

__all__ = ["Parquet"]


@dataclass(frozen=True, slots=True)
class Parquet:
    """A table of any library, in its canonical form. ``Parquet(compression="zstd")`` takes longer and less space."""

    compression: Literal["snappy", "lz4", "zstd", "none"] = "snappy"
    suffix: str = ".parquet"

    @property
    def text(self) -> str:
        """``parquet``, and the compression where it is written out; any of them reads all others' files."""
        return "parquet" if self.compression == "snappy" else f"parquet {self.compression}"

    def settled(self, value: Any) -> Any:  # a table of any library
        """A lazy table or a stream as an Arrow table: it is run, or used up, once."""
        return store.tablefile.settled(value)

    def version(self, value: Any) -> DataVersion:  # a table of any library
        """Schema, row count and a digest per column. A stream is used up by it: settle it before."""
        return store.tablefile.version(value)

    def write(self, value: Any, path: Path) -> bytes:  # a table of any library
        """Write the table and give the digests of its footer and columns."""
        return store.tablefile.write(value, path, self.compression)

    def write_stream(self, value: Any, path: Path) -> tuple[DataVersion, bytes]:  # a table, or a stream of batches
        """Write a table or a stream, a batch in memory at a time, and give its version and the digests."""
        return store.tablefile.write_stream(value, path, self.compression)

    def read(self, path: Path, hint: object) -> Any:  # what the consumer's annotation asks for
        """Read the table as the library that the hint names; None gives a ``pyarrow.Table``."""
        return store.tablefile.read(path, hint)

    def read_verified(
        self, path: Path, *, digest: str, size: int, chunks: bytes, hint: object, columns: Iterable[str] | None
    ) -> Any:  # what the consumer's annotation asks for
        """Read these columns in this order, verifying the bytes that they are made of."""
        return store.tablefile.read_verified(
            path,
            digest=digest,
            size=size,
            chunks=chunks,
            hint=hint,
            columns=None if columns is None else tuple(columns),
        )

    def schema(self, version: DataVersion) -> str:
        """A line a column: ``name: type``."""
        return "\n".join(f"{column.name}: {column.type}" for column in version.columns)
