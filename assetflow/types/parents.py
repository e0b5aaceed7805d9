"""A generic class seen as one of its parents: ``dict[str, int]`` as ``Iterable[str]``."""

from __future__ import annotations

import collections
import collections.abc
from typing import Any, Generic, Protocol, TypeVar, get_args, get_origin

from assetflow.types.records import fields_of

__all__ = ["arguments_as"]


def arguments_as(hint: object, parent: type) -> tuple[object, ...]:
    """The arguments that a class or alias has as its parent; empty where it says nothing of them.

    For ``tuple`` these are the elements, of a NamedTuple too.
    """
    made: Any = get_origin(hint) or hint  # a class
    if made is parent:
        return get_args(hint)
    if isinstance(made, type) and issubclass(made, tuple):
        return _tuple_as(made, get_args(hint), parent)
    found = _through_bases(made, get_args(hint), parent)
    if found is not None:
        return found
    if made is range or made is bytes or made is bytearray:
        return (int,)
    return _narrowed(made, get_args(hint), parent)


def _through_bases(made: type, given: tuple[object, ...], parent: type) -> tuple[object, ...] | None:
    """By the bases as written: ``class Names(list[str])``."""
    names = dict(zip(_parameters(made), given, strict=False))
    for base in getattr(made, "__orig_bases__", ()):
        origin = get_origin(base)
        if origin in (Generic, Protocol) or not isinstance(origin or base, type):
            continue
        if not _is_child(origin or base, parent):
            continue
        arguments = tuple(_substituted(argument, names) for argument in get_args(base))
        written = origin[arguments] if origin is not None and arguments else base
        return arguments_as(written, parent)
    for base in made.__bases__:
        if base is not object and hasattr(base, "__orig_bases__") and _is_child(base, parent):
            return arguments_as(base, parent)
    return None


def _is_child(cls: type, parent: type) -> bool:
    try:
        return issubclass(cls, parent)
    except TypeError:  # a protocol with attributes
        return parent in cls.__mro__


def _substituted(argument: Any, names: dict[Any, object]) -> object:
    if isinstance(argument, TypeVar):
        return names.get(argument, Any)
    parameters = _parameters(argument)
    return argument[tuple(names.get(parameter, Any) for parameter in parameters)] if parameters else argument


def _parameters(hint: Any) -> tuple[Any, ...]:  # TypeVars and the like, which share no class
    if hasattr(hint, "__parameters__"):
        own: tuple[Any, ...] = hint.__parameters__
        return own
    # A child of a built-in such as dict[str, T] is generic without a list of its own.
    bases = [_parameters(base) for base in getattr(hint, "__orig_bases__", ())]
    return tuple(dict.fromkeys(parameter for parameters in bases for parameter in parameters))


def _tuple_as(made: type, given: tuple[object, ...], parent: type) -> tuple[object, ...]:
    if made is not tuple:
        given = tuple(field.hint for field in fields_of(made)) or _base_arguments(made)
    if parent is tuple or not given:
        return given
    elements = given[:1] if given[1:] == (...,) else given
    union: Any = elements[0]
    for element in elements[1:]:
        union = union | element
    return (union,)


def _base_arguments(made: type) -> tuple[object, ...]:
    """Of ``class Pair(tuple[int, int])``."""
    bases = getattr(made, "__orig_bases__", ())
    return next((get_args(base) for base in bases if get_origin(base) is tuple), ())


def _narrowed(made: type, given: tuple[object, ...], parent: type) -> tuple[object, ...]:
    """By position, as the standard containers agree: the first argument of a mapping is what iterating gives."""
    if issubclass(made, collections.abc.Mapping) and not issubclass(parent, collections.abc.Mapping):
        return given[:1]
    if made is collections.Counter:
        return (*given, int) if given else ()
    return given
