"""Which keys of the assets that say how long they are kept are there no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assetflow.graph import Graph
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import Keys
from assetflow.model.partitioning import KeySource, Partitioning, dynamic_of, sources_of
from assetflow.plan import KeySets
from assetflow.project.snapshot import Seen

__all__ = ["gone_keys", "retained"]


def retained(graph: Graph) -> tuple[AssetKey, ...]:
    """The assets of a graph whose old versions are kept for a time only."""
    return tuple(key for key, each in graph.definitions.items() if each.retain is not None)


def gone_keys(
    graph: Graph, known: Mapping[KeySource, tuple[str, ...]], seen: Seen, as_of: datetime
) -> dict[AssetKey, Callable[[str], bool]]:
    """By asset, whether a key is one that it has no more. An asset whose keys are not known for sure is left out."""
    keys = KeySets(graph, known, as_of)
    found: dict[AssetKey, Callable[[str], bool]] = {}
    for asset in retained(graph):
        if _is_known(graph.node_of(asset).partitioning, known, seen):
            found[asset] = _Gone(keys.of(asset))
    return found


@dataclass(frozen=True, slots=True)
class _Gone:
    """Whether a key is none of these."""

    keys: Keys

    def __call__(self, key: str) -> bool:
        return key not in self.keys


def _is_known(partitioning: Partitioning, known: Mapping[KeySource, tuple[str, ...]], seen: Seen) -> bool:
    """Whether a source that gives keys was seen, and a value that gives keys was read: else they count as none."""
    given = all(known.get(each.set) for each in dynamic_of(partitioning) if each.source is not None)
    return given and not any(source in seen.missing for source in sources_of(partitioning))
