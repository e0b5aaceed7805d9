"""What code and data are today: digests that are equal exactly when behaviour or content is.

Digests are 128 bits, written as 32 lower-case hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Blob",
    "CodePart",
    "CodeVersion",
    "ColumnVersion",
    "DataVersion",
    "Stored",
    "Untracked",
    "canonical_json",
    "fingerprint",
]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=True)


def canonical_json(value: Any) -> str:  # any JSON-able value
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _ENCODER.encode(value)


def fingerprint(*parts: str) -> str:
    """A 128-bit BLAKE2b digest of texts; their boundaries count, so ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class CodePart:
    """One function, class, constant or included file that an asset's code reaches."""

    #: Qualified name: ``projects.flights.clean.MAX_DELAY``, or the file or package that was included.
    name: str
    digest: str
    #: ``path/from/project/root.py:12``; empty where there is no source line.
    where: str = ""
    #: A constant's value, shortened for showing; empty for functions and classes.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Untracked:
    """A place where the code does something that cannot be followed, such as ``getattr`` on a made-up name."""

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """What an asset's code is today: the digest of all project code that it reaches, or its declared version."""

    digest: str
    #: What the digest is made of, by name; equal digests have equal parts' digests.
    parts: tuple[CodePart, ...] = ()
    untracked: tuple[Untracked, ...] = ()
    #: The text of ``version="2"``; empty where the version is computed.
    declared: str = ""


@dataclass(frozen=True, slots=True)
class ColumnVersion:
    """One column of a table: its name, logical type, and the digest of its ordered values."""

    name: str
    type: str
    digest: str


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The identity of a value's logical content.

    For a table: schema, row count and one digest per column, independent of chunking, encoding, file format and
    library. For other values ``rows`` is None and ``columns`` is empty.
    """

    digest: str
    rows: int | None = None
    columns: tuple[ColumnVersion, ...] = ()

    @classmethod
    def of_table(cls, rows: int, columns: Iterable[ColumnVersion]) -> DataVersion:
        """The version of a table of these columns, their order included."""
        columns = tuple(columns)
        return cls(_table_digest(rows, columns), rows, columns)

    def restricted(self, names: tuple[str, ...] | None) -> str:
        """The digest of what a reader of these columns sees; None reads everything, column order included.

        Naming no column leaves the row count. A value without columns is always read whole, and so is a table
        that lacks a named column.
        """
        if names is None or self.rows is None:
            return self.digest
        by_name = {column.name: column for column in self.columns}
        if not all(name in by_name for name in names):
            return self.digest
        return _table_digest(self.rows, tuple(by_name[name] for name in sorted(set(names))))


def _table_digest(rows: int, columns: tuple[ColumnVersion, ...]) -> str:
    return fingerprint("table", str(rows), *(part for c in columns for part in (c.name, c.type, c.digest)))


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes: a name of their own that is never used again, their digest and their size in bytes."""

    name: str
    digest: str
    size: int
    #: Digests of byte ranges that can be verified alone (a Parquet file's footer and column chunks); empty if none.
    #: The layout belongs to the codec that wrote the blob.
    chunks: bytes = b""


@dataclass(frozen=True, slots=True)
class Stored:
    """A value as it lies in the store or, when small, inside the catalog. Exactly one of blob and inline is set,
    or neither for ``None`` and for what was only recorded (``uri``)."""

    data: DataVersion
    #: The codec's name and options, enough to read the value again.
    codec: str
    #: The value's own schema: for tables the Arrow schema as text a reader can show, else empty.
    schema: str = ""
    blob: Blob | None = None
    inline: bytes | None = None
    #: Where a value lies that is not in our store: an observed file, something recorded by ``ctx.record``.
    uri: str = ""
    #: Facts for people: row count and size are elsewhere; this is what ``ctx.metadata`` was given.
    metadata: tuple[tuple[str, str], ...] = field(default=())
