"""The partition keys of every asset of a graph, each set built once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.partitioning import SINGLE, Partitioning
from assetflow.model.versions import fingerprint

__all__ = ["Keys", "KeySets"]


class Keys(tuple[str, ...]):
    """Partition keys in order. Membership is quick, since mappings ask for it once for every key of a consumer."""

    _members: frozenset[str]

    def __new__(cls, keys: Iterable[str]) -> Keys:
        self = super().__new__(cls, keys)
        self._members = frozenset(self)
        return self

    def __contains__(self, key: object) -> bool:
        return key in self._members


_ONE = Keys(("",))


class KeySets:
    """Which keys each asset has: those its partitioning gives, or those observed of a source.

    ``observed`` is ``Snapshot.keys`` or ``Plan.keys``. A source whose keys were not observed has none.
    """

    def __init__(self, graph: Graph, observed: Mapping[AssetKey, tuple[str, ...]]) -> None:
        self._graph = graph
        self._observed = observed
        self._sets: dict[AssetKey | Partitioning, Keys] = {SINGLE: _ONE}
        self._digests: dict[AssetKey | Partitioning, str] = {}
        self._combined: dict[tuple[str, ...], str] = {}

    def of(self, asset: AssetKey) -> Keys:
        """The keys of an asset, in order."""
        return self.of_node(self._graph.node_of(asset))

    def of_node(self, node: Node) -> Keys:
        """The keys of all outputs of a node, in order."""
        partitioning = node.partitioning
        if partitioning is SINGLE:
            return _ONE
        where = partitioning.keys_from or partitioning
        found = self._sets.get(where)
        if found is None:
            source = partitioning.keys_from
            found = Keys(partitioning.fixed_keys() if source is None else self._observed.get(source, ()))
            self._sets[where] = found
        return found

    def digest(self, node: Node) -> str:
        """Digest of a node's own keys and, input by input, of the keys of what it reads: see ``Memo.keys``."""
        parts = (self._digest(node), *(self._digest(self._graph.node_of(edge.asset)) for edge in node.needs))
        found = self._combined.get(parts)
        if found is None:
            found = self._combined[parts] = fingerprint(*parts)
        return found

    def _digest(self, node: Node) -> str:
        where = node.partitioning.keys_from or node.partitioning
        found = self._digests.get(where)
        if found is None:
            found = self._digests[where] = fingerprint(*self.of_node(node))
        return found
