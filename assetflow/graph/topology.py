"""Which node makes what, which reads what, and an order in which every input comes before its readers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from assetflow.errors import DefinitionError
from assetflow.graph.loops import cycle_error, cycles
from assetflow.graph.names import ambiguous, unknown
from assetflow.model.definition import Definition, Kind, Node
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import reads_past

__all__ = ["Graph"]

_Value = TypeVar("_Value", Node, Definition)


class Graph:
    """The assets of a project and how they depend on each other. Immutable.

    Nodes are what runs (a function with all its outputs) or is observed (a source); assets are what they make. Both
    are named by an AssetKey, equal but for multi-assets: ``nodes`` and everything that takes or gives nodes is by
    node key, ``definitions`` by asset key. Raises DefinitionError ``cyclic-assets`` (the first loop),
    ``duplicate-asset`` and ``unknown-input`` where the values given do not make a graph; loading finds these first and
    reports them with more detail.
    """

    __slots__ = (
        "_bare",
        "_consumers",
        "_maker",
        "_producers",
        "_readers",
        "_view_readers",
        "definitions",
        "nodes",
        "order",
        "views",
    )

    def __init__(
        self,
        nodes: Iterable[Node] | Mapping[AssetKey, Node],
        definitions: Iterable[Definition] | Mapping[AssetKey, Definition] = (),
    ) -> None:
        #: By node key, sorted.
        self.nodes: Mapping[AssetKey, Node] = MappingProxyType(_by_key(nodes))
        #: By asset key, sorted.
        self.definitions: Mapping[AssetKey, Definition] = MappingProxyType(_by_key(definitions))
        self._maker = _makers(self.nodes)
        #: Assets that have no node, as they are never made: what reads them has the inputs that they have.
        self.views: frozenset[AssetKey] = frozenset(
            key for key, one in self.definitions.items() if one.kind is Kind.VIEW and key not in self._maker
        )
        self._view_readers: dict[AssetKey, list[AssetKey]] | None = None
        self._producers = _producers(self.nodes, self._maker)
        consumers: dict[AssetKey, list[AssetKey]] = {key: [] for key in self.nodes}
        for key, producers in self._producers.items():
            for producer in producers:
                consumers[producer].append(key)
        self._consumers = {key: tuple(found) for key, found in consumers.items()}
        self._readers: dict[AssetKey, tuple[AssetKey, ...]] | None = None
        self._bare: dict[str, tuple[AssetKey, ...]] | None = None
        #: Node keys: every input comes before its readers, ties by key. Equal graphs have equal orders.
        self.order: tuple[AssetKey, ...] = self._ordered()

    def __repr__(self) -> str:
        return f"Graph({len(self.nodes)} nodes, {len(self._maker)} assets)"

    @property
    def assets(self) -> Iterable[AssetKey]:
        """All assets, sorted."""
        return self._maker.keys()

    def node_of(self, asset: AssetKey) -> Node:
        """The node that makes an asset. KeyError where there is no such asset."""
        return self.nodes[self._maker[asset]]

    def producers(self, node: AssetKey) -> tuple[AssetKey, ...]:
        """The nodes that a node, or a check of it, reads from directly, sorted; not itself, where it reads its past."""
        return self._producers[node]

    def consumers(self, node: AssetKey) -> tuple[AssetKey, ...]:
        """The nodes that read from a node directly, themselves or with a check, sorted."""
        return self._consumers[node]

    def readers(self, asset: AssetKey) -> tuple[AssetKey, ...]:
        """The nodes that read this very asset, sorted; of a multi-asset's outputs each has its own readers."""
        if self._readers is None:
            readers: dict[AssetKey, list[AssetKey]] = {key: [] for key in self._maker}
            for key, node in self.nodes.items():
                for read in {edge.asset: None for edge in node.inputs}:
                    readers[read].append(key)
            self._readers = {key: tuple(found) for key, found in readers.items()}
        return self._readers[asset]

    def upstream(self, nodes: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """The nodes given and all that they need, at most ``depth`` edges away (None: any distance)."""
        return _reached(nodes, self._producers.__getitem__, depth)

    def downstream(self, nodes: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """The nodes given and all that need them, at most ``depth`` edges away (None: any distance)."""
        return _reached(nodes, self._consumers.__getitem__, depth)

    def upstream_assets(self, assets: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """The assets given and those that they are made from: of a multi-asset only the outputs that are read."""
        return _reached(assets, self._reads, depth)

    def _reads(self, asset: AssetKey) -> list[AssetKey]:
        """What an asset reads directly: of what it reads through views both."""
        made = [] if asset in self.views else [edge.asset for edge in self.node_of(asset).inputs]
        if not self.views:
            return made
        said = self.definitions[asset].inputs if asset in self.definitions else ()
        return [*made, *(edge.asset for edge in said if asset in self.views or edge.asset in self.views)]

    def downstream_assets(self, assets: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """The assets given and those made from them: of a multi-asset only the readers of these outputs count."""
        return _reached(
            assets,
            lambda asset: [
                *self._readers_of_view(asset),
                *(
                    output
                    for reader in (() if asset in self.views else self.readers(asset))
                    for output in self.nodes[reader].outputs
                ),
            ],
            depth,
        )

    def _readers_of_view(self, asset: AssetKey) -> Iterable[AssetKey]:
        """Of a view all that read it directly, of another asset the views that do."""
        if not self.views:
            return ()
        if self._view_readers is None:
            self._view_readers = {}
            for key, one in self.definitions.items():
                for edge in one.inputs:
                    if key in self.views or edge.asset in self.views:
                        self._view_readers.setdefault(edge.asset, []).append(key)
        return self._view_readers.get(asset, ())

    def resolve(self, name: str) -> AssetKey:
        """The one asset with this bare or full name.

        Raises UsageError ``unknown-asset`` with the nearest names, and ``ambiguous-asset`` where several assets have
        the bare name or where it names a multi-asset of several outputs.
        """
        found = self.resolve_all(name)
        if len(found) > 1:
            raise ambiguous(name, found)
        return found[0]

    def resolve_all(self, name: str) -> tuple[AssetKey, ...]:
        """The assets that a bare or full name stands for: one, or all outputs of a multi-asset in its order.

        Raises UsageError ``unknown-asset`` and ``ambiguous-asset``.
        """
        group, dot, bare = name.rpartition(".")
        if dot:
            found: tuple[AssetKey, ...] = (AssetKey(group, bare),)
        else:
            if self._bare is None:
                self._bare = self._bare_names()
            found = self._bare.get(name, ())
        if len(found) > 1:
            raise ambiguous(name, found)
        if found and (found[0] in self._maker or found[0] in self.views):
            return found
        if found and found[0] in self.nodes:
            return self.nodes[found[0]].outputs
        raise unknown(name, sorted({*self._maker, *self.views}))

    def _bare_names(self) -> dict[str, tuple[AssetKey, ...]]:
        names: dict[str, set[AssetKey]] = {}
        for key in (*self._maker, *self.nodes, *self.views):
            names.setdefault(key.name, set()).add(key)
        return {name: tuple(sorted(keys)) for name, keys in names.items()}

    def _ordered(self) -> tuple[AssetKey, ...]:
        """Kahn (1962) with the smallest ready key first; places in the sorted nodes stand for keys, to be quick."""
        keys = list(self.nodes)
        place = {key: number for number, key in enumerate(keys)}
        consumers = [[place[key] for key in self._consumers[consumed]] for consumed in keys]
        waiting = [len(self._producers[key]) for key in keys]
        ready = [number for number, count in enumerate(waiting) if not count]  # ascending, so a heap
        order: list[AssetKey] = []
        while ready:
            number = heapq.heappop(ready)
            order.append(keys[number])
            for consumer in consumers[number]:
                waiting[consumer] -= 1
                if not waiting[consumer]:
                    heapq.heappush(ready, consumer)
        if len(order) < len(keys):
            edges = ((producer, key) for key, found in self._producers.items() for producer in found)
            places = {key: definition.where for key, definition in self.definitions.items()}
            raise cycle_error(cycles(edges)[0], places)
        return tuple(order)


def _by_key(values: Iterable[_Value] | Mapping[AssetKey, _Value]) -> dict[AssetKey, _Value]:
    found = list(values.values()) if isinstance(values, Mapping) else list(values)
    by_key = {value.key: value for value in found}
    if len(by_key) < len(found):
        seen: set[AssetKey] = set()
        double = next(value.key for value in found if value.key in seen or seen.add(value.key))  # type: ignore[func-returns-value]
        raise DefinitionError("duplicate-asset", f"{double} is defined more than once")
    return {key: by_key[key] for key in sorted(by_key)}


def _makers(nodes: Mapping[AssetKey, Node]) -> dict[AssetKey, AssetKey]:
    makers: dict[AssetKey, AssetKey] = {}
    for key, node in nodes.items():
        for output in node.outputs:
            if output in makers:
                raise DefinitionError("duplicate-asset", f"{output} is made by both {makers[output]} and {key}")
            makers[output] = key
    return {asset: makers[asset] for asset in sorted(makers)}


def _producers(
    nodes: Mapping[AssetKey, Node], maker: Mapping[AssetKey, AssetKey]
) -> dict[AssetKey, tuple[AssetKey, ...]]:
    producers: dict[AssetKey, tuple[AssetKey, ...]] = {}
    for key, node in nodes.items():
        try:
            found = {
                maker[edge.asset]
                for edge in node.needs
                if edge.asset not in node.outputs or not reads_past(edge.mapping)
            }
        except KeyError as unknown:
            raise DefinitionError("unknown-input", f"{key} reads {unknown.args[0]}, which does not exist") from None
        producers[key] = tuple(sorted(found)) if len(found) > 1 else tuple(found)
    return producers


def _reached(
    seeds: Iterable[AssetKey], neighbours: Callable[[AssetKey], Iterable[AssetKey]], depth: int | None
) -> frozenset[AssetKey]:
    """Everything at most ``depth`` steps from a seed, breadth first: each is met at its smallest distance."""
    reached = set(seeds)
    front = list(reached)
    while front and (depth is None or depth > 0):
        following = []
        for key in front:
            for neighbour in neighbours(key):
                if neighbour not in reached:
                    reached.add(neighbour)
                    following.append(neighbour)
        front = following
        depth = None if depth is None else depth - 1
    return frozenset(reached)
