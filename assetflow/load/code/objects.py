"""What an object is, asked without running code of it: its class, its fields, its qualified name."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, WrapperDescriptorType
from typing import Any, Final

__all__ = [
    "asset_function",
    "fields",
    "is_assetflow",
    "is_enum",
    "is_importable",
    "is_resource",
    "named",
    "qualified_name",
    "wrapped",
]

_SPELLED: Final = {"posixpath": "os.path", "ntpath": "os.path", "builtins": ""}
_NAMED: Final = frozenset({FunctionType, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType})


def named(module: str, name: str) -> str:
    """A library's qualified name as people write it: where in the library it is defined privately does not count."""
    parts = _SPELLED.get(module, module).split(".")
    public = [part for part in parts if not part.startswith("_")] or [part.lstrip("_") for part in parts]
    return ".".join(part for part in (*public, name) if part)


def qualified_name(value: object) -> str:
    """The qualified name of a function, class or method; of anything else that of its class."""
    if type(value) not in _NAMED and not issubclass(type(value), type):
        value = type(value)
    name = _text(value, "__qualname__") or _text(value, "__name__")
    module = _text(value, "__module__")
    if not module and (owner := _own(value, "__objclass__")) is not None:
        return f"{qualified_name(owner)}.{_text(value, '__name__')}"
    return named(module, name)


def _text(value: object, attribute: str) -> str:
    found = _own(value, attribute)
    return found if type(found) is str else ""


def _own(value: object, attribute: str) -> object:
    """An attribute by the type's own rules, never through a ``__getattr__`` of the user's."""
    try:
        if issubclass(type(value), type):
            return type.__getattribute__(value, attribute)
        return object.__getattribute__(value, attribute)
    except Exception:
        return None


def is_importable(value: object) -> bool:
    """Whether a function or class is what its module and qualified name say, rather than made on the way."""
    found: object = sys.modules.get(_text(value, "__module__"))
    for part in _text(value, "__qualname__").split("."):
        names = _own(found, "__dict__")
        if found is None or not hasattr(type(names), "get"):
            return False
        found = names.get(part)  # type: ignore[attr-defined]  # a module's or class's own names
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
    return found is value


def is_assetflow(value: object) -> bool:
    """Whether a decorator is assetflow's own, or made of one: ``asset``, ``asset.using(...)``, a partial of it."""
    made: Any = value
    while type(made) is functools.partial:
        made = made.func
    if type(made) is MethodType:
        made = made.__self__
    owner = made if type(made) is FunctionType or issubclass(type(made), type) else type(made)
    return _text(owner, "__module__").split(".")[0] == "assetflow"


def asset_function(value: object) -> object | None:
    """The function of an assetflow Asset; None for everything else."""
    if _text(type(value), "__module__").startswith("assetflow.declare"):
        names = _own(value, "__dict__")
        function = names.get("function") if isinstance(names, dict) else None
        return function if callable(function) else None
    return None


def is_resource(cls: type) -> bool:
    """Whether a class derives from assetflow's Resource: its fields' values are parts of traces, not of code."""
    return any(b.__name__ == "Resource" and b.__module__.startswith("assetflow.") for b in cls.__mro__[1:])


def is_enum(cls: type) -> bool:
    """Whether instances of a class are named members of an enumeration."""
    return any(base.__name__ == "Enum" and base.__module__ == "enum" for base in cls.__mro__)


def wrapped(value: object) -> object | None:
    """What ``functools.wraps`` says that a callable stands for."""
    names = _own(value, "__dict__")
    found = names.get("__wrapped__") if isinstance(names, dict) else None
    return found if callable(found) else None


def fields(value: object) -> Iterator[tuple[str, Any]]:  # the user's values
    """An instance's fields by name: those in its dictionary and those in slots, read without properties."""
    found: dict[str, Any] = {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            name = f"_{cls.__name__.lstrip('_')}{slot}" if slot.startswith("__") and not slot.endswith("__") else slot
            descriptor: Any = cls.__dict__.get(name)
            if slot in {"__dict__", "__weakref__"} or type(descriptor).__name__ != "member_descriptor":
                continue
            try:
                found[name] = descriptor.__get__(value)
            except AttributeError:
                continue
    names = _own(value, "__dict__")
    if isinstance(names, dict):
        found.update({str(name): names[name] for name in dict.keys(names)})
    yield from sorted(found.items(), key=lambda item: item[0])
