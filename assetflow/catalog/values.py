"""A value's columns in ``materializations``, and the observations of sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, func, select

from assetflow.catalog import tables
from assetflow.catalog.encoding import instant, json_text
from assetflow.catalog.facts import NO_RECIPE, Facts
from assetflow.catalog.ids import Ids, next_id, schema_digest
from assetflow.catalog.moves import move
from assetflow.catalog.statements import WANTED, chunks, inserted
from assetflow.model.history import Materialization
from assetflow.model.keys import Partition
from assetflow.model.versions import Stored

__all__ = ["latest_versions", "observe", "value_columns"]

_M = tables.materializations.c
_NEW_OBSERVATION = inserted(tables.materializations)
_LATEST = select(_M.partition_id, func.max(_M.version)).where(_M.partition_id.in_(WANTED)).group_by(_M.partition_id)


def latest_versions(connection: Connection, partitions: Collection[int]) -> dict[int, int]:
    """The last version number of each partition, over all environments."""
    found: dict[int, int] = {}
    for chunk in chunks(partitions):
        found.update((id, version) for id, version in connection.execute(_LATEST, {"wanted": chunk}))
    return found


def value_columns(stored: Stored, schemas: Mapping[str, int], blobs: Mapping[str, int]) -> tuple[object, ...]:
    """``data, row_count, schema_id, column_digests, blob_id, inline, uri, metadata`` of a value."""
    data = stored.data
    return (
        bytes.fromhex(data.digest),
        data.rows,
        schemas[schema_digest(stored)],
        bytes.fromhex("".join(column.digest for column in data.columns)) if data.columns else None,
        None if stored.blob is None else blobs[stored.blob.name],
        stored.inline,
        stored.uri or None,
        json_text(dict(stored.metadata)) if stored.metadata else None,
    )


def observe(
    connection: Connection,
    ids: Ids,
    facts: Facts,
    environment: int,
    run: int,
    sources: Mapping[Partition, Stored],
    *,
    at: int,
) -> dict[Partition, Materialization]:
    """Record what sources are today; a source whose version and place are the recorded ones is left as it is."""
    partitions = ids.partitions(connection, sources, create=True)
    current = facts.current(connection, environment, list(partitions.values()))
    made = facts.materializations(connection, list(current.values()))
    places = facts.stored(connection, list(current.values()))
    known: dict[Partition, Materialization] = {}
    moved: dict[Partition, Stored] = {}
    for partition, stored in sources.items():
        id = current.get(partitions[partition], 0)
        if id and made[id].data.digest == stored.data.digest and places[id].uri == stored.uri:
            known[partition] = made[id]
        else:
            moved[partition] = stored
    if moved:
        known.update(_record(connection, ids, environment, {p: (partitions[p], s) for p, s in moved.items()}, at=at))
        moves = {partitions[p]: (p.asset, known[p].id) for p in moved}
        move(connection, ids, environment, run, moves, at=at)
    return {partition: known[partition] for partition in sources}


def _record(
    connection: Connection, ids: Ids, environment: int, moved: Mapping[Partition, tuple[int, Stored]], *, at: int
) -> dict[Partition, Materialization]:
    schemas = ids.schemas(connection, {schema_digest(stored): stored for _, stored in moved.values()})
    versions = latest_versions(connection, [id for id, _ in moved.values()])
    rows: list[tuple[object, ...]] = []
    seen: dict[Partition, Materialization] = {}
    for id, (partition, (partition_id, stored)) in enumerate(
        moved.items(), next_id(connection, tables.materializations)
    ):
        version = versions.get(partition_id, 0) + 1
        head = (id, partition_id, version, environment, None, None, None, None)
        rows.append((*head, *value_columns(stored, schemas, {}), None, True, at, 0))
        seen[partition] = Materialization(
            id=id,
            partition=partition,
            version=version,
            attempt=0,
            trace="",
            recipe=NO_RECIPE,
            edges=(),
            data=stored.data,
            made_at=instant(at),
        )
    _NEW_OBSERVATION.run(connection, rows)
    return seen
