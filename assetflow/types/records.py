"""Classes that are records of named fields, of whichever kind they are."""

from __future__ import annotations

import dataclasses
import sys
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin

from assetflow.types.resolving import resolved_fields

__all__ = ["Field", "RecordKind", "fields_of", "record_kind"]


class RecordKind(StrEnum):
    """How a record class is made."""

    MODEL = "model"
    DATACLASS = "dataclass"
    TYPED_DICT = "TypedDict"
    NAMED_TUPLE = "NamedTuple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record class."""

    name: str
    #: Without ``Annotated``, ``Required``, ``NotRequired`` and ``ReadOnly``.
    hint: object
    #: What ``Annotated`` carried; for a pydantic model its constraints.
    metadata: tuple[object, ...] = ()
    #: Whether a value may lack it: a TypedDict's ``NotRequired``.
    required: bool = True


def record_kind(cls: object) -> RecordKind | None:
    """Which kind of record a class is, or None."""
    if not isinstance(cls, type):
        return None
    if typing.is_typeddict(cls) or _is_extension_typed_dict(cls):
        return RecordKind.TYPED_DICT
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return RecordKind.NAMED_TUPLE
    model = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)  # a model can only exist once it is loaded
    if model is not None and issubclass(cls, model):
        return RecordKind.MODEL
    if dataclasses.is_dataclass(cls):
        return RecordKind.DATACLASS
    return None


def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a record class, in order. Raises DefinitionError ``unresolved-annotation``."""
    match record_kind(cls):
        case RecordKind.MODEL:
            found: Any = cls  # a BaseModel; pydantic is not imported here
            return tuple(
                Field(name=name, hint=info.annotation, metadata=tuple(info.metadata))
                for name, info in found.model_fields.items()
            )
        case RecordKind.DATACLASS:
            hints = resolved_fields(cls)
            names = [field.name for field in dataclasses.fields(typing.cast(Any, cls)) if field.init]
            return tuple(_field(name, hints.get(name, Any)) for name in names)
        case RecordKind.NAMED_TUPLE:
            hints = resolved_fields(cls)
            return tuple(_field(name, hints.get(name, Any)) for name in typing.cast(Any, cls)._fields)
        case RecordKind.TYPED_DICT:
            return _typed_dict_fields(cls)
        case None:
            return ()


def _typed_dict_fields(cls: type) -> tuple[Field, ...]:
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    fields = []
    for name, hint in resolved_fields(cls).items():
        # With postponed annotations the class itself could not read Required and NotRequired.
        written = getattr(get_origin(hint), "_name", "")
        needed = written == "Required" if written in ("Required", "NotRequired") else name in required
        fields.append(dataclasses.replace(_field(name, hint), required=needed))
    return tuple(fields)


def _field(name: str, hint: object) -> Field:
    metadata: tuple[object, ...] = ()
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *more = get_args(hint)
            metadata = (*metadata, *more)
        elif getattr(origin, "_name", "") in ("Required", "NotRequired", "ReadOnly"):
            (hint,) = get_args(hint)
        else:
            return Field(name=name, hint=hint, metadata=metadata)


def _is_extension_typed_dict(cls: type) -> bool:
    return type(cls).__name__ == "_TypedDictMeta"
