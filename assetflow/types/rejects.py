"""What a row model asks of tables whose bad rows are put aside, and what these are held to themselves."""

from __future__ import annotations

from dataclasses import replace

from assetflow.model.rows import Rows
from assetflow.types.columns import ColumnType, Enumeration, List, Map, Plain, Slot, Struct
from assetflow.types.rowmodels import Column, RowModel
from assetflow.types.rules import Rule, RuleKind

__all__ = ["REASON", "judged_model", "reject_model"]

#: The column of rejected rows that says what is wrong with each.
REASON = "reject_reason"


def judged_model(rows: RowModel) -> RowModel:
    """The same table, where a value outside of its column's domain breaks a rule, rather than being of no type."""
    return replace(rows, columns=tuple(replace(each, slot=_open(each.slot)) for each in rows.columns))


def _open(slot: Slot) -> Slot:
    if not isinstance(slot.type, Enumeration):
        return slot
    values = slot.type.values
    plain = Plain("string" if isinstance(values[0], str) else "int64")
    return replace(slot, type=plain, rules=(Rule(RuleKind.ONE_OF, values), *slot.rules))


def reject_model(rows: RowModel) -> RowModel:
    """What rejected rows are held to: the same columns, with any values; and :data:`REASON`."""
    columns = [replace(each, slot=_anything(each.slot)) for each in judged_model(rows).columns]
    reason = Column(name=REASON, field=REASON, slot=Slot(Plain("string"), nullable=False))
    return RowModel(
        name=f"{rows.name} (rejected)",
        columns=(*(each for each in columns if each.name != REASON), reason),
        policy=Rows(extra="keep" if rows.policy.extra == "keep" else "drop"),
    )


def _anything(slot: Slot) -> Slot:
    return Slot(_any_type(slot.type))


def _any_type(kind: ColumnType) -> ColumnType:
    match kind:
        case List(element):
            return List(_anything(element))
        case Map(key, value):
            return Map(key, _anything(value))
        case Struct(fields):
            return Struct(tuple((name, _anything(part)) for name, part in fields))
        case _:
            return kind
