"""Conditions over the columns of a table, bound when the project is loaded as queries are."""

from __future__ import annotations

from assetflow.errors import DefinitionError
from assetflow.model.keys import AssetKey
from assetflow.sql.faults import SqlFault, excerpt
from assetflow.sql.queries import Queries
from assetflow.types.columns import Plain
from assetflow.types.rowmodels import RowModel

__all__ = ["bind_expression"]

_BEFORE = "select ("


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
