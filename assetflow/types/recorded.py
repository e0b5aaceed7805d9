"""Column types as catalogs have them: the texts of ``assetflow.types.tables.column_types``, read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from assetflow.errors import nearest
from assetflow.types.columns import (
    ColumnType,
    Conversion,
    Decimal,
    Enumeration,
    List,
    Map,
    Plain,
    Slot,
    Struct,
    Timestamp,
    conversion,
)
from assetflow.types.rowmodels import REQUIRED, RowModel

__all__ = ["recorded_misfits", "recorded_type"]

_DECIMAL = re.compile(r"decimal(?:128|256)\((\d+), (\d+)\)")
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=([^]]+))?\]")
_PLAIN = re.compile(r"[a-z]+\d*(\[[a-z]+\])?")
_LIST = re.compile(r"(?:fixed_size_)?list<(?:item|element): (.*)>(?:\[\d+\])?", re.DOTALL)


def recorded_type(text: str) -> ColumnType | None:
    """The type with that text; None where it is not one that can be read back."""
    if text.startswith("enum<"):
        return Enumeration(tuple(json.loads(text.partition("> ")[2])["values"]))
    if found := _DECIMAL.fullmatch(text):
        return Decimal(int(found[1]), int(found[2]))
    if found := _TIMESTAMP.fullmatch(text):
        return Timestamp(found[1], found[2])
    if found := _LIST.fullmatch(text):
        inner = recorded_type(found[1])
        return None if inner is None else List(Slot(inner))
    if text.startswith("map<") and text.endswith(">"):
        return _map(text[4:-1])
    if text.startswith("struct<") and text.endswith(">"):
        return _struct(text[7:-1])
    return Plain(text) if _PLAIN.fullmatch(text) else None


def _map(text: str) -> ColumnType | None:
    parts = [recorded_type(part) for part in _split(text)]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return None
    return Map(parts[0], Slot(parts[1]))


def _struct(text: str) -> ColumnType | None:
    fields: list[tuple[str, Slot]] = []
    for part in _split(text):
        name, colon, kind = part.partition(": ")
        inner = recorded_type(kind) if colon else None
        if inner is None:
            return None
        fields.append((name, Slot(inner)))
    return Struct(tuple(fields))


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        if letter in "<([":
            depth += 1
        elif letter in ">)]":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    if text:
        yield text[start:].strip()


def recorded_misfits(columns: Mapping[str, str], asked: RowModel) -> tuple[str, ...]:
    """What keeps a table of these recorded columns (name to type's text) from serving a row model.

    Values are not known: what only some of them keep from being converted is left to be seen.
    """
    found: list[str] = []
    for column in asked.columns:
        text = columns.get(column.name)
        if text is None:
            if column.default is REQUIRED:
                close = nearest(column.name, sorted(columns))
                found.append(f"it has no column {column.name!r}{f': {close}' if close else ''}")
            continue
        kind = recorded_type(text)
        if kind is not None and conversion(kind, column.slot.type) is Conversion.NONE:
            found.append(f"column {column.name!r} is {kind}, not {column.slot.type}")
    return tuple(found)
