"""The partition keys of every asset of a graph, each set built once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from assetflow.graph import Graph
from assetflow.model.cells import ProductKeys
from assetflow.model.definition import Node
from assetflow.model.history import KeyCount
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import ONE, Keys
from assetflow.model.partitioning import SINGLE, KeySource, Partitioning

__all__ = ["KeySets"]


class KeySets:
    """Which keys each asset has: those its partitioning gives by a time, those observed of a source, or of a set.

    ``known`` is ``Snapshot.keys`` or ``Plan.keys``, ``as_of`` the time of the same. What was not looked at has no keys.
    """

    def __init__(self, graph: Graph, known: Mapping[KeySource, tuple[str, ...]], as_of: datetime) -> None:
        self._graph = graph
        self._known = known
        #: The time by which keys are there.
        self.until = as_of
        self._sets: dict[Partitioning, Keys] = {SINGLE: ONE}
        self._summaries: dict[Partitioning, tuple[tuple[str, Keys, KeyCount], ...]] = {}
        self._digests: dict[tuple[int, int], str] = {}

    def of(self, asset: AssetKey) -> Keys:
        """The keys of an asset, in order."""
        return self.of_node(self._graph.node_of(asset))

    def of_node(self, node: Node) -> Keys:
        """The keys of all outputs of a node, in order."""
        partitioning = node.partitioning
        return ONE if partitioning is SINGLE else self.given_by(partitioning)

    def given_by(self, partitioning: Partitioning) -> Keys:
        """The keys of whatever is cut in this way, in order. Equal partitionings give one and the same set."""
        found = self._sets.get(partitioning)
        if found is None:
            found = self._sets[partitioning] = partitioning.keys(self)
        return found

    def found(self, source: KeySource) -> tuple[str, ...]:
        """The keys that were observed of a source, or that a set has."""
        return self._known.get(source, ())

    def summary(self, node: Node) -> tuple[KeyCount, ...]:
        """How many keys a node and what it reads have, and their digests: see ``Memo.keys``."""
        return tuple(part for cut in self._cuts(node) for _, _, part in self._parts(cut))

    def grown(self, node: Node, before: tuple[KeyCount, ...]) -> dict[Partitioning, Collection[str]] | None:
        """The keys that were added at the end of a node's sets, or of what it reads, since a summary; by partitioning.

        None where a set has changed in another way.
        """
        cuts = self._cuts(node)
        parts = [(cut, name, keys, now) for cut in cuts for name, keys, now in self._parts(cut)]
        if len(parts) != len(before):
            return None
        grown: dict[Partitioning, Collection[str]] = {}
        for (cut, name, keys, now), (count, digest) in zip(parts, before, strict=True):
            if now == (count, digest):
                continue
            if count >= len(keys) or self._digest(keys, count) != digest:
                return None
            own = self.given_by(cut)
            new = keys[count:]
            grown[cut] = {*grown.get(cut, ()), *own.combined({name: new})} if isinstance(own, ProductKeys) else new
        return grown

    def _cuts(self, node: Node) -> tuple[Partitioning, ...]:
        """The partitionings of a node and of what it reads, each once."""
        others = (self._graph.node_of(edge.asset).partitioning for edge in node.needs)
        return tuple(dict.fromkeys((node.partitioning, *others)))

    def _parts(self, cut: Partitioning) -> tuple[tuple[str, Keys, KeyCount], ...]:
        found = self._summaries.get(cut)
        if found is None:
            keys = self.given_by(cut)
            named = keys.dimensions or {"": keys}
            found = tuple((name, each, (len(each), self._digest(each, len(each)))) for name, each in named.items())
            self._summaries[cut] = found
        return found

    def _digest(self, keys: Keys, count: int) -> str:
        at = (id(keys), count)
        if at not in self._digests:
            self._digests[at] = keys.digest(count)
        return self._digests[at]
