"""Two recorded lists of columns, compared."""

from __future__ import annotations

from collections.abc import Sequence

from assetflow.model.changes import ChangeKind, ColumnChange
from assetflow.model.versions import ColumnVersion
from assetflow.types.columns import Conversion, conversion
from assetflow.types.recorded import recorded_type

__all__ = ["column_changes"]


def column_changes(before: Sequence[ColumnVersion], after: Sequence[ColumnVersion]) -> tuple[ColumnChange, ...]:
    """What changed, in the order of ``after``, dropped columns last. The order of columns is no change.

    A type that cannot be read back from its text counts as narrower than any other.
    """
    old, new = {column.name: column.type for column in before}, {column.name: column.type for column in after}
    found: list[ColumnChange] = []
    for name, kind in new.items():
        if name not in old:
            found.append(ColumnChange(ChangeKind.ADD, name, after=kind))
        elif old[name] != kind:
            found.append(ColumnChange(_retyped(old[name], kind), name, old[name], kind))
    found += [ColumnChange(ChangeKind.DROP, name, before=kind) for name, kind in old.items() if name not in new]
    return tuple(found)


def _retyped(before: str, after: str) -> ChangeKind:
    old, new = recorded_type(before), recorded_type(after)
    if old is None or new is None or conversion(old, new) > Conversion.WIDENS:
        return ChangeKind.NARROW
    return ChangeKind.WIDEN
