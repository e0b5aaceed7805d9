"""What checks said, and what they measured of earlier versions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, select, update

from assetflow.catalog import codes, tables
from assetflow.catalog.encoding import clipped, instant, json_text, packed, span
from assetflow.catalog.ids import Ids, next_id
from assetflow.catalog.statements import WANTED, chunks, inserted
from assetflow.model.checks import Measured, Verdict
from assetflow.model.keys import AssetKey, Partition

__all__ = ["Said", "measured", "newest_published", "publish", "record"]

_C, _V, _M, _P = tables.checks.c, tables.verdicts.c, tables.materializations.c, tables.partitions.c
_NEW_CHECK = inserted(tables.checks)
_NEW_VERDICT = inserted(tables.verdicts)
_CHECKS = select(_C.asset_id, _C.name, _C.id).where(_C.asset_id.in_(WANTED))
_PUBLISH = update(tables.materializations).where(_M.id.in_(WANTED)).values(published=True)

_LATEST = (
    select(_V.materialization_id, func.max(_V.id).label("id"))
    .join(tables.checks, and_(_C.id == _V.check_id, _C.asset_id == bindparam("asset"), _C.name == bindparam("check")))
    .group_by(_V.materialization_id)
    .subquery()
)
_MEASURED = (
    select(_M.made_at, tables.partition_keys.c.text, _M.row_count, _V.metrics)
    .join(tables.partitions, _P.id == _M.partition_id)
    .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
    .outerjoin(_LATEST, _LATEST.c.materialization_id == _M.id)
    .outerjoin(tables.verdicts, _V.id == _LATEST.c.id)
    .where(_P.asset_id == bindparam("asset"), _M.environment_id == bindparam("environment"), _M.published)
    .order_by(_M.id.desc())
    .limit(bindparam("most"))
)
_NEWEST = (
    select(func.max(_M.id))
    .join(tables.partitions, _P.id == _M.partition_id)
    .where(_P.asset_id == bindparam("asset"), _M.environment_id == bindparam("environment"), _M.published)
)


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict to record, and the materialization that it is about."""

    verdict: Verdict
    materialization: int
    attempt: int


def record(
    connection: Connection,
    ids: Ids,
    said: Sequence[Said],
    partitions: Mapping[Partition, int],
    *,
    revision: int | None,
    at: int,
) -> None:
    """Write verdicts. ``revision`` is that of a transaction in which nothing else was recorded of these partitions."""
    if not said:
        return
    checks = _check_ids(connection, ids, {(s.verdict.partition.asset, s.verdict.check) for s in said})
    rows = []
    for id, each in enumerate(said, next_id(connection, tables.verdicts)):
        verdict = each.verdict
        rows.append(
            (
                id,
                checks[verdict.partition.asset, verdict.check],
                partitions[verdict.partition],
                packed(verdict.trace) or b"",
                each.materialization,
                each.attempt or None,
                codes.VERDICTS.code[verdict.status],
                codes.SEVERITIES.code[verdict.severity],
                clipped(verdict.message) if verdict.message else None,
                json_text(dict(verdict.metrics)) if verdict.metrics else None,
                clipped(verdict.sample) if verdict.sample else None,
                revision,
                at,
                span(verdict.seconds),
            )
        )
    _NEW_VERDICT.run(connection, rows)


def _check_ids(
    connection: Connection, ids: Ids, wanted: Collection[tuple[AssetKey, str]]
) -> dict[tuple[AssetKey, str], int]:
    assets = ids.assets(connection, {asset for asset, _ in wanted}, create=True)
    names = {id: asset for asset, id in assets.items()}
    known = {
        (names[asset], name): id
        for chunk in chunks(names)
        for asset, name, id in connection.execute(_CHECKS, {"wanted": chunk})
    }
    new = sorted(place for place in wanted if place not in known)
    numbered = list(enumerate(new, next_id(connection, tables.checks))) if new else []
    _NEW_CHECK.run(connection, [(id, assets[asset], name) for id, (asset, name) in numbered])
    return {**known, **{place: id for id, place in numbered}}


def publish(connection: Connection, materializations: Iterable[int]) -> None:
    """What was held back becomes current after all: the one change that a materialization's row ever sees."""
    for chunk in chunks(materializations):
        connection.execute(_PUBLISH, {"wanted": chunk})


def measured(
    connection: Connection, ids: Ids, environment: int | None, asset: AssetKey, check: str, most: int
) -> tuple[Measured, ...]:
    """The newest published versions of an asset's partitions, newest first."""
    known = ids.assets(connection, [asset])
    if environment is None or asset not in known:
        return ()
    given = {"asset": known[asset], "check": check, "environment": environment, "most": most}
    return tuple(
        Measured(at=instant(at), key=text, rows=rows, metrics=json.loads(metrics) if metrics else {})
        for at, text, rows, metrics in connection.execute(_MEASURED, given)
    )


def newest_published(connection: Connection, ids: Ids, environment: int | None, asset: AssetKey) -> int | None:
    """The id of the newest published materialization of any of an asset's partitions."""
    known = ids.assets(connection, [asset])
    if environment is None or asset not in known:
        return None
    newest: int | None = connection.execute(_NEWEST, {"asset": known[asset], "environment": environment}).scalar()
    return newest
