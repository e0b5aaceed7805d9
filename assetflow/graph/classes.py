"""Which columns hold which kinds of secrets: what is said of some, carried along column lineage to all others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assetflow.errors import PromiseError
from assetflow.graph.columns import WHOLE, ColumnAddress
from assetflow.model.definition import Definition
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Role

__all__ = ["PUBLIC", "Holds", "classified", "leaks"]

#: The tag of what everybody may see.
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Holds:
    """That a column holds a kind of secret."""

    name: str
    #: The column whose classification was carried here; itself, where it is said of it.
    of: ColumnAddress
    #: Whether it is known to be made of that one, and not only to come from a function that read it.
    sure: bool

    def __str__(self) -> str:
        return self.name if self.sure else f"{self.name}?"


def classified(definitions: Mapping[AssetKey, Definition]) -> dict[ColumnAddress, tuple[Holds, ...]]:
    """What every column holds that holds anything; a value that is no table stands as a whole.

    Values carry it, not what only filters, joins or orders. From a function of which nothing says what it makes of the
    columns that it reads, every column may hold what they do; one of the same name does. A column that says
    itself what it holds takes over nothing.
    """
    found: dict[ColumnAddress, dict[str, Holds]] = {}
    readers: dict[AssetKey, list[ColumnEdge]] = {}
    for definition in definitions.values():
        for edge in definition.lineage:
            if edge.role is Role.VALUE and edge.reason != "deps":
                readers.setdefault(edge.source, []).append(edge)
    waiting: deque[ColumnAddress] = deque()
    for key, definition in definitions.items():
        for column in definition.columns:
            if column.classes:
                at = ColumnAddress(key, column.name)
                found[at] = {name: Holds(name, at, True) for name in column.classes}
                waiting.append(at)
    while waiting:
        at = waiting.popleft()
        for edge in readers.get(at.asset, ()):
            if not _reads(edge, at):
                continue
            for into, sure in _into(edge, at, definitions[edge.target]):
                held = found.setdefault(into, {})
                for name, holds in found[at].items():
                    known = held.get(name)
                    if known is None or (holds.sure and sure and not known.sure):
                        held[name] = Holds(name, holds.of, holds.sure and sure)
                        waiting.append(into)
    return {at: tuple(held[name] for name in sorted(held)) for at, held in sorted(found.items()) if held}


def _reads(edge: ColumnEdge, at: ColumnAddress) -> bool:
    if not edge.column:
        # Of a query: rows that are counted. Of a function: whatever it makes of the whole.
        return not edge.into
    if at.column == WHOLE:
        return True
    own, read = at.column.split("."), edge.column.split(".")
    return own[: len(read)] == read[: len(own)]


def _into(edge: ColumnEdge, at: ColumnAddress, target: Definition) -> Iterator[tuple[ColumnAddress, bool]]:
    """The columns that the edge leads to, and whether it is known that it does."""
    silent = [column.name for column in target.columns if column.classes is None]
    if edge.into:
        if edge.into in silent or not any(column.name == edge.into for column in target.columns):
            yield ColumnAddress(target.key, edge.into), True
    elif target.columns:
        explained = {each.into for each in target.lineage if each.into}
        for name in silent:
            if name not in explained:
                yield ColumnAddress(target.key, name), name == at.column
    else:
        yield ColumnAddress(target.key, WHOLE), False


def leaks(definitions: Mapping[AssetKey, Definition]) -> Iterator[PromiseError]:
    """The assets tagged public that hold, or may hold, what is classified."""
    if not any(column.classes for definition in definitions.values() for column in definition.columns):
        return
    found: dict[AssetKey, list[tuple[ColumnAddress, Holds]]] = {}
    for at, held in classified(definitions).items():
        if PUBLIC in definitions[at.asset].tags:
            found.setdefault(at.asset, []).extend((at, holds) for holds in held)
    for key, all_of_it in found.items():
        sure = any(holds.sure for _, holds in all_of_it)
        told = "; ".join(_told(at, holds) for at, holds in all_of_it[:4])
        more = f" (and {len(all_of_it) - 4} more)" if len(all_of_it) > 4 else ""
        hint = (
            "leave it out; or mark the column Classified(), where what it holds is nobody's secret any more"
            if sure
            else "say what its columns are made of, columns={…}; or read fewer; or mark the column Classified()"
        )
        where = [f"{key}   {definitions[key].where}"]
        yield PromiseError("public-secret", f"{key} is tagged {PUBLIC}, and {told}{more}", where=where, hint=hint)


def _told(at: ColumnAddress, holds: Holds) -> str:
    what = "it" if at.column == WHOLE else at.column
    how = "holds" if holds.sure else "may hold"
    return f"{what} {how} {holds.name}" + ("" if holds.of == at else f" of {holds.of}")
