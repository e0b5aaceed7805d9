"""What a DuckDB relation is made of that a function built of others, as far as its SQL says it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import duckdb

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge
from assetflow.sql.edges import proved_edges
from assetflow.sql.engine import functions
from assetflow.sql.faults import SqlFault
from assetflow.sql.parsing import references, tree_of
from assetflow.sql.resolving import NotFollowed, resolved
from assetflow.types.engine import connected

__all__ = ["derived"]

#: Names that DuckDB makes up for what has none.
_MADE_UP = re.compile(r'"(?:__duckdb_source|arrow_object|unnamed_relation)_[0-9a-f_]+"')


def derived(key: AssetKey, made: Any, given: Iterable[tuple[AssetKey, Any]]) -> tuple[ColumnEdge, ...]:  # relations
    """Where the columns of a relation come from that is the value of an asset, among relations that were ``given`` to
    its function; of one that the relation does not read, nothing is told. Nothing at all where that cannot be followed:
    no query is run to find it out.
    """
    numbers: dict[str, str] = {}

    def told(relation: Any) -> tuple[str, tuple[str, ...]]:
        text = _MADE_UP.sub(lambda name: numbers.setdefault(name[0], f'"_{len(numbers)}"'), relation.sql_query())
        return text, tuple(relation.columns)

    try:
        inputs = tuple((asset, *told(relation)) for asset, relation in given)
        return _derived(key, *told(made), inputs)
    except duckdb.Error:
        return ()


@functools.lru_cache(maxsize=256)
def _derived(
    key: AssetKey, text: str, columns: tuple[str, ...], given: tuple[tuple[AssetKey, str, tuple[str, ...]], ...]
) -> tuple[ColumnEdge, ...]:
    connection = connected()
    try:
        tables: dict[str, AssetKey] = {}
        has: dict[AssetKey, tuple[str, ...]] = {}
        for asset, own, names in given:
            scanned = {each.name for each in references(own, tree_of(connection, own))}
            if len(scanned) == 1:
                tables[scanned.pop()] = asset
                has[asset] = names
        tree = tree_of(connection, text)
        read = {tables[each.name] for each in references(text, tree) if each.name in tables}
        found = resolved(tree, tables, has, functions().aggregates)
    except (NotFollowed, SqlFault, duckdb.Error, KeyError, TypeError, ValueError):  # or a tree that is not known
        return ()
    finally:
        connection.close()
    if len(found.columns) != len(columns):
        return ()
    return proved_edges(key, columns, found.columns, found.uses, sorted(read))
