"""Conditions over the columns of a table, bound when the project is loaded as queries are."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.edges import Project
from assetflow.load.faults import Faults
from assetflow.load.functions import Function
from assetflow.model.keys import AssetKey
from assetflow.model.rows import Rows
from assetflow.sql.faults import SqlFault, excerpt
from assetflow.sql.queries import Queries
from assetflow.types.columns import Plain
from assetflow.types.rowmodels import RowModel, row_model_of

__all__ = ["bind_expression", "refuse_expectations"]

_BEFORE = "select ("


def refuse_expectations(functions: Iterable[Function], project: Project, queries: Queries, faults: Faults) -> None:
    """Tell which conditions of row models cannot be asked of their own columns, each once."""
    done: set[tuple[str, str, str]] = set()

    def look(asset: AssetKey, rows: RowModel | None, line: str) -> None:
        for name, sql in () if rows is None else rows.expects:
            assert rows is not None
            if (rows.identity, name, sql) in done:
                continue
            done.add((rows.identity, name, sql))
            try:
                bind_expression(sql, asset, replace(rows, policy=Rows()), queries)
            except DefinitionError as error:
                message, shown = f"{rows.name}.{name}: {error.message}", error.excerpt
                faults.add(DefinitionError("bad-row-model", message, where=[line], hint=error.hint, excerpt=shown))

    for key, declared in project.names.assets.items():
        with suppress(AssetflowError):  # a model that cannot be read is told elsewhere
            look(key, row_model_of(project.types.get(key)), declared.line)
    for function in functions:
        for each in function.inputs or ():
            look(each.edge.asset, each.rows, function.declared.line)


def bind_expression(sql: str, asset: AssetKey, rows: RowModel | None, queries: Queries) -> None:
    """Raise DefinitionError ``bad-check``, with a mark under the place, where a condition cannot be asked of the rows.

    Without a row model the columns are not known, and only its form is looked at.
    """
    # The line break ends a comment that the condition may end with.
    text = f'{_BEFORE}{sql}\n) as holds from "{asset.group}"."{asset.name}"'
    try:
        statement = queries.statement(text)
        if {each.name for each in statement.tables} != {str(asset)} or statement.parameters:
            hint = "it is a condition over the columns of one row; @check(...) judges several tables"
            raise SqlFault("bad-check", "it reads more than the rows themselves", hint=hint)
        if rows is None or rows.policy.extra == "keep":
            return
        columns = {asset: {column.name: column.slot.type for column in rows.columns}}
        binding = queries.binding(statement, {str(asset): asset}, columns, {})
        if [kind for _, kind in binding.columns] != [Plain("bool")]:
            kind = binding.columns[0][1]
            raise SqlFault("bad-check", f"it gives {kind}, and neither true nor false", hint="write amount > 0")
    except SqlFault as fault:
        place = None if fault.offset is None else fault.offset - len(_BEFORE)
        shown = () if place is None or not 0 <= place <= len(sql) else excerpt(sql, place)
        raise DefinitionError("bad-check", fault.message, hint=fault.hint, excerpt=shown) from None
