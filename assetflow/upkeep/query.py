"""SQL over the current values and the catalog's views, by DuckDB, without network, files or extensions."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb
import pyarrow as pa

from assetflow.catalog import queries
from assetflow.catalog.versions import current_versions
from assetflow.errors import UsageError, nearest
from assetflow.model.definition import Kind
from assetflow.model.keys import AssetKey
from assetflow.store.values import Values
from assetflow.types.handover import to_jsonable
from assetflow.types.tables import concat
from assetflow.upkeep.past import Past, plain_hint

__all__ = ["answer"]

_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}
_VIEW = re.compile(r"\bcatalog\s*\.\s*(v_[a-z_]+)\b", re.IGNORECASE)


def answer(sql: str, past: Past) -> pa.Table:
    """The rows of one query. Assets are ``group.name`` (or ``name`` alone where that is clear), with ``_partition``
    where there are several; values that are no tables are ``_partition, value``. Raises UsageError ``bad-sql``.
    """
    with duckdb.connect(config=_LOCKED) as connection:
        for asset in _named(sql, past):
            table = _table(asset, past)
            if table is not None:
                _register(connection, asset.group, asset.name, table)
        for view in {match.lower() for match in _VIEW.findall(sql)}:
            columns, rows = queries.view_rows(past.catalog, view)
            _register(connection, "catalog", view, _records(columns, list(rows)))
        try:
            return connection.sql(sql).to_arrow_table()
        except AttributeError:
            raise UsageError("bad-sql", "this statement gives no rows", hint="assetflow query is for select") from None
        except duckdb.Error as error:
            raise _refused(error, past) from error


def _refused(error: duckdb.Error, past: Past) -> UsageError:
    """DuckDB's own words; for a table that is not there, those that have nearly its name."""
    message = str(error).split("\n\n")[0].split("\nDid you mean")[0].strip()
    unknown = re.search(r'Table with name "?([^" !]+)"? does not exist', message)
    if unknown is None:
        return UsageError("bad-sql", message, hint="assetflow list shows the tables")
    keys = past.definitions()
    for key, one in keys.items():
        if one.kind is Kind.VIEW and unknown[1] in {str(key), key.name}:
            message = f"{key} is a view: nothing of it is stored"
            return UsageError("is-a-view", message, hint=f"name what it is made of; assetflow cat {key} shows it")
    hint = nearest(unknown[1], [*map(str, keys), *(key.name for key in keys)]) or "assetflow list shows the tables"
    return UsageError("bad-sql", f"there is no table {unknown[1]}", hint=hint)


def _named(sql: str, past: Past) -> list[AssetKey]:
    """The assets whose names stand in the text."""
    words = set(re.findall(r"[A-Za-z_]\w*", sql))
    return [key for key in sorted(past.definitions()) if key.name in words]


def _table(asset: AssetKey, past: Past) -> pa.Table | None:
    """All current partitions of an asset as one table; None for what has no stored value."""
    values = Values(past.store)
    found = current_versions(past.catalog, past.environment, [asset])
    tables, others = [], []
    for partition, version in sorted(found.items(), key=lambda item: item[0]):
        if version.stored.blob is None and version.stored.inline is None:
            continue
        value = values.load(version.stored, plain_hint(version.stored))
        if isinstance(value, pa.Table):
            several = len(found) > 1 or partition.key
            column = pa.array([partition.key] * value.num_rows, pa.string())
            tables.append(value.append_column("_partition", column) if several else value)
        else:
            others.append((partition.key, value))
    if tables:
        return concat(tables)
    return _plain(others) if others else None


def _plain(values: list[tuple[str, Any]]) -> pa.Table:  # users' values
    keys = [key for key, _ in values]
    try:
        column = pa.array([value for _, value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        column = pa.array([json.dumps(to_jsonable(value)) for _, value in values])
    return pa.table({"_partition": pa.array(keys, pa.string()), "value": column})


def _records(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> pa.Table:
    cells = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    return pa.table({name: pa.array(cell) for name, cell in zip(columns, cells, strict=True)})


def _register(connection: Any, schema: str, name: str, table: pa.Table) -> None:
    """Make a table known as ``schema.name``, and as ``name`` while nothing else is."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    hidden = f"_{schema}_{name}"
    connection.register(hidden, table)
    connection.execute(f"create schema if not exists {quoted(schema)}")
    connection.execute(f"create view {quoted(schema)}.{quoted(name)} as from {quoted(hidden)}")
    connection.execute(f"create view if not exists {quoted(name)} as from {quoted(hidden)}")
