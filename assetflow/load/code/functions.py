"""Functions: their own text, what closures, defaults and attributes hold, and what they wrap."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from assetflow.load.code.canonical import digest
from assetflow.load.code.files import Piece, lambdas_digest
from assetflow.load.code.lookup import Names
from assetflow.load.code.names import Reference
from assetflow.load.code.objects import qualified_name, wrapped
from assetflow.load.code.reach import Reached

if TYPE_CHECKING:
    from assetflow.load.code.describe import Describer, Writing

#: Bytecode differs from one minor version of Python to the next.
PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"

__all__ = ["AssetWay", "defaults", "describe", "describe_made", "unwritten"]


class AssetWay:
    """How an asset's own function is described: without its name, annotations and defaults, inputs by number."""

    def __init__(self, inputs: Mapping[str, int], ignored: Collection[str]) -> None:
        self.inputs = inputs
        order = list(ignored) if isinstance(ignored, (list, tuple)) else sorted(ignored)
        self.ignored = {name: number for number, name in enumerate(order)}

    def role(self, parameter: str) -> str:
        """What a parameter is called where its name does not count."""
        if parameter in self.inputs:
            return f"input {self.inputs[parameter]}"
        if parameter in self.ignored:
            return f"given {self.ignored[parameter]}"
        return f"named {parameter}"


def unwritten(describer: Describer, function: FunctionType) -> Reached:
    """A function, not yet described. It is named by its code: ``functools.wraps`` says whose name it would like."""
    code = function.__code__
    name = f"{module_name(function)}.{code.co_qualname}"
    where = f"{describer.sources.relative(code.co_filename)}:{code.co_firstlineno}"
    return Reached(name, code.co_qualname.rpartition(".")[2], "" if code.co_filename.startswith("<") else where)


def module_name(function: FunctionType) -> str:
    """The module whose globals a function uses."""
    name = function.__globals__.get("__name__")
    return name if isinstance(name, str) else "?"


def describe(
    describer: Describer,
    into: Writing,
    function: FunctionType,
    way: AssetWay | None = None,
) -> None:
    """A function of the project."""
    names = names_of(describer, function)
    piece = _piece(describer, function, way)
    into.tokens.append("function")
    if piece is None:
        _sourceless(describer, into, function, names)
    else:
        into.tokens.append(piece.form.digest)
        into.tokens += [way.role(parameter) for parameter in piece.form.parameters] if way else []
        describer.decorators(into, names, piece.decorators)
        describer.form(into, names, piece.form)
        into.target.docstring = piece.docstring
        into.target.where = f"{describer.sources.relative(function.__code__.co_filename)}:{piece.line}"
    if way is None:
        defaults(describer, into, function)
    _attributes(describer, into, function)


def _piece(describer: Describer, function: FunctionType, way: AssetWay | None) -> Piece | None:
    file = describer.sources.file(function.__code__.co_filename)
    return None if file is None else file.function(function.__code__, way="asset" if way else "whole")


def names_of(describer: Describer, function: FunctionType) -> Names:
    """What a function's names are bound to."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    filled: dict[str, Any] = {}  # whatever the closure holds
    for name, cell in cells.items():
        try:
            filled[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    filled.pop("__class__", None)
    owner = f"{module_name(function)}.{function.__code__.co_qualname}"
    return Names(describer.sources, function.__globals__, filled, owner)


def defaults(describer: Describer, into: Writing, function: FunctionType, label: str = "default") -> None:
    """The defaults of a function's parameters, by value."""
    for number, value in enumerate(function.__defaults__ or ()):
        describer.value(into, f"{label} {number}", value)
    for name, value in sorted((function.__kwdefaults__ or {}).items()):
        describer.value(into, f"{label} {name}", value)


def _attributes(describer: Describer, into: Writing, function: FunctionType) -> None:
    if not function.__dict__:
        return
    describer.plain_attributes(into, function.__dict__)
    inner = wrapped(function)
    if inner is not None:
        used = into.instead.get(id(inner)) or describer.code(inner)
        if isinstance(used, Reached):
            into.uses("__wrapped__", used)
        elif used is None:
            describer.value(into, "__wrapped__", inner)


def describe_made(describer: Describer, into: Writing, function: FunctionType) -> None:
    """A function that a library made of the project's code, such as what its decorator returns."""
    into.tokens += ["made by", qualified_name(function) if wrapped(function) is None else function.__code__.co_qualname]
    names = names_of(describer, function)
    for name in sorted(names.cells):
        used = into.instead.get(id(names.cells[name]))
        if used is not None:
            into.uses(name, used)
        else:
            _from_closure(describer, into, name, names.cells[name])
    _attributes(describer, into, function)


def _from_closure(describer: Describer, into: Writing, name: str, value: object) -> None:
    """What a library keeps in a closure, as far as it is code or data; its caches and locks do not count."""
    kind = type(value)
    data = kind.__module__ in {"builtins", "functools", "types"}
    if data or describer.code(value) is not None or isinstance(describer.code(kind), Reached):
        describer.value(into, name, value)


def _sourceless(describer: Describer, into: Writing, function: FunctionType, names: Names) -> None:
    """Code without source: lambdas that cannot be told apart, or bytecode, which only this Python writes so."""
    code = function.__code__
    file = describer.sources.file(code.co_filename)
    forms = file.lambdas_on(code.co_firstlineno) if file is not None and code.co_name == "<lambda>" else ()
    if forms:
        into.tokens += ["lambdas", lambdas_digest(forms)]
        for form in forms:
            describer.form(into, names, form)
        return
    into.tokens += ["bytecode", PYTHON, _bytecode(code)]
    for name in sorted(_names(code)):
        describer.refer(into, names, Reference(name, soft=True))
    for name in sorted(names.cells):
        describer.refer(into, names, Reference(name))


def _bytecode(code: CodeType) -> str:
    parts = [code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), repr(code.co_freevars)]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts.append(_bytecode(constant))
        elif isinstance(constant, frozenset):
            parts.append(repr(sorted(map(repr, constant))))
        else:
            parts.append(f"{type(constant).__name__} {constant!r}")
    return digest(parts)


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found
