"""What the columns of values are made of, where the values prove it: by asset and version of its code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from assetflow.catalog import tables
from assetflow.catalog.encoding import json_text
from assetflow.catalog.ids import Ids
from assetflow.catalog.statements import WANTED, Prepared, chunks, inserted, key
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Evidence, Role

__all__ = ["as_edges", "as_rows", "derivations", "derive"]

_D = tables.derivations.c
_KNOWN = select(_D.edges).where(_D.asset_id == bindparam("asset"), _D.code == bindparam("code"))
_OF = select(_D.asset_id, _D.code, _D.edges).where(_D.asset_id.in_(WANTED))
_GONE = Prepared(
    delete(tables.derivations).where(_D.asset_id == key("asset"), _D.code == key("code")), "k_asset", "k_code"
)
_NEW = inserted(tables.derivations)


def as_rows(edges: Iterable[ColumnEdge]) -> list[list[Any]]:
    """Edges into one asset as JSON."""
    return [
        [[*e.source], e.column, e.into, e.role.value, e.evidence.value, *([e.reason] if e.reason else [])]
        for e in edges
    ]


def as_edges(target: AssetKey, rows: Iterable[Sequence[Any]]) -> tuple[ColumnEdge, ...]:
    """What :func:`as_rows` gave."""
    return tuple(
        ColumnEdge(
            source=AssetKey(*source),
            column=column,
            target=target,
            into=into,
            role=Role(role),
            evidence=Evidence(evidence),
            reason="".join(reason),
        )
        for source, column, into, role, evidence, *reason in rows
    )


def derive(connection: Connection, ids: Ids, told: Mapping[tuple[AssetKey, str], tuple[ColumnEdge, ...]]) -> None:
    """Record what was told of assets and versions of their code, in place of what was before."""
    if not told:
        return
    assets = ids.assets(connection, {asset for asset, _ in told}, create=True)
    for (asset, code), edges in told.items():
        text, place = json_text(as_rows(edges)), (assets[asset], code)
        if connection.execute(_KNOWN, {"asset": place[0], "code": code}).scalar() != text:
            _GONE.run(connection, [place])
            _NEW.run(connection, [(*place, text)])


def derivations(
    connection: Connection, ids: Ids, wanted: Iterable[AssetKey]
) -> dict[AssetKey, dict[str, tuple[ColumnEdge, ...]]]:
    """What was told of these assets, by version of their code."""
    names = {id: asset for asset, id in ids.assets(connection, wanted).items()}
    found: dict[AssetKey, dict[str, tuple[ColumnEdge, ...]]] = {}
    for chunk in chunks(names):
        for id, code, edges in connection.execute(_OF, {"wanted": chunk}):
            found.setdefault(names[id], {})[code] = as_edges(names[id], json.loads(edges))
    return found
