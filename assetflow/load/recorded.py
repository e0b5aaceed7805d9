"""What earlier runs recorded of assets, asked for as far as it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge
from assetflow.sql.query import Columns

__all__ = ["NOTHING", "Recorded"]


class Recorded(NamedTuple):
    """How to ask."""

    #: The columns that tables were last made with, of those of which these are known.
    columns: Callable[[Sequence[AssetKey]], Mapping[AssetKey, Columns]]
    #: What the columns of an asset are made of, where its values proved it: by version of its code.
    derivations: Callable[[AssetKey], Mapping[str, tuple[ColumnEdge, ...]]]


NOTHING = Recorded(lambda _: {}, lambda _: {})
