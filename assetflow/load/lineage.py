"""Where the columns of each asset come from: of a query what it proves, of a function what its types say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assetflow.declare import MultiAsset, Source, SqlAsset
from assetflow.errors import DefinitionError, nearest
from assetflow.load.definitions import BoundInput, BoundOutput
from assetflow.load.edges import Project
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.load.queries import ReadQuery
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Evidence
from assetflow.sql.edges import proved_edges
from assetflow.types.libraries import is_table_hint
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import is_open

__all__ = ["of_function", "of_query", "with_derived"]

_DEPS = "deps"


def of_query(key: AssetKey, query: ReadQuery) -> tuple[ColumnEdge, ...]:
    """What the query says of every column, or why it does not."""
    deps = tuple(_dep(each.edge.asset, key) for each in query.asked if not each.edge.loaded)
    return tuple(sorted((*_of_query(key, query), *deps)))


def _of_query(key: AssetKey, query: ReadQuery) -> tuple[ColumnEdge, ...]:
    binding = query.binding
    read = sorted(set(query.tables.values()))
    if binding is None:
        loose = ", ".join(map(str, query.loose))
        reason = query.fault.message if query.fault else f"the columns of {loose} are not known before it is made"
        return tuple(_unknown(asset, key, reason) for asset in read)
    if binding.reason:
        return tuple(_unknown(asset, key, binding.reason) for asset in read)
    names = [name for name, _ in binding.columns]
    return proved_edges(key, names, binding.sources, binding.uses, read)


def of_function(
    declared: Declared, output: BoundOutput, inputs: tuple[BoundInput, ...], project: Project, faults: Faults
) -> tuple[ColumnEdge, ...]:
    """What the function's types say, and what its ``columns=`` does; mistakes in that are told."""
    columns = None if isinstance(declared.value, Source | SqlAsset) else declared.value.options.columns
    if columns and isinstance(declared.value, MultiAsset) and isinstance(columns, Mapping):
        columns = columns.get(output.key.name)
    edges = list(_said(declared, columns, output, inputs, project, faults)) if columns else []
    explained = {edge.source for edge in edges}
    for each in inputs:
        asset = each.edge.asset
        if asset in explained and each.edge.columns is None:
            continue
        if not each.edge.loaded:
            edges.append(_dep(asset, output.key))
        elif each.edge.columns is not None:
            done = {edge.column for edge in edges if edge.source == asset}
            edges += [
                ColumnEdge(source=asset, column=name, target=output.key, evidence=Evidence.DECLARED)
                for name in each.edge.columns
                if name not in done
            ]
        elif not is_table_hint(project.types.get(asset)) and not is_open(project.types.get(asset)):
            edges.append(ColumnEdge(source=asset, target=output.key, evidence=Evidence.DECLARED))
        else:
            edges.append(_unknown(asset, output.key, f"nothing says which columns of {each.parameter} are read"))
    return tuple(sorted(set(edges)))


def with_derived(said: tuple[ColumnEdge, ...], derived: tuple[ColumnEdge, ...]) -> tuple[ColumnEdge, ...]:
    """What is said of a function, and what the relation proved that it last gave: of an input that this tells of, only
    what ``columns=`` says stays beside it.
    """
    proved = {edge.source for edge in derived}
    kept = {edge for edge in said if edge.source not in proved or edge.into or edge.reason == _DEPS}
    return tuple(sorted({*kept, *derived}))


def _dep(source: AssetKey, target: AssetKey) -> ColumnEdge:
    return ColumnEdge(source=source, target=target, evidence=Evidence.DECLARED, reason=_DEPS)


def _unknown(source: AssetKey, target: AssetKey, reason: str) -> ColumnEdge:
    return ColumnEdge(source=source, target=target, evidence=Evidence.UNKNOWN, reason=reason)


def _said(
    declared: Declared,
    columns: Any,  # anything the user wrote
    output: BoundOutput,
    inputs: tuple[BoundInput, ...],
    project: Project,
    faults: Faults,
) -> Iterator[ColumnEdge]:
    if not isinstance(columns, Mapping):
        faults.add(_bad(declared, f"columns= must be a dict, got {columns!r}"))
        return
    by_name = {each.parameter: each.edge.asset for each in inputs if each.edge.loaded}
    by_name |= {str(each.edge.asset): each.edge.asset for each in inputs if each.edge.loaded}
    for into, sources in columns.items():
        if output.rows is not None and output.rows.policy.extra != "keep" and into not in output.rows.names:
            faults.add(_bad(declared, f"columns= names {into!r}, which it does not make", into, output.rows.names))
            continue
        for source in [sources] if isinstance(sources, str) else sources:
            name, _, column = str(source).rpartition(".")
            if name not in by_name:
                faults.add(_bad(declared, f"columns= names {source!r}, which is of no input", name, by_name))
                continue
            rows = row_model_of(project.types.get(by_name[name]))
            if rows is not None and rows.policy.extra != "keep" and column not in rows.names:
                message = f"columns= names {source!r}, and {by_name[name]} has no such column"
                faults.add(_bad(declared, message, column, rows.names))
                continue
            yield ColumnEdge(
                source=by_name[name], column=column, target=output.key, into=str(into), evidence=Evidence.DECLARED
            )


def _bad(declared: Declared, message: str, word: str = "", words: object = ()) -> DefinitionError:
    hint = nearest(str(word), list(words)) if word else ""  # type: ignore[call-overload]  # names, or a dict of them
    hint = hint or 'write columns={"revenue": ["orders.amount"]}: what is made, and the columns that it is made of'
    return DefinitionError("bad-argument", f"{declared.key}: {message}", where=[declared.line], hint=hint)
