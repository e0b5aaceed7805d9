"""What a change of an asset or of a column would reach: by columns where they are known, else as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from assetflow.graph.columns import WHOLE, ColumnAddress, between_columns
from assetflow.model.definition import Definition
from assetflow.model.html import preformatted
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Evidence

__all__ = ["HEADINGS", "Impact", "Reached", "impact_of"]

#: Of :meth:`Impact.rows`.
HEADINGS = ("asset", "columns", "checks", "owners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """An asset that a change would reach."""

    asset: AssetKey
    #: The columns whose values may change; empty: all there are, or which rows there are.
    columns: tuple[str, ...]
    #: Whether it is not known that it is reached, only that it may be.
    unknown: bool
    #: Its checks, and those of other assets that read it.
    checks: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a change would reach, in order of keys; the asset itself comes first, for its own checks."""

    of: ColumnAddress
    reached: tuple[Reached, ...]

    @property
    def owners(self) -> tuple[str, ...]:
        """Everyone who owns something that is reached."""
        return tuple(sorted({owner for each in self.reached for owner in each.owners}))

    def rows(self) -> list[list[str]]:
        """For people: asset, columns, checks and owners of each that is reached."""
        return [
            [
                f"{each.asset}{' (may be)' if each.unknown else ''}",
                ", ".join(each.columns) or "all",
                ", ".join(each.checks),
                ", ".join(each.owners),
            ]
            for each in self.reached
        ]

    def __str__(self) -> str:
        rows = [list(HEADINGS), *self.rows()]
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        return "\n".join(
            "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def impact_of(definitions: Mapping[AssetKey, Definition], of: ColumnAddress) -> Impact:
    """Follow a change down, through columns where these are known."""
    found = between_columns(definitions, of, up=False, down=True, depth=None)
    columns: dict[AssetKey, set[str]] = {}
    sure = {of.asset}
    waiting = deque([of.asset])
    for edge in found.edges:
        columns.setdefault(edge.target, set()).add(edge.into)
    while waiting:  # reached over known edges alone
        at = waiting.popleft()
        for edge in found.edges:
            if edge.source == at and edge.evidence is not Evidence.UNKNOWN and edge.target not in sure:
                sure.add(edge.target)
                waiting.append(edge.target)
    own = {of.asset: {"" if of.column == WHOLE else of.column}}
    reached = [
        Reached(
            asset=key,
            columns=() if "" in names else tuple(sorted(names)),
            unknown=key not in sure,
            checks=_checks(definitions, key),
            owners=definitions[key].owners,
        )
        for key, names in [*own.items(), *sorted(columns.items())]
        if key in definitions
    ]
    return Impact(of=of, reached=tuple(reached))


def _checks(definitions: Mapping[AssetKey, Definition], key: AssetKey) -> tuple[str, ...]:
    """The checks of an asset, and those of others that read it."""
    own = [check.name for check in definitions[key].checks]
    others = [
        f"{other}:{check.name}"
        for other, definition in sorted(definitions.items())
        for check in definition.checks
        if other != key and key in check.reads
    ]
    return (*own, *others)
