"""Column types as JSON, and back: how they are kept where neither Arrow's text nor its library is at hand."""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Slot, Struct, Timestamp

__all__ = ["described", "from_description"]

Json: TypeAlias = Any


def described(kind: ColumnType) -> Json:
    """A type without its rules: of what it contains, anything may be null."""
    match kind:
        case Plain(name):
            return name
        case Decimal(digits, places):
            return ["decimal", digits, places]
        case Timestamp(unit, zone):
            return ["timestamp", unit, zone]
        case Enumeration(values):
            return ["enum", *values]
        case List(element):
            return ["list", described(element.type)]
        case Map(key, value):
            return ["map", described(key), described(value.type)]
        case Struct(fields):
            return ["struct", *([name, described(slot.type)] for name, slot in fields)]
        case _:
            assert_never(kind)


def from_description(description: Json) -> ColumnType:
    """The type described. Raises ValueError where it is none."""
    match description:
        case str(name):
            return Plain(name)
        case ["decimal", digits, places]:
            return Decimal(digits, places)
        case ["timestamp", unit, zone]:
            return Timestamp(unit, zone)
        case ["enum", *values]:
            return Enumeration(tuple(values))
        case ["list", element]:
            return List(Slot(from_description(element)))
        case ["map", key, value]:
            return Map(from_description(key), Slot(from_description(value)))
        case ["struct", *fields]:
            return Struct(tuple((name, Slot(from_description(kind))) for name, kind in fields))
        case _:
            raise ValueError(f"{description!r} describes no type")
