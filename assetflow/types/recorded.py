"""Column types as catalogs have them: the texts that stand in :class:`ColumnVersion`, read back."""

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
_SIZE = re.compile(r", \d+")
_NAMES = frozenset(
    {"binary", "bool", "date32[day]", "double", "float", "halffloat", "null", "string", "time32[ms]", "time32[s]"}
    | {"time64[ns]", "time64[us]", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
    | {f"duration[{unit}]" for unit in ("s", "ms", "us", "ns")}
)
_FLOATS = {"float16": "halffloat", "float32": "float", "float64": "double"}


def recorded_type(text: str) -> ColumnType | None:
    """The type with that text; None where it is not one that can be read back."""
    try:
        if text.startswith("enum<"):
            return _enumeration(text)
        reading = _Reading(text)
        found = reading.type()
        return found if reading.place == len(text) else None
    except ValueError:
        return None


def _enumeration(text: str) -> ColumnType:
    """``enum<string> {"ordered": true, "values": [...]}``; of a large domain only a digest was kept."""
    return Enumeration(tuple(json.loads(text.partition("> ")[2])["values"]))


class _Reading:
    """A text being read from left to right. Raises ValueError where it cannot go on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def type(self) -> ColumnType:
        if self._next("list<"):
            element = self.type()
            return self._end(List(Slot(element)))
        if self._next("array<"):
            element = self.type()
            self._matched(_SIZE)
            return self._end(List(Slot(element)))
        if self._next("map<"):
            entry = self.type()
            if not isinstance(entry, Struct) or len(entry.fields) != 2:
                raise ValueError(self.text)
            (_, key), (_, value) = entry.fields
            return self._end(Map(key.type, value))
        if self._next("struct<"):
            return self._end(Struct(tuple(self._fields())))
        if found := self._matched(_DECIMAL):
            return Decimal(int(found[1]), int(found[2]))
        if found := self._matched(_TIMESTAMP):
            return Timestamp(found[1], found[2])
        if found := self._matched(_PLAIN):
            name = _FLOATS.get(found[0], found[0])
            if name in _NAMES:
                return Plain(name)
        raise ValueError(self.text)

    def _fields(self) -> Iterator[tuple[str, Slot]]:
        while not self.text.startswith(">", self.place):
            name, self.place = json.JSONDecoder().raw_decode(self.text, self.place)
            if not isinstance(name, str) or not self._next(": "):
                raise ValueError(self.text)
            yield name, Slot(self.type())
            self._next(", ")

    def _next(self, word: str) -> bool:
        if not self.text.startswith(word, self.place):
            return False
        self.place += len(word)
        return True

    def _matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def _end(self, kind: ColumnType) -> ColumnType:
        if not self._next(">"):
            raise ValueError(self.text)
        return kind


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
