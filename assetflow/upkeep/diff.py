"""``diff``: in what two versions differ. Tables are compared by DuckDB, row by row, where a key tells which rows belong
together; other values line by line.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from assetflow.catalog.records import Version
from assetflow.errors import AssetflowError, UsageError, nearest
from assetflow.model.keys import Address
from assetflow.store.values import Values
from assetflow.types.handover import to_jsonable
from assetflow.types.libraries import AnyScan
from assetflow.upkeep.past import Past, plain_hint

__all__ = ["Change", "Diff", "Rows", "difference", "pair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How many rows became of those that there were."""

    added: int
    removed: int
    #: Of those with one key in both; 0 without a key, where a changed row counts as removed and added.
    changed: int
    equal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that became another."""

    key: Mapping[str, Any]
    column: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """In what two versions differ. Values are as JSON has them."""

    before: Version
    after: Version
    #: Names and types.
    added: Mapping[str, str]
    removed: Mapping[str, str]
    #: Old and new type.
    retyped: Mapping[str, tuple[str, str]]
    #: What tells which rows belong together; empty: whole rows do.
    key: tuple[str, ...] = ()
    #: None for what is no table.
    rows: Rows | None = None
    #: The columns in which rows changed, and in how many.
    changed: Mapping[str, int]
    new_rows: tuple[Mapping[str, Any], ...] = ()
    old_rows: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[Change, ...] = ()
    #: Of what is no table: lines as ``diff -u`` has them; None where it is no text.
    lines: tuple[str, ...] | None = ()

    @property
    def equal(self) -> bool:
        """Whether both hold the same data."""
        return self.before.materialization.data.digest == self.after.materialization.data.digest

    @property
    def reordered(self) -> bool:
        """Whether nothing differs but the order of the rows or columns."""
        rows = self.rows
        same = rows is not None and not (rows.added or rows.removed or rows.changed)
        return same and not self.equal and not (self.added or self.removed or self.retyped)


def pair(past: Past, first: str, second: str | None = None) -> tuple[Version, Version]:
    """The two versions that are meant: what is written; of one address what is current, and another one.

    The other one is the version that is named, else the newest where that is not current as it was held back, else the
    one before. Raises UsageError ``no-value``.
    """
    read = Address.parse(first)
    if second is not None:
        other = Address.parse(f"{Address(read.name, read.partition)}{second}" if second.startswith(":") else second)
        return past.version(read), past.version(other)
    current = past.version(Address(read.name, read.partition))
    number = current.materialization.version
    if read.version is not None and read.version != number:
        return past.version(read), current
    partition = current.materialization.partition
    known = past.history(str(Address(str(partition.asset), partition.key)))
    newer = [version for version in known if version.materialization.version > number and read.version is None]
    if newer:
        return current, newer[0]
    older = [version for version in known if version.materialization.version < number and version.published]
    if not older:
        raise UsageError("no-value", f"{partition} has one version, and nothing to compare it with", hint="name two")
    return older[0], current


def difference(past: Past, before: Version, after: Version, *, key: Sequence[str] = (), sample: int = 5) -> Diff:
    """Compare two versions. ``key`` are the columns that tell which rows belong together, by default the declared
    primary key. At most ``sample`` rows and changes of a kind are given.

    Raises UsageError ``value-freed``, ``unknown-column``, ``key-not-unique``; StorageError for bytes that are gone or
    damaged.
    """
    values = Values(past.store)
    for each in (before, after):
        past.refuse_freed(each)
    old, new = _types(before), _types(after)
    if not old or not new:
        return _of_values(before, after, key, values)
    keys = _keys(past, before, after, key, old, new)
    with duckdb.connect(
        config={"enable_external_access": "false", "python_enable_replacements": "false"}
    ) as connection:
        connection.execute("set TimeZone='UTC'")
        return _Comparing(connection, before, after, keys, sample).diff(values)


def _types(version: Version) -> dict[str, str]:
    return {column.name: column.type for column in version.materialization.data.columns}


def _keys(
    past: Past, before: Version, after: Version, key: Sequence[str], old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[str, ...]:
    both = [name for name in old if name in new]
    for name in key:
        if name not in both:
            where = "in one of them" if name in {*old, *new} else "in either"
            raise UsageError("unknown-column", f"there is no column {name!r} {where}", hint=nearest(name, both))
    if key:
        return tuple(dict.fromkeys(key))
    known = past.definitions()
    for version in (after, before):
        definition = known.get(version.materialization.partition.asset)
        columns = definition.columns if definition is not None else ()
        declared = tuple(column.name for column in columns if "primary key" in column.rules)
        if declared and all(name in both for name in declared):
            return declared
    return ()


def _of_values(before: Version, after: Version, key: Sequence[str], values: Values) -> Diff:
    """What is no table, at least not both times."""
    if key:
        raise UsageError("unknown-column", "--key is for two tables", hint="leave it out")
    texts = [_text(values.load(each.stored, plain_hint(each.stored))) for each in (before, after)]
    lines: tuple[str, ...] | None = None
    if texts[0] is not None and texts[1] is not None:
        lines = tuple(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), n=2, lineterm=""))[2:]
    return Diff(before=before, after=after, added={}, removed={}, retyped={}, changed={}, lines=lines)


def _text(value: Any) -> str | None:  # a value of the user's, in the store's own form
    if isinstance(value, str):
        return value
    try:
        return json.dumps(to_jsonable(value), ensure_ascii=False, indent=1, sort_keys=True)
    except (AssetflowError, TypeError, ValueError):
        return None


class _Comparing:
    """Two tables, as ``a`` and ``b`` of one connection. There their columns go by place: names that differ only in case
    are one to DuckDB.
    """

    def __init__(self, connection: Any, before: Version, after: Version, keys: tuple[str, ...], sample: int) -> None:
        self._connection = connection
        self._before, self._after = before, after
        self._keys = keys
        self._sample = sample
        self._old, self._new = _types(before), _types(after)
        self._both = [name for name in self._old if name in self._new]
        #: By table and name, the column as a query names it.
        self._places: dict[tuple[str, str], str] = {}

    def diff(self, values: Values) -> Diff:
        """Compare them."""
        for table, version in (("a", self._before), ("b", self._after)):
            scan = values.load(version.stored, AnyScan)
            data = scan.table if scan.path is None else scan.dataset()
            names = [f"c{place}" for place in range(len(data.schema.names))]
            self._places |= {(table, name): f"{table}.{at}" for name, at in zip(data.schema.names, names, strict=True)}
            self._connection.register(f"_{table}", data)
            self._connection.execute(
                f"create view {table} as select *, true as here from _{table} as t({', '.join(names)})"
            )
        counted = self._by_key() if self._keys else self._by_row()
        return Diff(
            before=self._before,
            after=self._after,
            added={name: kind for name, kind in self._new.items() if name not in self._old},
            removed={name: kind for name, kind in self._old.items() if name not in self._new},
            retyped={
                name: (self._old[name], self._new[name]) for name in self._both if self._old[name] != self._new[name]
            },
            key=self._keys,
            **counted,
        )

    def _compared(self) -> list[str]:
        """The columns in which rows may differ: where the keys stand as they did, those whose digests differ."""
        old, new = ({c.name: c.digest for c in v.materialization.data.columns} for v in (self._before, self._after))
        aligned = all(old[name] == new[name] for name in self._keys)
        return [
            name
            for name in self._both
            if name not in self._keys and not (aligned and (old[name], self._old[name]) == (new[name], self._new[name]))
        ]

    def _by_key(self) -> dict[str, Any]:
        for table in "ab":
            self._refuse_repeated(table)
        keys = [self._pair(name) for name in self._keys]
        source = f"a full join b on {' and '.join(f'{a} is not distinct from {b}' for a, b in keys)}"
        compared = self._compared()
        differs = [f"({self._common('a', name)} is distinct from {self._common('b', name)})" for name in compared]
        anything = f"({' or '.join(differs)})" if differs else "false"
        new, old, both = "a.here is null", "b.here is null", "a.here and b.here"
        sums = [new, old, f"{both} and {anything}", f"{both} and not {anything}", *(f"{both} and {d}" for d in differs)]
        ((added, removed, changed, equal, *each_column),) = self._rows(
            f"select {', '.join(f'count(*) filter ({each})' for each in sums)} from {source}"
        )
        names = [f"coalesce({a}, {b})" for a, b in keys]
        order = f"order by {', '.join(names)} limit {self._sample}"
        changes: list[Change] = []
        cells = [part for name, d in zip(compared, differs, strict=True) for part in (*self._pair(name), d)]
        query = f"select {', '.join([*names, *cells])} from {source} where {both} and {anything} {order}"
        for row in self._rows(query) if changed else ():
            key = dict(zip(self._keys, row, strict=False))
            told = row[len(names) :]
            for name, was, now, differ in zip(compared, told[::3], told[1::3], told[2::3], strict=True):
                if differ:
                    changes.append(Change(key=key, column=name, old=was, new=now))
        return {
            "rows": Rows(added=added, removed=removed, changed=changed, equal=equal),
            "changed": {name: count for name, count in zip(compared, each_column, strict=True) if count},
            "new_rows": self._whole("b", f"{source} where {new} {order}") if added else (),
            "old_rows": self._whole("a", f"{source} where {old} {order}") if removed else (),
            "changes": tuple(changes[: self._sample]),
        }

    def _by_row(self) -> dict[str, Any]:
        """Without a key: rows as wholes, each as often as it is there."""
        rows = self._before.materialization.data.rows or 0
        if not self._both:
            new = self._after.materialization.data.rows or 0
            return {"rows": Rows(added=new, removed=rows, changed=0, equal=0), "changed": {}}
        a, b = (f"select {', '.join(self._common(each, name) for name in self._both)} from {each}" for each in "ab")
        found: dict[str, tuple[int, tuple[Mapping[str, Any], ...]]] = {}
        for table, query in (("gone", f"{a} except all {b}"), ("come", f"{b} except all {a}")):
            listed = ", ".join(f"c{place}" for place in range(len(self._both)))
            self._connection.execute(f"create temp table {table} as select * from ({query}) as t({listed})")
            ((count,),) = self._rows(f"select count(*) from {table}")
            sample = self._rows(f"from {table} order by all limit {self._sample}")
            found[table] = count, tuple(dict(zip(self._both, row, strict=True)) for row in sample)
        (removed, old_rows), (added, new_rows) = found["gone"], found["come"]
        return {
            "rows": Rows(added=added, removed=removed, changed=0, equal=rows - removed),
            "changed": {},
            "new_rows": new_rows,
            "old_rows": old_rows,
        }

    def _refuse_repeated(self, table: str) -> None:
        keys = ", ".join(self._places[table, name] for name in self._keys)
        rows = self._rows(
            f"select {keys}, count(*) as n from {table} group by {keys} having n > 1 order by all limit 1"
        )
        if rows:
            *own, count = rows[0]
            version = self._before if table == "a" else self._after
            shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._keys, own, strict=True))
            raise UsageError(
                "key-not-unique",
                f"{count:,} rows of {version.address} have {shown}",
                hint="name with --key the columns that tell rows apart",
            )

    def _pair(self, name: str) -> tuple[str, str]:
        return self._places["a", name], self._places["b", name]

    def _common(self, table: str, name: str) -> str:
        """A column of either table, in a form in which both can be compared."""
        column, old, new = self._places[table, name], self._old[name], self._new[name]
        if old == new:
            return column
        return f"cast({column} as {'double' if _is_number(old) and _is_number(new) else 'varchar'})"

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        table = self._connection.sql(query).to_arrow_table()
        columns = [[to_jsonable(value) for value in column.to_pylist()] for column in table.columns]
        return list(zip(*columns, strict=True))

    def _whole(self, table: str, source: str) -> tuple[Mapping[str, Any], ...]:
        """Rows with all columns of a table."""
        names = [name for of, name in self._places if of == table]
        rows = self._rows(f"select {', '.join(self._places[table, name] for name in names)} from {source}")
        return tuple(dict(zip(names, row, strict=True)) for row in rows)


def _is_number(kind: str) -> bool:
    return kind.startswith(("int", "uint", "float", "double", "half", "decimal"))
