"""What a consumer is given: a value of its own, the same as if it had been stored and loaded."""

from __future__ import annotations

import copy
import pathlib
from typing import Any

from assetflow import types as room
from assetflow.errors import ValueMismatch
from assetflow.types.assign import assignable
from assetflow.types.jsonable import from_jsonable, is_jsonable_kind, to_jsonable
from assetflow.types.libraries import is_of, is_table, is_table_hint
from assetflow.types.spelling import is_open

__all__ = ["from_jsonable", "handed", "is_jsonable_kind", "reading_hint", "to_jsonable"]


def reading_hint(producer: object, consumer: object) -> object:
    """The annotation by which a stored value is read for a consumer; None where neither side has one that tells.

    Tables are made as the consumer asks, and numbers converted. Everything else is rebuilt as what the producer made
    it, which may be more than the consumer asks for: a subclass, a class that fits a protocol.
    """
    if producer is None or is_open(producer):
        return None if is_open(consumer) else consumer
    if is_table_hint(consumer) or (not is_open(consumer) and assignable(producer, consumer).converts):
        return consumer
    return producer


def handed(value: object, hint: object, *, connection: Any = None) -> Any:  # what the hint says; a DuckDB connection
    """What a consumer gets of a value in memory: indistinguishable from the value stored and loaded by ``hint``.

    Tables pass through the canonical form (without a hint that says otherwise, in the library they are in); JSON-able
    values through JSON and back by the hint; arrays are copied; anything else is a deep copy. A consumer can change
    what it gets without anyone noticing. Raises ValueMismatch.
    """
    if is_table(value):
        return room.tables.from_arrow(room.tables.to_arrow(value), hint, connection=connection)
    if value is None or (type(value) in (bytes, str, bool, int) and (hint is None or hint is type(value))):
        return value
    if isinstance(value, pathlib.PurePath | bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)  # as a file of them reads
    if is_of(value, "numpy", "ndarray"):
        array: Any = value
        return array.copy(order="A") if array.dtype != object else copy.deepcopy(array)
    if is_jsonable_kind(value):
        try:
            data = to_jsonable(value)
        except ValueMismatch:
            # A codec of the user's own keeps it; nothing but a copy can be said of that.
            return copy.deepcopy(value)
        return from_jsonable(data, hint)
    return copy.deepcopy(value)
