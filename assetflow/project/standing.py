"""How assets stand, summed up over their partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from assetflow.catalog import Catalog
from assetflow.graph import Graph
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Cause, CauseKind, Plan, Standing, State
from assetflow.plan import KeySets
from assetflow.project.results import AssetStatus
from assetflow.project.snapshot import Seen

__all__ = ["statuses"]


def statuses(
    graph: Graph, plan: Plan, shown: Sequence[AssetKey], catalog: Catalog, seen: Seen
) -> tuple[AssetStatus, ...]:
    """One status an asset; a source is fresh as soon as it can be seen."""
    keys = KeySets(graph, plan.keys, plan.as_of)
    by_asset: dict[AssetKey, list[tuple[Partition, Standing, int]]] = {}
    for each in plan.standings.summed():
        by_asset.setdefault(each[0].asset, []).append(each)
    with catalog.view(plan.environment) as view:
        made = view.last_made(shown)
    found = []
    for asset in shown:
        total = len(keys.of(asset))
        standings = by_asset.get(asset, [])
        if asset in seen.missing:
            cause = Cause(kind=CauseKind.MISSING, message=seen.missing[asset].message)
            standings = [(Partition(asset), Standing(state=State.MISSING, causes=(cause,)), 1)]
            total = max(total, 1)
        counts: Counter[State] = Counter()
        for _, standing, many in standings:
            counts[standing.state] += many
        counts[State.FRESH] += total - sum(counts.values())
        state = min((s for s, n in counts.items() if n), key=lambda s: s.severity, default=State.FRESH)
        causes = dict.fromkeys(
            cause for _, standing, _ in sorted(standings, key=lambda each: each[0]) for cause in standing.causes
        )
        found.append(
            AssetStatus(
                key=asset,
                state=state,
                total=total,
                partitions=dict(counts),
                causes=tuple(causes),
                materialized_at=made.get(asset),
                setback=next(
                    (s.setback for _, s, _ in sorted(standings, key=lambda each: each[0]) if s.state is state), None
                ),
            )
        )
    return tuple(found)
