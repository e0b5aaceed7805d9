"""Puts the nodes together: from functions, configuration and code to what is planned and run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetflow.declare import MultiAsset, Source, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.checks import Judging, ready_checks, rows_check
from assetflow.load.code.includes import IncludedFile, file_name
from assetflow.load.code.versions import CodeVersions
from assetflow.load.definitions import Bound, BoundCheck, BoundOutput, BoundSource
from assetflow.load.edges import Project
from assetflow.load.faults import Faults
from assetflow.load.functions import Function
from assetflow.load.lineage import of_function, of_query, with_derived
from assetflow.load.naming import Declared
from assetflow.load.outside import Outside
from assetflow.load.queries import ReadQuery
from assetflow.load.recipes import Made, Parts, made, observed, recipe_of, view_definition, with_checks
from assetflow.model.checks import Check
from assetflow.model.definition import DeclaredCheck, Definition, ResourceUse
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge
from assetflow.model.versions import CodePart, CodeVersion, fingerprint
from assetflow.sql.queries import Queries
from assetflow.types.hints import hint_text
from assetflow.types.libraries import TableKind, kind_of_hint
from assetflow.types.mentioned import classes_in

if TYPE_CHECKING:
    from assetflow.load.parameters import Effective

__all__ = ["Assembly"]


@dataclass(kw_only=True)
class Assembly:
    """What is being put together. Functions are added in order: one whose inputs are missing is left out."""

    root: Path
    project: Project
    outside: Outside
    versions: CodeVersions
    queries: Queries
    #: What values of an asset proved to be made of, by version of its code.
    derived: Callable[[AssetKey], Mapping[str, tuple[ColumnEdge, ...]]]
    faults: Faults
    made: dict[AssetKey, Made] = field(default_factory=dict)
    bound: dict[AssetKey, Bound] = field(default_factory=dict)
    sources: dict[AssetKey, BoundSource] = field(default_factory=dict)
    code: dict[AssetKey, CodeVersion] = field(default_factory=dict)
    #: Views, which have no nodes.
    views: dict[AssetKey, Definition] = field(default_factory=dict)
    viewed: dict[AssetKey, Bound] = field(default_factory=dict)
    #: By node.
    checks: dict[AssetKey, tuple[BoundCheck, ...]] = field(default_factory=dict)
    warnings: Faults = field(default_factory=Faults)

    def add_source(self, declared: Declared) -> None:
        """Add a source's node."""
        source, key = declared.value, declared.key
        assert isinstance(source, Source)
        self.made[key] = observed(declared, self.project.types.get(key), self.project.partitionings[key])
        self.sources[key] = BoundSource(key=key, source=source, hint=source.type, where=declared.where, root=self.root)

    def add_view(self, declared: Declared, read: ReadQuery) -> None:
        """Add a view: it is told of, and can be read."""
        key = declared.key
        self.views[key] = view_definition(declared, read, of_query(key, read))
        self.viewed[key] = Bound(
            key=key,
            function=read.query,
            outputs=(read.output,),
            inputs=tuple(each for each in read.inputs if each.edge.loaded),
            context=read.query.step,
            where=declared.where,
        )

    def add(self, function: Function) -> None:
        """Add a function's node, unless something of it, or something it reads, is faulty."""
        bound = self._bound(function)
        parts = self._parts(function, bound)
        if parts is None:
            return
        key, cut = bound.key, self.project.partitionings[bound.key]
        lineage = {output.key: self._lineage(function, output, parts.code) for output in bound.outputs}
        asked = () if function.read is None else tuple(each.edge for each in function.read.asked)
        self.made[key] = made(function.declared, bound, cut, parts, self.project.names, lineage, asked)
        self.bound[key] = self._callable(function, bound, parts)
        self.code[key] = parts.code

    def _lineage(self, function: Function, output: BoundOutput, code: CodeVersion) -> tuple[ColumnEdge, ...]:
        if function.query is not None:
            return of_query(output.key, function.query)
        asked = () if function.read is None else function.read.asked
        said = of_function(function.declared, output, asked, self.project, self.faults)
        if kind_of_hint(output.hint) is not TableKind.DUCKDB:
            return said
        return with_derived(said, self.derived(output.key).get(code.digest, ()))

    def judge(self, declarations: Iterable[Declared], functions: Iterable[Judging]) -> None:
        """Give the nodes their checks: of row models, ready-made, and functions."""
        found: dict[AssetKey, list[tuple[BoundCheck, DeclaredCheck]]] = {}
        for declared in declarations:
            if (node := self.made.get(declared.key)) is None:
                continue
            outputs = {key: self.project.types.get(key) for key in node.node.outputs}
            listed = found.setdefault(declared.key, [])
            for output in self.bound[declared.key].outputs if declared.key in self.bound else ():
                own = rows_check(output, self.project.partitionings[output.key])
                if own is not None and output.rows is not None:
                    listed.append((own, _told(own, f"the rows are those of {output.rows.name}", declared.where)))
            for each in ready_checks(declared, outputs, self.project, self.queries, self.faults):
                listed.append((each, _told(each, "", declared.where)))
        for one in functions:
            if one.node in self.made and (check := self._judging(one)) is not None:
                text = one.function.value.options.description or inspect.cleandoc(one.function.value.__doc__ or "")
                told = _told(check, text.partition("\n")[0], one.function.declared.where)
                found.setdefault(one.node, []).append((check, told))
        for key, listed in found.items():
            if not listed:
                continue
            self._refuse_double(key, listed)
            self.made[key] = with_checks(self.made[key], [each for each, _ in listed], [told for _, told in listed])
            places = {(check.check.asset, check.check.name): check for check, _ in listed}
            self.checks[key] = tuple(places[each.asset, each.name] for each in self.made[key].node.checks)

    def _refuse_double(self, key: AssetKey, listed: list[tuple[BoundCheck, DeclaredCheck]]) -> None:
        seen: dict[str, DeclaredCheck] = {}
        for check, told in listed:
            name = f"{check.check.asset}:{check.check.name}"
            if (first := seen.setdefault(name, told)) is not told:
                where = [f"{name}   {first.where}", f"{name}   {told.where}"]
                message = f"{key} has two checks named {check.check.name}"
                self.faults.add(DefinitionError("bad-check", message, where=where, hint="give one a name="))

    def _judging(self, judging: Judging) -> BoundCheck | None:
        function = judging.function
        bound = self._bound(function)
        parts = self._parts(function, bound)
        if parts is None:
            return None
        check = Check(
            name=judging.name,
            asset=judging.assets[0],
            recipe=recipe_of(bound, parts, self.project.names),
            inputs=tuple(one.edge for one in bound.inputs),
            partitioning=self.project.partitionings[judging.assets[0]],
            severity=judging.severity,
        )
        return BoundCheck(check=check, call=self._callable(function, bound, parts))

    def _parts(self, function: Function, bound: Bound) -> Parts | None:
        """What a function is made from; None, and it is told, where something of that, or of its inputs, is faulty."""
        effective = self._parameters(function)
        producers = {self.project.names.assets[one.edge.asset].key for one in bound.inputs}
        producers |= {self.project.names.assets[asset].key for asset in function.cut_by}
        complete = len(bound.resources) == len(function.roles.resources)
        if effective is None or not complete or not producers - {bound.key} <= self.made.keys():
            return None
        try:
            code = self._version(function, bound)
        except AssetflowError as error:
            line = function.declared.line
            self.faults.add(type(error)(error.code, error.message, where=error.where or [line], hint=error.hint))
            return None
        self.warnings.extend(_untracked(function.declared, code))
        resources = {use.name: self.outside.tracked[use.name] for use in bound.resources}
        return Parts(code=code, parameters=effective, resources=resources)

    def _callable(self, function: Function, bound: Bound, parts: Parts) -> Bound:
        loaded = tuple(one for one in bound.inputs if one.edge.loaded)
        values = {name: found.value for name, found in parts.parameters.items()}
        includes = self._includes(function, parts.code)
        return replace(bound, inputs=loaded, parameters=values, includes=includes)

    def _bound(self, function: Function) -> Bound:
        """How to call the function; its inputs still with ``deps``, and without parameters."""
        key, names = function.declared.key, self.outside.names
        uses = [
            ResourceUse(parameter=taken.name, name=names[key, taken.name], type=hint_text(taken.hint))
            for taken in sorted(function.roles.resources, key=lambda taken: taken.name)
            if (key, taken.name) in names
        ]
        return Bound(
            key=key,
            function=_function(function),
            outputs=function.outputs,
            multi=isinstance(function.value, MultiAsset),
            inputs=function.inputs or (),
            views=() if function.read is None else function.read.views,
            resources=tuple(uses),
            context=function.roles.context,
            retry=function.value.options.retry,
            batch=function.batch,
            where=function.declared.where,
        )

    def _parameters(self, function: Function) -> Mapping[str, Effective] | None:
        key, found = function.declared.key, self.outside.parameters
        names = [taken.name for taken in function.roles.parameters]
        return {name: found[key, name] for name in names} if all((key, name) in found for name in names) else None

    def _version(self, function: Function, bound: Bound) -> CodeVersion:
        if function.query is not None:
            return function.query.code
        options = function.value.options
        signature = {taken.name for taken in function.roles.inputs}
        loaded = [name for one in bound.inputs if one.edge.loaded and (name := one.parameter) in signature]
        loaded += [view.taken.parameter for view in bound.views]
        taken = [use.parameter for use in sorted(bound.resources, key=lambda use: (use.name, use.parameter))]
        values = self.outside.resources
        code = self.versions.of(
            bound.function,
            inputs={parameter: number for number, parameter in enumerate(loaded)},
            ignored_parameters=[*([bound.context] if bound.context else ()), *taken],
            includes=tuple(options.version_includes),
            declared=options.version,
            resources={use.name: type(values[use.name]) for use in bound.resources},
            values=classes_in(self._hints(function, bound)),
        )
        views = () if function.read is None else function.read.code
        return code if not views else replace(code, digest=_digest(code, views), parts=(*code.parts, *views))

    def _includes(self, function: Function, code: CodeVersion) -> tuple[IncludedFile, ...]:
        paths = [self.root / each for each in function.value.options.version_includes if isinstance(each, Path)]
        if not paths:
            return ()
        digests = {part.name: part.digest for part in code.parts}
        return tuple(IncludedFile(path, digests[file_name(path, self.root)]) for path in paths)

    def _hints(self, function: Function, bound: Bound) -> Iterator[object]:
        """The types of what a function gets and gives. A value comes as its producer made it, which may be more than
        the consumer asks for."""
        for each in bound.inputs:
            if each.edge.loaded:
                yield each.hint
                yield self.project.types.get(each.edge.asset)
        for taken in function.roles.parameters:
            yield taken.hint
        for output in bound.outputs:
            yield output.hint


def _digest(code: CodeVersion, views: Iterable[CodePart]) -> str:
    return fingerprint("code", code.digest, *(part.digest for part in views))


def _function(function: Function) -> Callable[..., Any]:
    if function.query is not None:
        return function.query.query
    assert not isinstance(function.value, SqlAsset)
    return function.value.function


def _told(check: BoundCheck, description: str, where: str) -> DeclaredCheck:
    others = tuple(dict.fromkeys(read.asset for read in check.check.inputs if read.asset != check.check.asset))
    name, severity = check.check.name, check.check.severity.value
    return DeclaredCheck(name=name, severity=severity, description=description, reads=others, where=where)


def _untracked(declared: Declared, code: CodeVersion) -> Iterator[AssetflowError]:
    """What ``validate`` says of code that cannot be followed."""
    for each in code.untracked:
        yield DefinitionError(
            "not-tracked",
            f"{declared.key}: a change of {each.what} is not noticed",
            where=[f"{declared.key}   {each.where or declared.where}"],
            hint="take it as a parameter, or set max_age="
            if isinstance(declared.value, SqlAsset)
            else "name what it depends on in version_includes=[…], or set version=",
        )
