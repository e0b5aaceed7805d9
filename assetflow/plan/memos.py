"""Memos: why deciding that nothing is to be done need not look at everything, and why that is never wrong.

A memo says of one node, in one environment: *in the snapshot of revision R, with this definition and these keys, every
partition but these exceptions was fresh, and stays so until that time.* Freshness is a function of the definition, the
keys, the clock, the pointers of the node's own partitions and the pointers of the partitions that it reads. So
as long as none of these has changed since R, the node is **settled**: its partitions are fresh without being looked at.

What makes the rule right is what R is. It is the revision of the snapshot that was *decided on*. A revision taken when
the run commits would hide what another process committed in between; and what this very run commits counts as moved,
too. It is looked at once more by the next plan, which then finds everything fresh and says so in a memo.

Three things hide from revisions, and are counted as moved: sources that changed and were not recorded (their readers
are exceptions in the memo, since the observation may never be recorded and the file may change back), stored values
that were lost, and ``max_age=0``. So are partitions of the last few windows where these may expire (``lookback``).

Where the definition is the same and nothing has expired, only some keys of a node are compared: the exceptions; those
that moved; new ones; and those that read what moved, is new, or is compared itself, as nothing is fresh under a stale
parent and only comparing tells whether the parent is (:meth:`assetflow.model.mappings.Mapping.affected`). Key sets may
have grown at their end, as those of time do with every window that ends; any other change of them compares all keys.

Where a definition did change, or that of something above, the memo still tells which keys were alike: all but those
that would be compared if it had not (:func:`alike`). One of them is decided for all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from assetflow.graph import Graph
from assetflow.model.definition import Input, Node
from assetflow.model.history import Memo
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Keys
from assetflow.model.mappings import Same, is_computed
from assetflow.model.partitioning import KeySource, Partitioning
from assetflow.plan.ageing import tail
from assetflow.plan.keysets import KeySets

__all__ = ["Moved", "Some", "advanced", "alike", "proved", "scope"]

#: Some keys of a node; None: all that it has.
Some: TypeAlias = frozenset[str] | None
#: The last revision at which the pointers of an asset moved, as a whole or key by key.
Moved: TypeAlias = int | Mapping[str, int]


def scope(
    graph: Graph,
    memos: Mapping[AssetKey, Memo],
    moved: Mapping[AssetKey, Moved],
    keys: Mapping[KeySource, tuple[str, ...]],
    changed_sources: Mapping[AssetKey, Some],
    lost: Collection[Partition],
    as_of: datetime,
    also: Iterable[AssetKey] = (),
) -> dict[AssetKey, Some]:
    """What must be compared by trace, by node: ``Snapshot.compared``. All else is settled.

    ``memos`` are by node; ``moved`` gives, by asset, the latest revision at which pointers moved in this environment,
    complete for everything after the oldest memo's revision; ``keys`` are ``Snapshot.keys``. ``changed_sources`` are
    the sources of which an observed version is not the recorded one, or that could not be observed. ``lost`` are
    partitions whose current value is gone. ``also`` are assets or nodes to be compared whole in any case: those that
    the targets force.
    """
    key_sets = KeySets(graph, keys, as_of)
    forced = set(also)
    gone: dict[AssetKey, set[str]] = {}
    for partition in lost:
        gone.setdefault(partition.asset, set()).add(partition.key)
    scoping = _Scoping(graph, key_sets, memos, moved, gone, as_of)
    for name in graph.order:
        node = graph.nodes[name]
        whole = bool(forced) and (name in forced or not forced.isdisjoint(node.outputs))
        if node.observed:
            if whole or name in changed_sources:
                scoping.compared[name] = None if whole else changed_sources[name]
            continue
        some = None if whole else scoping.keys_of(node)
        if some is None or some:
            scoping.compared[name] = some
    return scoping.compared


def alike(
    graph: Graph,
    memos: Mapping[AssetKey, Memo],
    moved: Mapping[AssetKey, Moved],
    keys: Mapping[KeySource, tuple[str, ...]],
    compared: Mapping[AssetKey, Some],
    lost: Collection[Partition],
    as_of: datetime,
    admitted: Callable[[Node, frozenset[str]], Some] = lambda _node, apart: apart,
) -> dict[AssetKey, frozenset[str]]:
    """Of the nodes that are compared whole, those that are so for their definition alone, or because a node above them
    is; each with the keys that more happened to. All its other keys have values that were made from one definition, and
    find the same: ``Snapshot.alike``.

    The arguments are those of :func:`scope`, and ``compared`` what it gave. ``admitted`` is asked of each such node,
    and gives the keys again, with those that it knows something of; or None, where others may differ, too.
    """
    gone: dict[AssetKey, set[str]] = {}
    for partition in lost:
        gone.setdefault(partition.asset, set()).add(partition.key)
    scoping = _Scoping(graph, KeySets(graph, keys, as_of), memos, moved, gone, as_of)
    scoping.compared = dict(compared)
    scoping.alike = {}
    for name in graph.order:
        node = graph.nodes[name]
        if node.observed or compared.get(name, _NO_KEYS) is not None or node.forward_only:
            continue
        some = scoping.keys_of(node)
        some = None if some is None else admitted(node, some)
        if some is not None:
            scoping.alike[name] = some
    return scoping.alike


_NO_KEYS: frozenset[str] = frozenset()


class _Scoping:
    """What is compared so far, in the order of the graph."""

    def __init__(
        self,
        graph: Graph,
        keys: KeySets,
        memos: Mapping[AssetKey, Memo],
        moved: Mapping[AssetKey, Moved],
        gone: Mapping[AssetKey, set[str]],
        as_of: datetime,
    ) -> None:
        self._graph = graph
        self._keys = keys
        self._memos = memos
        self._moved = moved
        self._gone = gone
        self._as_of = as_of
        self.compared: dict[AssetKey, Some] = {}
        #: Where it is asked which keys differ, whatever the definition: see :func:`alike`.
        self.alike: dict[AssetKey, frozenset[str]] | None = None

    def keys_of(self, node: Node) -> Some:
        """The keys of a node that are to be compared; none of them: it is settled."""
        memo = self._memos.get(node.key)
        if memo is None or self._has_aged(node, memo) or (self.alike is None and memo.definition != node.digest):
            return None
        grown = self._keys.grown(node, memo.keys)
        if grown is None or any(is_computed(read.mapping) for read in node.needs):
            return None
        own = self._keys.of_node(node)
        chosen = set(memo.exceptions) | set(grown.get(node.partitioning, ()))
        if node.lookback is not None:
            chosen |= tail(own, memo.keys, node.lookback)
        for output in node.outputs:
            moved = self._moved_since(output, memo.revision)
            if moved is None:
                return None
            chosen |= moved | self._gone.get(output, set())
        for read in node.needs:
            if read in node.cut_by:
                continue  # it says which keys there are, and no more
            touched = self._touched(read, memo.revision, grown)
            if touched is None:
                return None
            if touched and not self._follow(read, touched, chosen, own):
                return None
        chosen = {key for key in chosen if key in own}
        for read in (*node.inputs, *(read for check in node.checks for read in check.inputs)):
            if read.asset in node.outputs and not isinstance(read.mapping, Same):
                self._follow_past(read, chosen, own)
        return None if chosen and (node.max_age is not None or len(chosen) == len(own)) else frozenset(chosen)

    def _has_aged(self, node: Node, memo: Memo) -> bool:
        if node.max_age is None:
            return False
        return not node.max_age or memo.expires_at is None or memo.expires_at <= self._as_of

    def _moved_since(self, asset: AssetKey, revision: int) -> set[str] | None:
        moved = self._moved.get(asset)
        if moved is None:
            return set()
        if isinstance(moved, int):
            return None if moved > revision else set()
        return {key for key, at in moved.items() if at > revision}

    def _touched(self, read: Input, revision: int, grown: Mapping[Partitioning, Collection[str]]) -> set[str] | None:
        """The upstream keys of an edge of which something may be different; None: any may be."""
        producer = self._graph.node_of(read.asset)
        above = self.compared.get(producer.key, _NO_KEYS)
        if above is None and self.alike is not None:
            above = self.alike.get(producer.key)
        moved = self._moved_since(read.asset, revision)
        if above is None or moved is None:
            return None
        return {*above, *moved, *self._gone.get(read.asset, ()), *grown.get(producer.partitioning, ())}

    def _follow(self, read: Input, touched: Collection[str], chosen: set[str], own: Keys) -> bool:
        """Add the readers of these upstream keys; False as soon as these are all that there are."""
        upstream = self._keys.of(read.asset)
        for key in touched:
            if key in upstream:
                chosen.update(read.mapping.affected(key, own, upstream))
                if len(chosen) > len(own):
                    return False
        return True

    @staticmethod
    def _follow_past(read: Input, chosen: set[str], own: Keys) -> None:
        """Add the keys of a node that read others of its own, and those that read these, and so on."""
        waiting = list(chosen)
        while waiting:
            for key in read.mapping.affected(waiting.pop(), own, own):
                if key not in chosen:
                    chosen.add(key)
                    waiting.append(key)


def proved(node: Node, keys: KeySets, revision: int, exceptions: Iterable[str], expires_at: datetime | None) -> Memo:
    """What a plan proved about a node all of whose keys it compared, or knew, on a snapshot of that revision."""
    return Memo(
        definition=node.digest,
        keys=keys.summary(node),
        expires_at=expires_at,
        revision=revision,
        exceptions=frozenset(exceptions),
    )


def advanced(memos: Mapping[AssetKey, Memo], settled: Iterable[AssetKey], revision: int) -> dict[AssetKey, Memo]:
    """The memos of settled nodes at the revision of the snapshot that they were settled in.

    Not needed for a right answer. It keeps what has moved since the oldest memo from growing for ever, where some
    nodes never change: write these once in a while.
    """
    return {name: replace(memos[name], revision=revision) for name in settled if memos[name].revision < revision}
