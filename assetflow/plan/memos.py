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
that were lost, and ``max_age=0``. What reads from a compared node is compared as well: nothing is fresh under a stale
parent, and only comparing tells whether the parent is.

Memos are kept for whole nodes; a node that is not settled has all its keys compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.history import Memo
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.mappings import is_computed
from assetflow.plan.keysets import KeySets

__all__ = ["advanced", "proved", "scope"]


def scope(
    graph: Graph,
    memos: Mapping[AssetKey, Memo],
    moved: Mapping[AssetKey, int],
    keys: Mapping[AssetKey, tuple[str, ...]],
    changed_sources: Collection[AssetKey],
    lost: Collection[Partition],
    as_of: datetime,
    also: Iterable[AssetKey] = (),
) -> frozenset[AssetKey]:
    """The nodes that must be compared by trace: ``Snapshot.compared``. All others are settled.

    ``memos`` are by node; ``moved`` gives, by asset, the latest revision at which a pointer of one of its partitions
    moved in this environment, complete for everything after the oldest memo's revision; ``keys`` are ``Snapshot.keys``.
    ``changed_sources`` are the sources of which an observed version is not the recorded one, or that could not be
    observed. ``lost`` are partitions whose current value is gone. ``also`` are assets or nodes to be compared in any
    case: those that the targets force.

    The place for keys instead of nodes is here: where digests match and nothing expired, only a memo's exceptions, the
    node's keys moved since, and ``Mapping.affected`` of the input keys moved since need comparing.
    """
    key_sets = KeySets(graph, keys, as_of)
    lost_assets = {partition.asset for partition in lost}
    touched = {*changed_sources, *lost_assets, *also}
    compared: set[AssetKey] = set()
    for name in graph.order:
        node = graph.nodes[name]
        if (
            (touched and (name in touched or not touched.isdisjoint(node.outputs)))
            or not compared.isdisjoint(graph.producers(name))
            or not (node.observed or _settled(node, memos.get(name), moved, key_sets, as_of))
        ):
            compared.add(name)
    return frozenset(compared)


def _settled(node: Node, memo: Memo | None, moved: Mapping[AssetKey, int], keys: KeySets, as_of: datetime) -> bool:
    if memo is None or memo.exceptions or memo.definition != node.digest:
        return False
    if any(is_computed(read.mapping) for read in node.needs):
        return False
    if node.max_age is not None and (not node.max_age or memo.expires_at is None or memo.expires_at <= as_of):
        return False
    if moved:
        since = memo.revision
        for output in node.outputs:
            if moved.get(output, 0) > since:
                return False
        for read in node.needs:
            if moved.get(read.asset, 0) > since:
                return False
    return memo.keys == keys.digest(node)


def proved(node: Node, keys: KeySets, revision: int, exceptions: Iterable[str], expires_at: datetime | None) -> Memo:
    """What a plan proved about a node all of whose keys it compared, on a snapshot of that revision."""
    return Memo(
        definition=node.digest,
        keys=keys.digest(node),
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
