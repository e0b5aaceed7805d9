"""What happened: runs and attempts, read from the catalog alone. Each function reads one state of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, bindparam, func, select

from assetflow.catalog import codes, tables
from assetflow.catalog.claims import dead_runs, outcomes
from assetflow.catalog.encoding import hexed, instant, seconds
from assetflow.catalog.faults import decoding
from assetflow.catalog.records import Attempt, Run, UsedBlob
from assetflow.catalog.views import VIEWS
from assetflow.errors import UsageError
from assetflow.model.journal import RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.versions import Blob

if TYPE_CHECKING:
    from assetflow.catalog.catalog import Catalog

__all__ = ["attempts", "environments", "last_run", "root_failure", "run", "runs", "used_blobs", "view_rows"]

_R, _A, _F = tables.runs.c, tables.attempts.c, tables.failures.c
_M, _B, _P = tables.materializations.c, tables.blobs.c, tables.partitions.c
_RUNS = (
    select(tables.runs, tables.environments.c.name.label("environment"))
    .join(tables.environments, tables.environments.c.id == _R.environment_id)
    .order_by(_R.id.desc())
)
_LAST = select(func.max(_R.id))
_TOOK = select(func.max(_M.micros)).where(_M.attempt_id == _A.id).scalar_subquery()
_ATTEMPTS = (
    select(
        _A.id,
        _A.run_id,
        _P.asset_id,
        tables.partition_keys.c.text,
        _A.number,
        _A.outcome,
        _A.started_at,
        func.coalesce(_A.micros, _TOOK).label("micros"),
        _A.reason.label("skipped"),
        _F.kind,
        _F.type,
        _F.message,
        _F.reason,
        _F.traceback,
        _F.wait_micros,
    )
    .join(tables.partitions, _P.id == _A.partition_id)
    .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
    .outerjoin(tables.failures, _F.attempt_id == _A.id)
    .where(_A.run_id == bindparam("run"))
    .order_by(_A.id)
)
_ROOT = (
    _ATTEMPTS.where(_A.outcome == codes.ATTEMPT_OUTCOMES.code[codes.AttemptOutcome.FAILED])
    .order_by(None)
    .order_by(_A.started_at + func.coalesce(_A.micros, 0), _A.id)
    .limit(1)
)
_CURRENT = select(tables.pointers.c.materialization_id).where(
    tables.pointers.c.to_revision.is_(None), tables.pointers.c.materialization_id.is_not(None)
)
_BLOBS = (
    select(
        _B.id,
        _B.name,
        _B.digest,
        _B.size,
        _B.chunks,
        tables.schemas.c.codec,
        _P.asset_id,
        tables.partition_keys.c.text,
        _M.version,
        _M.id.in_(_CURRENT).label("current"),
    )
    .join(tables.materializations, _M.blob_id == _B.id)
    .join(tables.schemas, tables.schemas.c.id == _M.schema_id)
    .join(tables.partitions, _P.id == _M.partition_id)
    .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
    .where(_B.state == codes.BLOB_STATES.code[codes.BlobState.LIVE])
    .order_by(_B.id, _M.id)
)


def runs(catalog: Catalog, *, limit: int | None = None, environment: str | None = None) -> tuple[Run, ...]:
    """The runs, newest first."""
    statement = _RUNS if environment is None else _RUNS.where(tables.environments.c.name == environment)
    return _runs(catalog, statement if limit is None else statement.limit(limit))


def run(catalog: Catalog, number: int) -> Run | None:
    """One run."""
    return next(iter(_runs(catalog, _RUNS.where(_R.id == number))), None)


def last_run(catalog: Catalog) -> int | None:
    """The number of the newest run; None before the first."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        number: int | None = connection.execute(_LAST).scalar()
        return number


def _runs(catalog: Catalog, statement: Select[*tuple[Any, ...]]) -> tuple[Run, ...]:
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        dead = dead_runs(connection)
        found = []
        for row in connection.execute(statement).all():
            status = RunStatus.INTERRUPTED if row.id in dead else codes.RUN_STATUSES.values[row.status]
            counts = json.loads(row.counts) if row.counts else outcomes(connection, row.id)
            found.append(_run(row, status, counts))
        return tuple(found)


def _run(row: Row[*tuple[Any, ...]], status: RunStatus, counts: dict[str, int]) -> Run:
    return Run(
        id=row.id,
        status=status,
        started_at=instant(row.started_at),
        finished_at=None if row.finished_at is None else instant(row.finished_at),
        environment=row.environment,
        targets=tuple(json.loads(row.targets)),
        counts=counts,
        facts=json.loads(row.facts),
    )


def attempts(catalog: Catalog, number: int) -> tuple[Attempt, ...]:
    """The attempts of a run, in the order in which they were claimed."""
    return _attempts(catalog, _ATTEMPTS, number)


def root_failure(catalog: Catalog, number: int) -> Attempt | None:
    """The attempt that failed first: what came after may have failed because of it."""
    return next(iter(_attempts(catalog, _ROOT, number)), None)


def _attempts(catalog: Catalog, statement: Select[*tuple[Any, ...]], number: int) -> tuple[Attempt, ...]:
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        assets = catalog.ids.asset_keys(connection)
        return tuple(
            Attempt(
                id=row.id,
                run=row.run_id,
                step=Partition(assets[row.asset_id], row.text),
                number=row.number,
                outcome=None if row.outcome is None else codes.ATTEMPT_OUTCOMES.values[row.outcome],
                started_at=instant(row.started_at),
                seconds=seconds(row.micros),
                failure=None if row.kind is None else codes.FAILURES.values[row.kind],
                error_type=row.type or "",
                message=row.message or "",
                reason=row.reason or row.skipped or "",
                traceback=row.traceback or "",
                wait=seconds(row.wait_micros),
            )
            for row in connection.execute(statement, {"run": number})
        )


def environments(catalog: Catalog) -> tuple[str, ...]:
    """The environments in which something was recorded, in the order in which they began."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        names = select(tables.environments.c.name).order_by(tables.environments.c.id)
        return tuple(connection.execute(names).scalars())


def used_blobs(catalog: Catalog) -> Iterator[UsedBlob]:
    """Every blob whose bytes must be there, with the values that they are, in the order in which they were recorded."""
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        assets = catalog.ids.asset_keys(connection)
        group: list[Any] = []  # rows of one blob
        for row in connection.execution_options(yield_per=1000).execute(_BLOBS):
            if group and group[0].id != row.id:
                yield _used(group, assets)
                group = []
            group.append(row)
        if group:
            yield _used(group, assets)


def _used(rows: list[Any], assets: Mapping[int, AssetKey]) -> UsedBlob:  # rows of one blob
    first = rows[0]
    return UsedBlob(
        blob=Blob(first.name, hexed(first.digest), first.size, first.chunks or b""),
        codec=first.codec,
        uses=tuple((Partition(assets[row.asset_id], row.text), row.version) for row in rows),
        current=any(row.current for row in rows),
    )


def view_rows(catalog: Catalog, view: str) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
    """The columns and all rows of one of the documented views. Raises UsageError ``unknown-view``."""
    if view not in VIEWS:
        raise UsageError("unknown-view", f"the catalog has no view {view}", hint=f"it has {', '.join(VIEWS)}")
    with catalog.database.reading() as connection, decoding(catalog.database.where):
        found = connection.exec_driver_sql(f"SELECT * FROM {view}")
        return tuple(found.keys()), [tuple(row) for row in found]
