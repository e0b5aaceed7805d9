"""Imports the project's modules and finds what they declare."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeAlias

from assetflow.declare import Asset, CheckFunction, MultiAsset, Product, Source, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.faults import relative_place

__all__ = ["Found", "Scanned", "Value", "scan", "values_of"]

Value: TypeAlias = Asset[..., object] | MultiAsset[..., object] | Source | SqlAsset | CheckFunction[..., object]


class Found(NamedTuple):
    """A declaration, and the module it was first found in."""

    value: Value
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What importing the listed modules gave."""

    found: tuple[Found, ...]
    #: Modules that do not import, with the reason of each.
    broken: tuple[str, ...]
    mistakes: tuple[AssetflowError, ...]
    products: tuple[Product, ...] = ()


def scan(names: Sequence[str], root: Path) -> Scanned:
    """Import each module, and all modules below a package, in sorted order; one that fails hides no other.

    The root is put on the import path. What modules print goes to stderr. Values count once, by identity.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    for name in names:
        _forget_stranger(name.partition(".")[0], root)
    found: dict[int, Found] = {}
    products: dict[int, Product] = {}
    broken: list[str] = []
    mistakes: list[AssetflowError] = []
    with redirect_stdout(sys.stderr):
        for name, module in _imported(sorted(set(names)), root):
            if isinstance(module, AssetflowError):
                broken.append(name)
                mistakes.append(module)
                continue
            for value in values_of(module):
                found.setdefault(id(value), Found(value, name))
            products |= {id(each): each for each in vars(module).values() if isinstance(each, Product)}
    return Scanned(
        found=tuple(found.values()),
        broken=tuple(broken),
        mistakes=tuple(mistakes),
        products=tuple(products.values()),
    )


def _imported(names: list[str], root: Path) -> Iterator[tuple[str, ModuleType | AssetflowError]]:
    waiting, seen = names[::-1], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        result = _import(name, root)
        yield name, result
        if isinstance(result, ModuleType) and hasattr(result, "__path__"):
            below = {each.name for each in pkgutil.iter_modules(result.__path__)} - {"__main__"}
            waiting += [f"{name}.{each}" for each in sorted(below, reverse=True)]


def _import(name: str, root: Path) -> ModuleType | AssetflowError:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever the user's module raises is told, with its place
        return _import_fault(name, error, root)


def _import_fault(name: str, error: BaseException, root: Path) -> AssetflowError:
    place = _user_place(error, root)
    # A module that imports a broken one fails with it: the mistake is told once, of the module where it is.
    inner = _module_of(place) or name
    where = [f"{inner}   {place}"] if place else []
    if isinstance(error, AssetflowError):
        return type(error)(error.code, error.message, where=[*where, *error.where], hint=error.hint)
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return DefinitionError(
            "module-does-not-import",
            f"there is no module {name} in {root}",
            hint=nearest(name, _modules_near(name, root)) or "modules are named from the project's folder",
        )
    message = f"{inner} does not import: {type(error).__name__}: {error}"
    fault = DefinitionError("module-does-not-import", message.partition("\n")[0], where=where)
    fault.__cause__ = error
    return fault


def _module_of(place: str) -> str:
    """``shop/assets.py:3`` is in ``shop.assets``; empty for what lies outside the project."""
    path, _, _ = place.rpartition(":")
    if not path.endswith(".py") or path.startswith("/"):
        return ""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _user_place(error: BaseException, root: Path) -> str:
    """The last line of the project in the traceback; a syntax error's own line."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return relative_place(error.filename, error.lineno, root)
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        inside = frame.filename.startswith(f"{root}/") and "/site-packages/" not in frame.filename
        if inside and frame.lineno:
            return relative_place(frame.filename, frame.lineno, root)
    return ""


def _modules_near(name: str, root: Path) -> list[str]:
    parent, _, _ = name.rpartition(".")
    folder = root.joinpath(*parent.split(".")) if parent else root
    return [f"{parent}.{each.name}".lstrip(".") for each in pkgutil.iter_modules([str(folder)])]


def _forget_stranger(top: str, root: Path) -> None:
    """Let a package of this project be imported although another project's of that name was, in this process."""
    spec = PathFinder.find_spec(top, [str(root)])
    module = sys.modules.get(top)
    if spec is None or module is None or not (here := _location(spec)):
        return
    if _location(getattr(module, "__spec__", None)) not in {here, ""}:
        for name in [each for each in sys.modules if each == top or each.startswith(f"{top}.")]:
            del sys.modules[name]


def _location(spec: object) -> str:
    """The file of a module, or the folder of a package without one."""
    origin = getattr(spec, "origin", None)
    if origin:
        return str(origin)
    return next(iter(getattr(spec, "submodule_search_locations", None) or ()), "")


def values_of(module: ModuleType) -> Iterator[Value]:
    """The declarations among a module's attributes, and in its lists, tuples and dicts."""
    for attribute in list(vars(module).values()):
        if isinstance(attribute, list | tuple):
            yield from (each for each in attribute if isinstance(each, _KINDS))
        elif isinstance(attribute, dict):
            yield from (each for each in list(attribute.values()) if isinstance(each, _KINDS))
        elif isinstance(attribute, _KINDS):
            yield attribute


_KINDS = (Asset, MultiAsset, Source, SqlAsset, CheckFunction)
