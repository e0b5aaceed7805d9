"""Column lineage between assets, as a value that can be shown: up to what a column is made from, down to what is made
from it. The rows of an asset are a node of their own, as what filters or groups them decides about every column.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assetflow.errors import UsageError, nearest
from assetflow.graph.names import key_named
from assetflow.model.definition import Definition
from assetflow.model.html import preformatted
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Evidence, Role

__all__ = [
    "ROWS",
    "WHOLE",
    "ColumnAddress",
    "ColumnLineage",
    "between_columns",
    "column_named",
    "column_or_asset",
    "columns_of",
]


class ColumnAddress(NamedTuple):
    """A column of an asset; of a struct a field: ``address.city``."""

    asset: AssetKey
    #: :data:`ROWS` are its rows, whatever they hold; :data:`WHOLE` all there is of it.
    column: str

    def __str__(self) -> str:
        match self.column:
            case "":
                return f"{self.asset} (rows)"
            case "*":
                return str(self.asset)
            case _:
                return f"{self.asset}.{self.column}"


#: In the place of a column.
ROWS, WHOLE = "", "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLineage:
    """Edges between columns, in a stable order."""

    edges: tuple[ColumnEdge, ...]
    #: Where a picture of it begins.
    roots: tuple[ColumnAddress, ...]
    up: bool = True
    down: bool = False
    #: Steps that are shown; None: all.
    depth: int | None = None

    def tree(self) -> list[str]:
        """From each root, a line a column; what was shown before is only named again."""
        directions = [(title, up) for title, up in (("made from:", True), ("goes into:", False)) if self._shown(up)]
        lines: list[str] = []
        for title, up in directions:
            if len(directions) > 1:
                lines.append(title)
            walk = _Walk(self.edges, up=up)
            seen: set[ColumnAddress] = set()
            for root in self.roots:
                lines += self._branch(root, walk, seen)
        return lines or ["nothing"]

    def _shown(self, up: bool) -> bool:
        return self.up if up else self.down

    def _branch(self, root: ColumnAddress, walk: _Walk, seen: set[ColumnAddress]) -> Iterator[str]:
        stack: list[tuple[ColumnAddress, str, str, str, int]] = [(root, "", "", "", 0)]
        while stack:
            at, note, lead, indent, steps = stack.pop()
            more = walk.beside(at) if self.depth is None or steps < self.depth else []
            again = at in seen and bool(more)
            yield f"{lead}{at}{note}{'  (above)' if again else ''}"
            if again:
                continue
            seen.add(at)
            for place, (other, edges) in reversed(list(enumerate(more))):
                last = place == len(more) - 1
                lead_, rest = ("└─ ", "   ") if last else ("├─ ", "│  ")
                stack.append((other, _note(edges), f"{indent}{lead_}", f"{indent}{rest}", steps + bool(edges)))

    def __str__(self) -> str:
        """The tree that ``assetflow lineage --columns`` shows."""
        return "\n".join(self.tree())

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def _note(edges: Sequence[ColumnEdge]) -> str:
    """What a column does for what is made from it, and how we know where that is not proved."""
    roles = sorted({edge.role.value for edge in edges if edge.role is not Role.VALUE})
    known = sorted({edge.evidence.value for edge in edges if edge.evidence is not Evidence.SQL})
    reasons = sorted({edge.reason for edge in edges if edge.reason})
    text = f"  [{', '.join([*roles, *known])}]" if roles or known else ""
    return text + (f"  {'; '.join(reasons)}" if reasons else "")


class _Walk:
    """Steps from column to column, one way."""

    def __init__(self, edges: Iterable[ColumnEdge], *, up: bool) -> None:
        self._up = up
        self._edges: dict[AssetKey, list[ColumnEdge]] = {}
        for edge in edges:
            self._edges.setdefault(edge.target if up else edge.source, []).append(edge)

    def beside(self, at: ColumnAddress) -> list[tuple[ColumnAddress, list[ColumnEdge]]]:
        """What is one step away, with the edges between; of a column also the rows of its asset, without an edge."""
        found: dict[ColumnAddress, list[ColumnEdge]] = {}
        rows = False
        for edge in self._edges.get(at.asset, ()):
            source, target = _ends(edge)
            here, there = (target, source) if self._up else (source, target)
            if at.column == WHOLE or _touch(here.column, at.column) or (not self._up and self._passes(here, at)):
                found.setdefault(there, []).append(edge)
            elif self._up and here.column in {ROWS, WHOLE}:
                rows = True
        behind = [(ColumnAddress(at.asset, ROWS), list[ColumnEdge]())] if rows and at.column != ROWS else []
        return [*found.items(), *behind]

    def _passes(self, here: ColumnAddress, at: ColumnAddress) -> bool:
        """Downwards, other rows are other values of every column, and who reads the whole reads each column."""
        return at.column == ROWS or here.column == WHOLE


def _ends(edge: ColumnEdge) -> tuple[ColumnAddress, ColumnAddress]:
    whole = ROWS if edge.evidence is Evidence.SQL else WHOLE
    return ColumnAddress(edge.source, edge.column or whole), ColumnAddress(edge.target, edge.into or ROWS)


def _touch(end: str, column: str) -> bool:
    """Whether two names are of one column: a struct is its fields."""
    return end == column or bool(
        end and column and (f"{end}.".startswith(f"{column}.") or f"{column}.".startswith(f"{end}."))
    )


def between_columns(
    definitions: Mapping[AssetKey, Definition],
    start: ColumnAddress | None,
    *,
    up: bool,
    down: bool,
    depth: int | None,
) -> ColumnLineage:
    """The column lineage of a column or a whole asset, at most ``depth`` steps away; of none: all there is."""
    every = sorted(edge for definition in definitions.values() for edge in definition.lineage)
    if start is None:
        read = {edge.source for edge in every}
        ends = [root for key in sorted(definitions) if key not in read for root in _roots(definitions[key])]
        return ColumnLineage(edges=tuple(every), roots=tuple(ends), depth=depth)
    kept: set[ColumnEdge] = set()
    for shown, towards in ((up, True), (down, False)):
        if shown:
            kept |= _reached(start, _Walk(every, up=towards), depth)
    whole = start.column == WHOLE and start.asset in definitions
    roots = _roots(definitions[start.asset]) if whole else (start,)
    return ColumnLineage(edges=tuple(sorted(kept)), roots=roots, up=up, down=down, depth=depth)


def _roots(definition: Definition) -> tuple[ColumnAddress, ...]:
    """The columns of an asset that are known; of one without any, the asset."""
    names = dict.fromkeys([*columns_of(definition), *(edge.into for edge in definition.lineage if edge.into)])
    return tuple(ColumnAddress(definition.key, name) for name in names) or (ColumnAddress(definition.key, WHOLE),)


def _reached(start: ColumnAddress, walk: _Walk, depth: int | None) -> set[ColumnEdge]:
    kept: set[ColumnEdge] = set()
    steps = {start: 0}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        if depth is not None and steps[at] >= depth:
            continue
        for other, edges in walk.beside(at):
            kept.update(edges)
            if other not in steps:
                steps[other] = steps[at] + bool(edges)
                waiting.append(other)
    return kept


def columns_of(definition: Definition) -> tuple[str, ...]:
    """The columns that an asset is known to have."""
    return tuple(column.name for column in definition.columns)


def column_named(name: str, definitions: Mapping[AssetKey, Definition]) -> ColumnAddress | None:
    """The column that ``group.asset.column`` or ``asset.column`` means; None where no asset is named so.

    Raises UsageError ``unknown-column`` where an asset is, and has no such column.
    """
    parts = name.split(".")
    for length in (2, 1):
        head, rest = parts[:length], ".".join(parts[length:])
        keys = [key for key in sorted(definitions) if ([*key] if length == 2 else [key.name]) == head]
        if not rest or len(keys) != 1:
            continue
        known = columns_of(definitions[keys[0]])
        if known and parts[length] not in known:
            hint = nearest(parts[length], known) or f"it has {', '.join(known[:10])}"
            raise UsageError("unknown-column", f"{keys[0]} has no column {parts[length]!r}", hint=hint)
        return ColumnAddress(keys[0], rest)
    return None


def column_or_asset(name: str, definitions: Mapping[AssetKey, Definition]) -> ColumnAddress:
    """The column that a text names, or all of the asset. Raises UsageError ``unknown-asset``, ``ambiguous-asset``,
    ``unknown-column``.
    """
    named = any(name == str(key) for key in definitions)
    found = None if named else column_named(name, definitions)
    return found or ColumnAddress(key_named(name, definitions), WHOLE)
