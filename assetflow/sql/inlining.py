"""Queries in the place of the tables that a query names: how a view is read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assetflow.sql.faults import SqlFault
from assetflow.sql.parsing import references, tree_of
from assetflow.types.engine import closed, connected, quoted

__all__ = ["inlined"]

_PART = r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)'
#: A table's name as it may be written: ``orders``, ``shop . "orders"``.
_NAME = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})*")


def inlined(text: str, queries: Mapping[str, str], tables: Mapping[str, str]) -> str:
    """A query's text in which some tables, by their names as written, are these queries, and others have these names.

    Each is still called as it was. Raises SqlFault ``bad-sql``.
    """
    connection = connected()
    closed(connection)
    try:
        found = references(text, tree_of(connection, text))
    finally:
        connection.close()
    pieces: list[str] = []
    done = 0
    for one in sorted(found, key=lambda one: one.offset):
        if one.name not in queries and one.name not in tables:
            continue
        match = _NAME.match(text, one.offset)
        if match is None or _plain(match[0]) != one.name:
            message = f"{one.name} is a view, and no query can stand here"
            raise SqlFault("bad-sql", message, offset=one.offset, hint=f"write from {one.name}")
        query = queries.get(one.name)
        # The line break ends a comment that the query may end with.
        put = tables[one.name] if query is None else f"({query}\n)"
        if not one.has_alias:
            put += f" as {quoted(one.name.rpartition('.')[2])}"
        pieces += [text[done : match.start()], put]
        done = match.end()
    return "".join([*pieces, text[done:]])


def _plain(written: str) -> str:
    """A name as the parser gives it."""
    parts = re.findall(_PART, written)
    return ".".join(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts)
