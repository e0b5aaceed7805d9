"""Code versions: the digest of an asset's function and of all project code that it reaches."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from assetflow.load.code import functions
from assetflow.load.code.cache import CodeCache
from assetflow.load.code.canonical import SCHEME, digest
from assetflow.load.code.describe import Describer, Writing
from assetflow.load.code.functions import AssetWay
from assetflow.load.code.includes import file_part, package, package_part
from assetflow.load.code.objects import asset_function, qualified_name, wrapped
from assetflow.load.code.reach import Reached, reached, settle
from assetflow.load.code.sources import ProjectSources
from assetflow.model.versions import CodePart, CodeVersion, Untracked

__all__ = ["CodeVersions"]

#: The digest of a description that says nothing.
_NOTHING = digest([])


class CodeVersions:
    """The code versions of one load. Each object is read once, after import, whichever assets reach it."""

    def __init__(self, sources: ProjectSources, cache: CodeCache | None = None) -> None:
        self.sources = sources
        if cache is not None:
            sources.cache = cache
        self._describer = Describer(sources)
        #: By what an asset's own function uses: everything reached from there.
        self._below: dict[tuple[int, ...], _Below] = {}

    def of(
        self,
        function: Callable[..., Any],
        *,
        inputs: Mapping[str, int],
        ignored_parameters: Collection[str] = (),
        includes: Sequence[object] = (),
        declared: str | None = None,
        resources: Mapping[str, object] | None = None,
        values: Sequence[type] = (),
    ) -> CodeVersion:
        """An asset function's version.

        ``inputs`` numbers the parameters that are inputs: their names do not count. Nor do those of
        ``ignored_parameters``, numbered in the order given (a set: by name). ``resources`` names the class behind each
        resource, ``values`` the classes of what is taken and given: their methods count, whoever names them.
        ``declared`` stands for all code; ``includes`` counts beside either.
        """
        extra = [self._included(number, include) for number, include in enumerate(includes)]
        if declared is not None:
            parts = tuple(part for below in extra for part in below.parts)
            whole = digest(["declared", SCHEME, declared, *(below.total for below in extra)])
            return CodeVersion(whole, parts, (), declared)
        root = self._asset(function, AssetWay(inputs, ignored_parameters))
        total = self._settled(root)
        taken = [(name, self._class(cls)) for name, cls in sorted((resources or {}).items())]
        behaviour = list(self._behaviour(values)) if values else []
        below = [self._all(root), *extra, *(found for _, found in taken), *behaviour]
        named = [text for name, found in taken for text in (name, found.total)]
        named += ["values", *(one.total for one in behaviour)] if behaviour else []
        return _version(["code", SCHEME, total, *(one.total for one in extra), *named], below)

    def _behaviour(self, values: Sequence[type]) -> Iterator[_Below]:
        """What the classes of values, and their bases, can do; those that are fields alone add nothing."""
        for cls in dict.fromkeys(base for value in values for base in value.__mro__):
            found = self._describer.behaviour(cls)
            if found is None:
                continue
            self._settled(found)
            if found.edges or found.alone != _NOTHING:
                yield self._all(found)

    def of_class(self, cls: type) -> CodeVersion:
        """A class's version: its methods, bases and attributes; of a Resource all but its fields."""
        found = self._class(cls)
        return _version(["class", SCHEME, found.total], [found])

    def _asset(self, function: object, way: AssetWay) -> Reached:
        """The asset's function, undecorated, and around it what its decorators made of it."""
        layers = _layers(function)
        inner = layers[-1]
        instead: dict[int, Reached] = {}
        describer = self._describer
        if isinstance(inner, FunctionType):
            if not describer.sources.is_project_file(inner.__code__.co_filename):
                describer.sources.adopt(inner.__code__.co_filename)
            target = functions.unwritten(describer, inner)
            own = instead[id(inner)] = target
            target.short = "asset"

            def describe(into: Writing) -> None:
                into.instead = instead
                functions.describe(describer, into, inner, way)

            describer.enter(None, target, describe, inner)
        else:
            target = own = Reached(qualified_name(inner), "asset")
            describer.enter(None, target, lambda into: describer.value(into, "callable", inner), inner)
        for layer in reversed(layers[:-1]):
            target = self._layer(layer, own, instead)
            own = instead[id(layer)] = target
        return target

    def _layer(self, layer: Any, inner: Reached, instead: Mapping[int, Reached]) -> Reached:  # any callable
        describer = self._describer

        def describe(into: Writing) -> None:
            into.instead = instead
            if isinstance(layer, functools.partial):
                into.tokens.append("partial")
                describer.value(into, "arguments", (layer.args, layer.keywords))
                into.uses("function", inner)
            elif not isinstance(layer, FunctionType):
                into.tokens += ["wrapper", qualified_name(layer)]
                kind = describer.code(type(layer))
                if isinstance(kind, Reached):
                    into.uses("class", kind)
                into.uses("__wrapped__", inner)
            elif describer.sources.is_project_file(layer.__code__.co_filename):
                functions.describe(describer, into, layer)
            else:
                functions.describe_made(describer, into, layer)

        if isinstance(layer, FunctionType):
            target = functions.unwritten(describer, layer)
        else:
            target = Reached(f"{inner.name} as {qualified_name(layer)}", "wrapper", inner.where)
        return describer.enter(None, target, describe, layer)

    def _settled(self, root: Reached) -> str:
        self._describer.run()
        return settle(root)

    def _class(self, cls: object) -> _Below:
        found = self._describer.code(cls)
        if not isinstance(found, Reached):
            return _Below(total=str(found))
        self._settled(found)
        return self._all(found)

    def _all(self, root: Reached) -> _Below:
        """The root, and from what it uses on all that is reached."""
        key = tuple(id(used) for _, used in root.edges)
        below = self._below.get(key)
        if below is None:
            below = self._below[key] = _Below.of(member for member in reached(root) if member is not root)
        return below.with_root(root)

    def _included(self, number: int, include: object) -> _Below:
        match include:
            case Path():
                part = file_part(include, self.sources.root)
            case package():
                part = package_part(include)
            case _:
                return self._included_value(number, include)
        return _Below(total=part.digest, parts=(part,))

    def _included_value(self, number: int, include: object) -> _Below:
        found = self._describer.code(include)
        if isinstance(found, str):
            return _Below(total=found)
        if found is None:
            found = self._describer.constant_named(f"version_includes[{number}]", include)
        self._settled(found)
        return self._all(found)


class _Below:
    """What is reached from somewhere, ready to be told."""

    __slots__ = ("below", "docstrings", "names", "parts", "reads", "sorted", "total", "untracked")

    def __init__(self, *, total: str, parts: tuple[CodePart, ...] = ()) -> None:
        self.total = total
        self.parts = parts
        #: The same without the root, where there is one; shared by all roots that use the same.
        self.below: _Below | None = None
        self.sorted: tuple[CodePart, ...] | None = None
        self.untracked: tuple[Untracked, ...] = ()
        self.reads: frozenset[str] = frozenset()
        self.docstrings: tuple[CodePart, ...] = ()
        self.names: tuple[str, ...] = ()

    @classmethod
    def of(cls, members: Iterable[Reached]) -> _Below:
        """Of these members, each once."""
        found = list(members)
        below = cls(total="", parts=tuple(member.part for member in found))
        below.untracked = tuple(one for member in found for one in member.untracked)
        below.reads = frozenset().union(*(member.reads for member in found))
        below.docstrings = tuple(_docstring(member) for member in found if member.docstring)
        below.names = tuple(member.name for member in found)
        return below

    def told(self) -> tuple[CodePart, ...]:
        """The parts in order of name; the root's is put among those below it, which are sorted once for all roots."""
        if self.below is None:
            return _told(self.parts)
        if self.below.sorted is None:
            self.below.sorted = _told(self.below.parts)
        below, own = self.below.sorted, self.parts[0]
        place = bisect.bisect_left(below, own.name, key=lambda part: part.name)
        if place < len(below) and below[place].name == own.name:
            return _told(self.parts)
        return (*below[:place], own, *below[place:])

    def with_root(self, root: Reached) -> _Below:
        """Of one more member."""
        below = _Below(total=root.total or "", parts=(root.part, *self.parts))
        below.below = self
        below.untracked = (*root.untracked, *self.untracked)
        below.reads = root.reads | self.reads
        below.docstrings = (_docstring(root), *self.docstrings) if root.docstring else self.docstrings
        below.names = (root.name, *self.names)
        return below


def _version(texts: list[str], found: Sequence[_Below]) -> CodeVersion:
    """The version of all that was found; names and docstrings count where some of it reads such."""
    reads = frozenset[str]().union(*(below.reads for below in found))
    parts = [part for below in found for part in below.parts]
    if "doc" in reads:
        docstrings = [part for below in found for part in below.docstrings]
        parts += docstrings
        texts += ["docstrings", *sorted(part.digest for part in docstrings)]
    if "name" in reads:
        texts += ["names", *sorted({name for below in found for name in below.names})]
    untracked = {one for below in found for one in below.untracked}
    told = found[0].told() if len(found) == 1 and "doc" not in reads else _told(parts)
    return CodeVersion(digest(texts), told, tuple(sorted(untracked, key=lambda one: (one.where, one.what))))


def _docstring(member: Reached) -> CodePart:
    return CodePart(f"{member.name}.__doc__", digest([member.docstring]), member.where)


def _told(parts: Iterable[CodePart]) -> tuple[CodePart, ...]:
    """Parts in order of name, each once; different parts of one name are numbered."""
    told: dict[str, CodePart] = {}
    for part in sorted(set(parts), key=lambda part: (part.name, part.digest, part.where)):
        name, number = part.name, 1
        while name in told and told[name].digest != part.digest:
            number += 1
            name = f"{part.name}#{number}"
        told[name] = part if name == part.name else CodePart(name, part.digest, part.where, part.text)
    return tuple(told.values())


def _layers(function: object) -> list[object]:
    """A function and what it wraps, outermost first."""
    layers: list[object] = []
    current: object | None = function
    while current is not None and not any(current is layer for layer in layers):
        if (inner := asset_function(current)) is not None:
            current = inner
            continue
        layers.append(current)
        current = current.func if isinstance(current, functools.partial) else wrapped(current)
    return layers
