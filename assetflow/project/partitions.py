"""The partitions of one asset: what they stand for, and how they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from assetflow.catalog import Catalog
from assetflow.errors import UsageError, nearest
from assetflow.graph import Graph
from assetflow.model.cells import counted
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Plan, State, Targets
from assetflow.plan import KeySets
from assetflow.plan.closure import selection
from assetflow.project.results import DimensionStatus, PartitionStatus

__all__ = ["by_dimension", "listed"]


def by_dimension(graph: Graph, plan: Plan, asset: AssetKey, name: str) -> tuple[DimensionStatus, ...]:
    """How the partitions of an asset stand, summed for each value of a dimension, in order.

    Raises UsageError ``unknown-dimension``.
    """
    own = KeySets(graph, plan.keys, plan.as_of).of(asset)
    if name not in own.dimensions:
        known = sorted(own.dimensions)
        hint = nearest(name, known) or (f"it has {', '.join(known)}" if known else f"assetflow partitions {asset}")
        raise UsageError("unknown-dimension", f"{asset} has no dimension {name!r}", hint=hint)
    counts = {value: Counter[State]() for value in own.dimensions[name]}
    for value, count in counted(own, name).items():
        counts[value][State.FRESH] = count
    for partition, standing in plan.standings.singly.items():
        if partition.asset == asset:
            _move(counts[own.values(partition.key)[name]], standing.state, 1)
    for part in plan.steps.alike:
        if asset in part.outputs:
            for value, count in counted(part.keys, name).items():
                _move(counts[value], part.standing.state, count)
    return tuple(DimensionStatus(value=value, partitions=dict(found)) for value, found in counts.items())


def _move(counts: Counter[State], state: State, count: int) -> None:
    counts[State.FRESH] -= count
    counts[state] += count


def listed(
    graph: Graph, plan: Plan, asset: AssetKey, texts: Iterable[str] | None, catalog: Catalog
) -> tuple[PartitionStatus, ...]:
    """The partitions of an asset that ``texts`` name (None: all), in the order of their keys.

    ``plan`` has all of them in its closure. Raises as :func:`assetflow.plan.closure.selection` does.
    """
    keys = KeySets(graph, plan.keys, plan.as_of)
    own, node = keys.of(asset), graph.node_of(asset)
    chosen = selection(
        graph, Targets(assets=frozenset([asset]), keys=None if texts is None else frozenset(texts)), keys
    )
    with catalog.view(plan.environment) as view:
        histories = view.histories([asset])
    windows = own.windows
    dated = {name: each for name, each in own.dimensions.items() if each.windows is not None}
    found = []
    for key in chosen.get(node.key, ()):
        partition = Partition(asset, key)
        standing = plan.standings.get(partition)
        current = histories[partition].current if partition in histories else None
        values = own.values(key)
        bounds = None
        if windows is not None:
            position = own.position(key)
            assert position is not None
            bounds = windows.bounds(position)
        elif len(dated) == 1:
            ((name, dimension),) = dated.items()
            position = dimension.position(values[name])
            assert position is not None
            assert dimension.windows is not None
            bounds = dimension.windows.bounds(position)
        found.append(
            PartitionStatus(
                partition=partition,
                keys=values,
                start=bounds[0] if bounds else None,
                end=bounds[1] if bounds else None,
                state=State.FRESH if standing is None else standing.state,
                causes=() if standing is None else standing.causes,
                version=None if current is None else current.version,
                materialized_at=None if current is None else current.made_at,
            )
        )
    return tuple(found)
