"""Column types as Arrow's, and back."""

from __future__ import annotations

from typing import assert_never

import pyarrow as pa

from assetflow.types.canonical import DOMAIN, Domain, canonical_type, domain_of
from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Slot, Struct, Timestamp

__all__ = ["arrow_field", "arrow_type", "column_type", "field_type"]


def field_type(field: pa.Field) -> ColumnType:
    """The type of a canonical table's column; an enum's has its domain."""
    domain = domain_of(field)
    return column_type(field.type) if domain is None else Enumeration(domain.values)


def column_type(kind: pa.DataType) -> ColumnType:
    """An Arrow type in canonical form, as a value. Raises ValueMismatch ``table-column``."""
    kind = canonical_type(kind)
    if pa.types.is_decimal(kind):
        return Decimal(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return Timestamp(kind.unit, kind.tz)
    if pa.types.is_struct(kind):
        return Struct(tuple((child.name, Slot(column_type(child.type))) for child in kind))
    if pa.types.is_map(kind):
        return Map(column_type(kind.key_type), Slot(column_type(kind.item_type)))
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return List(Slot(column_type(kind.value_type)))
    return Plain(str(kind))


def arrow_type(kind: ColumnType) -> pa.DataType:
    """The Arrow type of a column; of an enum that of its values."""
    match kind:
        case Plain(name):
            return _PLAIN[name]
        case Decimal(digits, places):
            return pa.decimal128(digits, places) if digits <= 38 else pa.decimal256(digits, places)
        case Timestamp(unit, zone):
            return pa.timestamp(unit, zone)
        case Enumeration(values):
            return pa.string() if isinstance(values[0], str) else pa.int64()
        case List(element):
            return pa.list_(arrow_type(element.type))
        case Map(key, value):
            return pa.map_(arrow_type(key), arrow_type(value.type))
        case Struct(fields):
            return pa.struct([(name, arrow_type(slot.type)) for name, slot in fields])
        case _:
            assert_never(kind)


def arrow_field(name: str, kind: ColumnType) -> pa.Field:
    """A column of a canonical table; an enum's is a dictionary with its domain."""
    if not isinstance(kind, Enumeration):
        return pa.field(name, arrow_type(kind))
    whole = pa.dictionary(pa.int32(), arrow_type(kind), ordered=True)
    return pa.field(name, whole, metadata={DOMAIN: Domain(kind.values, True).text})


_PLAIN = {
    str(kind): kind
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.binary(), pa.date32(), pa.null()),
        *(pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
        *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
    )
}
