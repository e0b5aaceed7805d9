"""What a step would be made from today. The planner and the run both ask here, so that they can never disagree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assetflow.model.checks import Check
from assetflow.model.definition import Input, Node
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.trace import Edge, Trace, edge_digest
from assetflow.model.versions import DataVersion

__all__ = ["KeysOfAsset", "VersionOf", "edge_of", "edge_text", "trace_of"]

#: The keys of an asset, in order: :meth:`assetflow.plan.keysets.KeySets.of`.
KeysOfAsset = Callable[[AssetKey], Sequence[str]]
#: The version of an upstream partition; None while it is pending or where there is none.
VersionOf = Callable[[Partition], DataVersion | None]


def edge_text(read: Input) -> str:
    """The mapping and what else tells two uses of one asset apart: the columns, and whether the value is loaded."""
    text = read.mapping.text
    if read.columns is not None:
        text += f" ({', '.join(read.columns)})"
    return text if read.loaded else f"{text} unloaded"


def edge_of(read: Input, key: str, keys_of: KeysOfAsset, version_of: VersionOf) -> Edge:
    """One edge of a trace. Its digest is None while the version of a member is; every member is asked for."""
    asset, columns = read.asset, read.columns
    members = read.mapping.members(key, keys_of(asset))
    versions: list[tuple[str, str]] = []
    for member in members:
        version = version_of(Partition(asset, member))
        if version is not None:
            versions.append((member, version.digest if columns is None else version.restricted(columns)))
    known = len(versions) == len(members)
    return Edge(asset, edge_text(read), len(members), edge_digest(tuple(versions)) if known else None)


def trace_of(node: Node | Check, key: str, keys_of: KeysOfAsset, version_of: VersionOf) -> Trace:
    """The trace of one partition key of a node, or of a check: recipe, window, and the versions of what it reads.

    Each edge counts only the columns that its consumer reads. The order of edges is that of ``node.inputs``.
    """
    edges = tuple([edge_of(read, key, keys_of, version_of) for read in node.inputs])
    return Trace(node.recipe, node.partitioning.window(key), edges)
