"""Calls that pick their target at run time: what can be followed of them, and what has to be said aloud."""

from __future__ import annotations

import builtins
import importlib
import inspect
import runpy
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Final

from assetflow.load.code.lookup import MISSING, Found, Names, absolute
from assetflow.load.code.names import Dynamic, Reference
from assetflow.load.code.reach import Reached
from assetflow.model.versions import Untracked

if TYPE_CHECKING:
    from assetflow.load.code.describe import Describer, Writing

__all__ = ["made_up", "untracked_calls"]

_NAMED: Final = {
    id(target): name
    for name, target in {
        "getattr": builtins.getattr,
        "eval": builtins.eval,
        "exec": builtins.exec,
        "compile": builtins.compile,
        "globals": builtins.globals,
        "locals": builtins.locals,
        "vars": builtins.vars,
        "__import__": builtins.__import__,
        "importlib.import_module": importlib.import_module,
        "importlib.__import__": importlib.__import__,
        "inspect.getsource": inspect.getsource,
        "inspect.getsourcelines": inspect.getsourcelines,
        "runpy.run_path": runpy.run_path,
        "runpy.run_module": runpy.run_module,
    }.items()
}
_IMPORTS: Final = frozenset({"__import__", "importlib.import_module", "importlib.__import__"})


def made_up(value: object) -> str:
    """The name of a function that picks what it reaches at run time; empty for every other value."""
    return _NAMED.get(id(value), "")


def untracked_calls(describer: Describer, into: Writing, names: Names, calls: Iterable[Dynamic]) -> None:
    """Follow what can be followed; note the rest with its place."""
    for call in calls:
        name = _callee(names, call)
        if name == "getattr":
            _getattr(describer, into, names, call)
        elif name in _IMPORTS and call.kind == "literal":
            _import(describer, into, names, call.argument[0])
        elif name == "vars" and call.kind in {"name", "parameter"}:
            _whole(describer, into, names, call, "vars")
        elif name:
            _note(into, call, f"{name}(...)")
        elif call.callee == ("getattr",) and call.kind == "name":  # a getattr of the project's own: it gets the whole
            describer.refer(into, names, Reference(call.argument[0], call.argument[1:]))


def _callee(names: Names, call: Dynamic) -> str:
    """The name of the function that is called, where it is one of those that pick their target."""
    if not call.callee[0]:  # imported inside the code
        found = ".".join(call.callee[1:])
        return found if found in _NAMED.values() else ""
    value = names.found(Reference(call.callee[0])).value
    for part in call.callee[1:]:
        value = vars(value).get(part) if isinstance(value, ModuleType) else None
    return _NAMED.get(id(value), "")


def _note(into: Writing, call: Dynamic, what: str) -> None:
    path = into.target.where.rpartition(":")[0]
    into.untracked.append(Untracked(what, f"{path}:{call.line}" if path else ""))


def _getattr(describer: Describer, into: Writing, names: Names, call: Dynamic) -> None:
    if call.attribute:
        return
    if call.kind in {"name", "parameter"}:
        _whole(describer, into, names, call, "getattr")
    else:
        _note(into, call, "getattr(...) with a name that is not written out")


def _whole(describer: Describer, into: Writing, names: Names, call: Dynamic, what: str) -> None:
    """An object among the names that the code uses counts whole where it is named, and so does one that is given.

    A module counts whole too, but what it has not imported yet may still be reached.
    """
    if call.kind == "parameter":
        return
    found: Found = names.found(Reference(call.argument[0], call.argument[1:]))
    used = describer.code(found.value)
    if found.value is MISSING or (isinstance(found.value, ModuleType) and isinstance(used, Reached)):
        _note(into, call, f"{what}({'.'.join(call.argument)}, ...) with a name that is not written out")


def _import(describer: Describer, into: Writing, names: Names, name: str) -> None:
    package = names.globals.get("__package__")
    level = len(name) - len(name.lstrip("."))
    whole = absolute(name.lstrip("."), level, package if isinstance(package, str) else "")
    describer.refer(into, names, Reference("", module=whole))
