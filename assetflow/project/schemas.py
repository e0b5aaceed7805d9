"""Tables whose columns nobody declared have those that they were last made with; who reads others is told in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assetflow.catalog import Catalog
from assetflow.errors import DefinitionError, Mistakes
from assetflow.load.definitions import BoundInput, Loaded
from assetflow.model.history import History
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, Plan
from assetflow.types.columns import ColumnType
from assetflow.types.recorded import recorded_misfits, recorded_type
from assetflow.types.rowmodels import row_model_of

__all__ = ["last_columns", "refuse_misfits"]


def last_columns(
    catalog: Catalog, environment: str, assets: Sequence[AssetKey]
) -> dict[AssetKey, dict[str, ColumnType]]:
    """The columns of these tables as they are now; what has none, or one that is not known, is left out."""
    if not assets:
        return {}
    found: dict[AssetKey, dict[str, ColumnType]] = {}
    with catalog.view(environment) as view:
        samples = view.samples(assets)
    for asset, current in samples.items():
        types = {column.name: recorded_type(column.type) for column in current.data.columns}
        known = {name: kind for name, kind in types.items() if kind is not None}
        if known and known.keys() == types.keys():
            found[asset] = known
    return found


def refuse_misfits(loaded: Loaded, plan: Plan, histories: Mapping[Partition, History]) -> None:
    """Raise Mistakes, ``edge-columns``, where a step would read columns that the current table does not have.

    A table that this plan may make anew is left out: nobody knows yet which columns it will have.
    """
    actions = {(part.node, part.action) for part in plan.steps.parts}
    anew = {node for node, action in actions if action is not Action.REUSE}
    made = {asset for node in anew for asset in loaded.graph.nodes[node].outputs}
    nodes = {node for node, action in actions if action in {Action.RUN, Action.MAYBE}}
    found = [
        mistake
        for node in sorted(nodes)
        for bound in loaded.bound[node].inputs
        if bound.rows is not None and bound.edge.asset not in made and not _declared(loaded, bound)
        for mistake in _misfits(loaded, node, bound, histories)
    ]
    found += [
        fault for node, (fault, tables) in sorted(loaded.loose.items()) if node in nodes and not made & set(tables)
    ]
    if found:
        raise Mistakes(found)


def _declared(loaded: Loaded, bound: BoundInput) -> bool:
    """Whether the producer says itself what its columns are."""
    asset = bound.edge.asset
    if asset in loaded.sources:
        return True  # its file is looked at when it is read
    outputs = loaded.bound[loaded.graph.node_of(asset).key].outputs
    return any(row_model_of(output.hint) is not None for output in outputs if output.key == asset)


def _misfits(
    loaded: Loaded, node: AssetKey, bound: BoundInput, histories: Mapping[Partition, History]
) -> Iterator[DefinitionError]:
    assert bound.rows is not None
    for partition, history in sorted(histories.items()):
        if partition.asset != bound.edge.asset or history.current is None or not history.current.data.columns:
            continue
        columns = {column.name: column.type for column in history.current.data.columns}
        if told := recorded_misfits(columns, bound.rows):
            definition = loaded.graph.definitions[bound.edge.asset]
            more = f" (and {len(told) - 3} more)" if len(told) > 3 else ""
            yield DefinitionError(
                "edge-columns",
                f"{node} takes {bound.parameter} as rows of {bound.rows.name}, and {partition} was last made without: "
                f"{'; '.join(told[:3])}{more}",
                where=[f"{node}   {loaded.bound[node].where}", f"{partition.asset}   {definition.where}"],
                hint="ask for what is there; or change what makes it, and it is not looked at before it is made",
            )
            return
