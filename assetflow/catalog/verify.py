"""Whether the catalog agrees with itself. What its blobs hold is for who knows the store to check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Select, and_, func, or_, select

from assetflow.catalog import codes, sqlite, tables
from assetflow.catalog.faults import decoding
from assetflow.catalog.records import Problem
from assetflow.errors import CatalogError
from assetflow.model.journal import RunStatus
from assetflow.model.keys import AssetKey

if TYPE_CHECKING:
    from assetflow.catalog.catalog import Catalog

__all__ = ["problems"]

#: At most so many of one kind are told.
MOST = 100
_RESTORE = "restore a backup: this is damage, or a mistake in assetflow"

_M, _P, _E, _T = tables.materializations.c, tables.partitions.c, tables.edges.c, tables.pointers.c
_LATER = tables.pointers.alias("later").c
_UPSTREAM = tables.materializations.alias("upstream")


class Rule(NamedTuple):
    """Something that must not be, as the materializations where it is."""

    code: str
    message: str
    broken: Select[*tuple[Any, ...]]


_RULES = (
    Rule(
        "overlapping-pointers",
        "two materializations are current at once",
        select(_T.materialization_id).where(
            _T.environment_id == _LATER.environment_id,
            _T.partition_id == _LATER.partition_id,
            _T.from_revision < _LATER.from_revision,
            or_(_T.to_revision.is_(None), _T.to_revision > _LATER.from_revision),
        ),
    ),
    Rule(
        "gap-in-pointers",
        "something was current before and after it, but nothing between",
        select(_T.materialization_id).where(
            _T.to_revision.is_not(None),
            ~select(_LATER.from_revision)
            .where(
                _T.environment_id == _LATER.environment_id,
                _T.partition_id == _LATER.partition_id,
                _T.to_revision == _LATER.from_revision,
            )
            .exists(),
        ),
    ),
    Rule(
        "strange-pointer",
        "it is current under another partition",
        select(_M.id)
        .join(tables.pointers, _T.materialization_id == _M.id)
        .join(tables.partitions, _P.id == _T.partition_id)
        .where(or_(_T.partition_id != _M.partition_id, _T.asset_id != _P.asset_id)),
    ),
    Rule(
        "unpublished-pointer",
        "it was held back and yet was current",
        select(_M.id).join(tables.pointers, _T.materialization_id == _M.id).where(~_M.published),
    ),
    Rule(
        "value-nowhere",
        "no blob and no place is recorded for this table",
        select(_M.id).where(_M.blob_id.is_(None), _M.inline.is_(None), _M.uri.is_(None), _M.row_count.is_not(None)),
    ),
    Rule(
        "dead-blob",
        "it is current and its bytes were given up",
        select(_M.id)
        .join(tables.blobs, tables.blobs.c.id == _M.blob_id)
        .join(tables.pointers, and_(_T.materialization_id == _M.id, _T.to_revision.is_(None)))
        .where(tables.blobs.c.state != codes.BLOB_STATES.code[codes.BlobState.LIVE]),
    ),
    Rule(
        "recorded-twice",
        "one attempt recorded it twice",
        select(func.max(_M.id))
        .where(_M.attempt_id.is_not(None))
        .group_by(_M.attempt_id, _M.partition_id)
        .having(func.count() > 1),
    ),
    Rule(
        "bad-digest",
        "a digest is missing or of the wrong length",
        select(_M.id).where(
            or_(
                func.length(_M.data) != 16,
                func.length(_M.trace) != 16,
                and_(_M.attempt_id.is_not(None), or_(_M.trace.is_(None), _M.recipe_id.is_(None))),
            )
        ),
    ),
    Rule(
        "wrong-edge",
        "an input is not of the asset that its edge names",
        select(_E.materialization_id)
        .join(_UPSTREAM, _UPSTREAM.c.id == _E.member_id)
        .join(tables.partitions, _P.id == _UPSTREAM.c.partition_id)
        .where(_P.asset_id != _E.asset_id),
    ),
)


def problems(catalog: Catalog) -> tuple[Problem, ...]:
    """Everything that must not be, 100 of a kind at most. A sound catalog has none."""
    with catalog.database.driver() as connection:
        found = [Problem(code="catalog-damaged", message=text, hint=_RESTORE) for text in sqlite.integrity(connection)]
    try:
        with catalog.database.reading() as reading, decoding(catalog.database.where):
            assets = catalog.ids.asset_keys(reading)
            for rule in _RULES:
                found += _broken(reading, assets, rule)
            found += _astray(reading)
    except CatalogError as error:
        found.append(Problem(code=error.code, message=error.message, hint=error.hint))
    return tuple(found)


def _broken(connection: Connection, assets: Mapping[int, AssetKey], rule: Rule) -> Iterator[Problem]:
    rows = connection.execute(
        select(_P.asset_id, tables.partition_keys.c.text, _M.version)
        .join(tables.partitions, _P.id == _M.partition_id)
        .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
        .where(_M.id.in_(rule.broken))
        .order_by(_M.id)
        .limit(MOST)
    )
    for asset, key, version in rows:
        yield Problem(
            code=rule.code,
            message=rule.message,
            key=str(assets[asset]),
            partition=key,
            version=version,
            hint=_RESTORE,
        )


def _astray(connection: Connection) -> Iterator[Problem]:
    """What is wrong with no materialization in particular."""
    counter = select(tables.counters.c.value).where(tables.counters.c.name == tables.REVISION)
    last = connection.execute(select(func.max(tables.revisions.c.id))).scalar() or 0
    if last != connection.execute(counter).scalar():
        yield Problem(code="revision-counter", message="the revision counter is not the last revision", hint=_RESTORE)
    running = codes.RUN_STATUSES.code[RunStatus.RUNNING]
    held = (
        select(tables.leases.c.run_id)
        .join(tables.runs, tables.runs.c.id == tables.leases.c.run_id)
        .where(tables.runs.c.status != running)
    )
    for run in connection.execute(held.distinct().limit(MOST)).scalars():
        yield Problem(code="lease-of-ended-run", message=f"run {run} ended and still holds leases", hint=_RESTORE)
