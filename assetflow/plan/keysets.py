"""The partition keys of every asset of a graph, each set built once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import ONE, Keys, Listed, ProductKeys
from assetflow.model.partitioning import SINGLE, Partitioning, Product
from assetflow.model.versions import fingerprint

__all__ = ["KeySets"]


class KeySets:
    """Which keys each asset has: those its partitioning gives by a time, or those observed of a source.

    ``observed`` is ``Snapshot.keys`` or ``Plan.keys``, ``as_of`` the time of the same. A source whose keys were not
    observed has none.
    """

    def __init__(self, graph: Graph, observed: Mapping[AssetKey, tuple[str, ...]], as_of: datetime) -> None:
        self._graph = graph
        self._observed = observed
        self._as_of = as_of
        self._sets: dict[Partitioning, Keys] = {SINGLE: ONE}
        self._digests: dict[Partitioning, str] = {}
        self._combined: dict[tuple[str, ...], str] = {}

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
            found = self._sets[partitioning] = self._made(partitioning)
        return found

    def _made(self, partitioning: Partitioning) -> Keys:
        if isinstance(partitioning, Product):
            return ProductKeys({name: self.given_by(each) for name, each in partitioning.dimensions.items()})
        if partitioning.keys_from is None:
            return partitioning.keys(self._as_of)
        return Listed(self._observed.get(partitioning.keys_from, ()))

    def digest(self, node: Node) -> str:
        """Digest of a node's own keys and, input by input, of the keys of what it reads: see ``Memo.keys``."""
        parts = (self._digest(node), *(self._digest(self._graph.node_of(edge.asset)) for edge in node.needs))
        found = self._combined.get(parts)
        if found is None:
            found = self._combined[parts] = fingerprint(*parts)
        return found

    def _digest(self, node: Node) -> str:
        found = self._digests.get(node.partitioning)
        if found is None:
            found = self._digests[node.partitioning] = self.of_node(node).digest()
        return found
