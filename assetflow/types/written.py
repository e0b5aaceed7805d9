"""Promises as JSON: what ``contracts export`` writes and ``contracts check --base`` reads."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import Any, assert_never

from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Slot, Struct, Timestamp
from assetflow.types.promises import Promise
from assetflow.types.rules import Rule, RuleKind

__all__ = ["read_back", "written"]

#: Values that JSON does not have, each with how it is made a text and made of one.
_TEXTS: Mapping[str, tuple[type, Any]] = {
    "decimal": (decimal.Decimal, decimal.Decimal),
    "datetime": (datetime.datetime, datetime.datetime.fromisoformat),
    "date": (datetime.date, datetime.date.fromisoformat),
    "time": (datetime.time, datetime.time.fromisoformat),
    "bytes": (bytes, bytes.fromhex),
    "seconds": (datetime.timedelta, lambda text: datetime.timedelta(seconds=float(text))),
}


def written(promise: Promise) -> dict[str, Any]:
    """A promise as JSON has it."""
    return {
        "asset": promise.asset,
        "version": promise.version,
        "owner": promise.owner,
        "freshness_seconds": promise.freshness,
        "type": promise.type,
        "columns": [{"name": name, **_slot(slot)} for name, slot in promise.columns.items()],
        "keys": [list(key) for key in promise.keys],
        "guarantees": dict(promise.guarantees),
        "readers": {name: list(readers) for name, readers in promise.readers.items()},
    }


def read_back(found: Mapping[str, Any]) -> Promise:
    """The promise of which that is the JSON. Raises KeyError, TypeError, ValueError or AttributeError where it is of
    none.
    """
    return Promise(
        asset=str(found["asset"]),
        version=str(found["version"]),
        owner=str(found["owner"]),
        freshness=None if found["freshness_seconds"] is None else float(found["freshness_seconds"]),
        type=str(found["type"]),
        columns={str(each["name"]): _slot_back(each) for each in found["columns"]},
        keys=tuple(tuple(map(str, key)) for key in found["keys"]),
        guarantees={str(name): str(text) for name, text in found["guarantees"].items()},
        readers={str(name): tuple(map(str, readers)) for name, readers in found["readers"].items()},
    )


def _slot(slot: Slot) -> dict[str, Any]:
    rules = [{"kind": rule.kind.value, "value": _value(rule.value)} for rule in slot.rules]
    return {"type": _type(slot.type), "nullable": slot.nullable, "rules": rules}


def _slot_back(found: Mapping[str, Any]) -> Slot:
    rules = tuple(Rule(RuleKind(rule["kind"]), _value_back(rule["value"])) for rule in found["rules"])
    return Slot(_type_back(found["type"]), bool(found["nullable"]), rules)


def _type(kind: ColumnType) -> Any:
    match kind:
        case Plain(name):
            return name
        case Decimal(digits, places):
            return {"decimal": [digits, places]}
        case Timestamp(unit, zone):
            return {"timestamp": [unit, zone]}
        case Enumeration(values):
            return {"enum": list(values)}
        case List(element):
            return {"list": _slot(element)}
        case Map(key, value):
            return {"map": [_type(key), _slot(value)]}
        case Struct(fields):
            return {"struct": [[name, _slot(slot)] for name, slot in fields]}
        case _:
            assert_never(kind)


def _type_back(found: Any) -> ColumnType:
    if isinstance(found, str):
        return Plain(found)
    ((name, said),) = found.items()
    match name:
        case "decimal":
            return Decimal(*map(int, said))
        case "timestamp":
            return Timestamp(*said)
        case "enum":
            return Enumeration(tuple(said))
        case "list":
            return List(_slot_back(said))
        case "map":
            return Map(_type_back(said[0]), _slot_back(said[1]))
        case "struct":
            return Struct(tuple((str(field), _slot_back(slot)) for field, slot in said))
        case _:
            raise ValueError(f"there is no type {name!r}")


def _value(value: Any) -> Any:
    if isinstance(value, tuple | list | set | frozenset):
        return [_value(each) for each in value]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, datetime.timedelta):
        return {"seconds": str(value.total_seconds())}
    for name, (kind, _) in _TEXTS.items():
        if isinstance(value, kind):
            return {name: value.isoformat() if hasattr(value, "isoformat") else str(value)}
    return value if value is None or isinstance(value, bool | int | float | str) else {"other": repr(value)}


def _value_back(found: Any) -> Any:
    if isinstance(found, list):
        return tuple(map(_value_back, found))
    if isinstance(found, dict):
        ((name, text),) = found.items()
        return text if name == "other" else _TEXTS[name][1](text)
    return found
