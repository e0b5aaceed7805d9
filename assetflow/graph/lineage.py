"""Who is made from whom, as a value that can be shown: between assets, or between exact versions of values."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assetflow.model.definition import Definition
from assetflow.model.html import preformatted
from assetflow.model.keys import AssetKey

__all__ = ["Edge", "Lineage", "Node", "between_assets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An asset, or one materialization of it."""

    #: ``group.name``; of a materialization its whole address.
    key: str
    kind: str
    #: What a person reads in a tree.
    label: str
    #: The further fields of its JSON object.
    fields: Mapping[str, Any] = field(default_factory=dict)  # JSON-able values


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``target`` was made from ``source``."""

    source: str
    target: str
    #: Whether the value is handed to the function, rather than only waited for (``deps``).
    loaded: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict)  # JSON-able values


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A piece of the graph, nodes and edges in a stable order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    #: Where a picture of it begins.
    roots: tuple[str, ...]
    up: bool = True
    down: bool = False

    def above(self) -> dict[str, list[str]]:
        """For each node what it was made from, in order."""
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge.source)
        return found

    def below(self) -> dict[str, list[str]]:
        """For each node what is made from it, in order."""
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge.target)
        return found

    def tree(self) -> list[str]:
        """From each root, a line a node; what was shown before is only named again."""
        if not self.nodes:
            return ["nothing"]
        labels = {node.key: node.label for node in self.nodes}
        directions = [
            (title, step)
            for title, shown, step in (
                ("made from:", self.up, self.above()),
                ("goes into:", self.down, self.below()),
            )
            if shown
        ]
        lines: list[str] = []
        for title, step in directions:
            if len(directions) > 1:
                lines.append(title)
            seen: set[str] = set()
            for root in self.roots:
                lines += _branch(root, step, labels, seen)
        return lines

    def __str__(self) -> str:
        """The tree that ``assetflow lineage`` shows."""
        return "\n".join(self.tree())

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def _branch(root: str, step: Mapping[str, list[str]], labels: Mapping[str, str], seen: set[str]) -> Iterator[str]:
    stack = [(root, "", "")]
    while stack:
        key, lead, indent = stack.pop()
        below = step.get(key, [])
        again = key in seen and below
        yield f"{lead}{labels[key]}{'  (above)' if again else ''}"
        if again:
            continue
        seen.add(key)
        for place, child in reversed(list(enumerate(below))):
            last = place == len(below) - 1
            stack.append((child, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"))


def between_assets(
    definitions: Mapping[AssetKey, Definition],
    start: Sequence[AssetKey],
    *,
    up: bool,
    down: bool,
    depth: int | None,
) -> Lineage:
    """The lineage of some assets, at most ``depth`` steps away; of none: the whole graph."""
    consumers: dict[AssetKey, list[AssetKey]] = {key: [] for key in definitions}
    for key in sorted(definitions):
        for edge in definitions[key].inputs:
            consumers.setdefault(edge.asset, []).append(key)

    def producers(key: AssetKey) -> Iterable[AssetKey]:
        return (edge.asset for edge in definitions[key].inputs) if key in definitions else ()

    if not start:
        above, below = set(definitions), set(definitions)
    else:
        above = _reached(start, producers, depth) if up else set(start)
        below = _reached(start, lambda key: consumers.get(key, ()), depth) if down else set(start)
    kept = (above | below) & set(definitions)
    edges = [
        _edge(definitions[target], edge)
        for target in sorted(kept)
        for edge in definitions[target].inputs
        if edge.asset in kept and ({edge.asset, target} <= above or {edge.asset, target} <= below)
    ]
    roots = [str(key) for key in start] or _ends(kept, edges)
    return Lineage(
        nodes=tuple(_node(definitions[key]) for key in sorted(kept)),
        edges=tuple(edges),
        roots=tuple(roots),
        up=up,
        down=down,
    )


def _reached(
    start: Sequence[AssetKey], step: Callable[[AssetKey], Iterable[AssetKey]], depth: int | None
) -> set[AssetKey]:
    found = dict.fromkeys(start, 0)
    waiting = deque(start)
    while waiting:
        key = waiting.popleft()
        if depth is not None and found[key] >= depth:
            continue
        for other in step(key):
            if other not in found:
                found[other] = found[key] + 1
                waiting.append(other)
    return set(found)


def _ends(kept: set[AssetKey], edges: Sequence[Edge]) -> list[str]:
    """What nothing in the picture is made from: where a tree that looks upwards begins."""
    read = {edge.source for edge in edges}
    return [str(key) for key in sorted(kept) if str(key) not in read]


def _node(definition: Definition) -> Node:
    detail = definition.type or ("source" if definition.kind == "source" else "")
    label = f"{definition.key}" + (f"  {detail}" if detail else "")
    fields = {
        "type": definition.type or None,
        "partitioning": definition.partitioning,
        "where": definition.where,
        "description": definition.description,
    }
    return Node(key=str(definition.key), kind=str(definition.kind), label=label, fields=fields)


def _edge(target: Definition, edge: Any) -> Edge:  # a model Input; the name Edge is taken here
    fields = {
        "input": edge.parameter or None,
        "type": edge.type or None,
        "columns": list(edge.columns) if edge.columns is not None else None,
        "mapping": edge.mapping.text,
    }
    return Edge(source=str(edge.asset), target=str(target.key), loaded=edge.loaded, fields=fields)
