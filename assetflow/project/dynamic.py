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
from assetflow.model.clocks import span_of
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.partitioning import Dynamic
from assetflow.model.versions import Stored
from assetflow.project.snapshot import Seen
from assetflow.store.values import Values
from assetflow.types.libraries import AnyTable, is_table, is_table_hint
from assetflow.types.rowmodels import row_model_of

__all__ = ["Remembered", "keys_of_values"]

#: Keys, and when each starts.
_Given = tuple[tuple[str, ...], tuple[str, ...]]
#: By set, its starts and the version of the value.
Remembered = MutableMapping[tuple[str, str, str], _Given]


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
        at = (each.set, each.starts, stored.data.digest)
        if at not in remembered:
            with suppress(StorageError):
                remembered[at] = _given(each, _value(each, stored, loaded, values), loaded)
        found[each.set], starts = remembered.get(at, ((), ()))
        if each.starts:
            found[each.starts] = starts
    return found


def _value(each: Dynamic, stored: Stored, loaded: Loaded, values: Values) -> Any:  # a value of the user
    """The value; of a stored table only the columns that are asked for."""
    source = loaded.sources.get(each.source)
    if source is not None:
        return read(source, "", AnyTable if is_table_hint(source.hint) else source.hint)
    columns = [column.name for column in stored.data.columns]
    if not columns:
        return values.load(stored)
    return values.load(stored, AnyTable, _columns(each, columns, loaded))


def _columns(each: Dynamic, columns: list[str], loaded: Loaded) -> list[str]:
    """Which columns give the keys and their starts: what is named, the primary key, or the first."""
    rows = row_model_of(_hint(loaded, each.source))
    names = [each.column or (rows.primary_key[0] if rows is not None and rows.primary_key else columns[0])]
    names += [each.since] if each.since else []
    for name in names:
        if name not in columns:
            raise _bad(each, f"it has no column {name!r}", f"it has {', '.join(columns)}")
    return list(dict.fromkeys(names))


def _hint(loaded: Loaded, asset: AssetKey) -> object:
    """What an asset, or a source, is annotated with."""
    if (source := loaded.sources.get(asset)) is not None:
        return source.hint
    bound = loaded.bound.get(loaded.graph.node_of(asset).key)
    return None if bound is None else next((o.hint for o in bound.outputs if o.key == asset), None)


def _given(each: Dynamic, value: Any, loaded: Loaded) -> _Given:  # a value of the user
    """The keys that a value gives, and when each of them starts."""
    starts: list[Any] = []
    if is_table(value):
        table = types.tables.to_arrow(value)
        name, *_ = _columns(each, table.column_names, loaded)
        value = table[name].to_pylist()
        starts = table[each.since].to_pylist() if each.since else []
    elif each.since:
        raise _bad(each, f"its value is no table, which has a column {each.since!r}", "give a table")
    if not isinstance(value, list | tuple | set | frozenset | Mapping):
        hint = "give a table, a list or a dict by key"
        raise _bad(each, f"its value is {type(value).__name__}", hint)
    first: dict[str, Any] = {}
    for place, one in enumerate(value):
        if one is not None:
            first.setdefault(_text(each, one), starts[place] if starts else None)
    return tuple(first), tuple(_start(each, at) for at in first.values())


def _start(each: Dynamic, at: object) -> str:
    """When a key starts, as text; empty where nothing is said."""
    if at is None:
        return ""
    text = at.isoformat() if isinstance(at, date) else at if isinstance(at, str) else ""
    if span_of(text) is None:
        raise _bad(each, f"{at!r} is no time, in {each.since!r}", "starts are dates or points in time")
    return text


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
