"""What the planner compares and what people are told: recipes, nodes and definitions, made of what was bound."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from assetflow.declare import CheckFunction, File, Source, SqlAsset
from assetflow.load.definitions import Bound, BoundCheck, BoundInput, BoundOutput, BoundView
from assetflow.load.naming import Declared, Names
from assetflow.load.options import max_age_of, retain_of
from assetflow.load.partitions import cut_by, lookback_of
from assetflow.load.queries import ReadQuery
from assetflow.model.definition import DeclaredCheck, DeclaredColumn, Definition, Input, Kind, Node
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge
from assetflow.model.partitioning import Partitioning
from assetflow.model.trace import Recipe
from assetflow.model.versions import CodeVersion, canonical_json, fingerprint
from assetflow.types.hints import hint_identity, hint_text
from assetflow.types.jsonable import to_jsonable
from assetflow.types.rowmodels import RowModel, row_model_of

if TYPE_CHECKING:
    from assetflow.load.parameters import Effective

__all__ = ["Made", "Parts", "made", "observed", "recipe_of", "with_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One node, and the definitions of its assets."""

    node: Node
    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a function was found to be made from, besides its inputs."""

    code: CodeVersion
    parameters: Mapping[str, Effective] = field(default_factory=dict)
    #: By the resource's name: class and tracked fields as canonical JSON.
    resources: Mapping[str, str] = field(default_factory=dict)


def recipe_of(bound: Bound, parts: Parts, names: Names) -> Recipe:
    """What a function gives is made from, beside its inputs: an asset's value, or a check's verdict."""
    return Recipe.of(
        code=parts.code.digest,
        type=_type_identity(bound, names),
        parameters=tuple((name, each.shown.value) for name, each in parts.parameters.items()),
        resources=tuple(parts.resources.items()),
        parts=parts.code.parts,
        declared=parts.code.declared,
    )


def with_checks(found: Made, checks: Sequence[BoundCheck], told: Sequence[DeclaredCheck]) -> Made:
    """A node and its definitions with these checks, in order of names. ``told`` has one for each."""
    ordered = sorted(checks, key=lambda each: (each.check.asset, each.check.name))
    said = [
        [
            str(each.check.asset),
            each.check.name,
            each.check.recipe.digest,
            each.check.severity.value,
            [[str(read.asset), read.mapping.text, read.columns, read.loaded] for read in each.check.inputs],
        ]
        for each in ordered
    ]
    node = replace(
        found.node,
        checks=tuple(each.check for each in ordered),
        digest=fingerprint("checked", found.node.digest, canonical_json(said)),
    )
    by_asset: dict[AssetKey, list[DeclaredCheck]] = {definition.key: [] for definition in found.definitions}
    for each, shown in sorted(zip(checks, told, strict=True), key=lambda pair: pair[1].name):
        by_asset[each.check.asset].append(shown)
    definitions = tuple(replace(definition, checks=tuple(by_asset[definition.key])) for definition in found.definitions)
    return Made(node=node, definitions=definitions)


def made(
    declared: Declared,
    bound: Bound,
    partitioning: Partitioning,
    parts: Parts,
    names: Names,
    lineage: Mapping[AssetKey, tuple[ColumnEdge, ...]],
    asked: tuple[Input, ...],
) -> Made:
    """The node of a function, and the definition of each asset that it makes. ``asked``: its inputs as written."""
    assert not isinstance(declared.value, Source | CheckFunction)
    options = declared.value.options
    recipe = recipe_of(bound, parts, names)
    max_age = max_age_of(options)
    outputs = tuple(output.key for output in bound.outputs)
    inputs = tuple(each.edge for each in bound.inputs)
    lookback = lookback_of(options.lookback, partitioning)
    # Code that cannot be followed may do anything, so an older result need not be what it would give today.
    reads_outside = bool(bound.resources or parts.code.untracked) or max_age is not None or lookback is not None
    node = Node(
        key=bound.key,
        outputs=outputs,
        recipe=recipe,
        inputs=inputs,
        partitioning=partitioning,
        cut_by=cut_by(partitioning),
        max_age=max_age,
        lookback=lookback,
        forward_only=options.forward_only,
        effects=not bound.multi and bound.outputs[0].hint is type(None),
        reads_outside=reads_outside,
        deterministic=options.deterministic,
        rules=_rules(bound),
        digest=_digest(
            recipe,
            outputs,
            inputs,
            partitioning,
            ages=[None if max_age is None else max_age.total_seconds(), lookback, options.forward_only],
            reads_outside=reads_outside,
            deterministic=options.deterministic,
        ),
    )
    kind = Kind.MULTI if bound.multi else Kind.SQL if isinstance(declared.value, SqlAsset) else Kind.ASSET
    written = None if isinstance(declared.value, SqlAsset) else declared.value.function.__doc__
    description = options.description or inspect.cleandoc(written or "")
    parameters = tuple(each.shown for _, each in sorted(parts.parameters.items()))
    definitions = tuple(
        Definition(
            key=output.key,
            kind=kind,
            node=bound.key,
            type=hint_text(output.hint) if output.hint is not None else "",
            columns=_columns(output.rows),
            lineage=lineage.get(output.key, ()),
            partitioning=partitioning.text,
            inputs=asked,
            parameters=parameters,
            resources=bound.resources,
            code_version=parts.code.digest,
            untracked=parts.code.untracked,
            description=f"The rows that {bound.key} rejects." if output.rejects else description,
            owners=tuple(options.owners),
            tags=tuple(options.tags),
            metadata=_metadata(options.metadata),
            retain=retain_of(options),
            where=declared.where,
        )
        for output in bound.outputs
    )
    return Made(node=node, definitions=definitions)


def _rules(bound: Bound) -> str:
    """The digest of what refuses the rows of inputs."""
    said = [each.rows.identity for each in bound.inputs if each.rows is not None]
    return fingerprint("rules", *said) if said else ""


def observed(declared: Declared, hint: object, partitioning: Partitioning) -> Made:
    """The node and definition of a source."""
    source = declared.value
    assert isinstance(source, Source)
    recipe, outputs = Recipe.of(code=""), (declared.key,)
    node = Node(
        key=declared.key,
        outputs=outputs,
        recipe=recipe,
        partitioning=partitioning,
        observed=True,
        digest=_digest(recipe, outputs, (), partitioning, observed=True),
    )
    definition = Definition(
        key=declared.key,
        kind=Kind.SOURCE,
        node=declared.key,
        type=hint_text(hint) if hint is not None else "",
        columns=_columns(row_model_of(hint)),
        partitioning=partitioning.text,
        description=source.description,
        owners=tuple(source.owners),
        tags=tuple(source.tags),
        metadata=_metadata(source.metadata),
        where=declared.where,
    )
    return Made(node=node, definitions=(definition,))


def view_definition(declared: Declared, read: ReadQuery, lineage: tuple[ColumnEdge, ...]) -> Definition:
    """What is told of a view."""
    view, output = declared.value, read.output
    assert isinstance(view, SqlAsset)
    return Definition(
        key=declared.key,
        kind=Kind.VIEW,
        node=declared.key,
        type=hint_text(output.hint) if output.hint is not None else "",
        columns=_columns(output.rows),
        lineage=lineage,
        inputs=tuple(each.edge for each in read.asked),
        code_version=read.code.digest,
        description=view.options.description,
        owners=tuple(view.options.owners),
        tags=tuple(view.options.tags),
        metadata=_metadata(view.options.metadata),
        where=declared.where,
    )


def _columns(rows: RowModel | None) -> tuple[DeclaredColumn, ...]:
    if rows is None:
        return ()
    return tuple(
        DeclaredColumn(
            name=column.name,
            type=str(column.slot.type),
            nullable=column.slot.nullable,
            classes=column.classes,
            rules=(
                *map(str, column.slot.rules),
                *(["primary key"] if column.name in rows.primary_key else []),
                *(["unique"] if any(column.name in names for names in rows.unique) else []),
            ),
        )
        for column in rows.columns
    )


def _type_identity(bound: Bound, names: Names) -> str:
    """The declaration's fields that change the value and have no place of their own in a trace.

    Inputs are numbered in the node's order; what a source without its own code hands out counts with its readers.
    """
    loaded = [each for each in bound.inputs if each.edge.loaded]
    return canonical_json(
        {
            "outputs": [_output(output) for output in bound.outputs],
            "inputs": [_input(each, names) for each in loaded],
            **({"views": [_view(each, names) for each in bound.views]} if bound.views else {}),
            **({"key_column": bound.batch.columns} if bound.batch is not None and bound.batch.columns else {}),
        }
    )


def _output(output: BoundOutput) -> list[Any]:
    return [
        output.key.name,
        # What only refuses rows is judged beside: it changes no value. Where it puts them aside, it does.
        hint_identity(output.hint, rules=output.divert is not None) if output.hint is not None else "",
        output.codec.text if output.codec is not None else "",
    ]


def _input(bound: BoundInput, names: Names) -> list[Any]:
    # The rules of a model whose rows the producer's own rules make sure of are judged there.
    identity = hint_identity(bound.hint, rules=not bound.guaranteed) if bound.hint is not None else ""
    parts: list[Any] = [bound.shape, identity]
    if bound.key_column is not None:
        parts.append(["key_column", bound.key_column])
    if bound.edge.optional:
        parts.append(["default", _default_text(bound.default)])
    source = names.assets[bound.edge.asset].value
    if isinstance(source, Source) and source.at is not None:
        parts.append(_source_identity(source))
    return parts


def _view(view: BoundView, names: Names) -> list[Any]:
    """Which view it is, and what is taken of it: the node's inputs do not say that, as they are the view's own."""
    edge = view.taken.edge
    return [str(edge.asset), edge.columns, *_input(view.taken, names)]


def _source_identity(source: Source) -> list[Any]:
    """How bytes become what a reader gets; of a path, the part that the reader sees whatever machine it runs on."""
    at = source.at
    assert at is not None
    name = PurePath(at.path).name if isinstance(at, File) else ""
    kind = hint_identity(source.type) if source.type is not None else ""
    return ["source", kind, name if source.type is None else PurePath(name).suffix, at.nulls]


def _default_text(default: object) -> str:
    try:
        return canonical_json(to_jsonable(default))
    except Exception:  # a default of any class: what is no data counts by its class
        return f"{type(default).__module__}.{type(default).__qualname__}"


def _digest(
    recipe: Recipe,
    outputs: tuple[AssetKey, ...],
    inputs: tuple[Input, ...],
    partitioning: Partitioning,
    *,
    observed: bool = False,
    ages: Sequence[float | None] = (),
    reads_outside: bool = False,
    deterministic: bool = False,
) -> str:
    """The digest of everything that decides about a node's freshness."""
    edges = [
        [str(each.asset), each.mapping.text, each.columns, each.loaded, each.optional, each.parameter, each.missing]
        for each in inputs
    ]
    names = [str(key) for key in outputs]
    said = [recipe.digest, names, edges, partitioning.text, observed, ages, reads_outside, deterministic]
    return fingerprint("node", canonical_json(said))


def _metadata(metadata: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:  # JSON-able values of the user
    return tuple((str(name), json.dumps(value, ensure_ascii=False, default=str)) for name, value in metadata.items())
