"""The edges: which asset fills which parameter, partition by partition, and whether their types agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args, get_origin

from assetflow.declare import File, Files, In, Source
from assetflow.errors import AssetflowError, DefinitionError
from assetflow.load.batches import is_batch
from assetflow.load.binding import Roles
from assetflow.load.definitions import BoundInput
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared, Names
from assetflow.load.partitions import ImpossibleError, inferred, key_type, mapped, unfollowed
from assetflow.load.signatures import NO_DEFAULT, Signature, Taken
from assetflow.model.calendars import TEXT, KeyType
from assetflow.model.definition import Input, Missing
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All, Mapping
from assetflow.model.partitioning import SINGLE, Partitioning
from assetflow.model.rows import Rows
from assetflow.model.versions import CodeVersion
from assetflow.types.assign import assignable
from assetflow.types.hints import bare, hint_text, is_dict
from assetflow.types.libraries import AnyScan, is_table_hint
from assetflow.types.rowfits import guaranteed, misfits
from assetflow.types.rowmodels import RowModel, row_model_of
from assetflow.types.spelling import is_open

__all__ = ["Project", "View", "bound_inputs", "deps_of", "in_order", "whole_table"]


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
    asked = row_model_of(_member(taken.hint) if shape in _KEYED else taken.hint)
    made = row_model_of(project.types.get(asset))
    edge = Input(
        parameter=taken.name,
        asset=asset,
        mapping=mapping,
        type=hint_text(taken.hint) if taken.hint is not None else "",
        columns=_columns(declared, taken, asset, asked, project),
        optional=taken.has_default,
        required=shape == "value" and not taken.has_default,
        missing=_missing(declared, taken),
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
        keyed=_keyed(declared, taken, asset, shape, project),
        key_column=_key_column(declared, taken, shape),
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
    """As there is one sensible way; None where nothing suggests itself."""
    return inferred(_own(declared, project), project.partitionings[asset])


def _mapping(declared: Declared, taken: Taken, asset: AssetKey, project: Project) -> Mapping:
    """As it is written, else as there is one sensible way. Raises DefinitionError."""
    upstream, own = project.partitionings[asset], _own(declared, project)
    wanted = taken.marker.partitions if isinstance(taken.marker, In) else None
    where = [declared.line, project.names.assets[asset].line]
    what = f"{declared.key} ({own.text}) takes {taken.name!r} from {asset} ({upstream.text})"
    if wanted is not None:
        try:
            return mapped(wanted, own, upstream)
        except ImpossibleError as error:
            raise DefinitionError(error.code, f"{what}: {error.message}", where=where, hint=error.hint) from None
    found = inferred(own, upstream)
    if found is not None:
        return found
    if own == SINGLE:
        if is_keyed(taken.hint):
            return All()
        hint = f"for all as one table {taken.name}: Annotated[T, In(partitions=All())]; Last(7) for the newest"
        raise DefinitionError("needs-mapping", f"{what}: which of its partitions is not said", where=where, hint=hint)
    if loose := unfollowed(own, upstream):
        hint = f"write In(partitions=PerDimension({', '.join(f'{each}=All()' for each in loose)}))"
        message = f"{what}: which {' and '.join(loose)} is not said"
        raise DefinitionError("needs-mapping", message, where=where, hint=hint)
    hint = f"to read all of them: {taken.name}: Annotated[dict[str, T], In(partitions=All())]"
    raise DefinitionError("impossible-mapping", f"{what}: which keys is not clear", where=where, hint=hint)


def _own(declared: Declared, project: Project) -> Partitioning:
    if declared.key in project.partitionings:
        return project.partitionings[declared.key]
    return project.partitionings[project.names.multis[declared.key][0]]


def _shape(declared: Declared, taken: Taken, asset: AssetKey, mapping: Mapping, project: Project) -> str:
    """How what is read arrives: the one value, or a ``dict``, an ``iterator`` or a ``table`` of several."""
    if project.partitionings[asset] == SINGLE or not (mapping.many or is_batch(declared)):
        return "value"
    if taken.hint is None or bare(taken.hint) is Any or is_dict(taken.hint):
        return "dict"
    if is_table_hint(bare(taken.hint)):
        return "table"
    if is_keyed(taken.hint):
        return "iterator"
    how = "" if mapping.many else ", as batch= makes several at once"
    raise DefinitionError(
        "edge-type",
        f"{declared.key} takes {taken.name}: {hint_text(taken.hint)}, but reads several partitions of {asset}{how}",
        where=[declared.line, project.names.assets[asset].line],
        hint="annotate it as dict[str, T], as Iterator[T], or as a table of all of them; or say which one it reads, "
        "with In(partitions=...)",
    )


def is_keyed(hint: object) -> bool:
    """Whether an annotation asks for values one by one: by key, or one after the other."""
    origin = get_origin(bare(hint)) or bare(hint)
    return is_dict(hint) or (origin in (Iterator, Iterable) and not is_table_hint(bare(hint)))


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
    consumer = _member(taken.hint) if shape in _KEYED else taken.hint
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


def _missing(declared: Declared, taken: Taken) -> Missing:
    wanted: Any = taken.marker.missing if isinstance(taken.marker, In) else "fail"
    try:
        return Missing(wanted)
    except ValueError:
        message = f"{declared.key} takes {taken.name!r} with missing={wanted!r}"
        raise DefinitionError(
            "bad-argument", message, where=[declared.line], hint='write "fail", "skip" or "wait"'
        ) from None


def _key_column(declared: Declared, taken: Taken, shape: str) -> str | None:
    wanted: object = taken.marker.key_column if isinstance(taken.marker, In) else None
    if wanted is None:
        return None
    where = [declared.line]
    if not isinstance(wanted, str) or not wanted:
        message = f"{declared.key} takes {taken.name!r} with key_column={wanted!r}, which is no name"
        raise DefinitionError("bad-argument", message, where=where, hint='write key_column="day"')
    if shape != "table":
        message = f"{declared.key} takes {taken.name!r} with key_column={wanted!r}, and not as one table of partitions"
        raise DefinitionError("bad-argument", message, where=where, hint="leave key_column= out")
    return wanted


def _present(asked: RowModel, made: RowModel | None) -> tuple[str, ...]:
    """The columns to read: all that are asked for, without those that the producer surely does not have."""
    known = None if made is None or made.policy.extra == "keep" else set(made.names)
    return tuple(name for name in asked.names if known is None or name in known)


def _member(hint: object) -> object:
    """The type of a dict's values, or of what an iterator gives; None where it is not said."""
    arguments = get_args(bare(hint))
    return arguments[-1] if arguments and len(arguments) == 1 + is_dict(hint) else None


def _keyed(declared: Declared, taken: Taken, asset: AssetKey, shape: str, project: Project) -> KeyType:
    """How the keys of a dict arrive."""
    arguments = get_args(bare(taken.hint))
    if shape != "dict" or len(arguments) != 2:
        return TEXT
    try:
        return key_type(arguments[0], project.partitionings[asset])
    except ImpossibleError as error:
        message = f"{declared.key} takes {taken.name}: {hint_text(taken.hint)} from {asset}: {error.message}"
        where = [declared.line, project.names.assets[asset].line]
        raise DefinitionError(error.code, message, where=where, hint=error.hint) from None


#: Shapes in which values arrive one by one.
_KEYED = frozenset({"dict", "iterator"})


def producer_type(signature: Signature, declared: Declared) -> object:
    """What a reader of an asset gets: for a source without a type, a path."""
    source = declared.value
    if isinstance(source, Source) and source.type is None and source.at is not None:
        return Path
    return signature.returns
