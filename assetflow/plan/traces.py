"""What a step would be made from today. The planner and the run both ask here, so that they can never disagree."""

from __future__ import annotations

from collections.abc import Callable

from assetflow.model.checks import Check
from assetflow.model.definition import Input, Missing, Node
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Keys
from assetflow.model.trace import Edge, Trace, edge_digest
from assetflow.model.versions import DataVersion

__all__ = ["KeysOfAsset", "VersionOf", "edge_of", "edge_text", "trace_of"]

#: The keys of an asset, in order: :meth:`assetflow.plan.keysets.KeySets.of`.
KeysOfAsset = Callable[[AssetKey], Keys]
#: The version of an upstream partition; None while it is pending or where there is none.
VersionOf = Callable[[Partition], DataVersion | None]

#: Whether an upstream partition has a value, or will have one.
IsThere = Callable[[Partition], bool]


def _always(_partition: Partition) -> bool:
    return True


def edge_text(read: Input) -> str:
    """The mapping and what else tells two uses of one asset apart: the columns, and whether the value is loaded."""
    text = read.mapping.text
    if read.columns is not None:
        text += f" ({', '.join(read.columns)})"
    return text if read.loaded else f"{text} unloaded"


def edge_of(
    read: Input, key: str, own: Keys, keys_of: KeysOfAsset, version_of: VersionOf, is_there: IsThere = _always
) -> Edge:
    """One edge of a trace; ``own`` are the keys of the reader.

    Its digest is None while the version of a member is; every member is asked for. ``is_there`` says which of the
    members of an edge that can do without them will have a value: the others do not belong to it.
    """
    asset, columns = read.asset, read.columns
    members = read.mapping.members(key, own, keys_of(asset))
    if read.missing is Missing.SKIP:
        members = tuple(member for member in members if is_there(Partition(asset, member)))
    versions: list[tuple[str, str]] = []
    for member in members:
        version = version_of(Partition(asset, member))
        if version is not None:
            versions.append((member, version.digest if columns is None else version.restricted(columns)))
    known = len(versions) == len(members)
    return Edge(asset, edge_text(read), len(members), edge_digest(tuple(versions)) if known else None)


def trace_of(
    node: Node | Check, key: str, keys_of: KeysOfAsset, version_of: VersionOf, is_there: IsThere = _always
) -> Trace:
    """The trace of one partition key of a node, or of a check: recipe, window, and the versions of what it reads.

    Each edge counts only the columns that its consumer reads. The order of edges is that of ``node.inputs``.
    """
    own = keys_of(node.asset if isinstance(node, Check) else node.outputs[0])
    edges = tuple([edge_of(read, key, own, keys_of, version_of, is_there) for read in node.inputs])
    return Trace(node.recipe, own.cell(key), edges)
