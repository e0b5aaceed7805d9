"""From objects to the web of what they reach: functions, classes, modules and constants of the project.

Each object is described once for a load, whichever assets reach it. Describing one only notes what it uses; the noted
ones wait in a queue, so that chains of any length are followed without recursion.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple

from assetflow.load.code import classes, functions
from assetflow.load.code.canonical import digest
from assetflow.load.code.dynamic import made_up, untracked_calls
from assetflow.load.code.files import Decorator
from assetflow.load.code.lookup import MISSING, Found, Names, Origin
from assetflow.load.code.names import Reference
from assetflow.load.code.objects import (
    asset_function,
    is_assetflow,
    is_importable,
    is_resource,
    qualified_name,
    wrapped,
)
from assetflow.load.code.reach import Reached
from assetflow.load.code.sources import ProjectSources
from assetflow.load.code.values import Value, shown
from assetflow.model.versions import Untracked

__all__ = ["Describer", "Writing"]

#: Module names that say where code was loaded from, not what it does.
_LOADING = frozenset({"__spec__", "__loader__", "__builtins__", "__path__", "__cached__"})


class _Bound(NamedTuple):
    """What a reference was found to use, and by identity the object that is bound there."""

    written: str
    used: Reached | str
    value: int
    untracked: tuple[Untracked, ...]


class Writing:
    """The description of one member of the web, while it is being written."""

    def __init__(self, target: Reached) -> None:
        self.target = target
        #: What stands for certain objects, by identity, wherever the text or a closure holds them.
        self.instead: Mapping[int, Reached] = {}
        self.tokens: list[str] = []
        self.untracked: list[Untracked] = []
        self.reads: set[str] = set()
        #: What the constants that it names are bound to, by identity.
        self.constants: dict[int, str] = {}

    def uses(self, label: str, used: Reached) -> None:
        """It uses something of the project, under that name."""
        self.tokens += [label, used.short]
        self.target.edges.append((label, used))

    def finish(self) -> None:
        """Everything is written."""
        self.target.alone = digest(self.tokens)
        self.target.untracked = tuple(sorted(set(self.untracked), key=lambda one: (one.where, one.what)))
        self.target.reads = frozenset(self.reads)


def _is_of_module(builtin: Any) -> bool:  # a built-in function or method
    return builtin.__self__ is None or type(builtin.__self__) is ModuleType


class Describer:
    """The web of one load."""

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self._roots = sources.roots
        self._known: dict[object, Reached] = {}
        self._projects: dict[int, bool] = {}
        self._alive: list[object] = []
        self._waiting: list[Callable[[], None]] = []
        self._bound: dict[tuple[int, Reference], _Bound] = {}
        self._ours: dict[tuple[int, Reference], bool] = {}

    def run(self) -> None:
        """Describe all that wait."""
        while self._waiting:
            self._waiting.pop()()

    def code(self, value: object) -> Reached | str | None:
        """Something of the project; a library's qualified name; None for a value."""
        kind = type(value)
        if kind is FunctionType:
            assert isinstance(value, FunctionType)
            return self._function(value)
        if issubclass(kind, type):
            assert isinstance(value, type)
            return self.class_(value) if self._is_project_class(value) else f"library {qualified_name(value)}"
        if issubclass(kind, ModuleType):
            assert isinstance(value, ModuleType)
            return self._module(value) if self.sources.is_project(value) else f"library {value.__name__}"
        if (function := asset_function(value)) is not None:
            return self.code(function)
        if kind is BuiltinFunctionType and _is_of_module(value):
            return f"library {qualified_name(value)}"
        if kind.__name__ in {"method_descriptor", "wrapper_descriptor", "getset_descriptor", "member_descriptor"}:
            return f"library {qualified_name(value)}"
        return None

    def _is_project_class(self, cls: type) -> bool:
        found = self._projects.get(id(cls))
        if found is None:
            module = self.module_of(cls)
            found = self._projects[id(cls)] = module is not None and self.sources.is_project(module)
            self._alive.append(cls)
        return found

    def module_of(self, cls: type) -> ModuleType | None:
        """The module that a class says it is written in."""
        return classes.module_of(cls)

    def _function(self, function: FunctionType) -> Reached | str:
        path = function.__code__.co_filename
        if self.sources.is_project_file(path) or (path.startswith("<") and self._is_made_in_project(function)):
            return self.member(function, lambda into: functions.describe(self, into, function))
        if function.__closure__ is None and wrapped(function) is None:
            return f"library {qualified_name(function)}"
        home = sys.modules.get(str(function.__module__))
        if home is not None and not self.sources.is_project(home) and is_importable(function):
            return f"library {qualified_name(function)}"
        return self.member(function, lambda into: functions.describe_made(self, into, function))

    def _is_made_in_project(self, function: FunctionType) -> bool:
        name = function.__globals__.get("__name__")
        return isinstance(name, str) and self.sources.is_project_name(name)

    def member(self, function: FunctionType, describe: Callable[[Writing], None]) -> Reached:
        """A function of the project."""
        if (known := self._known.get(id(function))) is None:
            known = self.enter(id(function), functions.unwritten(self, function), describe, function)
        return known

    def class_(self, cls: type) -> Reached:
        """A class of the project."""
        if (known := self._known.get(id(cls))) is None:
            way = "resource" if is_resource(cls) else "whole"
            target = classes.unwritten(self, cls)
            known = self.enter(id(cls), target, lambda into: classes.describe(self, into, cls, way), cls)
        return known

    def behaviour(self, cls: type) -> Reached | None:
        """What a value does because it is an instance of a class of the project; None for other classes."""
        if not self._is_project_class(cls) or is_resource(cls):
            return None
        key = ("behaviour", id(cls))
        if (known := self._known.get(key)) is None:
            target = classes.unwritten(self, cls)
            known = self.enter(key, target, lambda into: classes.describe_behaviour(self, into, cls), cls)
        return known

    def _module(self, module: ModuleType) -> Reached:
        if (known := self._known.get(id(module))) is None:
            path = vars(module).get("__file__")
            where = self.sources.relative(path) if isinstance(path, str) else ""
            target = Reached(module.__name__, "module", where)
            known = self.enter(id(module), target, lambda into: self._describe_module(into, module), module)
        return known

    def enter(self, key: object, target: Reached, describe: Callable[[Writing], None], alive: object) -> Reached:
        """A new member, to be described when its turn comes."""
        if key is not None:
            self._known[key] = target
        self._alive.append(alive)

        def described() -> None:
            writing = Writing(target)
            describe(writing)
            writing.finish()

        self._waiting.append(described)
        return target

    def _describe_module(self, into: Writing, module: ModuleType) -> None:
        """A module that is used as a value: all its names, whatever their order."""
        path = vars(module).get("__file__")
        if isinstance(path, str) and not path.endswith(".py") and self.sources.is_project_file(path):
            into.tokens += ["extension", self.sources.digest(path)]
        names = Names(self.sources, vars(module), {}, module.__name__)
        for name in sorted(vars(module)):
            if not (name.startswith("__") and name.endswith("__")) or name == "__getattr__":
                self.refer(into, names, Reference(name))

    def value(self, into: Writing, label: str, value: object) -> None:
        """Data that belongs to what is being described: a default, an attribute.

        Where it is what a name in the same text is bound to, the name says it: a change is then told of the name alone.
        """
        if (name := into.constants.get(id(value))) is not None:
            into.tokens += [label, f"as {name}"]
            return
        found = Value(value, self.code, self._roots)
        into.tokens += [label, found.digest]
        for number, used in enumerate(found.code):
            into.uses(f"{label} {number}", used)
        into.untracked += [Untracked(what, into.target.where) for what in found.untracked]

    def constant(self, value: object, origin: Origin) -> Reached:
        """A name that is bound to data."""
        key = (origin.module, origin.name, id(value))
        if (known := self._known.get(key)) is None:
            target = Reached(f"{origin.module}.{origin.name}", origin.name, origin.where)
            known = self.enter(key, target, lambda into: self._describe_constant(into, value), value)
        return known

    def constant_named(self, name: str, value: object) -> Reached:
        """A value under a name of its own, such as one that a declaration includes."""
        return self.enter(None, Reached(name, "value"), lambda into: self._describe_constant(into, value), value)

    def _describe_constant(self, into: Writing, value: object) -> None:
        found = Value(value, self.code, self._roots)
        into.tokens += ["constant", found.digest]
        into.target.text = shown(value, plain=found.plain, roots=self._roots)
        for number, used in enumerate(found.code):
            into.uses(str(number), used)
        name = into.target.name
        into.untracked += [Untracked(f"{name} is or holds {what}", into.target.where) for what in found.untracked]

    def refer(self, into: Writing, names: Names, reference: Reference) -> None:
        """A name that the code takes from outside."""
        if into.instead:
            value = names.value(reference.name)
            stand_in = into.instead.get(id(value)) or into.instead.get(id(asset_function(value)))
            if stand_in is not None:
                into.uses(reference.name, stand_in)
                return
        key = (id(names.globals), reference)
        shared = reference.name not in names.cells or bool(reference.module)
        known = self._bound.get(key) if shared else None
        if known is None:
            known = self._resolved(names, reference)
            self._alive.append(names.globals)
            if shared:
                self._bound[key] = known
        written, used, value, untracked = known
        into.untracked += untracked
        if isinstance(used, Reached):
            into.uses(written, used)
            into.constants.setdefault(value, written)
        elif used:
            into.tokens += [written, used]

    def _resolved(self, names: Names, reference: Reference) -> _Bound:
        found = names.found(reference)
        untracked: tuple[Untracked, ...] = ()
        if found.made_up:
            untracked = (Untracked(f"{found.written} is made up by its module's __getattr__", found.origin.where),)
        return _Bound(found.written, self._used(found, soft=reference.soft), id(found.value), untracked)

    def _used(self, found: Found, *, soft: bool) -> Reached | str:
        if found.builtin or found.written in _LOADING:
            return "" if soft else "builtin"
        if found.value is MISSING:
            if found.origin.library:
                return f"library {found.origin.library}"
            return "" if soft else "unbound"
        code = self.code(found.value)
        if isinstance(code, Reached):
            return code
        if found.origin.library:
            return f"library {found.origin.library}"
        return code if code is not None else self.constant(found.value, found.origin)

    def decorators(self, into: Writing, names: Names, decorators: Iterable[Decorator]) -> None:
        """A function's decorators but assetflow's own."""
        for decorator in decorators:
            if decorator.callee and self._is_ours(names, Reference(decorator.callee[0], decorator.callee[1:])):
                continue
            into.tokens += ["decorator", decorator.form.digest]
            self.form(into, names, decorator.form)

    def _is_ours(self, names: Names, callee: Reference) -> bool:
        key = (id(names.globals), callee)
        shared = callee.name not in names.cells
        known = self._ours.get(key) if shared else None
        if known is None:
            found = names.found(callee)
            known = is_assetflow(found.value) or found.origin.library.startswith("assetflow.")
            if shared:
                self._ours[key] = known
                self._alive.append(names.globals)
        return known

    def form(self, into: Writing, names: Names, form: Any) -> None:  # a canonical.Form
        """What a canonical form takes from outside."""
        called = {call.callee for call in form.dynamic}
        for reference in form.references:
            self.refer(into, names, reference)
            if (reference.name, *reference.attributes) not in called and (what := made_up(names.value(reference.name))):
                into.untracked.append(Untracked(f"{what}(...) by another name", into.target.where))
        into.reads.update(form.reads)
        if form.dynamic:
            untracked_calls(self, into, names, form.dynamic)

    def plain_attributes(self, into: Writing, attributes: Mapping[str, object]) -> None:
        """Attributes that were set on a function."""
        for name in sorted(str(name) for name in attributes):
            if name != "__wrapped__":
                self.value(into, f".{name}", attributes[name])
