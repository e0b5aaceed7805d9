"""Views on their way into those that read them: a reader's input becomes inputs of what the view is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from assetflow.errors import DefinitionError
from assetflow.load.definitions import BoundInput, BoundView
from assetflow.load.edges import Project, View, in_order, whole_table
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared
from assetflow.model.keys import AssetKey
from assetflow.model.versions import CodePart
from assetflow.sql.faults import SqlFault
from assetflow.sql.queries import Queries
from assetflow.sql.query import Columns, Query
from assetflow.types.rowmodels import row_model_of

__all__ = ["STEP", "Read", "columns_of", "through_views"]

#: The name under which a view's query is handed the running step: no parameter can have it.
STEP = "(step)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a function reads."""

    #: As written, views among them.
    asked: tuple[BoundInput, ...]
    #: As its node has them.
    inputs: tuple[BoundInput, ...]
    views: tuple[BoundView, ...] = ()
    #: The queries of these views.
    code: tuple[CodePart, ...] = ()


def through_views(
    declared: Declared, asked: tuple[BoundInput, ...], project: Project, queries: Queries, faults: Faults
) -> Read | None:
    """The inputs of a function, with those of the views that it reads in the place of these.

    None, and it is told, where one cannot be.
    """
    if not any(each.edge.asset in project.views for each in asked):
        return Read(asked=asked, inputs=asked)
    inputs: list[BoundInput] = []
    views: list[BoundView] = []
    code: dict[CodePart, None] = {}
    for each in asked:
        view = project.views.get(each.edge.asset)
        if view is None:
            inputs.append(each)
            continue
        try:
            found, bound = _through(declared, each, view, project, queries)
        except SqlFault as fault:
            message = f"{declared.key} reads {view.key}: {fault.message}"
            faults.add(DefinitionError(fault.code, message, where=[declared.line], hint=fault.hint))
            return None
        inputs += found
        views += [] if bound is None else [bound]
        code |= dict.fromkeys(view.code.parts)
    return Read(asked=asked, inputs=in_order(inputs), views=tuple(views), code=tuple(code))


def _through(
    declared: Declared, taken: BoundInput, view: View, project: Project, queries: Queries
) -> tuple[list[BoundInput], BoundView | None]:
    """The inputs that a view is for one reader, and how it is made of them; None where it is not loaded.

    Raises SqlFault where it has no such columns.
    """
    text = view.text
    if taken.edge.columns is not None:
        listed = ", ".join(f'''"{name.replace('"', '""')}"''' for name in taken.edge.columns) or "1"
        text = f"select {listed} from ({text}\n)"
    statement = queries.statement(text)
    tables = {each.name: project.names.resolve(each.name, declared) for each in statement.tables}
    known = columns_of(tables.values(), project)
    binding = queries.binding(statement, tables, known, {}) if known.keys() == set(tables.values()) else None
    parameters = {key: f"{taken.parameter or view.key} ← {key}" for key in dict.fromkeys(tables.values())}
    inputs = []
    for key, parameter in parameters.items():
        one = whole_table(declared, key, parameter, project)
        reads = None if binding is None else binding.reads.get(key)
        edge = replace(one.edge, type="", columns=reads)
        if not taken.edge.loaded:
            edge = replace(edge, parameter="", columns=None, loaded=False)
        inputs.append(replace(one, parameter=edge.parameter, edge=edge))
    if not taken.edge.loaded:
        return inputs, None
    query = Query(
        name=str(view.key),
        text=statement.text,
        tables=tables,
        inputs={parameter: key for key, parameter in parameters.items()},
        step=STEP,
        columns=None if binding is None else known,
    )
    return inputs, BoundView(taken=taken, query=query, hint=project.types.get(view.key))


def columns_of(assets: Iterable[AssetKey], project: Project) -> dict[AssetKey, Columns]:
    """The columns of those tables of which they are known before they are made."""
    found: dict[AssetKey, Columns] = {}
    for key in assets:
        rows = row_model_of(project.types.get(key))
        if rows is not None and rows.policy.extra != "keep":
            found[key] = {column.name: column.slot.type for column in rows.columns}
    return found
