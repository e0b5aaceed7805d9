"""What planning needs to know of the outside, gathered at one revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assetflow.catalog import Catalog
from assetflow.catalog.view import View
from assetflow.errors import StorageError
from assetflow.graph import Graph
from assetflow.load.definitions import Loaded
from assetflow.load.file_versions import FileVersions
from assetflow.load.sources import observe
from assetflow.model.history import History, Memo, Snapshot
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Targets
from assetflow.model.storage import Store
from assetflow.model.versions import Stored
from assetflow.plan.checks import judged
from assetflow.plan.keysets import KeySets
from assetflow.plan.memos import advanced, scope

__all__ = ["Seen", "look", "taken"]

#: When the oldest memo is this many revisions old, those that still hold are moved on: what has moved since then is
#: read by every plan.
_FAR = 1_000
_NEVER = History()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The sources as they are now."""

    stored: Mapping[Partition, Stored] = field(default_factory=dict)
    #: Those that cannot be looked at, and why.
    missing: Mapping[AssetKey, StorageError] = field(default_factory=dict)

    def keys(self, graph: Graph) -> dict[AssetKey, tuple[str, ...]]:
        """The keys of the sources that have a partition a file, in order."""
        found: dict[AssetKey, list[str]] = {
            name: [] for name, node in graph.nodes.items() if node.observed and node.partitioning.keys_from is not None
        }
        for partition in self.stored:
            if partition.asset in found:
                found[partition.asset].append(partition.key)
        return {asset: tuple(sorted(keys)) for asset, keys in found.items()}


def look(loaded: Loaded, wanted: Iterable[AssetKey], files: FileVersions) -> Seen:
    """Look at these sources; one that is missing does not hide the others."""
    stored: dict[Partition, Stored] = {}
    missing: dict[AssetKey, StorageError] = {}
    for asset in wanted:
        try:
            for key, found in observe(loaded.sources[asset], files).items():
                stored[Partition(asset, key)] = found
        except StorageError as error:
            missing[asset] = error
    return Seen(stored=stored, missing=missing)


def taken(
    graph: Graph, catalog: Catalog, store: Store, environment: str, targets: Targets, seen: Seen, as_of: datetime
) -> Snapshot:
    """The snapshot to plan these targets on. Pasts are read only of what the memos do not prove fresh."""
    closure = _closure(graph, targets)
    with catalog.view(environment) as view:
        lost = {Partition(asset) for asset, (name, size) in view.single_blobs().items() if store.size(name) != size}
        sources = [name for name in closure if graph.nodes[name].observed]
        histories = view.histories(sources)
        changed = {
            partition.asset
            for partition, stored in seen.stored.items()
            if (history := histories.get(partition)) is None
            or history.current is None
            or history.current.data.digest != stored.data.digest
        }
        changed |= _unsettled_sources(graph, sources, seen, histories, as_of)
        memos = view.memos()
        compared = _compared(graph, view, memos, targets, seen, changed | set(seen.missing), lost, as_of)
        wanted = _assets(graph, closure if compared is None else closure & compared)
        histories.update(view.histories(wanted - set(sources), lost=lost))
        return Snapshot(
            environment=environment,
            revision=view.revision,
            as_of=as_of,
            keys=seen.keys(graph),
            observed={partition: stored.data for partition, stored in seen.stored.items()},
            histories=histories,
            compared=compared,
            carried={} if compared is None else _carried(memos, graph, compared, view.revision),
        )


def _unsettled_sources(
    graph: Graph, sources: Iterable[AssetKey], seen: Seen, histories: Mapping[Partition, History], as_of: datetime
) -> set[AssetKey]:
    """The sources whose content of today was not judged by all their checks, or fails one."""
    keys = KeySets(graph, seen.keys(graph), as_of)
    versions = {partition: stored.data for partition, stored in seen.stored.items()}
    found: set[AssetKey] = set()
    for name in sources:
        node = graph.nodes[name]
        for key in keys.of_node(node) if node.checks else ():
            partition = Partition(name, key)
            if partition in versions:
                past = histories.get(partition, _NEVER)
                state = judged(node, key, {partition: versions[partition]}, past.verdicts, keys.of, versions.get)
                if not state.settled:
                    found.add(name)
    return found


def _carried(
    memos: Mapping[AssetKey, Memo], graph: Graph, compared: frozenset[AssetKey], revision: int
) -> dict[AssetKey, Memo]:
    if revision - min(memo.revision for memo in memos.values()) < _FAR:
        return {}
    return advanced(memos, memos.keys() & graph.nodes.keys() - compared, revision)


def _closure(graph: Graph, targets: Targets) -> frozenset[AssetKey]:
    if targets.assets is None:
        return frozenset(graph.nodes)
    nodes = {graph.node_of(asset).key for asset in targets.assets}
    return graph.upstream(nodes) | frozenset(nodes)


def _compared(
    graph: Graph,
    view: View,
    memos: Mapping[AssetKey, Memo],
    targets: Targets,
    seen: Seen,
    changed: set[AssetKey],
    lost: set[Partition],
    as_of: datetime,
) -> frozenset[AssetKey] | None:
    if not memos:
        return None
    moved = view.moved_assets(min(memo.revision for memo in memos.values()))
    also: Iterable[AssetKey] = ()
    if targets.force:
        also = graph.assets if targets.assets is None else targets.assets
    return scope(graph, memos, moved, seen.keys(graph), changed, lost, as_of, also=also)


def _assets(graph: Graph, nodes: Iterable[AssetKey]) -> set[AssetKey]:
    """What these nodes make and what they read."""
    found: set[AssetKey] = set()
    for name in nodes:
        node = graph.nodes[name]
        found.update(node.outputs)
        found.update(edge.asset for edge in node.needs)
    return found
