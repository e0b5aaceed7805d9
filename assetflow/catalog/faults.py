"""What a database says when it cannot, as our own errors with their exit codes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from assetflow.errors import AssetflowError, BusyError, CatalogError, StorageError

__all__ = ["damaged", "decoding", "sqlite_fault", "translated"]

#: Errors without a code of their own that only a catalog of the wrong shape can give.
_SHAPE = ("no such table", "no such column", "no such index", "malformed", "decode to utf-8", "has no column named")


def damaged(where: str, what: str) -> CatalogError:
    """The catalog cannot be read; it is never recreated over."""
    return CatalogError(
        "catalog-damaged",
        f"the catalog {where} is damaged: {what}",
        hint="restore a backup over it, or move it away to begin anew; the stored values are not touched",
    )


def sqlite_fault(error: sqlite3.Error, where: str) -> AssetflowError | None:
    """The error to raise for one of SQLite's, or None where it is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    text = str(error)
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return BusyError(
                "catalog-locked",
                f"the catalog {where} stays locked by another process",
                hint="try again when it is done",
            )
        case sqlite3.SQLITE_FULL:
            return StorageError(
                "disk-full", f"no space left to write the catalog {where}", hint="free space and try again"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StorageError("catalog-read-only", f"the catalog {where} cannot be written: {text}")
        case sqlite3.SQLITE_IOERR:
            return StorageError("catalog-unreadable", f"reading or writing the catalog {where} failed: {text}")
        case sqlite3.SQLITE_CANTOPEN:
            return StorageError("catalog-unreadable", f"the catalog {where} cannot be opened: {text}")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CONSTRAINT | sqlite3.SQLITE_MISMATCH:
            return damaged(where, text)
    if any(sign in text.lower() for sign in _SHAPE):
        return damaged(where, text)
    return None


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what the database raises as our own errors; everything else passes."""
    try:
        yield
    except DBAPIError as error:
        original = error.orig
        known = sqlite_fault(original, where) if isinstance(original, sqlite3.Error) else None
        if known is None:
            raise
        raise known from error
    except sqlite3.Error as error:
        known = sqlite_fault(error, where)
        if known is None:
            raise
        raise known from error
    except UnicodeDecodeError as error:  # a message of SQLite that quotes what it found
        raise damaged(where, f"text in it cannot be read ({error.reason})") from error


@contextmanager
def decoding(where: str) -> Iterator[None]:
    """Rows that do not say what they should are damage, not a mistake of the user or ours."""
    try:
        with translated(where):
            yield
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise damaged(where, f"a record makes no sense ({type(error).__name__}: {error})") from error
