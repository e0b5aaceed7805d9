"""Which partitions a plan is about: the selected ones and all that these are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assetflow.errors import UsageError, nearest
from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import Keys
from assetflow.model.mappings import All, Same
from assetflow.model.mappings import Mapping as KeyMapping
from assetflow.model.partitioning import SINGLE
from assetflow.model.plan import Targets
from assetflow.plan.choosing import choice_of, chosen, no_such_partition
from assetflow.plan.keysets import KeySets

__all__ = ["closure", "selection"]


def selection(graph: Graph, targets: Targets, keys: KeySets) -> Mapping[AssetKey, Sequence[str]]:
    """The selected partition keys of every node that makes a selected asset, by node, in order.

    A call makes all outputs, so one selected output selects the node. What is not partitioned is not narrowed by
    partition keys, nor is what has no windows by times. Raises UsageError ``unknown-asset`` for a selected asset that
    is not in the graph, ``bad-partition`` for a text that is none, and ``unknown-partition`` for one that names nothing
    of what is selected and partitioned.
    """
    nodes = _selected_nodes(graph, targets)
    if targets.keys is None and targets.cells is None:
        return {node.key: keys.of_node(node) for node in nodes}
    choices = {text: choice_of(text) for text in sorted(targets.keys or ())}
    unmatched = dict(choices)
    cells: dict[AssetKey, set[str]] = {}
    for cell in targets.cells or ():
        cells.setdefault(graph.node_of(cell.asset).key, set()).add(cell.key)
    selected: dict[AssetKey, Sequence[str]] = {}
    for node in nodes:
        own = keys.of_node(node)
        if node.partitioning is SINGLE:
            if targets.cells is None or node.key in cells:
                selected[node.key] = own
            continue
        found: set[str] = set(cells.get(node.key, ()))
        whole = False
        for text, choice in choices.items():
            some = chosen(choice, own)
            if some is None:
                whole = True
                continue
            if some:
                unmatched.pop(text, None)
                found.update(some)
        if whole:
            selected[node.key] = own
        elif found:
            only = next(iter(choices.values())) if len(choices) == 1 and not cells else None
            selected[node.key] = own.in_order(found) if only is None else chosen(only, own) or ()
    partitioned = [node for node in nodes if node.partitioning is not SINGLE]
    if unmatched and partitioned:
        text, choice = next(iter(unmatched.items()))
        raise no_such_partition(text, choice, {node.partitioning: keys.of_node(node) for node in partitioned}.values())
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
    reach = _Reach()
    for name in reversed(graph.order):
        wanted, asked = selected.get(name), needed.get(name)
        if wanted is None and asked is None:
            continue
        node = graph.nodes[name]
        own = keys.of_node(node)
        if wanted is not None and not isinstance(asked, Keys):
            asked = own if len(wanted) == len(own) else {*wanted, *(asked or ())}
        asked = set() if asked is None else asked
        for read in node.needs:
            if read.asset in node.outputs and not isinstance(asked, Keys):
                reach.past(read.mapping, asked, own)
        if not isinstance(asked, Keys) and len(asked) == len(own):
            asked = own
        needed[name] = asked
        for read in node.needs:
            producer = graph.node_of(read.asset)
            known = needed.get(producer.key)
            if isinstance(known, Keys):
                continue
            upstream = keys.of_node(producer)
            found = upstream if read in node.cut_by else reach.of(read.mapping, asked, own, upstream)
            needed[producer.key] = found if isinstance(found, Keys) or not known else known | found
    return {
        name: _ordered(asked, selected.get(name), keys.of_node(graph.nodes[name]))
        for name in graph.order
        if (asked := needed.get(name)) is not None
    }


def _ordered(asked: set[str] | Keys, wanted: Sequence[str] | None, own: Keys) -> Sequence[str]:
    """The keys in order; those that were selected are so already."""
    if isinstance(asked, Keys):
        return asked
    return wanted if wanted is not None and len(wanted) == len(asked) else own.in_order(asked)


class _Reach:
    """What sets of keys read of an upstream. That of a whole set is worked out once for equal mappings."""

    def __init__(self) -> None:
        self._whole: dict[tuple[KeyMapping, int, int], set[str] | Keys] = {}

    def of(self, mapping: KeyMapping, asked: set[str] | Keys, own: Keys, upstream: Keys) -> set[str] | Keys:
        if not asked:
            return set()
        if isinstance(mapping, All) or (isinstance(mapping, Same) and asked is upstream):
            return upstream
        if not isinstance(asked, Keys):
            return self._read(mapping, asked, own, upstream)
        at = (mapping, id(own), id(upstream))
        if at not in self._whole:
            self._whole[at] = self._read(mapping, asked, own, upstream)
        return self._whole[at]

    @staticmethod
    def _read(mapping: KeyMapping, asked: Iterable[str], own: Keys, upstream: Keys) -> set[str] | Keys:
        found: set[str] = set()
        for key in asked:
            found.update(mapping.members(key, own, upstream))
        return upstream if len(found) == len(upstream) else found

    @staticmethod
    def past(mapping: KeyMapping, asked: set[str], own: Keys) -> None:
        """Add what a node reads of itself, and what that reads, and so on."""
        waiting = list(asked)
        while waiting:
            for key in mapping.members(waiting.pop(), own, own):
                if key not in asked:
                    asked.add(key)
                    waiting.append(key)
