"""Why a partition is in its state: the recorded trace beside today's."""

from __future__ import annotations

from collections.abc import Iterator

from assetflow.catalog import Catalog
from assetflow.catalog.versions import find
from assetflow.errors import UsageError
from assetflow.graph import Graph
from assetflow.load.code.differences import differences as code_differences
from assetflow.model.history import Materialization
from assetflow.model.keys import Partition
from assetflow.model.plan import CauseKind, Plan, Standing, State
from assetflow.model.trace import Trace
from assetflow.model.versions import DataVersion
from assetflow.plan import KeySets, trace_of
from assetflow.plan.causes import differences
from assetflow.project.results import Difference, Explanation

__all__ = ["explained"]


def explained(graph: Graph, plan: Plan, partition: Partition, catalog: Catalog) -> Explanation:
    """The explanation of one partition from a plan that has it in its closure."""
    node = graph.node_of(partition.asset)
    keys = KeySets(graph, plan.keys, plan.as_of)
    if partition.key not in keys.of(partition.asset):
        raise UsageError("unknown-partition", f"{partition.asset} has no partition {partition.key!r}")
    version = find(catalog, plan.environment, partition)
    current = None if version is None else version.materialization
    today: Trace | None = None
    if not node.observed:
        today = trace_of(node, partition.key, keys.of, lambda input: _version(input, plan, catalog))
    standing = plan.standings.get(partition) or Standing(state=State.FRESH, causes=plan.forward.get(partition, ()))
    same = current is None or today is None or current.trace == today.digest
    found = () if same or current is None or today is None else tuple(_differences(current, today))
    return Explanation(
        partition=partition,
        state=standing.state,
        causes=standing.causes,
        kept=partition in plan.forward,
        recorded=None if current is None else current.trace or None,
        today=None if today is None else today.digest,
        differences=found,
        last_run=None
        if version is None or current is None
        else {"run": version.run, "at": current.made_at.isoformat(), "version": current.version},
    )


def _version(input: Partition, plan: Plan, catalog: Catalog) -> DataVersion | None:
    if input in plan.observed:
        return plan.observed[input]
    found = find(catalog, plan.environment, input)
    return None if found is None else found.materialization.data


def _differences(current: Materialization, today: Trace) -> Iterator[Difference]:
    if current.recipe.code != today.recipe.code:
        for part in code_differences(current.recipe.parts, today.recipe.parts):
            old, new = (("" if p is None else p.text or p.digest) for p in (part.old, part.new))
            yield Difference(part="code", name=part.name, old=old, new=new, where=part.where)
    for cause in differences(current, today):
        if cause.kind is not CauseKind.CODE:
            name = str(cause.input) if cause.input else cause.message
            yield Difference(part=str(cause.kind), name=name, old=cause.old, new=cause.new, where="")
