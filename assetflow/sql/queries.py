"""Queries parsed and bound once: what is known of a text over these columns is kept, and not asked again."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias

from assetflow import sql as room
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.model.versions import canonical_json, fingerprint
from assetflow.sql.query import Binding, Columns, Named, Source, Statement, TableColumn
from assetflow.types.described import described, from_description

__all__ = ["SCHEME", "Queries"]

#: Counted up where equal queries would be given another canonical form.
SCHEME: Final = "2"

Json: TypeAlias = Any


class Queries:
    """What is known of a project's queries. ``folder`` None keeps it for this process alone.

    A file that is missing, damaged or of another version is as good as none. The canonical form of a query is kept
    when DuckDB is another than it was made with: what a text means does not change with it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = None if folder is None else folder / f"sql-{SCHEME}.json"
        self._known: dict[str, Json] = {}
        self._used: dict[str, Json] = {}
        self._changed = False
        if self._path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                self._known = dict(json.loads(self._path.read_text(encoding="utf-8")))

    def statement(self, text: str) -> Statement:
        """A text parsed. Raises SqlFault ``bad-sql``."""
        key = fingerprint("statement", _engine(), text)
        if (known := self._recall(key)) is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return _statement(known)
        found = room.parsing.parsed(text)
        self._keep(key, _of_statement(found))
        return found

    def inlined(self, text: str, queries: Mapping[str, str], tables: Mapping[str, str]) -> str:
        """See :func:`assetflow.sql.inlining.inlined`."""
        key = fingerprint("inlined", _engine(), canonical_json([text, dict(queries), dict(tables)]))
        if isinstance(known := self._recall(key), str):
            return known
        found = room.inlining.inlined(text, queries, tables)
        self._keep(key, found)
        return found

    def table(self, text: str) -> tuple[TableColumn, ...]:
        """The columns of a ``create table``. Raises SqlFault ``bad-sql``."""
        key = fingerprint("table", _engine(), text)
        if (known := self._recall(key)) is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return tuple(TableColumn(n, from_description(kind), null, own) for n, kind, null, own in known)
        found = room.parsing.created(text)
        self._keep(key, [[each.name, described(each.type), each.nullable, each.key] for each in found])
        return found

    def binding(
        self,
        statement: Statement,
        tables: Mapping[str, AssetKey],
        columns: Mapping[AssetKey, Columns],
        parameters: Mapping[str, Json],
    ) -> Binding:
        """A query bound: see :func:`assetflow.sql.binding.bound`."""
        over = canonical_json(
            [
                statement.text,
                {name: str(key) for name, key in tables.items()},
                {str(key): [[name, described(kind)] for name, kind in has.items()] for key, has in columns.items()},
                {name: type(value).__name__ for name, value in parameters.items()},
            ]
        )
        key, form = fingerprint("binding", _engine(), over), fingerprint("form", over)
        if (known := self._recall(key)) is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return _binding(known, str(self._recall(form)))
        found = room.binding.bound(statement, tables, columns, parameters)
        self._keep(key, _of_binding(found))
        canonical = self._recall(form)
        if canonical is None:
            self._keep(form, found.canonical)
            return found
        return _binding(_of_binding(found), str(canonical))

    def save(self) -> None:
        """Write what was asked since it was opened. A folder that cannot be written to is no error."""
        if self._path is None or not self._changed:
            return
        staged = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(json.dumps(self._used), encoding="utf-8")
            staged.replace(self._path)
            self._changed = False

    def _recall(self, key: str) -> Json:
        found = self._used.get(key, self._known.get(key))
        if found is not None:
            self._used[key] = found
        return found

    def _keep(self, key: str, value: Json) -> None:
        self._used[key] = value
        self._changed = True


@functools.cache
def _engine() -> str:
    return version("duckdb")


def _of_statement(value: Statement) -> Json:
    return {
        "text": value.text,
        "tables": value.tables,
        "columns": value.columns,
        "parameters": value.parameters,
        "volatile": value.volatile,
        "single": value.single,
        "plain": value.plain,
    }


def _statement(kept: Json) -> Statement:
    return Statement(
        text=kept["text"],
        tables=tuple(Named(*each) for each in kept["tables"]),
        columns=tuple(Named(*each) for each in kept["columns"]),
        parameters=tuple(kept["parameters"]),
        volatile=tuple(kept["volatile"]),
        single=kept["single"],
        plain=kept["plain"],
    )


def _of_binding(value: Binding) -> Json:
    return {
        "columns": [[name, described(kind)] for name, kind in value.columns],
        "reads": [[*key, None if read is None else list(read)] for key, read in value.reads.items()],
        "sources": [sorted([*one.asset, one.column] for one in sources) for sources in value.sources],
        "uses": sorted([role.value, *one.asset, one.column] for role, one in value.uses),
        "reason": value.reason,
    }


def _binding(kept: Json, canonical: str) -> Binding:
    return Binding(
        columns=tuple((name, from_description(kind)) for name, kind in kept["columns"]),
        reads={AssetKey(group, name): None if read is None else tuple(read) for group, name, read in kept["reads"]},
        canonical=canonical,
        sources=tuple(frozenset(_source(*each) for each in sources) for sources in kept["sources"]),
        uses=frozenset((Role(role), _source(*each)) for role, *each in kept["uses"]),
        reason=kept["reason"],
    )


def _source(group: str, name: str, column: str) -> Source:
    return Source(AssetKey(group, name), column)
