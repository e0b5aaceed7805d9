"""The types of columns as values, without any table library: what row models declare and catalogs remember.

They are Arrow's types in canonical form (``assetflow.types.canonical``), and their texts are Arrow's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias, assert_never

from assetflow.types.rules import Rule

__all__ = [
    "ColumnType",
    "Conversion",
    "Decimal",
    "Enumeration",
    "List",
    "Map",
    "Plain",
    "Slot",
    "Struct",
    "Timestamp",
    "conversion",
    "parts",
]


@dataclass(frozen=True, slots=True)
class Plain:
    """A type without parts, by Arrow's name: ``int64``, ``double``, ``string``, ``date32[day]``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Decimal:
    """Exact numbers of so many digits, so many of them behind the point."""

    digits: int
    places: int

    def __str__(self) -> str:
        return (
            f"decimal128({self.digits}, {self.places})"
            if self.digits <= 38
            else f"decimal256({self.digits}, {self.places})"
        )


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Instants in a zone, or without one what a clock shows."""

    unit: str
    zone: str | None = None

    def __str__(self) -> str:
        return f"timestamp[{self.unit}]" if self.zone is None else f"timestamp[{self.unit}, tz={self.zone}]"


@dataclass(frozen=True, slots=True)
class Enumeration:
    """One of these values, which sort in this order."""

    values: tuple[str, ...] | tuple[int, ...]

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.values[:8]))
        return f"enum({shown}{', …' if len(self.values) > 8 else ''})"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for values: a column, a list's elements, a struct's field."""

    type: ColumnType
    nullable: bool = True
    #: What holds of each value that is not null.
    rules: tuple[Rule, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"{self.type}{' or null' if self.nullable else ''}", *map(str, self.rules)])


@dataclass(frozen=True, slots=True)
class List:
    """Lists of any length."""

    element: Slot

    def __str__(self) -> str:
        return f"list<{self.element}>"


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields."""

    fields: tuple[tuple[str, Slot], ...]

    def __str__(self) -> str:
        return f"struct<{', '.join(f'{name}: {slot}' for name, slot in self.fields)}>"


@dataclass(frozen=True, slots=True)
class Map:
    """Keys of one type, each with a value."""

    key: ColumnType
    value: Slot

    def __str__(self) -> str:
        return f"map<{self.key}, {self.value}>"


ColumnType: TypeAlias = Plain | Decimal | Timestamp | Enumeration | List | Struct | Map


class Conversion(IntEnum):
    """What it takes to make values of one type values of another, from nothing to what is not done."""

    SAME = 0
    #: Every value has its like, and it is told where it has not (an integer beyond 2**53 as a float).
    WIDENS = 1
    #: Only some values have their like: each is looked at.
    CHECKED = 2
    NONE = 3


_SIGNED, _UNSIGNED = ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64")
_FLOATS = ("halffloat", "float", "double")
_UNITS = ("s", "ms", "us", "ns")
#: Digits of the greatest value of each integer type.
_DIGITS = {"int8": 3, "int16": 5, "int32": 10, "int64": 19, "uint8": 3, "uint16": 5, "uint32": 10, "uint64": 20}


def conversion(found: ColumnType, wanted: ColumnType) -> Conversion:
    """What it takes to make a column of one type one of the other. Text is never read as something else."""
    if found == wanted:
        return Conversion.SAME
    if isinstance(found, Plain) and found.name == "null":
        return Conversion.WIDENS  # it holds nothing but nulls, which are another matter
    match wanted:
        case Plain():
            return _to_plain(found, wanted)
        case Decimal():
            return _to_decimal(found, wanted)
        case Timestamp():
            return _to_timestamp(found, wanted)
        case Enumeration():
            return _to_enumeration(found, wanted)
        case List():
            return conversion(found.element.type, wanted.element.type) if isinstance(found, List) else Conversion.NONE
        case Map():
            if not isinstance(found, Map):
                return Conversion.NONE
            return max(conversion(found.key, wanted.key), conversion(found.value.type, wanted.value.type))
        case Struct():
            return _to_struct(found, wanted)
        case _:
            assert_never(wanted)


def _to_plain(found: ColumnType, wanted: Plain) -> Conversion:
    if isinstance(found, Enumeration):
        text = all(isinstance(value, str) for value in found.values)
        return max(Conversion.WIDENS, conversion(Plain("string" if text else "int64"), wanted))
    if isinstance(found, Decimal):
        if wanted.name in _DIGITS:
            return Conversion.CHECKED
        return Conversion.NONE
    if not isinstance(found, Plain):
        return Conversion.NONE
    for family in (_SIGNED, _UNSIGNED, _FLOATS):
        if found.name in family and wanted.name in family:
            wider = family.index(found.name) <= family.index(wanted.name)
            return Conversion.WIDENS if wider else Conversion.CHECKED
    if found.name in _UNSIGNED and wanted.name in _SIGNED:
        wider = _UNSIGNED.index(found.name) < _SIGNED.index(wanted.name)
        return Conversion.WIDENS if wider else Conversion.CHECKED
    if found.name in _SIGNED and wanted.name in _UNSIGNED:
        return Conversion.CHECKED
    if found.name in _DIGITS and wanted.name in _FLOATS:
        return Conversion.WIDENS if wanted.name == "double" else Conversion.CHECKED
    if found.name in _FLOATS and wanted.name in _DIGITS:
        return Conversion.CHECKED
    return _between_units(found.name, wanted.name)


def _between_units(found: str, wanted: str) -> Conversion:
    """Durations and times of day of other units."""
    kind, _, unit = found.rstrip("]").partition("[")
    other, _, wished = wanted.rstrip("]").partition("[")
    if not unit or not wished or kind.rstrip("0123456789") != other.rstrip("0123456789") or kind.startswith("date"):
        return Conversion.NONE
    return _to_unit(unit, wished)


def _to_unit(found: str, wanted: str) -> Conversion:
    return Conversion.WIDENS if _UNITS.index(found) <= _UNITS.index(wanted) else Conversion.CHECKED


def _to_decimal(found: ColumnType, wanted: Decimal) -> Conversion:
    if isinstance(found, Plain) and found.name in _DIGITS:
        return Conversion.WIDENS if _DIGITS[found.name] <= wanted.digits - wanted.places else Conversion.CHECKED
    if not isinstance(found, Decimal):
        return Conversion.NONE
    fits = found.places <= wanted.places and found.digits - found.places <= wanted.digits - wanted.places
    return Conversion.WIDENS if fits else Conversion.CHECKED


def _to_timestamp(found: ColumnType, wanted: Timestamp) -> Conversion:
    if not isinstance(found, Timestamp) or (found.zone is None) != (wanted.zone is None):
        return Conversion.NONE
    return _to_unit(found.unit, wanted.unit)


def _to_enumeration(found: ColumnType, wanted: Enumeration) -> Conversion:
    if isinstance(found, Enumeration):
        known = set(found.values) <= set(wanted.values)
        return Conversion.WIDENS if known else Conversion.CHECKED
    text = all(isinstance(value, str) for value in wanted.values)
    same = conversion(found, Plain("string" if text else "int64"))
    return Conversion.CHECKED if same < Conversion.NONE else Conversion.NONE


def _to_struct(found: ColumnType, wanted: Struct) -> Conversion:
    if not isinstance(found, Struct):
        return Conversion.NONE
    made, asked = dict(found.fields), dict(wanted.fields)
    if made.keys() != asked.keys():
        return Conversion.NONE
    inner = max((conversion(made[name].type, asked[name].type) for name in asked), default=Conversion.SAME)
    return inner if list(made) == list(asked) else max(inner, Conversion.WIDENS)


def parts(one: ColumnType, other: ColumnType) -> Iterator[tuple[str, Slot, Slot]]:
    """The places for values inside of two types, side by side, as far as these are built alike."""
    if isinstance(one, List) and isinstance(other, List):
        yield "element", one.element, other.element
    elif isinstance(one, Map) and isinstance(other, Map):
        yield "value", one.value, other.value
    elif isinstance(one, Struct) and isinstance(other, Struct):
        fields = dict(one.fields)
        for name, slot in other.fields:
            if name in fields:
                yield f"field {name!r}", fields[name], slot
