"""What planning needs to know of the outside, gathered at one revision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assetflow.catalog import Catalog
from assetflow.catalog.view import View
from assetflow.errors import StorageError
from assetflow.graph import Graph
from assetflow.load.definitions import Loaded
from assetflow.load.file_versions import FileVersions
from assetflow.load.sources import observe
from assetflow.model.definition import Node
from assetflow.model.history import History, Memo, Snapshot
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.partitioning import KeySource
from assetflow.model.plan import Targets
from assetflow.model.storage import Store
from assetflow.model.versions import Stored
from assetflow.plan.checks import judged
from assetflow.plan.keysets import KeySets
from assetflow.plan.memos import Moved, Some, advanced, alike, scope
from assetflow.plan.together import FEW

__all__ = ["Seen", "look", "taken"]

#: When the oldest memo is this many revisions old, those that still hold are moved on: what has moved since then is
#: read by every plan.
_FAR = 1_000
#: Where more keys of an asset than this moved since the oldest memo, all of it counts as moved.
_MANY = 5_000
_NEVER = History()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The sources as they are now."""

    stored: Mapping[Partition, Stored] = field(default_factory=dict)
    #: Those that cannot be looked at, and why.
    missing: Mapping[AssetKey, StorageError] = field(default_factory=dict)

    def keys(self, graph: Graph) -> dict[KeySource, tuple[str, ...]]:
        """The keys of the sources that have a partition a file, in order."""
        found: dict[KeySource, list[str]] = {
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
    graph: Graph,
    catalog: Catalog,
    store: Store,
    environment: str,
    targets: Targets,
    seen: Seen,
    as_of: datetime,
    given: Mapping[str, tuple[str, ...]] | None = None,
    singly: Collection[AssetKey] | None = None,
) -> Snapshot:
    """The snapshot to plan these targets on. Pasts are read only of what the memos do not prove fresh.

    ``given`` are partition keys that values of assets give. Of what is alike in many partitions one past is read for
    all, but of nodes in ``singly`` (None: of all nodes, each is read).
    """
    closure = _closure(graph, targets)
    with catalog.view(environment) as view:
        lost = {Partition(asset) for asset, (name, size) in view.single_blobs().items() if store.size(name) != size}
        sources = [name for name in closure if graph.nodes[name].observed]
        histories = view.histories(sources)
        known: dict[KeySource, tuple[str, ...]] = dict(seen.keys(graph))
        known.update(view.key_sets())
        known.update(given or {})
        keys = KeySets(graph, known, as_of)
        changed = _changed_sources(graph, sources, seen, histories, keys)
        memos = view.memos()
        moved = _moved(view, memos)
        compared = _compared(graph, memos, moved, targets, known, changed, lost, as_of) if memos else None
        one_for_all: Mapping[AssetKey, frozenset[str]] = {}
        if compared and singly is not None and None in compared.values() and _is_plain(targets):
            admission = _Admission(graph, view, memos, keys, compared, singly)
            one_for_all = alike(graph, memos, moved, known, compared, lost, as_of, admission)
        whole, some = _looked_at(graph, closure, compared, keys, one_for_all)
        histories.update(view.histories(whole - set(sources), lost=lost))
        histories.update(view.histories_of([each for each in some if each not in histories], lost=lost))
        return Snapshot(
            environment=environment,
            revision=view.revision,
            as_of=as_of,
            keys=known,
            observed={partition: stored.data for partition, stored in seen.stored.items()},
            histories=histories,
            compared=compared,
            alike=one_for_all,
            carried={} if compared is None else _carried(memos, graph, compared, view.revision),
        )


def _changed_sources(
    graph: Graph, sources: Iterable[AssetKey], seen: Seen, histories: Mapping[Partition, History], keys: KeySets
) -> dict[AssetKey, Some]:
    """The sources that are not what was recorded last, or not judged by all their checks, or fail one; key by key."""
    versions = {partition: stored.data for partition, stored in seen.stored.items()}
    found: dict[AssetKey, Some] = {}
    for name in sources:
        node = graph.nodes[name]
        changed: set[str] = set()
        for key in keys.of_node(node):
            partition = Partition(name, key)
            if partition not in versions:
                continue
            past = histories.get(partition, _NEVER)
            if past.current is None or past.current.data.digest != versions[partition].digest:
                changed.add(key)
            elif node.checks:
                state = judged(node, key, {partition: versions[partition]}, past.verdicts, keys.of, versions.get)
                if not state.settled:
                    changed.add(key)
        if changed:
            found[name] = frozenset(changed)
    return {**found, **dict.fromkeys(seen.missing)}


def _carried(
    memos: Mapping[AssetKey, Memo], graph: Graph, compared: Mapping[AssetKey, Some], revision: int
) -> dict[AssetKey, Memo]:
    if revision - min(memo.revision for memo in memos.values()) < _FAR:
        return {}
    return advanced(memos, memos.keys() & graph.nodes.keys() - compared.keys(), revision)


def _closure(graph: Graph, targets: Targets) -> frozenset[AssetKey]:
    if targets.assets is None:
        return frozenset(graph.nodes)
    nodes = {graph.node_of(asset).key for asset in targets.assets}
    return graph.upstream(nodes) | frozenset(nodes)


def _compared(
    graph: Graph,
    memos: Mapping[AssetKey, Memo],
    moved: Mapping[AssetKey, Moved],
    targets: Targets,
    known: Mapping[KeySource, tuple[str, ...]],
    changed: Mapping[AssetKey, Some],
    lost: set[Partition],
    as_of: datetime,
) -> dict[AssetKey, Some]:
    also: Iterable[AssetKey] = ()
    if targets.force:
        also = graph.assets if targets.assets is None else targets.assets
    return scope(graph, memos, moved, known, changed, lost, as_of, also=also)


def _moved(view: View, memos: Mapping[AssetKey, Memo]) -> dict[AssetKey, Moved]:
    """What moved since the oldest memo."""
    if not memos:
        return {}
    since = min(memo.revision for memo in memos.values())
    moved: dict[AssetKey, Moved] = dict(view.moved_assets(since))
    if moved:
        moved.update(view.moved_keys(moved.keys() - view.judged_assets(since), since, _MANY))
    return moved


def _is_plain(targets: Targets) -> bool:
    """Whether whole assets are asked for, as they are."""
    return not (targets.force or targets.only or targets.keys is not None or targets.cells is not None)


class _Admission:
    """Which keys are alike though all are compared: not what failed, was skipped, or runs, and not that of which an
    older value may serve again.
    """

    def __init__(
        self,
        graph: Graph,
        view: View,
        memos: Mapping[AssetKey, Memo],
        keys: KeySets,
        compared: Mapping[AssetKey, Some],
        singly: Collection[AssetKey],
    ) -> None:
        self._memos = memos
        self._keys = keys
        self._view = view
        self._singly = singly
        nodes = [graph.nodes[name] for name, some in compared.items() if some is None and name in memos]
        self._known = view.known_recipes(node.recipe.digest for node in nodes)
        self._set_back = view.set_back(output for node in nodes for output in node.outputs)

    def __call__(self, node: Node, apart: frozenset[str]) -> Some:
        if node.key in self._singly:
            return None
        apart = apart.union(*(self._set_back.get(output, ()) for output in node.outputs))
        if self._memos[node.key].definition != node.digest and node.recipe.digest in self._known:
            apart = apart.union(*(self._view.made_from(output, node.recipe.digest) for output in node.outputs))
        return apart if len(self._keys.of_node(node)) - len(apart) > FEW else None


def _looked_at(
    graph: Graph,
    closure: Iterable[AssetKey],
    compared: Mapping[AssetKey, Some] | None,
    keys: KeySets,
    one_for_all: Mapping[AssetKey, frozenset[str]],
) -> tuple[set[AssetKey], set[Partition]]:
    """The assets and the partitions that are made or read where something is compared."""
    whole: set[AssetKey] = set()
    some: set[Partition] = set()
    for name in closure:
        node = graph.nodes[name]
        chosen = None if compared is None else compared.get(name, frozenset())
        own = keys.of_node(node)
        if name in one_for_all:
            apart = one_for_all[name]
            chosen = apart | {next(key for key in own if key not in apart)}
        if chosen is None:
            whole.update(node.outputs)
            whole.update(edge.asset for edge in node.needs if graph.node_of(edge.asset).key not in one_for_all)
            continue
        for key in chosen:
            some.update(Partition(output, key) for output in node.outputs)
            if key not in own:
                continue
            for edge in node.needs:
                members = edge.mapping.members(key, own, keys.of(edge.asset))
                some.update(Partition(edge.asset, member) for member in members)
    return whole, {partition for partition in some if partition.asset not in whole}
