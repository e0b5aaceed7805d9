"""Column lineage as values: which columns a value is made from, in which role, and how we know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assetflow.model.keys import AssetKey

__all__ = ["ColumnEdge", "Evidence", "Role"]


class Evidence(StrEnum):
    """How an edge is known."""

    #: Proved from the query that is run.
    SQL = "sql"
    #: Said by the project: by a row model, ``In(columns=…)``, or ``columns={…}``.
    DECLARED = "declared"
    #: Not known; the edge stands for the whole asset.
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a column does for what is made from it."""

    #: Its values go into those of a column.
    VALUE = "value"
    #: It decides which rows there are.
    FILTER = "filter"
    JOIN = "join"
    GROUP = "group"
    #: It decides in which order the rows stand, or which come first.
    ORDER = "order"
    #: It decides which rows a window function sees.
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ColumnEdge:
    """One column, or one asset, from which a column or an asset is made."""

    source: AssetKey
    #: ``amount``, or of a struct ``address.city``; empty: the whole asset.
    column: str = ""
    target: AssetKey
    #: The column made; empty: the whole asset.
    into: str = ""
    role: Role = Role.VALUE
    evidence: Evidence
    #: Why no more is known.
    reason: str = ""
