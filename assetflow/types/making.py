"""``table``: records as a table of their row model, whatever they come from."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

from assetflow import types as room
from assetflow.errors import DefinitionError, ValueMismatch
from assetflow.types.columns import ColumnType, List, Map, Struct
from assetflow.types.rowmodels import row_model

__all__ = ["table"]

T = TypeVar("T")

#: How many of the records that do not fit are told.
_TOLD = 5


def table(model: type, records: Iterable[object], *, as_: type[T]) -> T:
    """Records as a table of their row model: ``table(Order, api.orders(), as_=pl.DataFrame)``.

    A record is a mapping, an instance of the model, or an object with its attributes; what it has beyond the model is
    left out. The model reads each as pydantic does: dates and numbers are parsed from text, defaults filled, validators
    run. Without records it is a table of no rows with the model's columns. ``as_`` is the class of the table.

    Raises ValueMismatch ``bad-rows`` with the first records that do not fit, and for keys that are repeated;
    DefinitionError ``bad-row-model`` for a model that has no columns.
    """
    rows = row_model(model)
    if rows.model is None:
        message = f"table() reads records as pydantic does, and {rows.name} is no pydantic model"
        raise DefinitionError("bad-row-model", message, hint="make the table with the library that it is of")
    read = _validated(model, list(records))
    columns = [[_plain(record[column.field], column.slot.type) for record in read] for column in rows.columns]
    made = room.conforming.of_columns(columns, rows)
    found: T = room.tables.from_arrow(made, as_)  # type: ignore[assignment]  # of the class that was asked for
    return found


def _validated(model: Any, records: list[object]) -> list[dict[str, Any]]:
    adapter = room.adapters.records(model)
    try:
        read = adapter.validate_python(records, from_attributes=True)
    except room.adapters.ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        told = [_told(each) for each in found[:_TOLD]]
        if len(found) > _TOLD:
            told.append(f"and {len(found) - _TOLD} more")
        raise ValueMismatch(
            "bad-rows",
            f"{len({each['loc'][0] for each in found}):,} of {len(records):,} records are no {model.__name__}",
            where=told,
            hint="leave them out, mend them, or change the model",
        ) from None
    dumped: list[dict[str, Any]] = adapter.dump_python(read)
    return dumped


def _told(error: Any) -> str:  # pydantic's ErrorDetails
    row, *place = error["loc"]
    where = ".".join(map(str, place))
    got = repr(error["input"])
    got = got if len(got) <= 60 else f"{got[:57]}..."
    return f"record {row}{f', {where}' if where else ''}: {error['msg']}, got {got}"


def _plain(value: Any, kind: ColumnType) -> Any:  # what a model holds; what Arrow takes
    if value is None:
        return None
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    match kind:
        case List(element):
            return [_plain(each, element.type) for each in value]
        case Map(key, inner):
            return [(_plain(name, key), _plain(each, inner.type)) for name, each in value.items()]
        case Struct(fields):
            return {name: _plain(value[name], slot.type) for name, slot in fields}
        case _:
            return value
