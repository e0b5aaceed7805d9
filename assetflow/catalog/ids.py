"""The numbers that stand for names and shared rows, and the rows behind them; both are cached, as neither changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Row, Select, Table, bindparam, func, select

from assetflow.catalog import tables
from assetflow.catalog.encoding import json_text
from assetflow.catalog.statements import CHUNK, WANTED, Prepared, chunks, inserted
from assetflow.errors import UsageError
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.trace import Recipe
from assetflow.model.versions import Stored, fingerprint

__all__ = ["Ids", "next_id"]

K = TypeVar("K")

_NEW_ENVIRONMENT = inserted(tables.environments, "id", "name")
_NEW_ASSET = inserted(tables.assets, "id")
_NEW_NAME = inserted(tables.names, "asset_id", "group_name", "name", "from_revision")
_NEW_KEY = inserted(tables.partition_keys, "id", "dimensions", "text")
_NEW_PARTITION = inserted(tables.partitions, "id", "asset_id", "key_id")
_NEW_RECIPE = inserted(tables.recipes)
_NEW_SCHEMA = inserted(tables.schemas)
_NEW_MAPPING = inserted(tables.mappings)

_NAMES = select(tables.names.c.asset_id, tables.names.c.group_name, tables.names.c.name).where(
    tables.names.c.to_revision.is_(None)
)
_NAMED = _NAMES.where(
    tables.names.c.group_name.in_(bindparam("groups", expanding=True)),
    tables.names.c.name.in_(bindparam("names", expanding=True)),
)
_PARTITIONS = select(tables.partitions.c.asset_id, tables.partitions.c.key_id, tables.partitions.c.id).where(
    tables.partitions.c.asset_id.in_(bindparam("assets", expanding=True)),
    tables.partitions.c.key_id.in_(bindparam("keys", expanding=True)),
)
_KEYS = select(tables.partition_keys.c.text, tables.partition_keys.c.id).where(
    tables.partition_keys.c.dimensions <= 1, tables.partition_keys.c.text.in_(WANTED)
)


def next_id(connection: Connection, table: Table) -> int:
    """The number after the last one. Only for who holds the write lock."""
    return int(connection.execute(_next(table)).scalar_one())


_NEXT: dict[str, Select[Any]] = {}


def _next(table: Table) -> Select[Any]:
    if table.name not in _NEXT:
        _NEXT[table.name] = select(func.coalesce(func.max(table.c.id), 0) + 1)
    return _NEXT[table.name]


def _lookup(column: Column[Any], id_column: Column[int]) -> Select[Any]:
    return select(column, id_column).where(column.in_(WANTED))


_RECIPES = _lookup(tables.recipes.c.digest, tables.recipes.c.id)
_SCHEMAS = _lookup(tables.schemas.c.digest, tables.schemas.c.id)
_MAPPINGS = _lookup(tables.mappings.c.text, tables.mappings.c.id)
_ENVIRONMENTS = _lookup(tables.environments.c.name, tables.environments.c.id)


class Ids:
    """Ids by what they stand for. Methods with ``create`` add what is missing, inside the caller's transaction.

    What a transaction added is only true once it commits: after a rollback :meth:`forget` must be called.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop every cache."""
        self._environments: dict[str, int] = {}
        self._assets: dict[AssetKey, int] = {}
        self._asset_keys: dict[int, AssetKey] = {}
        self._keys: dict[str, int] = {}
        self._partitions: dict[Partition, int] = {}
        self._recipes: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._mappings: dict[str, int] = {}

    def environment(self, connection: Connection, name: str, *, create: bool = False) -> int | None:
        """The id of an environment; None if nothing was recorded in it."""
        found = self._shared(
            connection,
            self._environments,
            {name: name},
            _ENVIRONMENTS,
            lambda id, name: (id, name),
            (tables.environments, _NEW_ENVIRONMENT) if create else None,
        )
        return found.get(name)

    def asset_keys(self, connection: Connection, wanted: Iterable[int] | None = None) -> Mapping[int, AssetKey]:
        """Today's names of these assets, perhaps with others; by default of every asset that was ever recorded."""
        if wanted is None or not self._asset_keys.keys() >= set(wanted):
            self._learn(connection.execute(_NAMES))
        return self._asset_keys

    def _learn(self, rows: Iterable[Row[*tuple[Any, ...]]]) -> None:
        for id, group, name in rows:
            if id not in self._asset_keys:
                asset = AssetKey(group, name)
                self._asset_keys[id], self._assets[asset] = asset, id

    def assets(
        self, connection: Connection, wanted: Iterable[AssetKey], *, create: bool = False
    ) -> dict[AssetKey, int]:
        """The ids of these assets, those without one left out."""
        known = self._assets
        wanted = list(wanted)
        missing = list(dict.fromkeys(asset for asset in wanted if asset not in known))
        for chunk in chunks(missing):
            given = {"groups": list({asset.group for asset in chunk}), "names": [asset.name for asset in chunk]}
            self._learn(connection.execute(_NAMED, given))
        if create and (new := [asset for asset in missing if asset not in known]):
            self._create_assets(connection, new)
        return {asset: known[asset] for asset in wanted if asset in known}

    def _create_assets(self, connection: Connection, new: list[AssetKey]) -> None:
        first = next_id(connection, tables.assets)
        revision = connection.execute(
            select(tables.counters.c.value).where(tables.counters.c.name == tables.REVISION)
        ).scalar_one()
        numbered = list(enumerate(new, first))
        _NEW_ASSET.run(connection, [(id,) for id, _ in numbered])
        _NEW_NAME.run(connection, [(id, asset.group, asset.name, revision) for id, asset in numbered])
        for id, asset in numbered:
            self._asset_keys[id], self._assets[asset] = asset, id

    def partitions(
        self, connection: Connection, wanted: Iterable[Partition], *, create: bool = False
    ) -> dict[Partition, int]:
        """The ids of these partitions, those without one left out."""
        known = self._partitions
        wanted = list(wanted)
        missing = list(dict.fromkeys(partition for partition in wanted if partition not in known))
        if missing:
            assets = self.assets(connection, [p.asset for p in missing], create=create)
            keys = self._key_ids(connection, {p.key for p in missing}, create=create)
            pairs = {(assets[p.asset], keys[p.key]): p for p in missing if p.asset in assets and p.key in keys}
            for assets_in, keys_in in _rectangles(pairs):
                for asset_id, key_id, id in connection.execute(_PARTITIONS, {"assets": assets_in, "keys": keys_in}):
                    if (partition := pairs.get((asset_id, key_id))) is not None:
                        known[partition] = id
            new = [(pair, p) for pair, p in pairs.items() if p not in known] if create else []
            if new:
                first = next_id(connection, tables.partitions)
                _NEW_PARTITION.run(connection, [(id, *pair) for id, (pair, _) in enumerate(new, first)])
                known.update((p, id) for id, (_, p) in enumerate(new, first))
        return {partition: known[partition] for partition in wanted if partition in known}

    def keys(self, connection: Connection, wanted: Collection[str]) -> Mapping[str, int]:
        """The ids of partition keys; what is new is added. Raises UsageError ``bad-partition-key``."""
        return self._key_ids(connection, wanted, create=True)

    def _key_ids(self, connection: Connection, wanted: Collection[str], *, create: bool) -> Mapping[str, int]:
        for text in wanted:
            if "\0" in text or (not text.isascii() and text.encode("utf-8", "replace").decode() != text):
                raise UsageError(
                    "bad-partition-key",
                    f"the partition key {text!r} cannot be recorded: it is not valid text",
                    hint="rename the file, or whatever gives the key",
                )
        return self._shared(
            connection,
            self._keys,
            {text: text for text in wanted},
            _KEYS,
            lambda id, text: (id, 1 if text else 0, text),
            (tables.partition_keys, _NEW_KEY) if create else None,
        )

    def recipes(self, connection: Connection, wanted: Mapping[str, Recipe]) -> dict[str, int]:
        """The ids of recipes by their digest; what is new is added."""
        return self._shared(
            connection, self._recipes, wanted, _RECIPES, _recipe_row, (tables.recipes, _NEW_RECIPE), bytes.fromhex
        )

    def schemas(self, connection: Connection, wanted: Mapping[str, Stored]) -> dict[str, int]:
        """The ids of what values have in common by its digest (:func:`schema_digest`); what is new is added."""
        return self._shared(
            connection, self._schemas, wanted, _SCHEMAS, _schema_row, (tables.schemas, _NEW_SCHEMA), bytes.fromhex
        )

    def mappings(self, connection: Connection, wanted: Iterable[str]) -> dict[str, int]:
        """The ids of mappings by their text; what is new is added."""
        texts = {text: text for text in wanted}
        return self._shared(
            connection,
            self._mappings,
            texts,
            _MAPPINGS,
            lambda id, text: (id, text),
            (tables.mappings, _NEW_MAPPING),
        )

    @staticmethod
    def _shared(
        connection: Connection,
        known: dict[str, int],
        wanted: Mapping[str, K],
        lookup: Select[Any],
        row: Callable[[int, K], tuple[object, ...]],
        creation: tuple[Table, Prepared] | None,
        stored: Callable[[str], object] = str,
    ) -> dict[str, int]:
        """Look up, and where ``creation`` says how, add, the rows that are found by one column's value."""
        missing = {stored(name): name for name in wanted if name not in known}
        for chunk in chunks(missing):
            for value, id in connection.execute(lookup, {"wanted": chunk}):
                known[missing[value]] = id
        new = [name for name in missing.values() if name not in known]
        if new and creation is not None:
            table, insertion = creation
            numbered = list(enumerate(new, next_id(connection, table)))
            insertion.run(connection, [row(id, wanted[name]) for id, name in numbered])
            known.update((name, id) for id, name in numbered)
        return known


def _rectangles(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[list[int], list[int]]]:
    """Lists of assets and keys whose products hold all pairs and little more.

    Databases find each pair of a product of two IN lists by an index, but read the whole table for a list of pairs.
    """
    assets: set[int] = set()
    keys: set[int] = set()
    held = 0
    for asset, key in sorted(pairs):
        probes = (len(assets) + (asset not in assets)) * (len(keys) + (key not in keys))
        if held and (probes > 4 * held + 400 or len(assets) >= CHUNK or len(keys) >= CHUNK):
            yield list(assets), list(keys)
            assets, keys, held = set(), set(), 0
        assets.add(asset)
        keys.add(key)
        held += 1
    if held:
        yield list(assets), list(keys)


def _recipe_row(id: int, recipe: Recipe) -> tuple[object, ...]:
    return (
        id,
        bytes.fromhex(recipe.digest),
        recipe.code,
        recipe.type,
        json_text(recipe.parameters),
        json_text(recipe.resources),
        json_text([[p.name, p.digest, p.where, p.text] for p in recipe.parts]),
        recipe.declared,
    )


def _columns(stored: Stored) -> str:
    return json_text([[column.name, column.type] for column in stored.data.columns])


def schema_digest(stored: Stored) -> str:
    """What values must agree in to share a row of ``schemas``."""
    return fingerprint(stored.codec, stored.schema, *(part for c in stored.data.columns for part in (c.name, c.type)))


def _schema_row(id: int, stored: Stored) -> tuple[object, ...]:
    return id, bytes.fromhex(schema_digest(stored)), stored.codec, stored.schema, _columns(stored)


def columns_of(text: str) -> tuple[tuple[str, str], ...]:
    """The names and types of a schema's columns."""
    return tuple((str(name), str(type)) for name, type in json.loads(text))
