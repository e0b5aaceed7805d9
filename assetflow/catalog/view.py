"""One environment at one revision: what planning reads, all in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Result, Select, bindparam, func, select

from assetflow.catalog import tables
from assetflow.catalog.claims import leases_of
from assetflow.catalog.declared import declared
from assetflow.catalog.derivations import derivations
from assetflow.catalog.encoding import hexed, instant
from assetflow.catalog.facts import Facts
from assetflow.catalog.faults import decoding
from assetflow.catalog.ids import Ids
from assetflow.catalog.keysets import key_sets
from assetflow.catalog.memos import read_memos
from assetflow.catalog.moves import revision_now
from assetflow.catalog.statements import WANTED, chunks
from assetflow.model.definition import Definition
from assetflow.model.history import History, Materialization, Memo
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.lineage import ColumnEdge
from assetflow.model.versions import Stored

__all__ = ["View"]

_P, _Q, _K = tables.pointers.c, tables.partitions.c, tables.partition_keys.c
_MOVED = (
    select(_P.asset_id, _K.text, _P.from_revision)
    .join(tables.partitions, _Q.id == _P.partition_id)
    .join(tables.partition_keys, _K.id == _Q.key_id)
    .where(_P.environment_id == bindparam("environment"), _P.from_revision > bindparam("since"))
)
_MOVED_COUNTS = (
    select(_P.asset_id, func.count())
    .where(
        _P.environment_id == bindparam("environment"),
        _P.asset_id.in_(WANTED),
        _P.from_revision > bindparam("since"),
    )
    .group_by(_P.asset_id)
)
_CURRENT = (
    select(_P.asset_id, _K.text, _P.materialization_id)
    .join(tables.partitions, _Q.id == _P.partition_id)
    .join(tables.partition_keys, _K.id == _Q.key_id)
    .where(
        _P.environment_id == bindparam("environment"),
        _P.to_revision.is_(None),
        _P.materialization_id.is_not(None),
    )
)
_BLOBS = (
    select(_P.asset_id, _K.text, tables.blobs.c.name)
    .join(tables.partitions, _Q.id == _P.partition_id)
    .join(tables.partition_keys, _K.id == _Q.key_id)
    .join(tables.materializations, tables.materializations.c.id == _P.materialization_id)
    .join(tables.blobs, tables.blobs.c.id == tables.materializations.c.blob_id)
    .where(_P.environment_id == bindparam("environment"), _P.to_revision.is_(None))
)
# Adding zero keeps a database from reading all moves in the order of assets.
_MOVED_ASSETS = (
    select(_P.asset_id + 0, func.max(_P.from_revision))
    .where(_P.environment_id == bindparam("environment"), _P.from_revision > bindparam("since"))
    .group_by(_P.asset_id + 0)
)
# Verdicts on what is there move no pointer, and yet change how a partition stands.
_JUDGED_ASSETS = (
    select(tables.checks.c.asset_id, func.max(tables.verdicts.c.revision))
    .join(tables.checks, tables.checks.c.id == tables.verdicts.c.check_id)
    .where(tables.verdicts.c.revision > bindparam("since"))
    .group_by(tables.checks.c.asset_id)
)
_NEWEST = (
    select(_P.asset_id, func.max(tables.materializations.c.made_at))
    .join(tables.materializations, tables.materializations.c.id == _P.materialization_id)
    .where(
        _P.environment_id == bindparam("environment"),
        _P.to_revision.is_(None),
        _P.asset_id.in_(WANTED),
    )
    .group_by(_P.asset_id)
)
_LATER = tables.pointers.alias("later").c
# Asset by asset, so that a database looks at the newest move of each and not at all that is current.
_LAST_MOVE = (
    select(func.max(_LATER.from_revision))
    .where(
        _LATER.environment_id == bindparam("environment"),
        _LATER.asset_id == tables.assets.c.id,
        _LATER.materialization_id.is_not(None),
    )
    .correlate(tables.assets)
    .scalar_subquery()
)
_LAST = select(
    tables.assets.c.id,
    select(func.max(tables.materializations.c.made_at))
    .join(tables.pointers, tables.materializations.c.id == _P.materialization_id)
    .where(
        _P.environment_id == bindparam("environment"),
        _P.asset_id == tables.assets.c.id,
        # Nothing comes after it. SQLite looks it up as a range, and reads all pointers to find one that is equal.
        _P.from_revision >= _LAST_MOVE,
    )
    .correlate(tables.assets)
    .scalar_subquery(),
).where(tables.assets.c.id.in_(WANTED))
_RECIPES = select(tables.recipes.c.digest).where(tables.recipes.c.digest.in_(WANTED))
_MADE_FROM = (
    select(_K.text)
    .join(tables.partitions, _K.id == _Q.key_id)
    .join(tables.materializations, tables.materializations.c.partition_id == _Q.id)
    .where(
        _Q.asset_id == bindparam("asset"),
        tables.materializations.c.recipe_id
        == select(tables.recipes.c.id).where(tables.recipes.c.digest == bindparam("recipe")).scalar_subquery(),
    )
    .distinct()
)
_SET_BACK, _LEASED = (
    select(_Q.asset_id, _K.text)
    .join(tables.partition_keys, _K.id == _Q.key_id)
    .join(table, table.c.partition_id == _Q.id)
    .where(table.c.environment_id == bindparam("environment"), _Q.asset_id.in_(WANTED))
    for table in (tables.setbacks, tables.leases)
)
_SINGLES = select(_Q.id).where(
    _Q.asset_id.in_(WANTED),
    _Q.key_id == select(_K.id).where(_K.text == "", _K.dimensions == 0).scalar_subquery(),
)
_SINGLE_BLOBS = (
    select(_P.asset_id, tables.blobs.c.name, tables.blobs.c.size)
    .join(tables.materializations, tables.materializations.c.id == _P.materialization_id)
    .join(tables.blobs, tables.blobs.c.id == tables.materializations.c.blob_id)
    .where(_P.environment_id == bindparam("environment"), _P.to_revision.is_(None), _P.partition_id.in_(WANTED))
)
_PARTITIONS = (
    select(_Q.id, _Q.asset_id, _K.text).join(tables.partition_keys, _K.id == _Q.key_id).where(_Q.asset_id.in_(WANTED))
)


class View:
    """What the catalog knows about one environment, at :attr:`revision`. Every method reads the same state."""

    def __init__(self, connection: Connection, ids: Ids, facts: Facts, environment: str, where: str) -> None:
        self._connection = connection
        self._ids = ids
        self._facts = facts
        self._where = where
        self.environment = environment
        with decoding(where):
            #: The last transaction that moved pointers, of any environment; 0 before the first.
            self.revision = revision_now(connection)
            self._id = ids.environment(connection, environment)
            self._assets = ids.asset_keys(connection)

    def key_sets(self) -> dict[str, tuple[str, ...]]:
        """The keys of every dynamic set, in the order in which they were added."""
        with decoding(self._where):
            return key_sets(self._connection, self._id)

    def memos(self) -> dict[AssetKey, Memo]:
        """What the last ``materialize`` proved, by node."""
        with decoding(self._where):
            return read_memos(self._connection, self._id, self._assets)

    def moved(self, since: int) -> dict[Partition, int]:
        """The partitions whose pointers moved after a revision, each with the last revision at which it did."""
        moved: dict[Partition, int] = {}
        with decoding(self._where):
            for asset, key, revision in self._rows(_MOVED, since=since):
                partition = Partition(self._assets[asset], key)
                if revision > moved.get(partition, 0):
                    moved[partition] = revision
        return moved

    def moved_keys(self, assets: Iterable[AssetKey], since: int, most: int) -> dict[AssetKey, dict[str, int]]:
        """As :meth:`moved`, of some assets, key by key; without those of which more than so many keys moved."""
        found: dict[AssetKey, dict[str, int]] = {}
        with decoding(self._where):
            ids = self._ids.assets(self._connection, assets).values()
            few = [
                asset
                for chunk in chunks(ids)
                for asset, count in self._rows(_MOVED_COUNTS, since=since, wanted=chunk)
                if count <= most
            ]
            some = _MOVED.where(_P.asset_id.in_(WANTED))
            for chunk in chunks(few):
                for asset, key, revision in self._rows(some, since=since, wanted=chunk):
                    keys = found.setdefault(self._assets[asset], {})
                    keys[key] = max(revision, keys.get(key, 0))
        return found

    def moved_assets(self, since: int) -> dict[AssetKey, int]:
        """The assets of which a pointer moved or a stored value was judged after a revision, each with the last
        revision at which that happened.
        """
        with decoding(self._where):
            last: dict[AssetKey, int] = {}
            for statement in (_MOVED_ASSETS, _JUDGED_ASSETS):
                for asset, revision in self._rows(statement, since=since):
                    last[self._assets[asset]] = max(revision, last.get(self._assets[asset], 0))
            return last

    def materialized_at(self, assets: Iterable[AssetKey]) -> dict[AssetKey, datetime]:
        """When the newest of an asset's current values was made, of each asset that has one. It reads all of them."""
        return self._times(_NEWEST, assets)

    def last_made(self, assets: Iterable[AssetKey]) -> dict[AssetKey, datetime]:
        """When the value was made that became current last, of each asset that has one. It costs a look-up an asset."""
        return self._times(_LAST, assets)

    def _times(self, statement: Select[int, int], assets: Iterable[AssetKey]) -> dict[AssetKey, datetime]:
        with decoding(self._where):
            ids = self._ids.assets(self._connection, assets).values()
            return {
                self._assets[asset]: instant(at)
                for chunk in chunks(ids)
                for asset, at in self._rows(statement, wanted=chunk)
                if at is not None
            }

    def histories(
        self, assets: Iterable[AssetKey], lost: Collection[Partition] = frozenset()
    ) -> dict[Partition, History]:
        """The past of every partition of these assets that was ever recorded, in any environment.

        ``lost`` are the partitions whose stored bytes are known to be gone.
        """
        with decoding(self._where):
            wanted = self._ids.assets(self._connection, assets)
            rows = self._wanted(wanted.values())
            partitions = {id: Partition(self._assets[asset], key) for id, asset, key in rows}
            leases = leases_of(self._connection, self._id, partitions)
            running = {id for id, lease in leases.items() if lease.alive}
            return self._facts.histories(self._connection, self._id, partitions, lost=lost, running=running)

    def histories_of(
        self, wanted: Collection[Partition], lost: Collection[Partition] = frozenset()
    ) -> dict[Partition, History]:
        """As :meth:`histories`, of these partitions only."""
        with decoding(self._where):
            ids = self._ids.partitions(self._connection, wanted)
            partitions = {id: partition for partition, id in ids.items()}
            leases = leases_of(self._connection, self._id, partitions)
            running = {id for id, lease in leases.items() if lease.alive}
            return self._facts.histories(self._connection, self._id, partitions, lost=lost, running=running)

    def known_recipes(self, digests: Iterable[str]) -> frozenset[str]:
        """Those of these recipes that anything was ever made from, in any environment."""
        with decoding(self._where):
            wanted = chunks(bytes.fromhex(digest) for digest in set(digests) if digest)
            return frozenset(
                hexed(digest) for chunk in wanted for (digest,) in self._connection.execute(_RECIPES, {"wanted": chunk})
            )

    def made_from(self, asset: AssetKey, recipe: str) -> frozenset[str]:
        """The keys of an asset of which something was ever made from a recipe, in any environment."""
        with decoding(self._where):
            ids = self._ids.assets(self._connection, [asset])
            given = {"asset": ids.get(asset), "recipe": bytes.fromhex(recipe)}
            return frozenset(self._connection.execute(_MADE_FROM, given).scalars())

    def set_back(self, assets: Iterable[AssetKey]) -> dict[AssetKey, frozenset[str]]:
        """The partitions of these assets of which the last attempt left no value, and those that are being made."""
        found: dict[AssetKey, set[str]] = {}
        with decoding(self._where):
            ids = self._ids.assets(self._connection, assets).values()
            for chunk in chunks(ids):
                for statement in (_SET_BACK, _LEASED):
                    for asset, key in self._rows(statement, wanted=chunk):
                        found.setdefault(self._assets[asset], set()).add(key)
        return {asset: frozenset(keys) for asset, keys in found.items()}

    def judged_assets(self, since: int) -> frozenset[AssetKey]:
        """The assets of which a stored value was judged after a revision, while no pointer need have moved."""
        with decoding(self._where):
            return frozenset(self._assets[asset] for asset, _ in self._rows(_JUDGED_ASSETS, since=since))

    def _wanted(self, assets: Collection[int]) -> list[tuple[int, int, str]]:
        return [
            (id, asset, key)
            for chunk in chunks(assets)
            for id, asset, key in self._connection.execute(_PARTITIONS, {"wanted": chunk})
        ]

    def _rows(self, statement: Select[*tuple[Any, ...]], **given: object) -> Result[*tuple[Any, ...]]:
        return self._connection.execute(statement, {"environment": self._id, **given})

    def blobs(self) -> dict[Partition, str]:
        """The name of the current value's blob, of each partition that has one."""
        with decoding(self._where):
            return {Partition(self._assets[asset], key): name for asset, key, name in self._rows(_BLOBS)}

    def single_blobs(self) -> dict[AssetKey, tuple[str, int]]:
        """The name and the size in bytes of the current value's blob, of each unpartitioned asset that has one.

        It costs a look-up an asset, where :meth:`blobs` costs one a partition.
        """
        with decoding(self._where):
            found: dict[AssetKey, tuple[str, int]] = {}
            for chunk in chunks(self._assets):
                wanted = self._connection.execute(_SINGLES, {"wanted": chunk}).scalars().all()
                rows = self._rows(_SINGLE_BLOBS, wanted=wanted)
                found.update((self._assets[asset], (name, size)) for asset, name, size in rows)
            return found

    def current(self) -> dict[Partition, int]:
        """The current materialization's id, of each partition that has one."""
        with decoding(self._where):
            return {Partition(self._assets[asset], key): id for asset, key, id in self._rows(_CURRENT)}

    def samples(self, assets: Iterable[AssetKey]) -> dict[AssetKey, Materialization]:
        """The current materialization of some partition of each of these assets that has one."""
        with decoding(self._where):
            wanted = self._ids.assets(self._connection, assets)
            found: dict[AssetKey, int] = {}
            for asset, id in wanted.items():
                for _, _, current in self._rows(_CURRENT.where(_P.asset_id == id).limit(1)):
                    found[asset] = current
            known = self._facts.materializations(self._connection, set(found.values()))
            return {asset: known[id] for asset, id in found.items()}

    def keys(self, asset: AssetKey) -> tuple[str, ...]:
        """The keys of an asset that have a current materialization, sorted."""
        with decoding(self._where):
            wanted = self._ids.assets(self._connection, [asset])
            statement = _CURRENT.where(_P.asset_id == wanted.get(asset))
            return tuple(sorted(key for _, key, _ in self._rows(statement)))

    def materializations(self, wanted: Collection[int]) -> dict[int, Materialization]:
        """These materializations by id."""
        with decoding(self._where):
            return self._facts.materializations(self._connection, wanted)

    def stored(self, materializations: Collection[int]) -> dict[int, Stored]:
        """Where these values lie."""
        with decoding(self._where):
            return self._facts.stored(self._connection, materializations)

    def derivations(self, assets: Iterable[AssetKey]) -> dict[AssetKey, dict[str, tuple[ColumnEdge, ...]]]:
        """What the columns of these assets are made of, where values proved it: by version of their code."""
        with decoding(self._where):
            return derivations(self._connection, self._ids, assets)

    def definitions(self) -> dict[AssetKey, Definition]:
        """What was declared when it was last recorded."""
        with decoding(self._where):
            return declared(self._connection, self._id, self._assets)
