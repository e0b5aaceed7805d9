"""Classes: their own text, their bases, and the attributes that were computed when they were made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from assetflow.load.code.files import Piece, SourceFile
from assetflow.load.code.functions import defaults, names_of
from assetflow.load.code.lookup import Names
from assetflow.load.code.objects import is_enum
from assetflow.load.code.reach import Reached
from assetflow.types.records import fields_of, record_kind

if TYPE_CHECKING:
    from assetflow.load.code.describe import Describer, Writing

__all__ = ["describe", "describe_behaviour", "module_of", "unwritten"]

#: What Python and class-making libraries put into a class beside what its author wrote.
_MACHINERY = frozenset({"_abc_impl", "_field_defaults", "_fields", "_make", "_replace", "_asdict"})
_BY_LIBRARIES = ("__", "_abc_", "_member", "_value2member", "_unhashable", "_hashable", "_new_member", "_use_args")
#: Where pydantic and dataclasses keep the fields that they took out of a class.
_FIELDS = ("__pydantic_fields__", "__dataclass_fields__")


def module_of(cls: type) -> ModuleType | None:
    """The module that a class says it is written in."""
    name = cls.__dict__.get("__module__")
    return sys.modules.get(name) if isinstance(name, str) else None


def unwritten(describer: Describer, cls: type) -> Reached:
    """A class, not yet described."""
    file = _file(describer, cls)
    pieces = file.class_(cls.__qualname__) if file is not None else ()
    where = f"{file.relative}:{pieces[0].line}" if file is not None and pieces else ""
    return Reached(f"{cls.__module__}.{cls.__qualname__}", cls.__name__, where)


def _file(describer: Describer, cls: type) -> SourceFile | None:
    module = module_of(cls)
    path = vars(module).get("__file__") if module is not None else None
    return describer.sources.file(path) if isinstance(path, str) else None


def describe(describer: Describer, into: Writing, cls: type, way: str) -> None:
    """A class of the project; ``way`` as for :func:`assetflow.load.code.canonical.canonical`."""
    file = _file(describer, cls)
    pieces = file.class_(cls.__qualname__, way=way) if file is not None else ()
    into.tokens.append("class")
    names = _names(describer, cls)
    for piece in pieces:
        into.tokens.append(piece.form.digest)
        describer.form(into, names, piece.form)
        into.target.docstring += piece.docstring
    for number, base in enumerate(cls.__bases__):
        found = describer.code(base)
        if isinstance(found, Reached):
            into.uses(f"base {number}", found)
        else:
            into.tokens += [f"base {number}", str(found)]
    kind = describer.code(type(cls))
    if isinstance(kind, Reached):
        into.uses("metaclass", kind)
    if pieces:
        _attributes(describer, into, cls, way, pieces, file)
    else:
        _sourceless(describer, into, cls)


def describe_behaviour(describer: Describer, into: Writing, cls: type) -> None:
    """What instances of a class can do: its methods, and the attributes that its body sets beside its fields.

    Its name, place and fields do not count here, nor what a library's machinery put into it.
    """
    file = _file(describer, cls)
    pieces = file.class_(cls.__qualname__) if file is not None else ()
    written = {name for piece in pieces for name in piece.form.bound} - _field_names(cls)
    for name, value in sorted(cls.__dict__.items(), key=lambda item: str(item[0])):
        for number, part in enumerate(_parts(value)):
            is_ours = name in written or describer.sources.is_project_file(part.__code__.co_filename)
            if is_ours and isinstance(used := describer.code(part), Reached):
                into.uses(f".{name} {number}", used)
        if name in written and not _parts(value) and not name.startswith("__") and not _is_member(value, cls):
            describer.value(into, f".{name}", value)


def _field_names(cls: type) -> frozenset[str]:
    if record_kind(cls) is None:
        return frozenset()
    return frozenset(field.name for field in fields_of(cls))


def _names(describer: Describer, cls: type) -> Names:
    """What the names in a class are bound to: its methods' closures know the variables around it."""
    module = module_of(cls)
    cells: dict[str, Any] = {}  # whatever the closures hold
    for function in _functions(cls):
        cells |= names_of(describer, function).cells
    return Names(describer.sources, vars(module) if module else {}, cells, f"{cls.__module__}.{cls.__qualname__}")


def _functions(cls: type) -> Iterator[FunctionType]:
    for value in cls.__dict__.values():
        yield from _parts(value)


def _parts(value: object) -> tuple[FunctionType, ...]:
    """The functions that a method, class method, static method or property is made of."""
    kind = type(value)
    if isinstance(value, (staticmethod, classmethod)) and kind in {staticmethod, classmethod}:
        return _parts(value.__func__)
    if isinstance(value, property) and kind is property:
        return tuple(part for accessor in (value.fget, value.fset, value.fdel) for part in _parts(accessor))
    return (value,) if isinstance(value, FunctionType) else ()


def _attributes(
    describer: Describer, into: Writing, cls: type, way: str, pieces: tuple[Piece, ...], file: SourceFile | None
) -> None:
    """Attributes whose value does not follow from the class's text, in order of name."""
    bound = {name for piece in pieces for name in piece.form.bound}
    for name, value in sorted(cls.__dict__.items(), key=lambda item: str(item[0])):
        parts = _parts(value)
        if parts and all(_is_written(part, pieces, file) for part in parts):
            for part in parts:
                defaults(describer, into, part, f"default of {name}")
        elif name in bound and not (name.startswith("__") and not parts):
            describer.value(into, f".{name}", getattr(value, "_value_", None) if _is_member(value, cls) else value)
        elif name not in bound and (parts or way == "whole") and _was_added(describer, name, value):
            describer.value(into, f"+{name}", value)
    for kept in _FIELDS if way == "whole" else ():
        found = cls.__dict__.get(kept)
        if isinstance(found, dict):
            _fields(describer, into, found)


def _is_member(value: object, cls: type) -> bool:
    return is_enum(cls) and type(value) is cls


def _fields(describer: Describer, into: Writing, found: dict[str, Any]) -> None:  # the libraries' own field objects
    for name, field in found.items():
        default = getattr(field, "default", None)
        if type(default).__name__ not in {"_MISSING_TYPE", "PydanticUndefinedType"}:
            describer.value(into, f"field {name}", default)


def _is_written(function: FunctionType, pieces: tuple[Piece, ...], file: SourceFile | None) -> bool:
    """Whether a function stands in the class's own text and so is counted with it."""
    code = function.__code__
    inside = any(piece.line <= code.co_firstlineno <= piece.last_line for piece in pieces)
    return inside and file is not None and code.co_filename == file.path and not function.__dict__


def _was_added(describer: Describer, name: str, value: object) -> bool:
    """Whether someone's code put an attribute into a class after it was written."""
    if name.startswith(_BY_LIBRARIES) or name in _MACHINERY:
        return False
    parts = _parts(value)
    if parts:
        return all(describer.sources.is_project_file(part.__code__.co_filename) for part in parts)
    kind = type(value)
    return kind.__module__ == "builtins" and not kind.__name__.endswith("_descriptor")


def _sourceless(describer: Describer, into: Writing, cls: type) -> None:
    """A class made by a call: of its name and of what it holds."""
    into.tokens += ["made", cls.__name__]
    if is_enum(cls):
        members: dict[str, Any] = cls.__members__  # type: ignore[attr-defined]  # every Enum has it
        describer.value(into, "members", [(name, member._value_) for name, member in members.items()])
    elif tuple in cls.__mro__ and "_fields" in cls.__dict__:
        describer.value(into, "fields", (cls.__dict__["_fields"], cls.__dict__.get("_field_defaults")))
    else:
        for name, value in cls.__dict__.items():
            if not name.startswith(_BY_LIBRARIES) or (name.startswith("__") and _parts(value)):
                made = any(part.__code__.co_filename.startswith("<") for part in _parts(value))
                if not made and not type(value).__name__.endswith("_descriptor"):
                    describer.value(into, f".{name}", value)
        for kept in _FIELDS:
            found = cls.__dict__.get(kept)
            if isinstance(found, dict):
                _fields(describer, into, found)
