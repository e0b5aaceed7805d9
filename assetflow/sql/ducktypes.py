"""Column types as DuckDB writes them."""

from __future__ import annotations

from typing import assert_never

from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Struct, Timestamp
from assetflow.types.engine import literal, quoted

__all__ = ["duck_type"]

_PLAIN = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "halffloat": "FLOAT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "binary": "BLOB",
    "date32[day]": "DATE",
    "null": '"NULL"',
}
_TIMESTAMPS = {"s": "TIMESTAMP_S", "ms": "TIMESTAMP_MS", "us": "TIMESTAMP", "ns": "TIMESTAMP_NS"}


def duck_type(kind: ColumnType) -> str:
    """The type that a column has in a query. Instants of any zone are instants; texts of an enum keep their order."""
    match kind:
        case Plain(name) if name.startswith("time"):
            return "TIME"
        case Plain(name) if name.startswith("duration"):
            return "INTERVAL"
        case Plain(name):
            return _PLAIN[name]
        case Decimal(digits, places):
            return f"DECIMAL({digits},{places})" if digits <= 38 else "DOUBLE"
        case Timestamp(unit, zone):
            return _TIMESTAMPS[unit] if zone is None else "TIMESTAMP WITH TIME ZONE"
        case Enumeration(values) if all(isinstance(value, str) for value in values):
            return f"ENUM({', '.join(literal(str(value)) for value in values)})"
        case Enumeration():
            return "BIGINT"
        case List(element):
            return f"{duck_type(element.type)}[]"
        case Map(key, value):
            return f"MAP({duck_type(key)}, {duck_type(value.type)})"
        case Struct(fields):
            return f"STRUCT({', '.join(f'{quoted(name)} {duck_type(slot.type)}' for name, slot in fields)})"
        case _:
            assert_never(kind)
