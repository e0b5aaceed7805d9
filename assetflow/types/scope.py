"""The names that an annotation written as text can see: more than the interpreter would find at run time."""

from __future__ import annotations

import ast
import builtins
import gc
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["Scope"]


class Scope(dict[str, Any]):  # whatever the user's names are bound to
    """Names by lookup: closure, enclosing calls that still run, module, ``if TYPE_CHECKING:``, builtins.

    Last come classes local to the enclosing function, found by their qualified name, where exactly one is alive.
    A name that cannot be found raises KeyError; one whose import fails raises that ImportError.
    """

    def __init__(self, module: str, qualname: str = "", names: Mapping[str, object] | None = None) -> None:
        super().__init__(names or {})
        self.module = module
        self._qualname = qualname
        self._code: types.CodeType | None = None
        self._globals: Mapping[str, object] = vars(sys.modules[module]) if module in sys.modules else {}

    @classmethod
    def of_function(cls, function: Callable[..., object]) -> Scope:
        """What the annotations of a function see."""
        parameters = {parameter.__name__: parameter for parameter in getattr(function, "__type_params__", ())}
        scope = cls(function.__module__, function.__qualname__, {**_closure(function), **parameters})
        scope._code = getattr(function, "__code__", None)
        scope._globals = getattr(function, "__globals__", scope._globals)
        return scope

    @classmethod
    def of_class(cls, owner: type) -> Scope:
        """What the annotations in a class body see."""
        parameters = {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())}
        own = {owner.__name__: owner, **parameters}
        return cls(owner.__module__, owner.__qualname__, own)

    def __missing__(self, name: str) -> object:
        for find in (self._enclosing, self._global, self._type_checking, self._builtin, self._local_class):
            found = find(name)
            if found is not _ABSENT:
                self[name] = found
                return found
        raise KeyError(name)

    def evaluate(self, text: str) -> object:
        """The value of an expression. Raises SyntaxError, NameError, and whatever evaluating raises."""
        return eval(_compiled(text), {"__builtins__": {}}, self)

    def _enclosing(self, name: str) -> object:
        if self._code is None or "<locals>" not in self._qualname:
            return _ABSENT
        frame: types.FrameType | None = sys._getframe()
        while frame is not None:
            if _defines(frame.f_code, self._code) and name in frame.f_locals:
                return frame.f_locals[name]
            frame = frame.f_back
        return _ABSENT

    def _global(self, name: str) -> object:
        return self._globals.get(name, _ABSENT)

    def _builtin(self, name: str) -> object:
        return getattr(builtins, name, _ABSENT)

    def _type_checking(self, name: str) -> object:
        bound = _bound_for_checkers(_source(self.module)).get(name)
        if bound is None:
            return _ABSENT
        if isinstance(bound, str):
            return self.evaluate(bound)
        package = self._globals.get("__package__")
        return bound.load(package if isinstance(package, str) else "")

    def _local_class(self, name: str) -> object:
        qualname = self._qualname
        while "<locals>" in qualname:
            qualname = qualname.rpartition(".<locals>")[0]
            wanted = f"{qualname}.<locals>.{name}"
            found = self._classes_named(wanted)
            if len(found) > 1:
                gc.collect()  # those of an earlier load of the module may only not have been collected yet
                found = self._classes_named(wanted)
            if len(found) == 1:
                return found[0]
        return _ABSENT

    def _classes_named(self, qualname: str) -> list[type]:
        return [cls for cls in _classes(object) if cls.__qualname__ == qualname and cls.__module__ == self.module]


_ABSENT = object()


class _Import(NamedTuple):
    """What an import statement binds: a module, the package above it (``import a.b``), or a name in one."""

    module: str
    attribute: str = ""
    level: int = 0
    top: bool = False

    def load(self, package: str) -> object:
        base = package.rsplit(".", self.level - 1)[0] if self.level else ""
        path = ".".join(part for part in (base, self.module) if part)
        module = import_module(path)
        if self.top:
            return sys.modules[path.partition(".")[0]]
        if not self.attribute:
            return module
        try:
            return getattr(module, self.attribute)
        except AttributeError:
            return import_module(f"{path}.{self.attribute}")


def _closure(function: Callable[..., object]) -> dict[str, object]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    names: dict[str, object] = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not yet bound
            continue
    return names


def _defines(outer: types.CodeType, code: types.CodeType) -> bool:
    nested = [constant for constant in outer.co_consts if isinstance(constant, types.CodeType)]
    return any(inner is code or _defines(inner, code) for inner in nested)


def _classes(root: type, seen: set[type] | None = None) -> Iterator[type]:
    seen = set() if seen is None else seen
    children: list[type] = type.__subclasses__(root)
    for cls in children:
        if cls not in seen:
            seen.add(cls)
            yield cls
            yield from _classes(cls, seen)


def _source(module: str) -> str:
    try:
        return inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return ""


@lru_cache(maxsize=1024)
def _compiled(text: str) -> types.CodeType:
    # Brackets, as annotations may span lines; a star stands for Unpack.
    return compile(f"({text.strip()}\n)", "<annotation>", "eval", dont_inherit=True)


@lru_cache(maxsize=64)
def _bound_for_checkers(source: str) -> dict[str, _Import | str]:
    """What the ``if TYPE_CHECKING:`` blocks of a module bind: imports, and expressions as text."""
    bound: dict[str, _Import | str] = {}
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return bound
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            for statement in _for_checkers(node):
                bound.update(_bindings(statement))
    return bound


def _for_checkers(node: ast.If) -> list[ast.stmt]:
    test, block = node.test, node.body
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, block = test.operand, node.orelse
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return block if name == "TYPE_CHECKING" else []


def _bindings(statement: ast.stmt) -> Iterator[tuple[str, _Import | str]]:
    match statement:
        case ast.Import(names):
            for name in names:
                yield name.asname or name.name.partition(".")[0], _Import(name.name, top=not name.asname)
        case ast.ImportFrom(module, names, level):
            for name in names:
                yield name.asname or name.name, _Import(module or "", name.name, level)
        case ast.Assign([ast.Name(target)], value) | ast.AnnAssign(ast.Name(target), _, ast.expr() as value):
            yield target, ast.unparse(value)
        case _ if type(statement).__name__ == "TypeAlias":  # Python 3.12
            yield statement.name.id, ast.unparse(statement.value)  # type: ignore[attr-defined]  # of TypeAlias
        case _:
            return
