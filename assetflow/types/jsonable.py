"""Values as JSON: the normal form in which scalars, containers and records are stored and handed on.

Numbers, text, booleans and None are themselves (floats may be infinite or NaN, as Python's ``json`` writes them).
Dates, times, durations (ISO 8601), decimals, UUIDs, paths, addresses and URLs are text; enum members their values;
tuples, sets (sorted) and deques lists; records objects of their fields by name, in order; a mapping's keys text, its
order is kept. What the text meant is known from the annotation that it is read by; without one it stays as it is.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import ipaddress
import json
import pathlib
import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Any

from assetflow import types as room
from assetflow.errors import ValueMismatch
from assetflow.types.libraries import is_of
from assetflow.types.records import RecordKind, record_kind
from assetflow.types.spelling import is_open

__all__ = ["from_jsonable", "is_jsonable_kind", "to_jsonable"]

_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)
_AS_TEXT = (uuid.UUID, pathlib.PurePath, decimal.Decimal, *_ADDRESSES)
_ISO = (datetime.datetime, datetime.date, datetime.time)
_LISTS = (list, tuple, set, frozenset, collections.deque)
_SCALARS = (str, int, float, type(None), Enum, datetime.timedelta, *_ISO, *_AS_TEXT)


def is_jsonable_kind(value: object) -> bool:
    """Whether a value is of a kind that is kept as JSON; what it contains may still not be."""
    return (
        isinstance(value, (*_SCALARS, *_LISTS, Mapping))
        or (not isinstance(value, type) and record_kind(type(value)) is not None)
        or _numpy_scalar(value)
        or _is_url(value)
    )


def to_jsonable(value: object) -> Any:  # JSON: None, bool, int, float, str, and lists and dicts of them
    """A value in its normal form, sharing nothing that can change with it.

    Raises ValueMismatch ``not-json`` that names the place of what cannot be written.
    """
    try:
        return _Writer().write(value)
    except RecursionError:
        raise ValueMismatch("not-json", "the value contains itself, or is nested too deeply") from None


def from_jsonable(data: object, hint: object) -> Any:  # of the hint's type
    """The value that was written, as its annotation says; without one (None, Any, object) the JSON itself, copied.

    In a union of types that are written alike, such as ``date | str``, a text that reads as a date is one.
    Raises ValueMismatch ``wrong-type`` where the data are not of that type.
    """
    if hint is None or is_open(hint):
        return _copied(data)
    return room.adapters.rebuilt(json.dumps(data), hint)


def _copied(data: Any) -> Any:  # JSON
    if isinstance(data, list):
        return [_copied(item) for item in data]
    if isinstance(data, dict):
        return {key: _copied(item) for key, item in data.items()}
    return data


class _Writer:
    """Writes one value; knows where in it it is."""

    def __init__(self) -> None:
        self._path: list[str] = []

    def write(self, value: Any) -> Any:  # whatever the user's function returned
        kind = type(value)
        if kind in (int, float, bool, type(None)):
            return value
        if kind is str:
            return self._text(value)
        if kind is list or kind is tuple:
            return self._items(value)
        if kind is dict:
            return self._mapping(value)
        return self._other(value, kind)

    def _other(self, value: Any, kind: type) -> Any:
        if isinstance(value, Enum):
            return self.write(value.value)
        if (scalar := self._scalar(value)) is not _ABSENT:
            return scalar
        match record_kind(kind):
            case RecordKind.MODEL:
                return self._model(value)
            case RecordKind.DATACLASS:
                return self._fields({f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init})
            case RecordKind.NAMED_TUPLE:
                return self._fields(dict(zip(value._fields, value, strict=True)))
        if isinstance(value, set | frozenset):
            return sorted(self._items(value), key=lambda item: json.dumps(item, sort_keys=True))
        if isinstance(value, _LISTS):
            return self._items(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        raise self._refused(value)

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int):
            return int(value)
        if _numpy_scalar(value) and not isinstance(value, _ISO):
            return self._number(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, _ISO):
            return value.isoformat()
        if isinstance(value, datetime.timedelta):
            return iso_duration(value)
        if isinstance(value, _AS_TEXT) or _is_url(value):
            return self._text(str(value))
        return _ABSENT

    def _number(self, value: Any) -> Any:  # a numpy scalar
        plain = value.item()
        if type(plain) is type(value) or isinstance(plain, bytes | complex):
            raise self._refused(value)
        return self.write(plain)

    def _text(self, value: str) -> str:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise self._refused(value, "text with a lone surrogate") from None
        return value

    def _items(self, values: Any) -> list[Any]:
        written = []
        for index, item in enumerate(values):
            kind = type(item)
            if kind is int or kind is float:
                written.append(item)
                continue
            self._path.append(f"[{index}]")
            written.append(self.write(item))
            self._path.pop()
        return written

    def _mapping(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, item in values.items():
            self._path.append(f"[{_shown(key)}]")
            text = self._key(key)
            if text in written:
                raise self._refused(values, f"a mapping with two keys that are both written {text!r}")
            written[text] = self.write(item)
            self._path.pop()
        return written

    def _key(self, key: Any) -> str:
        if isinstance(key, Enum):
            return self._key(key.value)
        if key is None or isinstance(key, list | tuple | Mapping):
            raise self._refused(key, f"a mapping with the key {_shown(key)}")
        if isinstance(key, bool):
            return "true" if key else "false"
        scalar = self._scalar(key)
        if scalar is _ABSENT:
            raise self._refused(key, f"a mapping with the key {_shown(key)}")
        return scalar if isinstance(scalar, str) else repr(scalar)

    def _model(self, model: Any) -> Any:  # a pydantic.BaseModel
        fields = type(model).model_fields
        values = {name: getattr(model, name) for name in fields}
        if getattr(type(model), "__pydantic_root_model__", False):
            return self.write(values["root"])
        return self._fields({**values, **(model.model_extra or {})})

    def _fields(self, values: dict[str, Any]) -> dict[str, Any]:
        written = {}
        for name, item in values.items():
            self._path.append(f".{name}")
            written[name] = self.write(item)
            self._path.pop()
        return written

    def _refused(self, value: object, what: str = "") -> ValueMismatch:
        place = "".join(self._path).removeprefix(".")
        kind = type(value)
        secret = "Secret" in kind.__name__
        hint = "a secret is never stored" if secret else "return something else, or write codec=Pickle() to pickle it"
        what = what or f"a {kind.__module__}.{kind.__qualname__}".replace(" builtins.", " ")
        return ValueMismatch("not-json", f"{place}: {what} cannot be kept as JSON".removeprefix(": "), hint=hint)


_ABSENT: Any = object()


def iso_duration(value: datetime.timedelta) -> str:
    """A duration in ISO 8601, exact to the microsecond: ``P1DT0.5S``, ``-P1D``."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
    return f"{sign}P{value.days}DT{seconds}S"


def _numpy_scalar(value: object) -> bool:
    return is_of(value, "numpy", "generic")


def _is_url(value: object) -> bool:
    return (
        type(value).__module__ in ("pydantic_core._pydantic_core", "pydantic.networks")
        and "Url" in type(value).__name__
    )


def _shown(key: object) -> str:
    try:
        text = repr(key)
    except Exception:  # the user's own __repr__
        text = f"<{type(key).__name__}>"
    return text if len(text) <= 60 else f"{text[:57]}..."
