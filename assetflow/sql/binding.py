"""Binding: a query against the columns of its tables, without data. What it gives, what it reads, and what it is.

DuckDB binds the query over empty tables. Which columns it reads is what its plan scans, where nothing is left out but
what nobody asks for. It is run over tables that have all columns it was bound to, of which those that it does not read
hold nothing: so ``*``, ``natural join`` and names mean what they meant, whatever else a table has by then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb

from assetflow.model.keys import AssetKey
from assetflow.model.versions import canonical_json
from assetflow.sql.ducktypes import duck_type
from assetflow.sql.engine import functions, handed
from assetflow.sql.faults import SqlFault
from assetflow.sql.parsing import tree_of
from assetflow.sql.query import Binding, Columns, Statement
from assetflow.sql.refusals import refusal
from assetflow.sql.resolving import NotFollowed, Resolved, resolved
from assetflow.types.arrowtypes import column_type
from assetflow.types.columns import ColumnType
from assetflow.types.engine import closed, connected, quoted

__all__ = ["bound", "finished", "views"]


def bound(
    statement: Statement,
    tables: Mapping[str, AssetKey],
    columns: Mapping[AssetKey, Columns],
    parameters: Mapping[str, Any],  # JSON-able values of the user
) -> Binding:
    """Bind a query. ``tables`` says which asset each of the statement's tables is, ``columns`` what these have.

    Raises SqlFault ``bad-sql``, ``unknown-column``.
    """
    trial = _Trial(statement, tables, columns, parameters)
    try:
        gives, scanned, tree = trial.gives(), trial.scanned(), trial.tree()
    except duckdb.Error as error:
        raise refusal(str(error), statement, tables, {key: tuple(has) for key, has in columns.items()}) from None
    finally:
        trial.close()
    reads: Mapping[AssetKey, tuple[str, ...] | None] = dict.fromkeys(columns)
    if scanned is not None:
        reads = {
            key: tuple(name for name in has if _is_among(name, scanned.get(key, frozenset())))
            for key, has in columns.items()
        }
    followed = _followed(tree, tables, columns, len(gives))
    said = [statement.plain if isinstance(followed, str) else followed.form]
    said.append([[name, str(kind)] for name, kind in gives])
    if isinstance(followed, str):  # what a star stands for is not in it
        said.append([[str(key), list(columns[key])] for key in sorted(columns)])
        return Binding(columns=gives, reads=reads, canonical=canonical_json(said), reason=followed)
    return Binding(
        columns=gives, reads=reads, canonical=canonical_json(said), sources=followed.columns, uses=followed.uses
    )


def _is_among(column: str, scanned: Iterable[str]) -> bool:
    """Whether a column is scanned, or a field of it: ``address.city``."""
    return any(each == column or each.startswith(f"{column}.") for each in scanned)


def views(tables: Mapping[str, AssetKey]) -> Iterator[str]:
    """Statements that give each table of a query the name that it has there. One called by its whole name has it."""
    for name, key in tables.items():
        if name != str(key):
            target = ".".join(map(quoted, name.split(".")))
            yield f"create view {target} as from {quoted(key.group)}.{quoted(key.name)}"


_NARROWED = {"HUGEINT": "BIGINT", "UHUGEINT": "UBIGINT"}
_REFUSED = {"INTERVAL": "write epoch(…) for seconds, or datediff('day', …)", "BIT": "cast it to varchar"}


def narrowed(kinds: Sequence[str]) -> list[str]:
    """For each DuckDB type the one that it is cast to; empty where it stays."""
    return [_NARROWED.get(kind) or ("VARCHAR" if kind.startswith("ENUM(") else "") for kind in kinds]


def finished(text: str, names: Sequence[str], kinds: Sequence[str]) -> str:
    """The text that is run for a query that gives columns of these DuckDB types: the sum of whole numbers, which is
    wider than any table's, is narrowed again, or fails; an enum's values are texts.
    """
    casts = narrowed(kinds)
    if not any(casts):
        return text
    listed = ", ".join(
        f"cast({quoted(name)} as {kind}) as {quoted(name)}" if kind else quoted(name)
        for name, kind in zip(names, casts, strict=True)
    )
    return f"select {listed} from (\n{text}\n)"


#: The optimizers that leave out what nobody asks for, and what these need.
_ABOUT_COLUMNS = frozenset({"cte_inlining", "deliminator", "unnest_rewriter", "unused_columns"})


class _Trial:
    """A query over empty tables."""

    def __init__(
        self,
        statement: Statement,
        tables: Mapping[str, AssetKey],
        columns: Mapping[AssetKey, Columns],
        parameters: Mapping[str, Any],  # JSON-able values of the user
    ) -> None:
        self.statement = statement
        self._parameters = handed(parameters)
        self._connection = connected()
        others = [
            name
            for (name,) in self._connection.execute("select name from duckdb_optimizers()").fetchall()
            if name not in _ABOUT_COLUMNS
        ]
        # Over empty tables the others would find that nothing is to be read.
        self._connection.execute(f"set disabled_optimizers='{','.join(others)}'")
        closed(self._connection)
        #: By the name that the plan has for it.
        self._keys: dict[str, AssetKey] = {}
        for number, (key, has) in enumerate(columns.items()):
            self._keys[f"_{number}"] = key
            listed = ", ".join(f"{quoted(name)} {duck_type(kind)}" for name, kind in has.items())
            self._connection.execute(f"create table _{number} ({listed})")
            self._connection.execute(f"create schema if not exists {quoted(key.group)}")
            self._connection.execute(f"create view {quoted(key.group)}.{quoted(key.name)} as from _{number}")
        for each in views(tables):
            self._connection.execute(each)

    def close(self) -> None:
        self._connection.close()

    def tree(self) -> Any:  # JSON
        return tree_of(self._connection, self.statement.text)

    def gives(self) -> tuple[tuple[str, ColumnType], ...]:
        """The columns that the query gives, as tables have them. Raises SqlFault ``bad-sql``."""
        relation = self._connection.sql(self.statement.text, params=self._parameters)
        names, kinds = list(relation.columns), list(map(str, relation.types))
        for name, kind in zip(names, kinds, strict=True):
            if sum(each.lower() == name.lower() for each in names) > 1:
                hint = f"name them apart: … as {name}_2" if name.isidentifier() else "name them: … as n"
                raise SqlFault("bad-sql", f"it gives several columns named {name}", hint=hint)
            if told := _REFUSED.get(kind):
                raise SqlFault("bad-sql", f"its column {name!r} is of type {kind}, which no table keeps", hint=told)
        # Of nulls of these types, as the query itself is not to be run here.
        nulls = ", ".join(
            f"cast(null as {narrow or kind}) as {quoted(name)}"
            for name, kind, narrow in zip(names, kinds, narrowed(kinds), strict=True)
        )
        schema = self._connection.sql(f"select {nulls} limit 0").to_arrow_table().schema
        return tuple((field.name, column_type(field.type)) for field in schema)

    def scanned(self) -> dict[AssetKey, frozenset[str]] | None:
        """The columns that the plan reads of each table; None where DuckDB makes no such plan."""
        try:
            rows = self._connection.execute(f"explain (format json) {self.statement.text}", self._parameters).fetchall()
        except duckdb.InternalException:
            return None
        found: dict[AssetKey, frozenset[str]] = {}
        waiting = list(json.loads(next(text for name, text in rows if name == "physical_plan")))
        while waiting:
            node = waiting.pop()
            waiting += node["children"]
            if (table := node["extra_info"].get("Table")) is not None:
                read = node["extra_info"].get("Projections") or []
                key = self._keys[str(table).replace('"', "").rpartition(".")[2]]
                found[key] = found.get(key, frozenset()) | ({read} if isinstance(read, str) else set(read))
        return found


def _followed(
    tree: Any, tables: Mapping[str, AssetKey], columns: Mapping[AssetKey, Columns], gives: int
) -> Resolved | str:
    """The query resolved, or why it is not followed."""
    try:
        has = {key: tuple(names) for key, names in columns.items()}
        found = resolved(tree, tables, has, functions().aggregates)
    except NotFollowed as error:
        return str(error)
    except (KeyError, TypeError, ValueError) as error:  # a tree of another shape than is known
        return f"the query is not followed ({type(error).__name__}: {error})"
    return found if len(found.columns) == gives else "the query gives other columns than were followed"
