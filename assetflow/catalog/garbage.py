"""Bytes that nobody needs any more: which they are, and giving them up.

Freed are the bytes; the record stays. A blob is given up where all versions whose value it is are old and none of them
is current in any environment, is what a current version was made from, or was current while a run that is still going
on could have read it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from assetflow.catalog import codes, tables
from assetflow.catalog.claims import interrupt_dead, live_runs
from assetflow.catalog.encoding import instant, micros, span, tag
from assetflow.catalog.faults import decoding
from assetflow.catalog.moves import move
from assetflow.catalog.records import GivenUp, OldVersion
from assetflow.catalog.statements import CHUNK, WANTED, Prepared, chunks, key
from assetflow.catalog.values import latest_versions
from assetflow.model.keys import AssetKey, Partition

if TYPE_CHECKING:
    from assetflow.catalog.catalog import Catalog

__all__ = ["Loose", "Retention", "current_keys", "drop", "give_up", "loose"]


class Retention(NamedTuple):
    """When a version may be freed."""

    #: It has not been current for longer than this; None: never.
    older: timedelta | None
    #: There are so many newer versions of its partition.
    keep: int = 0


_KEEP = Retention(None)
_LIVE, _DEAD = (codes.BLOB_STATES.code[state] for state in (codes.BlobState.LIVE, codes.BlobState.DEAD))
_M, _P, _B = tables.materializations.c, tables.partitions.c, tables.blobs.c
_T, _E, _X = tables.pointers.c, tables.edges.c, tables.edge_members.c
_READER = tables.materializations.alias("reader")
_EVERYWHERE = select(tables.environments.c.id)
# Looked up by environment and partition, as the index of open intervals has them.
_IS_CURRENT = (
    select(_T.partition_id)
    .where(
        _T.environment_id.in_(_EVERYWHERE),
        _T.partition_id == _M.partition_id,
        _T.to_revision.is_(None),
        _T.materialization_id == _M.id,
    )
    .correlate(tables.materializations)
    .exists()
)
_READER_IS_CURRENT = (
    select(_T.partition_id)
    .where(
        _T.environment_id.in_(_EVERYWHERE),
        _T.partition_id == _READER.c.partition_id,
        _T.to_revision.is_(None),
        _T.materialization_id == _READER.c.id,
    )
    .correlate(_READER)
    .exists()
)
_NOT_CURRENT = (
    select(_M.id, _P.asset_id)
    .join(tables.partitions, _P.id == _M.partition_id)
    .join(tables.blobs, _B.id == _M.blob_id)
    .where(_M.id < bindparam("below"), _B.state == _LIVE, ~_IS_CURRENT)
    .order_by(_M.id.desc())
)
_SHARED = select(_M.blob_id).where(_M.id.in_(WANTED))
_OF_BLOBS = (
    select(_M.id, _M.partition_id, _P.asset_id, tables.partition_keys.c.text, _M.version, _M.made_at, _M.blob_id)
    .add_columns(_B.name, _B.size)
    .join(tables.partitions, _P.id == _M.partition_id)
    .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
    .join(tables.blobs, _B.id == _M.blob_id)
    .where(_M.blob_id.in_(_SHARED), _B.state == _LIVE)
)
_INTERVALS = (
    select(
        _T.materialization_id,
        _T.environment_id,
        _T.asset_id,
        _T.partition_id,
        _T.from_revision,
        _T.to_revision,
        tables.revisions.c.at,
    )
    .outerjoin(tables.revisions, tables.revisions.c.id == _T.to_revision)
    .where(
        _T.environment_id.in_(_EVERYWHERE),
        _T.partition_id.in_(bindparam("partitions", expanding=True)),
        _T.materialization_id.in_(WANTED),
    )
)
_READ_ALONE = (
    select(_E.member_id)
    .join(_READER, _READER.c.id == _E.materialization_id)
    .where(_E.member_id.in_(WANTED), _READER_IS_CURRENT)
)
_READ_LISTED = (
    select(_X.member_id)
    .join(_READER, _READER.c.id == _X.materialization_id)
    .where(_X.member_id.in_(WANTED), _READER_IS_CURRENT)
)
_READ_WIDELY = (
    select(_READER.c.environment_id, _E.asset_id, _E.revision, _E.materialization_id, _E.position)
    .join(_READER, _READER.c.id == _E.materialization_id)
    .where(_E.asset_id.in_(WANTED), _E.member_id.is_(None), ~_E.listed, _E.count > 0, _READER_IS_CURRENT)
    .order_by(_E.revision)
)
_CORRECTED = select(_X.materialization_id).where(
    _X.materialization_id == bindparam("reader"),
    _X.position == bindparam("position"),
    _X.partition_id == bindparam("partition"),
)
_GIVE_UP = Prepared(update(tables.blobs).where(_B.id == key("id")).values(state=bindparam("dead")), "dead", "k_id")
_BLOBS = select(_B.name, _B.state).where(_B.tag.in_(WANTED))
_ATTEMPTS = select(tables.attempts.c.id, tables.attempts.c.outcome, tables.attempts.c.run_id).where(
    tables.attempts.c.id.in_(WANTED)
)
_CURRENT_KEYS = (
    select(tables.partition_keys.c.text)
    .join(tables.partitions, _P.key_id == tables.partition_keys.c.id)
    .join(tables.pointers, _T.partition_id == _P.id)
    .where(
        _T.environment_id == bindparam("environment"),
        _T.asset_id == bindparam("asset"),
        _T.to_revision.is_(None),
        _T.materialization_id.is_not(None),
    )
)


def give_up(
    catalog: Catalog, rule: Callable[[AssetKey], Retention], *, at: datetime, dry_run: bool
) -> Iterator[tuple[GivenUp, ...]]:
    """Mark blobs as given up, group by group; each group is committed when it is given, and may then be deleted.

    ``dry_run`` marks nothing, and gives what would be.
    """
    if not dry_run:
        with catalog.writing() as connection:
            interrupt_dead(connection, at=micros(at))
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        assets = catalog.ids.asset_keys(connection)
    rules = {id: kept for id, asset in assets.items() if (kept := rule(asset)).older is not None}
    below, told = 1 << 62, set[int]()
    while rules:
        with catalog.database.reading() as connection, decoding(catalog.database.where):
            rows = connection.execute(_NOT_CURRENT.limit(CHUNK), {"below": below}).all()
            found = [row.id for row in rows if row.asset_id in rules]
            group = _group(connection, found, assets, rules, at) if dry_run else {}
        if not rows:
            return
        below = rows[-1].id
        if found and not dry_run:
            with catalog.writing() as connection, decoding(catalog.database.where):
                group = _group(connection, found, assets, rules, at)
                _GIVE_UP.run(connection, [(_DEAD, id) for id in group])
            catalog.facts.forget()
        new = tuple(each for id, each in group.items() if id not in told)
        if dry_run:  # versions that share their bytes may be far apart
            told.update(group)
        if new:
            yield new


class _Interval(NamedTuple):
    """When a version was current, in one environment."""

    environment: int
    asset: int
    partition: int
    start: int
    end: int


def _group(
    connection: Connection,
    wanted: Sequence[int],
    assets: Mapping[int, AssetKey],
    rules: Mapping[int, Retention],
    at: datetime,
) -> dict[int, GivenUp]:
    """Which of the blobs of these versions may be given up, by id."""
    rows = connection.execute(_OF_BLOBS, {"wanted": wanted}).all()
    partitions = {row.partition_id for row in rows}
    newest = latest_versions(connection, partitions)
    intervals, ended = _intervals(connection, [row.id for row in rows], partitions)
    now, running = micros(at), min(live_runs(connection).values(), default=None)
    old: set[int] = set()
    for row in rows:
        retention = rules.get(row.asset_id, _KEEP)
        # What was never current can only have been judged since it was made.
        until = ended.get(row.id, row.made_at)
        if until is None or retention.older is None or newest[row.partition_id] - row.version < retention.keep:
            continue
        if now - until >= span(retention.older.total_seconds()) and (running is None or until < running):
            old.add(row.id)
    free = old - _read(connection, old, intervals, {row.asset_id for row in rows})
    kept = {row.blob_id for row in rows if row.id not in free}
    found: dict[int, GivenUp] = {}
    for row in rows:
        if row.blob_id in kept:
            continue
        version = OldVersion(
            partition=Partition(assets[row.asset_id], row.text),
            version=row.version,
            until=instant(ended.get(row.id) or row.made_at),
        )
        before = found.get(row.blob_id)
        versions = (version,) if before is None else (*before.versions, version)
        found[row.blob_id] = GivenUp(name=row.name, size=row.size, versions=versions)
    return found


def _intervals(
    connection: Connection, wanted: Iterable[int], partitions: Collection[int]
) -> tuple[dict[int, list[_Interval]], dict[int, int | None]]:
    """When these versions were current; and until when, None where one still is."""
    intervals: dict[int, list[_Interval]] = {}
    ended: dict[int, int | None] = {}
    for chunk in chunks(wanted):
        for some in chunks(partitions):
            for id, environment, asset, partition, start, end, when in connection.execute(
                _INTERVALS, {"wanted": chunk, "partitions": some}
            ):
                if end is None:
                    ended[id] = None
                    continue
                intervals.setdefault(id, []).append(_Interval(environment, asset, partition, start, end))
                before = ended.get(id, 0)
                ended[id] = None if before is None else max(before, when)
    return intervals, ended


def _read(
    connection: Connection, wanted: Collection[int], intervals: Mapping[int, list[_Interval]], assets: Collection[int]
) -> set[int]:
    """Those of these versions that something which is current was made from."""
    found: set[int] = set()
    for chunk in chunks(wanted):
        found.update(connection.execute(_READ_ALONE, {"wanted": chunk}).scalars())
        found.update(connection.execute(_READ_LISTED, {"wanted": chunk}).scalars())
    widely: dict[tuple[int, int], list[Any]] = {}  # edges in the order of their revisions
    for chunk in chunks(assets):
        for row in connection.execute(_READ_WIDELY, {"wanted": chunk}):
            widely.setdefault((row.environment_id, row.asset_id), []).append(row)
    for id in wanted:
        if id not in found and any(
            _read_widely(connection, widely.get((each.environment, each.asset), ()), each)
            for each in intervals.get(id, ())
        ):
            found.add(id)
    return found


def _read_widely(connection: Connection, edges: Sequence[Any], current: _Interval) -> bool:
    """Whether one of these edges reads all that was current at a revision in this interval."""
    place = bisect_left(edges, current.start, key=lambda edge: edge.revision)
    while place < len(edges) and edges[place].revision < current.end:
        edge = edges[place]
        given = {"reader": edge.materialization_id, "position": edge.position, "partition": current.partition}
        if connection.execute(_CORRECTED, given).first() is None:
            return True
        place += 1
    return False


class Loose(NamedTuple):
    """What is known of a stored file that is no live blob."""

    name: str
    #: Whether it is known whose it was: an attempt of this catalog wrote it.
    known: bool


def loose(catalog: Catalog, names: Mapping[str, int | None]) -> list[Loose]:
    """Those of these files that belong to no record, nor to an attempt that may still record them.

    Each is given with the attempt in its name.
    """
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        states: dict[str, int] = {}
        for chunk in chunks(tag(name) for name in names):
            states.update((name, state) for name, state in connection.execute(_BLOBS, {"wanted": chunk}))
        wanted = {attempt for name, attempt in names.items() if attempt and name not in states}
        over: dict[int, bool] = {}
        alive = live_runs(connection)
        for chunk in chunks(wanted):
            for attempt, outcome, run in connection.execute(_ATTEMPTS, {"wanted": chunk}):
                over[attempt] = outcome is not None or run not in alive
        return [
            Loose(name, states.get(name) == _DEAD or names[name] in over)
            for name in names
            if states.get(name) == _DEAD or (states.get(name) is None and over.get(names[name] or 0, True))
        ]


def current_keys(catalog: Catalog, environment: str, asset: AssetKey) -> list[str]:
    """The keys of an asset that have a current value."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        given = {
            "environment": catalog.ids.environment(connection, environment),
            "asset": catalog.ids.assets(connection, [asset]).get(asset),
        }
        return list(connection.execute(_CURRENT_KEYS, given).scalars())


def drop(catalog: Catalog, environment: str, partitions: Iterable[Partition], *, at: datetime) -> None:
    """Nothing is current any more in these partitions. What they held can be taken again until it is freed."""
    for chunk in chunks(partitions):
        with catalog.writing() as connection, decoding(catalog.database.where):
            ids = catalog.ids.partitions(connection, chunk)
            id = catalog.ids.environment(connection, environment)
            assert id is not None
            moves = {number: (partition.asset, None) for partition, number in ids.items()}
            move(connection, catalog.ids, id, None, moves, at=micros(at))
