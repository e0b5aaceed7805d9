"""Pydantic as the checker of values: one adapter a type, kept; types that pydantic does not know are spelt for it."""

from __future__ import annotations

import collections
import dataclasses
import functools
import operator
import sys
import typing
from collections.abc import (
    Callable,
    Collection,
    Container,
    Generator,
    Iterable,
    Iterator,
    MutableSequence,
    Reversible,
    Sequence,
)
from typing import Annotated, Any, Literal, get_args, get_origin

import typing_extensions
from pydantic import ConfigDict, FailFast, GetCoreSchemaHandler, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import PydanticCustomError, SchemaError, core_schema

from assetflow.errors import ValueMismatch
from assetflow.types.libraries import is_table_hint
from assetflow.types.protocols import protocol_members
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.spelling import alias_value, hint_text, is_union

__all__ = ["ValidationError", "adapter", "rebuilt", "records"]


def adapter(hint: object) -> TypeAdapter[Any] | None:
    """The adapter of a type, made once; None for one that pydantic cannot describe."""
    try:
        return _adapter(hint, hint_key(hint))
    except TypeError:  # unhashable metadata
        return _made(hint)


@functools.cache
def records(model: type) -> TypeAdapter[list[Any]]:
    """Reads records of a model as pydantic does when it is asked, converting; :func:`adapter` only looks at values."""
    return TypeAdapter(list[model])  # type: ignore[valid-type]  # of a value


def hint_key(hint: object) -> object:
    """What tells hints apart that Python calls equal: ``Literal[1]`` and ``Literal[True]``."""
    return repr(hint) if get_args(hint) else None


@functools.lru_cache(maxsize=2048)
def _adapter(hint: object, key: object) -> TypeAdapter[Any] | None:
    return _made(hint)


def _made(hint: object) -> TypeAdapter[Any] | None:
    described: Any = _described(hint)
    try:
        try:
            return TypeAdapter(described, config=ConfigDict(arbitrary_types_allowed=True))
        except PydanticUserError as error:
            if error.code != "type-adapter-config-unused":
                raise
            return TypeAdapter(described)
    except (PydanticUserError, PydanticSchemaGenerationError, SchemaError, NameError, TypeError, RecursionError):
        return None


def rebuilt(text: str, hint: object) -> Any:  # of the hint's type
    """A value from the JSON that it was written as. Raises ValueMismatch ``wrong-type``."""
    found = adapter(hint)
    if found is None:
        raise ValueMismatch(
            "wrong-type", f"{hint_text(hint)} cannot be read from JSON", hint="write codec=Pickle(), or another type"
        )
    try:
        return found.validate_json(text, strict=True, by_alias=False, by_name=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueMismatch(
            "wrong-type",
            f"the stored value is not {hint_text(hint)}: {place}: {first['msg']}".replace(": : ", ": "),
        ) from error


def _described(hint: object) -> object:
    """A type as pydantic knows to check it; the same object where that is the type itself."""
    hint = alias_value(hint)
    if hint is None:
        return type(None)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return _described_class(hint) if isinstance(hint, type) else hint
    if origin is Literal:
        return Annotated[hint, _Exact(arguments)] if any(isinstance(value, int) for value in arguments) else hint
    if origin is Annotated and is_table_hint(arguments[0]):
        return _described(arguments[0])  # pydantic would take a row model for the value's own class
    if origin is Annotated:
        inner = _described(arguments[0])
        return hint if inner is arguments[0] else Annotated[(inner, *arguments[1:])]
    if origin in _ABSTRACT and arguments:
        items: Any = _described(arguments[0])
        return Annotated[list[items], _FIRST, _Items(typing.cast(type, origin))]
    if origin in (Iterator, Generator):
        return origin
    if isinstance(origin, type) and getattr(origin, "_is_protocol", False):
        return _described_class(origin)
    if origin is list and arguments:
        # One misfit is enough to tell, and a list may have millions.
        items = _described(arguments[0])
        return Annotated[list[items], _FIRST]
    inner = tuple(part if isinstance(part, list) else _described(part) for part in arguments)
    if all(a is b for a, b in zip(inner, arguments, strict=True)):
        return hint
    if is_union(hint):
        return typing.Union[inner]  # noqa: UP007  # of a tuple
    return typing.cast(Any, origin)[inner] if hasattr(origin, "__class_getitem__") else hint


def _described_class(cls: type) -> object:
    if getattr(cls, "_is_protocol", False):
        return Annotated[Any, _Structural(cls)]
    match record_kind(cls):
        case RecordKind.TYPED_DICT if sys.version_info < (3, 12) and type(cls).__module__ == "typing":
            return _extension_typed_dict(cls)
        case RecordKind.DATACLASS if not hasattr(cls, "__pydantic_validator__") and not _contains(cls, cls):
            return Annotated[cls, _Fields(cls)]
        case RecordKind.MODEL | RecordKind.NAMED_TUPLE:
            return Annotated[cls, _Instance(cls)]
    return cls


def _contains(hint: object, wanted: type, seen: frozenset[type] = frozenset()) -> bool:
    """Whether a dataclass lies somewhere below the fields of a type."""
    if isinstance(hint, type) and get_origin(hint) is None:
        if hint in seen or record_kind(hint) is None:
            return False
        parts = [field.hint for field in fields_of(hint)]
        return wanted in parts or any(_contains(part, wanted, seen | {hint}) for part in parts)
    parts = [part for part in get_args(alias_value(hint)) if not isinstance(part, str | int)]
    return wanted in parts or any(_contains(part, wanted, seen) for part in parts)


@functools.lru_cache(maxsize=512)
def _extension_typed_dict(cls: type) -> object:
    # Before Python 3.12 typing's own lacks what pydantic reads, which is why pydantic refuses it.
    optional = typing_extensions.NotRequired
    fields = {f.name: f.hint if f.required else optional[f.hint] for f in fields_of(cls)}
    make: Any = typing_extensions.TypedDict
    return make(cls.__name__, {name: _described(hint) for name, hint in fields.items()})


class _FirstMisfit(FailFast):
    """Stops at the first element that does not fit. Hashable, as parts of unions must be."""

    def __hash__(self) -> int:
        return 0


_FIRST = _FirstMisfit()


@dataclasses.dataclass(frozen=True)
class _Structural:
    """Checks that a value has the methods and attributes of a protocol."""

    protocol: type

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        names = sorted(protocol_members(self.protocol))
        expected = self.protocol.__qualname__

        def check(value: object) -> object:
            missing = [name for name in names if not hasattr(value, name)]
            if missing:
                raise ValueError(f"it is not {expected}: it has no {missing[0]}")
            return value

        return core_schema.no_info_plain_validator_function(check)


#: Classes of containers whose elements are all that they promise.
_ABSTRACT = (Sequence, MutableSequence, Iterable, Collection, Reversible, Container)


@dataclasses.dataclass(frozen=True)
class _Items:
    """Takes any class of containers for an abstract one, and checks the elements as those of a list."""

    cls: type

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        whole = handler(source)

        def check(value: Any, inner: Callable[[object], Any]) -> object:  # a container
            given: object = value
            if not isinstance(given, self.cls) or isinstance(given, str | bytes | bytearray):
                raise PydanticCustomError("is_instance_of", "Input should be a container")
            made = inner(list(value))
            if all(map(operator.is_, made, value)):
                return given
            return type(value)(made) if type(value) in (tuple, set, frozenset, collections.deque) else made

        checked = core_schema.no_info_wrap_validator_function(check, whole)
        return core_schema.json_or_python_schema(json_schema=whole, python_schema=checked)


@dataclasses.dataclass(frozen=True)
class _Instance:
    """Insists on an instance, where pydantic would make one of a dict or tuple."""

    cls: type

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        whole = handler(source)
        instance = core_schema.chain_schema([core_schema.is_instance_schema(self.cls), whole])
        return core_schema.json_or_python_schema(json_schema=whole, python_schema=instance)


@dataclasses.dataclass(frozen=True)
class _Exact:
    """Tells 1, True and a member of an IntEnum apart, which Python calls equal."""

    values: tuple[object, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        whole = handler(source)

        def check(value: object, inner: Callable[[object], Any]) -> object:
            if not any(type(value) is type(admitted) and value == admitted for admitted in self.values):
                raise PydanticCustomError("literal_error", "Input should be another literal")
            return inner(value)

        exact = core_schema.no_info_wrap_validator_function(check, whole)
        return core_schema.json_or_python_schema(json_schema=whole, python_schema=exact)


@dataclasses.dataclass(frozen=True)
class _Fields:
    """Checks the fields of a dataclass's instance, which pydantic takes as it is."""

    cls: type

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        whole = handler(source)
        cls = self.cls
        fields = {
            f.name: core_schema.typed_dict_field(handler.generate_schema(_described(f.hint))) for f in fields_of(cls)
        }

        def check(value: Any, inner: Callable[[object], Any]) -> object:  # an instance, and its fields
            if not isinstance(value, cls):
                raise ValueError(f"it is not {cls.__qualname__}")
            given = {name: getattr(value, name) for name in fields}
            made = inner(given)
            changed = {name: made[name] for name in fields if made[name] is not given[name]}
            changed = {name: item for name, item in changed.items() if type(item) is not type(given[name])}
            return dataclasses.replace(typing.cast(Any, value), **changed) if changed else value

        checked = core_schema.no_info_wrap_validator_function(check, core_schema.typed_dict_schema(fields))
        return core_schema.json_or_python_schema(json_schema=whole, python_schema=checked)
