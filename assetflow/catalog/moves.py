"""Moving pointers: the one way in which what is current changes, at a revision taken in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select, update

from assetflow.catalog import tables
from assetflow.catalog.ids import Ids
from assetflow.catalog.statements import Prepared, inserted, key
from assetflow.model.keys import AssetKey

__all__ = ["advance", "move", "new_revision", "revision_now"]

_P, _C = tables.pointers.c, tables.counters.c
_ADVANCE = update(tables.counters).where(_C.name == bindparam("counter")).values(value=_C.value + 1).returning(_C.value)
_VALUE = select(_C.value).where(_C.name == bindparam("counter"))
_NEW_REVISION = inserted(tables.revisions)
_CLOSE = Prepared(
    update(tables.pointers)
    .where(_P.environment_id == key("environment"), _P.partition_id == key("partition"), _P.to_revision.is_(None))
    .values(to_revision=bindparam("revision")),
    "revision",
    "k_environment",
    "k_partition",
)
_OPEN = inserted(tables.pointers, "environment_id", "partition_id", "from_revision", "asset_id", "materialization_id")


def advance(connection: Connection, counter: str) -> int:
    """The next number of a counter. Taking it locks the row, so numbers are in commit order."""
    return int(connection.execute(_ADVANCE, {"counter": counter}).scalar_one())


def revision_now(connection: Connection) -> int:
    """The revision of the last transaction that moved pointers; 0 before the first."""
    return int(connection.execute(_VALUE, {"counter": tables.REVISION}).scalar_one())


def new_revision(connection: Connection, environment: int, run: int | None, *, at: int) -> int:
    """A revision of this transaction."""
    revision = advance(connection, tables.REVISION)
    _NEW_REVISION.run(connection, [(revision, environment, run, at)])
    return revision


def move(
    connection: Connection,
    ids: Ids,
    environment: int,
    run: int | None,
    moves: Mapping[int, tuple[AssetKey, int | None]],
    *,
    at: int,
) -> int:
    """Make these materializations current, by partition id, and give the revision; where nothing moves, today's.

    None drops a partition: nothing is current there any more.
    """
    if not moves:
        return revision_now(connection)
    assets = ids.assets(connection, {asset for asset, _ in moves.values()}, create=True)
    revision = new_revision(connection, environment, run, at=at)
    _CLOSE.run(connection, [(revision, environment, partition) for partition in moves])
    _OPEN.run(
        connection,
        [(environment, partition, revision, assets[asset], id) for partition, (asset, id) in moves.items()],
    )
    return revision
