"""Memos: what the last ``materialize`` proved about each node, so that the next plan need not prove it again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select

from assetflow.catalog import tables
from assetflow.catalog.encoding import hexed, instant, json_text, micros, packed
from assetflow.catalog.ids import Ids
from assetflow.catalog.statements import Prepared, inserted, key
from assetflow.model.history import KeyCount, Memo
from assetflow.model.keys import AssetKey

__all__ = ["read_memos", "write_memos"]

_T = tables.memos.c
_MEMOS = select(_T.asset_id, _T.definition, _T["keys"], _T.expires_at, _T.revision, _T.exceptions).where(
    _T.environment_id == bindparam("environment")
)
_NEW = inserted(tables.memos)
_OLD = Prepared(
    delete(tables.memos).where(_T.environment_id == key("environment"), _T.asset_id == key("asset")),
    "k_environment",
    "k_asset",
)


def read_memos(connection: Connection, environment: int | None, assets: Mapping[int, AssetKey]) -> dict[AssetKey, Memo]:
    """All memos of an environment, by node."""
    return {
        assets[asset]: Memo(
            definition=hexed(definition),
            keys=_counts(keys),
            expires_at=None if expires is None else instant(expires),
            revision=revision,
            exceptions=frozenset(json.loads(exceptions)) if exceptions else frozenset(),
        )
        for asset, definition, keys, expires, revision, exceptions in connection.execute(
            _MEMOS, {"environment": environment}
        )
    }


def _counts(stored: bytes) -> tuple[KeyCount, ...]:
    """Counts and digests of keys; none, which matches nothing, where an older assetflow wrote something else."""
    try:
        return tuple((count, digest) for count, digest in json.loads(stored))
    except (ValueError, TypeError):
        return ()


def write_memos(connection: Connection, ids: Ids, environment: int, memos: Mapping[AssetKey, Memo]) -> int:
    """Replace the memos that differ from the recorded ones, never by those of an older snapshot; how many did."""
    known = read_memos(connection, environment, ids.asset_keys(connection))
    changed = {
        node: memo
        for node, memo in memos.items()
        if (old := known.get(node)) is None or (old != memo and old.revision <= memo.revision)
    }
    assets = ids.assets(connection, changed, create=True)
    _OLD.run(connection, [(environment, assets[node]) for node in changed if node in known])
    _NEW.run(
        connection,
        [
            (
                environment,
                assets[node],
                packed(memo.definition) or b"",
                json_text(memo.keys).encode(),
                None if memo.expires_at is None else micros(memo.expires_at),
                memo.revision,
                json_text(sorted(memo.exceptions)) if memo.exceptions else None,
            )
            for node, memo in changed.items()
        ],
    )
    return len(changed)
