"""Values and their versions: what was recorded about each, and from what exactly it was made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, func, select

from assetflow.catalog import tables
from assetflow.catalog.edges import members, readers
from assetflow.catalog.faults import decoding
from assetflow.catalog.records import Ancestry, Link, ReadVersion, Version
from assetflow.catalog.statements import WANTED, chunks
from assetflow.model.history import Materialization
from assetflow.model.keys import AssetKey, Partition

if TYPE_CHECKING:
    from assetflow.catalog.catalog import Catalog

__all__ = ["ancestry", "current_versions", "find", "history", "progeny"]

#: How many of the last materializations are looked at before all of an asset's are.
RECENT = 5_000

_M, _P, _T = tables.materializations.c, tables.partitions.c, tables.pointers.c
_ABOUT = (
    select(
        _M.id,
        _M.published,
        _M.window_text,
        tables.environments.c.name,
        tables.attempts.c.run_id,
        tables.attempts.c.number,
    )
    .join(tables.environments, tables.environments.c.id == _M.environment_id)
    .outerjoin(tables.attempts, tables.attempts.c.id == _M.attempt_id)
    .where(_M.id.in_(WANTED))
)
_OBSERVED_BY = (
    select(_T.materialization_id, tables.revisions.c.run_id)
    .join(tables.revisions, tables.revisions.c.id == _T.from_revision)
    .join(tables.materializations, _M.id == _T.materialization_id)
    .where(
        _T.materialization_id.in_(WANTED), _T.environment_id == _M.environment_id, _T.partition_id == _M.partition_id
    )
    .order_by(_T.from_revision.desc())
)
_OF_ASSET = (
    select(_M.id)
    .join(tables.partitions, _P.id == _M.partition_id)
    .where(_P.asset_id == bindparam("asset"))
    .order_by(_M.id.desc())
)
_LAST = select(func.max(_M.id))
# Adding zero keeps a database from beginning with all of the asset's partitions.
_RECENT = (
    select(_M.id)
    .join(tables.partitions, _P.id == _M.partition_id)
    .where(_M.id > bindparam("after"), _P.asset_id + 0 == bindparam("asset"))
    .order_by(_M.id.desc())
)
_OF_PARTITION = select(_M.id).where(_M.partition_id == bindparam("partition")).order_by(_M.version.desc())
_NUMBERED = select(_M.id).where(_M.partition_id == bindparam("partition"), _M.version == bindparam("version"))
_CURRENT = select(_T.materialization_id).where(
    _T.environment_id == bindparam("environment"),
    _T.to_revision.is_(None),
    _T.materialization_id.is_not(None),
)
_EDGE_TEXT = re.compile(r"(?P<mapping>.*?)(?: \((?P<columns>.*)\))?(?: unloaded)?\Z", re.DOTALL)


def history(
    catalog: Catalog, asset: AssetKey, key: str | None = None, *, limit: int | None = None
) -> tuple[Version, ...]:
    """The materializations of an asset, or of one partition of it, newest first, over all environments."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        statement: Select[*tuple[Any, ...]]
        if key is None:
            id = catalog.ids.assets(connection, [asset]).get(asset)
            statement, given = _OF_ASSET, {"asset": id}
        else:
            partition = Partition(asset, key)
            id = catalog.ids.partitions(connection, [partition]).get(partition)
            statement, given = _OF_PARTITION, {"partition": id}
        if id is None:
            return ()
        ids: list[int] = []
        if limit is not None:
            statement = statement.limit(limit)
            if key is None:  # most often the newest are among the last recorded: no need to sort them all
                last = connection.execute(_LAST).scalar() or 0
                recent = _RECENT.limit(limit)
                ids = list(connection.execute(recent, {**given, "after": last - RECENT}).scalars())
        if limit is None or len(ids) < limit:
            ids = list(connection.execute(statement, given).scalars())
        found = _versions(catalog, connection, ids)
        return tuple(found[id] for id in ids)


def find(catalog: Catalog, environment: str, partition: Partition, version: int | None = None) -> Version | None:
    """One value: ``:vN`` of a partition, or what is current in the environment; None if there is none."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        place = catalog.ids.partitions(connection, [partition]).get(partition)
        if version is None:
            current = _CURRENT.where(_T.partition_id == place)
            id = connection.execute(current, {"environment": catalog.ids.environment(connection, environment)}).scalar()
        else:
            id = connection.execute(_NUMBERED, {"partition": place, "version": version}).scalar()
        return None if id is None else _versions(catalog, connection, [id])[id]


def current_versions(
    catalog: Catalog, environment: str, assets: Iterable[AssetKey] | None = None
) -> dict[Partition, Version]:
    """What is current in an environment, of these assets or of all, without inputs."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        statement = _CURRENT
        if assets is not None:
            statement = statement.where(_T.asset_id.in_(catalog.ids.assets(connection, assets).values()))
        given = {"environment": catalog.ids.environment(connection, environment)}
        ids = list(connection.execute(statement, given).scalars())
        found = _versions(catalog, connection, ids, inputs=False)
        return {found[id].materialization.partition: found[id] for id in ids}


def ancestry(catalog: Catalog, materializations: Collection[int], *, depth: int | None = None) -> Ancestry:
    """These materializations and the exact versions that they were made from, up to the sources."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        versions: dict[int, Version] = {}
        links: list[Link] = []
        level = list(dict.fromkeys(materializations))
        while level:
            deep = depth is None or depth > 0
            found = _versions(catalog, connection, level, inputs=deep)
            versions.update(found)
            new = [
                Link(reader=id, read=read.materialization, position=read.position, mapping=read.mapping)
                for id in level
                for read in found[id].inputs
            ]
            links += new
            level = list(dict.fromkeys(link.read for link in new if link.read not in versions))
            depth = None if depth is None else depth - 1
        return Ancestry(versions=versions, links=tuple(links))


def progeny(catalog: Catalog, materializations: Collection[int], *, depth: int | None = None) -> Ancestry:
    """These materializations and everything that was made from them."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        seen = dict.fromkeys(materializations)
        level = list(seen)
        while level and (depth is None or depth > 0):
            level = [id for id in readers(connection, level) if id not in seen]
            seen.update(dict.fromkeys(level))
            depth = None if depth is None else depth - 1
        versions = _versions(catalog, connection, list(seen))
        links = tuple(
            Link(reader=id, read=read.materialization, position=read.position, mapping=read.mapping)
            for id, version in versions.items()
            for read in version.inputs
            if read.materialization in versions
        )
        return Ancestry(versions=versions, links=links)


def _versions(
    catalog: Catalog, connection: Connection, wanted: Collection[int], *, inputs: bool = True
) -> dict[int, Version]:
    made = catalog.facts.materializations(connection, wanted)
    stored = catalog.facts.stored(connection, wanted)
    reads = _inputs(catalog, connection, made) if inputs else {}
    observed = {
        id: run
        for chunk in chunks(id for id in wanted if id in made and not made[id].attempt)
        for id, run in connection.execute(_OBSERVED_BY, {"wanted": chunk})
    }
    return {
        id: Version(
            materialization=made[id],
            stored=stored[id],
            environment=environment,
            run=observed.get(id) if run is None else run,
            attempt_number=number,
            published=bool(published),
            window=window or "",
            inputs=reads.get(id, ()),
        )
        for chunk in chunks(wanted)
        for id, published, window, environment, run, number in connection.execute(_ABOUT, {"wanted": chunk})
    }


def _inputs(
    catalog: Catalog, connection: Connection, made: dict[int, Materialization]
) -> dict[int, tuple[ReadVersion, ...]]:
    read = members(connection, list(made))
    upstream = catalog.facts.materializations(connection, list({id for ids in read.values() for id in ids}))
    found: dict[int, list[ReadVersion]] = {}
    for (reader, position), ids in sorted(read.items()):
        edges = made[reader].edges
        mapping, columns = _edge(edges[position].mapping if position < len(edges) else "")
        for id in ids:
            if (value := upstream.get(id)) is None:
                continue
            found.setdefault(reader, []).append(
                ReadVersion(
                    materialization=id,
                    partition=value.partition,
                    version=value.version,
                    data_version=value.data.digest,
                    position=position,
                    mapping=mapping,
                    columns=columns,
                )
            )
    return {reader: tuple(reads) for reader, reads in found.items()}


def _edge(text: str) -> tuple[str, tuple[str, ...] | None]:
    """The mapping and the columns of an edge's text, as :func:`assetflow.plan.traces.edge_text` writes it."""
    match = _EDGE_TEXT.match(text)
    if match is None or match["columns"] is None:
        return text.removesuffix(" unloaded"), None
    return match["mapping"], tuple(match["columns"].split(", ")) if match["columns"] else ()
