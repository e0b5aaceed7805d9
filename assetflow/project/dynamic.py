"""Partition keys that values of assets give: ``Dynamic(keys=customers)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assetflow import types
from assetflow.catalog import Catalog
from assetflow.catalog.versions import find
from assetflow.errors import StorageError, UsageError
from assetflow.load.definitions import Loaded
from assetflow.load.sources import read
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.partitioning import Dynamic
from assetflow.model.versions import Stored
from assetflow.project.snapshot import Seen
from assetflow.store.values import Values
from assetflow.types.libraries import AnyTable, is_table, is_table_hint
from assetflow.types.rowmodels import row_model_of

__all__ = ["Remembered", "keys_of_values"]

#: By set and version of the value.
Remembered = MutableMapping[tuple[str, str], tuple[str, ...]]


def keys_of_values(
    wanted: Iterable[Dynamic],
    loaded: Loaded,
    catalog: Catalog,
    environment: str,
    values: Values,
    seen: Seen,
    remembered: Remembered,
) -> dict[str, tuple[str, ...]]:
    """The keys that the current values of assets give, each once, in the order in which they stand there.

    What has no value, or one that cannot be read, gives none: it is planned to be made. ``remembered`` spares reading a
    value twice. Raises UsageError ``bad-key-values`` for a value that gives no keys.
    """
    found: dict[str, tuple[str, ...]] = {}
    for each in wanted:
        partition = Partition(each.source)
        version = find(catalog, environment, partition) if each.source not in loaded.sources else None
        stored = seen.stored.get(partition) if version is None else version.stored
        if stored is None:
            continue
        at = (each.set, stored.data.digest)
        if at not in remembered:
            value: Any = None
            with suppress(StorageError):
                value = _value(each, stored, loaded, values)
                remembered[at] = _keys(each, value)
        found[each.set] = remembered.get(at, ())
    return found


def _value(each: Dynamic, stored: Stored, loaded: Loaded, values: Values) -> Any:  # a value of the user
    """The value, of a table only the column that gives the keys."""
    source = loaded.sources.get(each.source)
    if source is not None:
        return read(source, "", AnyTable if is_table_hint(source.hint) else source.hint)
    columns = [column.name for column in stored.data.columns]
    if not columns:
        return values.load(stored)
    return values.load(stored, AnyTable, [_column(each, columns, _hint(loaded, each.source))])


def _hint(loaded: Loaded, asset: AssetKey) -> object:
    bound = loaded.bound.get(loaded.graph.node_of(asset).key)
    return None if bound is None else next((o.hint for o in bound.outputs if o.key == asset), None)


def _column(each: Dynamic, columns: list[str], hint: object) -> str:
    """Which column gives the keys: the one that is named, the primary key, or the first."""
    rows = None if hint is None else row_model_of(hint)
    name = each.column or (rows.primary_key[0] if rows is not None and rows.primary_key else columns[0])
    if name not in columns:
        raise _bad(each, f"it has no column {name!r}", f"it has {', '.join(columns)}")
    return name


def _keys(each: Dynamic, value: Any) -> tuple[str, ...]:  # a value of the user
    if is_table(value):
        table = types.tables.to_arrow(value)
        name = _column(each, table.column_names, None) if table.num_columns > 1 else table.column_names[0]
        value = table[name].to_pylist()
    if not isinstance(value, list | tuple | set | frozenset | Mapping):
        hint = "give a table, a list or a dict by key"
        raise _bad(each, f"its value is {type(value).__name__}", hint)
    return tuple(dict.fromkeys(_text(each, one) for one in value if one is not None))


def _text(each: Dynamic, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if (isinstance(value, int) and not isinstance(value, bool)) or isinstance(value, UUID):
        return str(value)
    raise _bad(each, f"{value!r} is no key", "keys are texts, whole numbers or dates")


def _bad(each: Dynamic, message: str, hint: str) -> UsageError:
    return UsageError("bad-key-values", f"{each.source} gives no partition keys: {message}", hint=hint)
