"""Protocols, checked by what a class has rather than by what it is a child of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Generic, Protocol, get_origin

from assetflow.errors import DefinitionError
from assetflow.types.resolving import resolved, resolved_fields

__all__ = ["misses", "protocol_members"]

_NOT_MEMBERS = frozenset(
    {"__abstractmethods__", "__annotations__", "__dict__", "__doc__", "__init__", "__module__", "__new__", "__slots__"}
    | {"__subclasshook__", "__weakref__", "__class_getitem__", "__match_args__", "__parameters__", "__orig_bases__"}
    | {"__protocol_attrs__", "__non_callable_proto_members__", "__static_attributes__", "__firstlineno__"}
    | {"__type_params__", "__annotate__", "__annotations_cache__", "__annotate_func__", "_is_protocol"}
    | {"_is_runtime_protocol", "_abc_impl", "__callable_proto_members_only__"}
)


def protocol_members(protocol: type) -> frozenset[str]:
    """The names of the methods and attributes that a protocol asks for."""
    names: set[str] = set()
    for base in protocol.__mro__:
        if getattr(base, "_is_protocol", False) and base not in (Protocol, Generic):
            names |= set(base.__dict__) | set(inspect.get_annotations(base))
    return frozenset(names - _NOT_MEMBERS)


def misses(producer: object, consumer: object, fits: Callable[[object, object], Any]) -> str:
    """What a producer's class lacks of a protocol, as a sentence; empty where it lacks nothing.

    ``fits`` gives the verdict on the types of attributes and of what methods return, where both are annotated.
    """
    made: Any = get_origin(producer) or producer  # a class
    asked: Any = get_origin(consumer) or consumer
    own, wanted = _attributes(made), _attributes(asked)
    for name in sorted(protocol_members(asked)):
        has = own.get(name, _returned(made, name))
        if has is _ABSENT:
            return f"it has no {name}"
        method = getattr(asked, name, None)
        if callable(method) and name not in wanted:
            reason = _method_misses(getattr(made, name, None), method, name)
            if reason:
                return reason
        wants = wanted.get(name, _returned(asked, name))
        if has is not None and wants is not None and wants is not _ABSENT:
            verdict = fits(has, wants)
            if not verdict.ok:
                return f"its {name}: {verdict.reason}"
    return ""


_ABSENT = object()


def _attributes(cls: type) -> dict[str, object]:
    try:
        return resolved_fields(cls)
    except DefinitionError:
        return dict.fromkeys(name for base in cls.__mro__ for name in inspect.get_annotations(base))


def _returned(cls: type, name: str) -> object:
    """The type of a property, or what a method returns; None where it does not say."""
    member = inspect.getattr_static(cls, name, _ABSENT)
    if member is _ABSENT:
        return _ABSENT
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    if not inspect.isfunction(function):
        return None
    try:
        return resolved(function).get("return")
    except DefinitionError:
        return None


def _method_misses(made: object, asked: Callable[..., object], name: str) -> str:
    if not callable(made):
        return f"its {name} is not a method"
    try:
        given, wanted = inspect.signature(made), inspect.signature(asked)
    except (TypeError, ValueError):  # of a built-in
        return ""
    parameters = [p for p in wanted.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    keywords = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    try:
        given.bind(*positional, **keywords)
    except TypeError as error:
        return f"its {name}() differs: {error}"
    return ""
