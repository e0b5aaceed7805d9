"""Checks on their way to nodes: what each judges and reads, and what makes its verdict another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from assetflow.declare import CheckFunction, MultiAsset, Source
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.binding import roles
from assetflow.load.definitions import Bound, BoundCheck, BoundInput, BoundOutput
from assetflow.load.edges import Project, bound_inputs
from assetflow.load.expressions import bind_expression
from assetflow.load.faults import Faults
from assetflow.load.functions import Function
from assetflow.load.naming import Declared
from assetflow.load.options import options_sound
from assetflow.load.signatures import read_signature
from assetflow.load.views import Read
from assetflow.model import ready
from assetflow.model.checks import BAD_ROWS, ROWS, SCHEMA_CHANGE, Check, CheckResult, Severity
from assetflow.model.definition import Input
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All, Same
from assetflow.model.mappings import Mapping as KeyMapping
from assetflow.model.partitioning import SINGLE, Partitioning
from assetflow.model.rows import Rows
from assetflow.model.trace import Recipe
from assetflow.model.versions import fingerprint
from assetflow.sql.queries import Queries
from assetflow.types.assign import assignable
from assetflow.types.hints import hint_text
from assetflow.types.libraries import is_table_hint
from assetflow.types.rowmodels import RowModel, row_model, row_model_of
from assetflow.types.spelling import is_open

__all__ = [
    "Judging",
    "assets_judged_by",
    "readable_checks",
    "ready_checks",
    "rows_check",
    "tangled_sources",
    "version_of",
]

#: Names of what is not declared as a check.
_TAKEN = {
    BAD_ROWS: "what on_bad_rows tells",
    ROWS: "the check of its row model",
    SCHEMA_CHANGE: "what on_schema_change tells",
}
_SEVERITIES = {severity.value for severity in Severity}
#: The parameters that ready-made checks are given.
_VALUE, _OTHER = "value", "other"
#: Counted up when what one of them looks for changes, so that verdicts of before are asked for again.
_SCHEME = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """A check function that can be read, and the node that it judges."""

    node: AssetKey
    #: The outputs that it judges; the first names it.
    assets: tuple[AssetKey, ...]
    name: str
    severity: Severity
    function: Function


def readable_checks(declarations: Iterable[Declared], project: Project, faults: Faults) -> tuple[Judging, ...]:
    """The check functions, with every mistake of theirs told."""
    found: list[Judging] = []
    for each in declarations:
        try:
            judging = _readable(each, project, faults)
        except AssetflowError as error:
            faults.add(error)
            continue
        if judging is not None:
            found.append(judging)
    return tuple(found)


def _readable(declared: Declared, project: Project, faults: Faults) -> Judging | None:
    check = declared.value
    assert isinstance(check, CheckFunction)
    try:
        assets = project.names.resolve_object(check.of, declared)
    except AssetflowError as error:
        message = f"the check {check.name} judges {_shown(check.of)}, which is no asset of this project"
        raise DefinitionError("bad-check", message, where=[declared.line], hint=error.hint) from None
    owner = project.names.assets[assets[0]]
    if check.name in _TAKEN:
        message = f"a check of {owner.key} is named {check.name}, as {_TAKEN[check.name]} is"
        raise DefinitionError("bad-check", message, where=[declared.line], hint="give it another name=")
    if str(check.severity) not in _SEVERITIES:
        message = f"{owner.key}:{check.name} has severity={check.severity!r}"
        raise DefinitionError("bad-check", message, where=[declared.line], hint='write "block" or "warn"')
    target = assets[0] if len(assets) == 1 else owner.key
    named = replace(declared, key=AssetKey(target.group, f"{target.name}:{check.name}"))
    signature = read_signature(named, faults)
    if signature is None:
        return None
    if signature.returns is not None and not assignable(signature.returns, bool | CheckResult | None).ok:
        message = f"{named.key} returns {hint_text(signature.returns)}"
        raise DefinitionError("bad-check", message, where=[declared.line], hint="return a bool or a CheckResult")
    role = roles(signature)
    cuts = {**project.partitionings, named.key: project.partitionings[assets[0]]}
    inputs = bound_inputs(named, role, replace(project, partitionings=cuts), faults)
    sound = options_sound(named, signature, faults)
    if inputs is None or not sound:
        return None
    for one in inputs:
        if one.edge.asset in project.views:
            message = f"{named.key} reads {one.edge.asset}, which is a view"
            hint = "read what the view is made of, or make it a table"
            raise DefinitionError("not-there-yet", message, where=[declared.line], hint=hint)
    own = [one for one in inputs if one.edge.asset in assets]
    if not own:
        message = f"{named.key} does not read what it judges"
        hint = f"take it as a parameter: {target.name}: …"
        raise DefinitionError("bad-check", message, where=[declared.line], hint=hint)
    if cuts[named.key] != SINGLE and any(isinstance(one.edge.mapping, All) for one in own):
        message = f"{named.key} reads all partitions of what it judges one partition of"
        hint = "make a value of them all with an asset of its own, and check that"
        raise DefinitionError("bad-check", message, where=[declared.line], hint=hint)
    function = Function(
        declared=named,
        value=check,
        signature=signature,
        roles=role,
        outputs=(),
        read=Read(asked=inputs, inputs=inputs),
        sound=True,
    )
    return Judging(node=owner.key, assets=assets, name=check.name, severity=Severity(check.severity), function=function)


def _shown(of: object) -> str:
    return repr(of) if isinstance(of, str) else str(getattr(of, "name", of))


def assets_judged_by(
    declarations: Iterable[Declared], checks: Iterable[Judging], project: Project
) -> dict[AssetKey, set[AssetKey]]:
    """The assets that the checks of each node read, as far as they can be told."""
    found: dict[AssetKey, set[AssetKey]] = {}
    for one in checks:
        found.setdefault(one.node, set()).update(read.edge.asset for read in one.function.inputs or ())
    outputs: dict[AssetKey, dict[AssetKey, object]] = {}
    for key, owner in project.names.assets.items():
        outputs.setdefault(owner.key, {})[key] = project.types.get(key)
    for declared in declarations:
        of_model = _of_model(outputs.get(declared.key, {}))
        for each in (*_listed(declared), *(mark for _, mark in of_model)):
            if isinstance(each, ready.ForeignKey):
                with suppress(AssetflowError):
                    others = set(project.names.resolve_object(each.to, declared))
                    # Views are never made, and refused where the check is bound.
                    found.setdefault(declared.key, set()).update(others - project.views.keys())
    return found


def tangled_sources(judged: Mapping[AssetKey, set[AssetKey]], project: Project, faults: Faults) -> set[AssetKey]:
    """The sources whose checks wait for what may wait for them; that is told.

    A source is there before everything else: its checks may read other sources, if these are judged by themselves.
    """
    tangled: set[AssetKey] = set()
    for key, assets in judged.items():
        if key not in project.names.assets or not isinstance(project.names.assets[key].value, Source):
            continue
        for asset in sorted(assets - {key}):
            other = project.names.assets[asset]
            if isinstance(other.value, Source) and not judged.get(other.key, set()) - {other.key}:
                continue
            message = f"a check of the source {key} reads {asset}, which may have to wait for {key}"
            where = [project.names.assets[key].line, other.line]
            hint = f"check {asset} instead, with {key} as a parameter"
            faults.add(DefinitionError("bad-check", message, where=where, hint=hint))
            tangled.add(key)
    return tangled


def _of_model(outputs: Mapping[AssetKey, object]) -> Iterator[tuple[AssetKey, ready.ForeignKey]]:
    """What the row models of some outputs say of other tables."""
    for asset, hint in outputs.items():
        with suppress(AssetflowError):  # a model that cannot be read is told elsewhere
            rows = row_model_of(hint)
            for column, mark in () if rows is None else rows.foreign_keys:
                yield asset, ready.ForeignKey((column,), mark.to, (mark.column or column,))


def _listed(declared: Declared) -> Iterator[Any]:
    """The ready-made checks of a declaration, of whatever output."""
    if isinstance(declared.value, CheckFunction):
        return
    wanted = declared.value.checks if isinstance(declared.value, Source) else declared.value.options.checks
    lists = wanted.values() if isinstance(wanted, Mapping) else (wanted,)
    for listed in lists:
        yield from listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()


def rows_check(output: BoundOutput, partitioning: Partitioning) -> BoundCheck | None:
    """What a row model says of the rows of a table, beside their columns and types; None where it says nothing, or
    they are those that it rejects.
    """
    asset, rows, divert = output.key, output.rows, output.divert
    if rows is None or output.rejects:
        return None
    held = rows.held
    if held is None:
        if divert is None:
            return None
        held = replace(rows, columns=rows.columns[:1], policy=Rows(extra="drop"))  # to count the others
    said = () if divert is None else (repr(divert.limit),)
    edge = _own_edge(asset, partitioning, held.names)
    bound = BoundInput(parameter=_VALUE, edge=edge, hint=None, shape="value")
    check = Check(
        name=ROWS,
        asset=asset,
        recipe=Recipe.of(code=fingerprint("rows", held.identity, *said)),
        inputs=(edge,),
        partitioning=partitioning,
    )
    limit = None if divert is None else float(divert.limit)
    return BoundCheck(check=check, call=_call(asset, ROWS, (bound,)), rows=held, limit=limit)


def ready_checks(
    declared: Declared, outputs: Mapping[AssetKey, object], project: Project, queries: Queries, faults: Faults
) -> Iterator[BoundCheck]:
    """The ready-made checks of a declaration, for each output (with its type) that they are of."""
    assert not isinstance(declared.value, CheckFunction)
    wanted = declared.value.checks if isinstance(declared.value, Source) else declared.value.options.checks
    if _faulty(declared.value, wanted):
        return  # told with the other arguments
    by_output: dict[AssetKey, Sequence[Any]] = {}
    if isinstance(declared.value, MultiAsset):
        names = {key.name: key for key in outputs}
        for field, listed in wanted.items() if isinstance(wanted, Mapping) else ():
            if field in names:
                by_output[names[field]] = listed
            else:
                message = f"checks= of {declared.key} names {field!r}, which is not made here"
                faults.add(DefinitionError("bad-check", message, where=[declared.line], hint=nearest(field, names)))
    else:
        by_output = {declared.key: wanted}
    said = [(asset, each) for asset, listed in by_output.items() for each in listed]
    names_of = {(asset, ready.name_of(each)) for asset, each in said}
    said += [(asset, each) for asset, each in _of_model(outputs) if (asset, ready.name_of(each)) not in names_of]
    for asset, each in said:
        name = ready.name_of(each)
        try:
            if isinstance(each, ready.Expression):
                bind_expression(each.sql, asset, row_model_of(outputs[asset]), queries)
            yield _ready(declared, asset, outputs[asset], each, name, project)
        except AssetflowError as error:
            message = f"{asset}:{name}: {error.message}"
            where, excerpt = [declared.line], error.excerpt
            faults.add(DefinitionError("bad-check", message, where=where, hint=error.hint, excerpt=excerpt))


def _faulty(value: object, wanted: object) -> bool:
    """Whether ``checks=`` is no list of ready-made checks, or no dict of such lists."""
    if isinstance(value, MultiAsset):
        return not (wanted == () or isinstance(wanted, Mapping)) or any(
            map(_no_list, wanted.values() if wanted else ())
        )
    return _no_list(wanted)


def _no_list(wanted: object) -> bool:
    sound = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    return not sound or not all(isinstance(each, ready.READY) for each in wanted)  # type: ignore[attr-defined]


def _ready(
    declared: Declared, asset: AssetKey, hint: object, wanted: ready.Ready, name: str, project: Project
) -> BoundCheck:
    if name in _TAKEN:
        raise DefinitionError("bad-check", f"it is named as {_TAKEN[name]} is", hint="give it another name=")
    if str(wanted.severity) not in _SEVERITIES:
        raise DefinitionError("bad-check", f"severity={wanted.severity!r}", hint='write "block" or "warn"')
    open_ = hint is None or is_open(hint)
    is_table = not open_ and is_table_hint(hint)
    columns = tuple(getattr(wanted, "columns", ()))
    needs_table = bool(columns) or isinstance(wanted, ready.Expression | ready.Schema)
    if needs_table and not open_ and not is_table:
        raise DefinitionError("bad-check", f"it is for tables, and {asset} is {hint_text(hint)}")
    _refuse_unknown(columns, row_model_of(hint), asset)
    counting = isinstance(wanted, ready.RowCount | ready.Volume)
    read: tuple[str, ...] | None = columns or None
    if isinstance(wanted, ready.Volume) and not open_ and not is_table:
        raise DefinitionError("bad-check", f"it is for tables, and {asset} is {hint_text(hint)}")
    recorded = counting and is_table and not isinstance(declared.value, Source)
    if recorded:
        read = ()  # the number of rows alone
    edge = _own_edge(asset, project.partitionings[asset], read, loaded=not recorded)
    edges = [edge]
    whole = hint if isinstance(declared.value, Source) and read is None else None
    inputs = [BoundInput(parameter=_VALUE, edge=edge, hint=whole, shape="value")] if edge.loaded else []
    if isinstance(wanted, ready.ForeignKey):
        other = _other_edge(declared, asset, wanted, project)
        edges.append(other)
        shape = "value" if not isinstance(other.mapping, All) or _single(other, project) else "table"
        inputs.append(BoundInput(parameter=_OTHER, edge=other, hint=None, shape=shape))
    check = Check(
        name=name,
        asset=asset,
        recipe=Recipe.of(code=version_of(wanted)),
        inputs=tuple(sorted(edges, key=lambda each: (each.asset, each.mapping.text, each.columns or ()))),
        partitioning=project.partitionings[asset],
        severity=Severity(wanted.severity),
    )
    most = getattr(wanted, "most", 0)
    return BoundCheck(check=check, call=_call(asset, name, tuple(inputs)), ready=wanted, history=most)


def _single(edge: Input, project: Project) -> bool:
    return project.partitionings[edge.asset] == SINGLE


def _refuse_unknown(columns: Iterable[str], rows: RowModel | None, asset: AssetKey) -> None:
    if rows is None or rows.policy.extra == "keep":
        return
    for name in columns:
        if name not in rows.names:
            raise DefinitionError("bad-check", f"{asset} has no column {name!r}", hint=nearest(name, rows.names))


def _own_edge(
    asset: AssetKey, partitioning: Partitioning, columns: tuple[str, ...] | None, *, loaded: bool = True
) -> Input:
    mapping: KeyMapping = All() if partitioning == SINGLE else Same()
    return Input(parameter=_VALUE, asset=asset, mapping=mapping, columns=columns, loaded=loaded)


def _other_edge(declared: Declared, asset: AssetKey, wanted: ready.ForeignKey, project: Project) -> Input:
    found = project.names.resolve_object(wanted.to, replace(declared, key=asset))
    if len(found) != 1:
        names = ", ".join(key.name for key in found)
        raise DefinitionError("bad-check", f"to= makes several assets: {names}", hint="name one of them")
    (other,) = found
    if other in project.views:
        advice = "name what the view is made of, or make it a table"
        raise DefinitionError("not-there-yet", f"{other} is a view", hint=advice)
    hint = project.types.get(other)
    if hint is not None and not is_open(hint) and not is_table_hint(hint):
        raise DefinitionError("bad-check", f"{other} is no table, but {hint_text(hint)}")
    _refuse_unknown(wanted.to_columns, row_model_of(hint), other)
    own, upstream = project.partitionings[asset], project.partitionings[other]
    mapping: KeyMapping = Same() if upstream != SINGLE and upstream == own else All()
    return Input(parameter=_OTHER, asset=other, mapping=mapping, columns=wanted.to_columns)


def _call(asset: AssetKey, name: str, inputs: tuple[BoundInput, ...]) -> Bound:
    return Bound(key=AssetKey(asset.group, f"{asset.name}:{name}"), function=_not_called, outputs=(), inputs=inputs)


def _not_called(**_arguments: object) -> None:
    raise AssertionError("a ready-made check is no function")


def version_of(wanted: ready.Ready) -> str:
    """The digest of all that decides about its verdict; not of name and severity."""
    fields = [
        getattr(wanted, name)
        for name in type(wanted).__match_args__
        if name not in {"to", "wanted"}  # an asset counts as an input, and a schema by its spelling
    ]
    schema = getattr(wanted, "wanted", None)
    if isinstance(schema, Mapping):
        fields += [f"{name}: {getattr(kind, '__qualname__', kind)}" for name, kind in schema.items()]
    if isinstance(schema, type):
        fields.append(row_model(schema).shape)
    return fingerprint("ready", _SCHEME, type(wanted).__name__, repr(fields))
