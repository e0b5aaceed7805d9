"""What a query's columns are made of, as edges of column lineage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Evidence, Role
from assetflow.sql.query import Source

__all__ = ["proved_edges"]

_COUNTED = "its rows are counted"


def proved_edges(
    key: AssetKey,
    names: Iterable[str],
    sources: Iterable[Iterable[Source]],
    uses: Iterable[tuple[Role, Source]],
    read: Sequence[AssetKey],
) -> tuple[ColumnEdge, ...]:
    """The edges of a query that was followed: from where the values of each column that it gives come, and what decides
    about its rows. Of an asset that is ``read`` and in none of these, only the rows count.
    """
    edges = {
        ColumnEdge(
            source=one.asset,
            column=one.column,
            target=key,
            into=name,
            evidence=Evidence.SQL,
            reason="" if one.column else _COUNTED,
        )
        for name, of in zip(names, sources, strict=True)
        for one in of
    }
    edges |= {
        ColumnEdge(source=one.asset, column=one.column, target=key, role=role, evidence=Evidence.SQL)
        for role, one in uses
        if one.column
    }
    silent = [asset for asset in read if not any(edge.source == asset for edge in edges)]
    edges |= {
        ColumnEdge(source=asset, target=key, role=Role.JOIN, evidence=Evidence.SQL, reason="only its rows count")
        for asset in silent
    }
    return tuple(sorted(edges))
