"""The edges: which asset fills which parameter, partition by partition, and whether their types agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from assetflow.declare import File, Files, In, Source
from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.binding import Roles
from assetflow.load.definitions import BoundInput
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared, Names
from assetflow.load.signatures import NO_DEFAULT, Signature, Taken
from assetflow.model.definition import Input
from assetflow.model.keys import AssetKey
from assetflow.model.partitioning import SINGLE, All, KeysOf, Mapping, Partitioning, Same, Static
from assetflow.model.rows import Rows
from assetflow.model.versions import CodeVersion
from assetflow.types.assign import assignable
from assetflow.types.hints import hint_text
from assetflow.types.libraries import AnyScan, is_table_hint
from assetflow.types.rowfits import guaranteed, misfits
from assetflow.types.rowmodels import RowModel, row_model_of
from assetflow.types.spelling import is_open

__all__ = ["Project", "View", "bound_inputs", "deps_of", "in_order", "partitioning", "whole_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What edges are drawn in: all names, all signatures, and every asset's partitioning."""

    names: Names
    #: By asset key: the type of its value; missing where its declaration is faulty, None where there is none.
    types: MappingABC[AssetKey, object]
    #: By asset key.
    partitionings: MappingABC[AssetKey, Partitioning]
    #: By asset key: the views whose queries are known.
    views: MappingABC[AssetKey, View] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What stands where a view is read."""

    key: AssetKey
    #: Its query, in which every table has its whole name and is no view.
    text: str
    code: CodeVersion


def partitioning(declared: Declared, names: Names, faults: Faults) -> Partitioning:
    """How an asset is cut: as it says, by the files of the source that it names, else not at all."""
    if isinstance(declared.value, Source):
        return KeysOf(declared.key) if isinstance(declared.value.at, Files) else SINGLE
    wanted: object = declared.value.options.partitions
    if wanted is None:
        return SINGLE
    if isinstance(wanted, Source) and isinstance(wanted.at, Files):
        try:
            (source,) = names.resolve_object(wanted, declared)
        except AssetflowError as error:
            faults.add(error)
            return SINGLE
        return KeysOf(source)
    if isinstance(wanted, Static):
        if (wrong := _wrong_keys(wanted)) is None:
            return wanted
        faults.add(DefinitionError("bad-argument", f"{declared.key}: {wrong}", where=[declared.line]))
        return SINGLE
    faults.add(
        DefinitionError(
            "not-there-yet",
            f"{declared.key} is partitioned by {wanted!r}, which is not supported yet",
            where=[declared.line],
            hint='for now, partitions= takes Static("eu", "us") or a source of Files(...)',
        )
    )
    return SINGLE


def _wrong_keys(wanted: Static) -> str | None:
    keys: Any = wanted.keys  # anything the user wrote
    if not keys:
        return "Static() has no keys"
    for key in keys:
        if not isinstance(key, str):
            return f"{key!r} is no key of Static(): a key is a text"
        if not key or key != key.encode(errors="replace").decode():
            return f"{key!r} cannot be a key of Static()"
    double = next((key for key, count in Counter(keys).items() if count > 1), None)
    return None if double is None else f"Static() has the key {double!r} twice"


def bound_inputs(declared: Declared, roles: Roles, project: Project, faults: Faults) -> tuple[BoundInput, ...] | None:
    """The inputs of one function, sorted as its node has them; ``deps`` are those without a parameter.

    None, and every mistake told, where one of them cannot be.
    """
    result: list[BoundInput] = []
    sound = True
    for taken in roles.inputs:
        try:
            result.append(_bound(declared, taken, project))
        except AssetflowError as error:
            faults.add(error)
            sound = False
    for wanted in deps_of(declared):
        try:
            for asset in project.names.resolve_object(wanted, declared):
                mapping = _default_mapping(declared, asset, project) or All()
                edge = Input(parameter="", asset=asset, mapping=mapping, loaded=False)
                result.append(BoundInput(parameter="", edge=edge, hint=None, shape="value"))
        except AssetflowError as error:
            faults.add(error)
            sound = False
    return in_order(result) if sound else None


def whole_table(declared: Declared, asset: AssetKey, parameter: str, project: Project) -> BoundInput:
    """An asset as one table to be scanned, of all its partitions. Raises DefinitionError as for any input."""
    partitions = None if project.partitionings[asset] == SINGLE else All()
    taken = Taken(name=parameter, hint=AnyScan, marker=In(str(asset), partitions=partitions))
    return _bound(declared, taken, project)


def deps_of(declared: Declared) -> Iterable[object]:
    """What ``deps=`` names; nothing where it is no list, which is told with the other arguments."""
    deps: Any = () if isinstance(declared.value, Source) else declared.value.options.deps  # as written
    return deps if isinstance(deps, Sequence) and not isinstance(deps, str) else ()


def in_order(inputs: Iterable[BoundInput]) -> tuple[BoundInput, ...]:
    """Inputs as a node has them."""
    return tuple(sorted(inputs, key=_order))


def _order(bound: BoundInput) -> tuple[Any, ...]:
    edge = bound.edge
    return edge.asset, edge.mapping.text, edge.columns or (), edge.loaded, edge.parameter


def _bound(declared: Declared, taken: Taken, project: Project) -> BoundInput:
    asset = _asset(declared, taken, project.names)
    mapping = _mapping(declared, taken, asset, project)
    shape = _shape(declared, taken, asset, mapping, project)
    _check_types(declared, taken, asset, shape, project)
    asked = row_model_of(_member(taken.hint) if shape == "dict" else taken.hint)
    made = row_model_of(project.types.get(asset))
    edge = Input(
        parameter=taken.name,
        asset=asset,
        mapping=mapping,
        type=hint_text(taken.hint) if taken.hint is not None else "",
        columns=_columns(declared, taken, asset, asked, project),
        optional=taken.has_default,
    )
    default = taken.default if taken.default is not NO_DEFAULT else None
    return BoundInput(
        parameter=taken.name,
        edge=edge,
        hint=taken.hint,
        shape=shape,
        default=default,
        rows=asked,
        guaranteed=asked is not None and made is not None and guaranteed(made, asked),
    )


def _asset(declared: Declared, taken: Taken, names: Names) -> AssetKey:
    wanted = taken.marker.asset if isinstance(taken.marker, In) else None
    if wanted is None:
        return names.resolve(taken.name, declared)
    if isinstance(wanted, str):
        return names.resolve(wanted, declared)
    found = names.resolve_object(wanted, declared)
    if len(found) != 1:
        raise DefinitionError(
            "ambiguous-input",
            f"{declared.key} takes {taken.name!r} from {wanted!r}, which makes several assets",
            where=[declared.line],
            hint=f'name one of them: {", ".join(f"""In({wanted.name}["{key.name}"])""" for key in found[:3])}'
            if hasattr(wanted, "name")
            else "",
        )
    return found[0]


def _default_mapping(declared: Declared, asset: AssetKey, project: Project) -> Mapping | None:
    """Key by key where both have the same keys, all where there is one; None where nothing suggests itself."""
    upstream, own = project.partitionings[asset], project.partitionings[_node_key(declared, project)]
    if upstream == SINGLE:
        return All()
    return Same() if upstream == own else None


def _mapping(declared: Declared, taken: Taken, asset: AssetKey, project: Project) -> Mapping:
    default = _default_mapping(declared, asset, project)
    wanted = taken.marker.partitions if isinstance(taken.marker, In) else None
    if wanted is not None and not isinstance(wanted, All | Same):
        raise DefinitionError(
            "not-there-yet",
            f"{declared.key} reads partitions={wanted!r} of {asset}, which is not supported yet",
            where=[declared.line],
            hint="for now there are All() and Same()",
        )
    if isinstance(wanted, All):
        return wanted
    if default is None or (
        isinstance(wanted, Same) and not isinstance(default, Same) and not _single(declared, project)
    ):
        upstream, own = project.partitionings[asset], project.partitionings[_node_key(declared, project)]
        raise DefinitionError(
            "impossible-mapping",
            f"{declared.key} ({own.text}) takes {taken.name!r} from {asset} ({upstream.text}): which keys is not clear",
            where=[declared.line, project.names.assets[asset].line],
            hint=f"to read all of them: {taken.name}: Annotated[dict[str, T], In(partitions=All())]",
        )
    return default


def _single(declared: Declared, project: Project) -> bool:
    return project.partitionings[_node_key(declared, project)] == SINGLE


def _node_key(declared: Declared, project: Project) -> AssetKey:
    if declared.key in project.partitionings:
        return declared.key
    return project.names.multis[declared.key][0]


def _shape(declared: Declared, taken: Taken, asset: AssetKey, mapping: Mapping, project: Project) -> str:
    if not isinstance(mapping, All) or project.partitionings[asset] == SINGLE:
        return "value"
    hint = _bare(taken.hint)
    if hint is None or hint is Any or _is_dict(hint):
        return "dict"
    if is_table_hint(hint):
        return "table"
    raise DefinitionError(
        "edge-type",
        f"{declared.key} takes {taken.name}: {hint_text(taken.hint)}, but reads all partitions of {asset}",
        where=[declared.line, project.names.assets[asset].line],
        hint="annotate it as dict[str, T], or as a table of all of them",
    )


def _bare(hint: object) -> object:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _is_dict(hint: object) -> bool:
    origin = get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, dict | MappingABC)


def _check_types(declared: Declared, taken: Taken, asset: AssetKey, shape: str, project: Project) -> None:
    producer_declared = project.names.assets[asset]
    source = producer_declared.value
    if isinstance(source, Source) and not isinstance(source.at, File | Files):
        raise DefinitionError(
            "edge-type",
            f"{declared.key} takes {taken.name!r} from {asset}, which is only observed and has no value",
            where=[declared.line, producer_declared.line],
            hint=f"list it in deps=[{asset.name}]",
        )
    producer = project.types.get(asset)
    consumer = _member(taken.hint) if shape == "dict" else taken.hint
    if producer is None or consumer is None:
        return
    verdict = assignable(producer, consumer)
    if not verdict.ok:
        raise DefinitionError(
            "edge-type",
            f"{declared.key} takes {taken.name}: {hint_text(taken.hint)}, but {asset} gives {hint_text(producer)}",
            where=[declared.line, producer_declared.line],
            hint=verdict.reason,
        )
    made, asked = row_model_of(producer), row_model_of(consumer)
    if asked is not None and not is_open(producer) and not is_table_hint(producer):
        raise DefinitionError(
            "edge-type",
            f"{declared.key} reads rows of {asked.name} from {asset}, which gives {hint_text(producer)}",
            where=[declared.line, producer_declared.line],
            hint="row models are for tables",
        )
    said = next((mark for mark in get_args(consumer) if isinstance(mark, Rows)), None)
    if asked is not None and said is not None and replace(said, validators="refuse") != Rows():
        raise DefinitionError(
            "edge-type",
            f"{declared.key} takes {taken.name} with {said}",
            where=[declared.line],
            hint="that is for what a function returns: a reader is given the columns of its model in any case",
        )
    found = misfits(made, asked) if made is not None and asked is not None else ()
    if found:
        assert asked is not None
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise DefinitionError(
            "edge-columns",
            f"{declared.key} takes {taken.name} as rows of {asked.name}: {'; '.join(found[:3])}{more}",
            where=[declared.line, producer_declared.line],
            hint="ask for what is made, or make what is asked for",
        )


def _columns(
    declared: Declared, taken: Taken, asset: AssetKey, asked: RowModel | None, project: Project
) -> tuple[str, ...] | None:
    columns = taken.marker.columns if isinstance(taken.marker, In) else None
    if columns is None:
        return None if asked is None else _present(asked, row_model_of(project.types.get(asset)))
    if asked is not None:
        raise DefinitionError(
            "edge-type",
            f"{declared.key} takes {taken.name!r} with columns=… and with the row model {asked.name}",
            where=[declared.line],
            hint="the row model says which columns are read: leave columns= out",
        )
    producer = project.types.get(asset)
    if isinstance(columns, str) or not columns or not all(isinstance(each, str) for each in columns):
        message = f"{declared.key} takes {taken.name!r} with columns={columns!r}, which is no list of names"
        hint = 'write columns=("placed_on", "amount")'
    elif producer is not None and not is_open(producer) and not is_table_hint(producer):
        message = f"{declared.key} reads columns of {asset}, which gives {hint_text(producer)}"
        hint = "columns= is for tables"
    else:
        return tuple(columns)
    raise DefinitionError("edge-type", message, where=[declared.line, project.names.assets[asset].line], hint=hint)


def _present(asked: RowModel, made: RowModel | None) -> tuple[str, ...]:
    """The columns to read: all that are asked for, without those that the producer surely does not have."""
    known = None if made is None or made.policy.extra == "keep" else set(made.names)
    return tuple(name for name in asked.names if known is None or name in known)


def _member(hint: object) -> object:
    """The type of a dict's values; None where it is not said."""
    arguments = get_args(_bare(hint))
    return arguments[1] if len(arguments) == 2 else None


def producer_type(signature: Signature, declared: Declared) -> object:
    """What a reader of an asset gets: for a source without a type, a path."""
    source = declared.value
    if isinstance(source, Source) and source.type is None and source.at is not None:
        return Path
    return signature.returns
