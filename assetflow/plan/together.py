"""Which keys of a node can be decided as one: those without a past that find the same in all that they read."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.history import History
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.mappings import All, Same
from assetflow.model.partitioning import SINGLE
from assetflow.plan.inputs import Inputs
from assetflow.plan.keysets import KeySets

__all__ = ["FEW", "Together"]

#: More keys of a node than these may be decided as one.
FEW = 50
_NO_KEYS: frozenset[str] = frozenset()


class Together:
    """Tells the keys of a node that must be decided one by one from those that need not."""

    def __init__(
        self,
        graph: Graph,
        keys: KeySets,
        histories: Mapping[Partition, History],
        inputs: Inputs,
        alike: Mapping[AssetKey, frozenset[str]],
        compared: Mapping[AssetKey, frozenset[str] | None] | None,
    ) -> None:
        self._graph = graph
        self._alike = alike
        self._compared = compared
        self._keys = keys
        self._histories = histories
        self._inputs = inputs

    def places_apart(self, node: Node, keys: Sequence[str]) -> list[int] | None:
        """Where in ``keys`` those stand that are decided one by one, ascending; None: that is, all of them."""
        apart = self.apart(node) if len(keys) > FEW else None
        if apart is None:
            return None
        own = self._keys.of_node(node)
        if keys is own:
            places = sorted(place for key in apart if (place := own.position(key)) is not None)
        else:
            places = [place for place, key in enumerate(keys) if key in apart]
        return places if len(keys) - len(places) > FEW else None

    def apart(self, node: Node) -> set[str] | None:
        """The keys of a node that have a past of their own, or read something that is decided apart; None where any key
        may find something else than another does.
        """
        known = self._alike.get(node.key)
        apart: set[str] = set(known or ())
        for output in node.outputs if known is None else ():
            apart |= self._recorded.get(output, set())
        for read in node.inputs:
            producer = self._graph.node_of(read.asset)
            if isinstance(read.mapping, All) and (
                producer.partitioning is SINGLE or read.asset in self._inputs.pending
            ):
                continue
            if known is not None and self._is_settled(read.asset):
                continue  # who reads what is not is among those apart
            if not isinstance(read.mapping, Same) or self._keys.of(read.asset) is not self._keys.of_node(node):
                return None
            if (others := self._inputs.pending.get(read.asset)) is None:
                return None
            apart |= others
        return apart

    def _is_settled(self, asset: AssetKey) -> bool:
        compared = None if self._compared is None else self._compared.get(self._graph.node_of(asset).key, _NO_KEYS)
        return compared is not None

    @functools.cached_property
    def _recorded(self) -> Mapping[AssetKey, set[str]]:
        """The keys that have a past, of each asset."""
        found: dict[AssetKey, set[str]] = {}
        for partition in self._histories:
            found.setdefault(partition.asset, set()).add(partition.key)
        return found
