"""What the names in a piece of code are bound to today, and where each was first bound."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from assetflow.errors import DefinitionError
from assetflow.load.code.files import Imported, SourceFile
from assetflow.load.code.names import Reference
from assetflow.load.code.objects import named
from assetflow.load.code.sources import ProjectSources

__all__ = ["MISSING", "Found", "Names", "Origin", "absolute"]

MISSING: Final = object()
_BUILTINS: Final = vars(builtins)
_HOPS: Final = 50


class Origin(NamedTuple):
    """Where a name was first bound: a project module's own name, or a library's qualified name."""

    module: str
    name: str
    library: str = ""
    #: ``path.py:12`` and 0 where there is no such line.
    where: str = ""


class Found(NamedTuple):
    """What a reference leads to."""

    #: The reference as far as it was followed: ``clean.MAX``.
    written: str
    #: :data:`MISSING` where nothing is bound to the name.
    value: Any  # whatever the project bound
    origin: Origin
    builtin: bool = False
    #: The module whose ``__getattr__`` makes up the attribute.
    made_up: str = ""


class Names:
    """The names of one piece of code: its closure's cells, its module's globals, the built-ins."""

    def __init__(self, sources: ProjectSources, names: Mapping[str, Any], cells: Mapping[str, Any], owner: str) -> None:
        # names and cells: whatever the project bound
        self._sources = sources
        self.globals = names
        self.cells = cells
        self._owner = owner
        module = names.get("__name__")
        self.module = module if isinstance(module, str) else ""

    def found(self, reference: Reference) -> Found:
        """What a reference is bound to, followed through project modules and no further."""
        if reference.module or reference.level:
            value, origin, written = self._imported(reference)
            builtin = False
        else:
            value, origin, builtin = self._named(reference.name)
            written = reference.name
        made_up = ""
        for place, attribute in enumerate(reference.attributes):
            if type(value) is not ModuleType and not issubclass(type(value), ModuleType):
                break
            if not self._sources.is_project(value):
                value, origin = self._put_into_library(value, origin, reference.attributes[place:])
                break
            name = value.__name__
            written += "." + attribute
            origin = self.origin(name, attribute, member(value, attribute))
            if (inner := member(value, attribute)) is MISSING and "__getattr__" in vars(value):
                inner, made_up = vars(value)["__getattr__"], written
            value = inner
        return Found(written, value, origin, builtin, made_up)

    def _put_into_library(
        self, module: ModuleType, origin: Origin, attributes: tuple[str, ...]
    ) -> tuple[Any, Origin]:  # the module, or the function that was found
        """A function of the project that somebody put into a library's module; else the module itself."""
        value: Any = module
        for attribute in attributes:
            if not issubclass(type(value), ModuleType):
                break
            value = vars(value).get(attribute)
        if type(value) is FunctionType and self._sources.is_project_file(value.__code__.co_filename):
            return value, Origin(module.__name__, attributes[0])
        return module, origin

    def _named(self, name: str) -> tuple[Any, Origin, bool]:  # whatever the project bound
        if name in self.cells:
            return self.cells[name], Origin(self._owner, name), False
        if name in self.globals:
            value = self.globals[name]
            return value, self.origin(self.module, name, value), False
        if (mangled := self._mangled(name)) is not None:
            return self.globals[mangled], self.origin(self.module, mangled, self.globals[mangled]), False
        if name in _BUILTINS:
            return _BUILTINS[name], Origin("", name, name), True
        return MISSING, Origin(self.module, name), False

    def _mangled(self, name: str) -> str | None:
        """The global that ``__name`` stands for inside a class: ``_Class__name``."""
        if not name.startswith("__") or name.endswith("__"):
            return None
        return next((known for known in self.globals if known.startswith("_") and known.endswith(name)), None)

    def value(self, name: str) -> object:
        """What a plain name is bound to; :data:`MISSING` where nothing is."""
        if name in self.cells:
            return self.cells[name]
        return self.globals.get(name, _BUILTINS.get(name, MISSING))

    def _imported(self, reference: Reference) -> tuple[Any, Origin, str]:  # whatever is imported
        """What an import inside the code gives. Project modules are imported now, others are not."""
        package = self.globals.get("__package__")
        whole = absolute(reference.module, max(reference.level, 0), package if isinstance(package, str) else "")
        written = f"{reference.name or '(imported)'}={whole}.{reference.member}"
        if not self._sources.is_project_name(whole):
            return MISSING, Origin("", "", named(whole, reference.member)), written
        module = self._module(whole)
        if module is None:
            return MISSING, Origin(whole, reference.member), written
        if reference.level < 0:
            top = whole.partition(".")[0]
            return sys.modules[top], Origin(top, ""), written
        if not reference.member:
            return module, Origin(whole, ""), written
        value = member(module, reference.member)
        if value is MISSING and "__path__" in vars(module):
            value = self._module(f"{whole}.{reference.member}") or MISSING
        return value, self.origin(whole, reference.member, value), written

    def _module(self, name: str) -> ModuleType | None:
        if name not in sys.modules:
            try:
                with self._sources.importing():
                    importlib.import_module(name)
            except DefinitionError:
                raise
            except Exception:  # whatever the module raises: it would raise it again when the code runs
                return None
        return sys.modules.get(name)

    def origin(self, module: str, name: str, value: object) -> Origin:
        """Where a module-level name was first bound, through imports from module to module."""
        for _ in range(_HOPS):
            found = sys.modules.get(module)
            if found is None or not self._sources.is_project(found):
                return Origin(module, name, "" if module == self.module else named(module, name))
            file = self._file(found)
            if file is None:
                return Origin(module, name)
            step = _step(file, found, name, value)
            if step is None:
                line = file.record.constants.get(name)
                return Origin(module, name, where=f"{file.relative}:{line}" if line else "")
            if not step.member:
                library = not self._sources.is_project_name(step.module)
                return Origin(step.module, "", named(step.module, "") if library else "")
            if self._sources.is_project_name(step.module) and not _gives(step, value):
                return Origin(module, name)
            module, name = step.module, step.member
        return Origin(module, name)

    def _file(self, module: ModuleType) -> SourceFile | None:
        path = vars(module).get("__file__")
        return self._sources.file(path) if isinstance(path, str) else None


def _step(file: SourceFile, module: ModuleType, name: str, value: object) -> Imported | None:
    """The import that alone binds a name in a module, its module's name written out."""
    record = file.record
    package = vars(module).get("__package__")
    package = package if isinstance(package, str) else ""
    steps = set(record.imports.get(name, ()))
    if name in record.constants or len(steps) > 1:
        return None
    for step in steps:
        return step._replace(module=absolute(step.module, step.level, package), level=0)
    for star in record.stars:
        step = star._replace(module=absolute(star.module, star.level, package), level=0, member=name)
        if _gives(step, value):
            return step
    return None


def _gives(step: Imported, value: object) -> bool:
    module = sys.modules.get(step.module)
    return module is not None and vars(module).get(step.member, MISSING) is value


def absolute(module: str, level: int, package: str) -> str:
    """A module's name written out."""
    if not level:
        return module
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{module}" if module else base


def member(module: ModuleType, name: str) -> Any:  # whatever the module bound
    """A module's attribute, or its submodule; no code of the module runs."""
    names = vars(module)
    if name in names:
        return names[name]
    return sys.modules.get(f"{module.__name__}.{name}", MISSING)
