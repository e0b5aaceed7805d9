"""The table libraries, told apart by the names of their classes: none of them is imported to recognise its values."""

from __future__ import annotations

import sys
import types
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin

__all__ = [
    "AnyScan",
    "AnyTable",
    "TableKind",
    "is_of",
    "is_table",
    "is_table_hint",
    "kind_of_hint",
    "kind_of_value",
    "size_of",
]


def is_of(value: object, library: str, name: str) -> bool:
    """Whether a value is of this class of a library, which is not imported: a value of it can only exist when it is.

    While another thread imports the library, the class need not be there yet, and nothing is of it.
    """
    found = getattr(sys.modules.get(library), name, None)
    return isinstance(found, type) and isinstance(value, found)


class TableKind(StrEnum):
    """A class of tables; its text is how we write it, whatever module of its library the class lives in."""

    POLARS = "polars.DataFrame"
    POLARS_LAZY = "polars.LazyFrame"
    PANDAS = "pandas.DataFrame"
    ARROW = "pyarrow.Table"
    ARROW_BATCH = "pyarrow.RecordBatch"
    ARROW_READER = "pyarrow.RecordBatchReader"
    DUCKDB = "duckdb.DuckDBPyRelation"
    #: Ours: a table that a query engine reads, which need not be in memory.
    SCAN = "assetflow.Scan"


class AnyTable:
    """The type of what a query gives: a table of no library, which a reader gets as one of its own."""


class AnyScan:
    """The type of what a query reads: a table, wherever it lies (see ``assetflow.types.scans``)."""


#: A large result of a query comes as a stream: as what it is read does not depend on its size.
_OF_ANY = (TableKind.ARROW, TableKind.ARROW_READER)
_BY_NAME = {tuple(kind.value.split(".")): kind for kind in TableKind}
#: Where the classes are defined: duckdb's extension module has had several names.
_ROOTS = {"_duckdb": "duckdb"}


def kind_of_class(cls: type) -> TableKind | None:
    """The kind of a class itself; a subclass, which may promise more than its base, has none."""
    root = cls.__module__.partition(".")[0]
    return _BY_NAME.get((_ROOTS.get(root, root), cls.__qualname__))


def kind_of_value(value: object) -> TableKind | None:
    """The kind of a value, or None for what is not a table of a library we know."""
    for cls in type(value).__mro__:
        if (kind := kind_of_class(cls)) is not None:
            return kind
    return None


def size_of(value: Any) -> int:  # a table of any library
    """About how many bytes a table has in memory; 0 for what is not in memory."""
    match kind_of_value(value):
        case TableKind.ARROW:
            return int(value.nbytes)
        case TableKind.POLARS:
            return int(value.estimated_size())
        case TableKind.PANDAS:
            return int(value.memory_usage(index=False).sum())
        case _:
            return 0


def kinds_of_hint(hint: object) -> tuple[TableKind, ...]:
    """The kinds that an annotation admits, through ``Annotated`` and unions, in the order written."""
    origin = get_origin(hint)
    if hint is AnyTable:
        return _OF_ANY
    if hint is AnyScan:
        return (TableKind.SCAN,)
    if origin is None:
        kind = kind_of_class(hint) if isinstance(hint, type) else None
        return () if kind is None else (kind,)
    if origin is Annotated:
        return kinds_of_hint(get_args(hint)[0])
    if origin is Union or origin is types.UnionType:
        return tuple(kind for part in get_args(hint) for kind in kinds_of_hint(part))
    return ()


def kind_of_hint(hint: object, like: TableKind | None = None) -> TableKind | None:
    """The kind of table an annotation asks for; of several the one that ``like`` names, else the first."""
    kinds = kinds_of_hint(hint)
    if like in kinds and kinds != _OF_ANY:
        return like
    return kinds[0] if kinds else None


def is_table(value: object) -> bool:
    """Whether a value is a table, lazily or as a stream too."""
    return kind_of_value(value) is not None


def is_table_hint(hint: object) -> bool:
    """Whether an annotation asks for a table, of whichever library."""
    return bool(kinds_of_hint(hint))
