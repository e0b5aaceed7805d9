"""Which partitions a plan is about: the selected ones and all that these are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assetflow.errors import UsageError, nearest
from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.partitioning import SINGLE, All
from assetflow.model.plan import Targets
from assetflow.plan.keysets import Keys, KeySets

__all__ = ["closure", "selection"]


def selection(graph: Graph, targets: Targets, keys: KeySets) -> Mapping[AssetKey, Sequence[str]]:
    """The selected partition keys of every node that makes a selected asset, by node.

    A call makes all outputs, so one selected output selects the node. What is not partitioned is not narrowed by
    partition keys. Raises UsageError ``unknown-asset`` for a selected asset that is not in the graph, and
    ``unknown-partition`` where keys are given, something partitioned is selected, and nothing has any of them.
    """
    selected: dict[AssetKey, Sequence[str]] = {}
    partitioned: list[AssetKey] = []
    for node in _selected_nodes(graph, targets):
        own = keys.of_node(node)
        if targets.keys is None or node.partitioning is SINGLE:
            selected[node.key] = own
            continue
        partitioned.append(node.key)
        if chosen := tuple(key for key in own if key in targets.keys):
            selected[node.key] = chosen
    if targets.keys is not None and partitioned and not any(key in selected for key in partitioned):
        existing = {key for name in partitioned for key in keys.of_node(graph.nodes[name])}
        asked = ", ".join(repr(key) for key in sorted(targets.keys)[:5])
        raise UsageError(
            "unknown-partition",
            f"nothing selected has a partition {asked}",
            hint=nearest(min(targets.keys, default=""), existing),
        )
    return selected


def _selected_nodes(graph: Graph, targets: Targets) -> list[Node]:
    if targets.assets is None:
        return list(graph.nodes.values())
    try:
        wanted = {graph.node_of(asset).key for asset in targets.assets}
    except KeyError:
        unknown = sorted(asset for asset in targets.assets if asset not in set(graph.assets))
        raise UsageError(
            "unknown-asset",
            f"there is no asset {unknown[0]}",
            hint=nearest(str(unknown[0]), [str(asset) for asset in graph.assets]),
        ) from None
    return [graph.nodes[key] for key in sorted(wanted)]


def closure(graph: Graph, selected: Mapping[AssetKey, Sequence[str]], keys: KeySets) -> dict[AssetKey, Sequence[str]]:
    """The partition keys of each node that the selection needs, itself included, in order; by node.

    Walks the order backwards, so that every reader has said what it needs before its inputs are asked.
    """
    needed: dict[AssetKey, set[str] | Keys] = {}
    for name in reversed(graph.order):
        chosen, asked = selected.get(name), needed.get(name)
        if chosen is None and asked is None:
            continue
        node = graph.nodes[name]
        own = keys.of_node(node)
        if chosen is not None and not isinstance(asked, Keys):
            asked = own if len(chosen) == len(own) else {*chosen, *(asked or ())}
        if asked is not None and not isinstance(asked, Keys) and len(asked) == len(own):
            asked = own
        needed[name] = asked if asked is not None else set()
        for read in node.needs:
            producer = graph.node_of(read.asset)
            known = needed.get(producer.key)
            if isinstance(known, Keys):
                continue
            upstream = keys.of_node(producer)
            if asked and isinstance(read.mapping, All):
                needed[producer.key] = upstream
                continue
            found: set[str] = known if known is not None else set()
            for key in asked or ():
                found.update(read.mapping.members(key, upstream))
            needed[producer.key] = found
    return {
        name: asked
        if isinstance(asked, Keys)
        else tuple(key for key in keys.of_node(graph.nodes[name]) if key in asked)
        for name in graph.order
        if (asked := needed.get(name)) is not None
    }
