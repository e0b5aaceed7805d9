"""Whether an object can stand for a Protocol, or for a Resource in a test: the same methods, callable alike."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Generic, Protocol

from pydantic import BaseModel

from assetflow.errors import AssetflowError
from assetflow.load.binding import is_protocol
from assetflow.resource import Resource
from assetflow.types.assign import assignable
from assetflow.types.hints import hint_text, resolved

__all__ = ["misfit"]

_FOREIGN = (object, BaseModel, Resource, Protocol, Generic)
#: What every protocol class has besides what its author wrote.
_MACHINERY = frozenset(dir(Protocol)) | {
    "__abstractmethods__",
    "__annotations__",
    "__dict__",
    "__doc__",
    "__init__",
    "__module__",
    "__non_callable_proto_members__",
    "__parameters__",
    "__protocol_attrs__",
    "__firstlineno__",
    "__static_attributes__",
    "__annotate__",
    "__annotations_cache__",
    "__slots__",
    "__subclasshook__",
    "__weakref__",
    "_abc_impl",
    "_is_protocol",
    "_is_runtime_protocol",
}


def misfit(candidate: Any, kind: type) -> str:  # any object of the user, or its class
    """Why the object, or instances of the class, cannot serve where ``kind`` is taken; empty where they can."""
    for name, wanted in _wanted(kind):
        found = getattr(candidate, name, None)
        if found is None and not hasattr(candidate, name):
            if isinstance(candidate, type) and name in _annotated(candidate):
                continue
            return f"it has no {'method' if callable(wanted) else 'attribute'} {name}"
        if inspect.isfunction(wanted) and (reason := _call_misfit(name, wanted, found, candidate)):
            return reason
    return ""


def _wanted(kind: type) -> Iterator[tuple[str, object]]:
    """The members that count: all of a Protocol; of a Resource the public methods of the user's own classes."""
    protocol = is_protocol(kind)
    seen = set[str]()
    for cls in kind.__mro__:
        if cls in _FOREIGN or (protocol and not getattr(cls, "_is_protocol", False)):
            continue
        members = dict(vars(cls))
        if protocol:
            members |= {name: None for name in vars(cls).get("__annotations__", {}) if name not in members}
        for name, value in members.items():
            if name in seen or (protocol and name in _MACHINERY):
                continue
            if not protocol and (name.startswith("_") or name == "open" or not inspect.isfunction(value)):
                continue
            seen.add(name)
            yield name, value


def _annotated(cls: type) -> set[str]:
    return {name for each in cls.__mro__ for name in vars(each).get("__annotations__", {})}


def _call_misfit(name: str, wanted: Any, found: Any, candidate: object) -> str:  # functions of the user
    if not callable(found):
        return f"{name} is not a method"
    if inspect.iscoroutinefunction(wanted) != inspect.iscoroutinefunction(found):
        return f"{name} must {'' if inspect.iscoroutinefunction(wanted) else 'not '}be async"
    try:
        takes = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return ""  # written in C: its parameters cannot be read
    if isinstance(candidate, type) and inspect.isfunction(inspect.getattr_static(candidate, name)):
        takes = takes[1:]  # self
    given = list(inspect.signature(wanted).parameters.values())[1:]
    if reason := _parameters_misfit(given, takes):
        return f"{name}{_shown(given)} {reason}"
    return _types_misfit(name, wanted, found)


def _shown(parameters: list[inspect.Parameter]) -> str:
    return f"({', '.join(each.name for each in parameters)})"


def _parameters_misfit(given: list[inspect.Parameter], takes: list[inspect.Parameter]) -> str:
    """Why calls written for the parameters ``given`` cannot be answered by a function with those it ``takes``."""
    kinds = inspect.Parameter
    by_name = {each.name: each for each in takes if each.kind not in {kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD}}
    any_position = any(each.kind is kinds.VAR_POSITIONAL for each in takes)
    any_name = any(each.kind is kinds.VAR_KEYWORD for each in takes)
    positional = [each for each in takes if each.kind in {kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD}]
    for place, each in enumerate(given):
        if each.kind is kinds.VAR_POSITIONAL:
            if not any_position:
                return f"takes no *{each.name} there"
            continue
        if each.kind is kinds.VAR_KEYWORD:
            if not any_name:
                return f"takes no **{each.name} there"
            continue
        found = by_name.get(each.name)
        by_position = each.kind is not kinds.KEYWORD_ONLY
        if by_position and not any_position and place >= len(positional):
            return f"takes no {each.name} there"
        if by_position and place < len(positional) and each.kind is kinds.POSITIONAL_OR_KEYWORD:
            if positional[place].name != each.name and not (positional[place].kind is kinds.POSITIONAL_ONLY and any_name):
                return f"takes {positional[place].name} in the place of {each.name}"
        if each.kind is kinds.KEYWORD_ONLY and found is None and not any_name:
            return f"takes no {each.name} there"
        if each.default is not kinds.empty and found is not None and found.default is kinds.empty:
            return f"needs {each.name} there"
    names = {each.name for each in given}
    for place, each in enumerate(positional):
        if each.kind is kinds.POSITIONAL_ONLY and place < len(given):
            names.add(each.name)
    extra = [each for each in by_name.values() if each.name not in names and each.default is kinds.empty]
    return f"needs {extra[0].name} as well" if extra else ""


def _types_misfit(name: str, wanted: Any, found: Any) -> str:  # functions of the user
    """Parameters must take at least, results give at most, what is promised; what is not annotated passes."""
    try:
        promised, kept = resolved(wanted), resolved(found)
    except (AssetflowError, AttributeError, TypeError):
        return ""
    for parameter in promised.keys() & kept.keys():
        here, there = promised[parameter], kept[parameter]
        narrow, wide = (there, here) if parameter == "return" else (here, there)
        if not assignable(narrow, wide).ok:
            what = "gives" if parameter == "return" else f"takes {parameter}:"
            return f"{name} {what} {hint_text(there)}, not {hint_text(here)}"
    return ""
