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
    "__callable_proto_members_only__",
    "__orig_bases__",
    "__slots__",
    "__type_params__",
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
    """Why calls written for the parameters ``given`` cannot be answered by a function with those it ``takes``.

    The widest and the narrowest call are tried, each with as much by position, and as much by name, as may be.
    """
    signature = inspect.Signature(takes)
    names = [each.name for each in takes]
    for needed_only in (False, True):
        wanted = [each for each in given if not (needed_only and _may_be_left_out(each))]
        for by_name in (False, True):
            positional = [each.name for each in wanted if _by_position(each, by_name)]
            named = {each.name: each.name for each in wanted if not _by_position(each, by_name)}
            try:
                bound = signature.bind(*positional, **named)
            except TypeError as error:
                return f"cannot be called as promised: {error}"
            for name, value in bound.arguments.items():
                # Each argument carries the name it was promised under; one taken under another name is swapped.
                if value != name and value in names:
                    return f"takes {name} in the place of {value}"
    return ""


def _may_be_left_out(parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return variable or parameter.default is not inspect.Parameter.empty


def _by_position(parameter: inspect.Parameter, by_name: bool) -> bool:
    kinds = inspect.Parameter
    if parameter.kind is kinds.POSITIONAL_OR_KEYWORD:
        return not by_name
    return parameter.kind in {kinds.POSITIONAL_ONLY, kinds.VAR_POSITIONAL}


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
