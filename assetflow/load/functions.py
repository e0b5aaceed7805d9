"""The project's functions on their way to nodes: read, bound to what they read, and put into an order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from assetflow.declare import Asset, CheckFunction, MultiAsset, Source, SqlAsset
from assetflow.errors import DefinitionError, nearest
from assetflow.graph import cycle_error, loops
from assetflow.load.batches import batch_of
from assetflow.load.binding import Roles, roles
from assetflow.load.definitions import BoundBatch, BoundInput, BoundOutput
from assetflow.load.edges import Project, bound_inputs, producer_type
from assetflow.load.faults import Faults
from assetflow.load.naming import Declared, Names
from assetflow.load.options import changes_of, codec_of, contract_of, divert_of, options_sound
from assetflow.load.partitions import partitioning
from assetflow.load.queries import ReadQuery
from assetflow.load.rejects import rejects_hint, rejects_of, with_rejects
from assetflow.load.signatures import Signature
from assetflow.load.views import Read, through_views
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import reads_past
from assetflow.model.partitioning import SINGLE, Dynamic, dynamic_of
from assetflow.sql.queries import Queries
from assetflow.types.libraries import is_table_hint
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import is_open

__all__ = ["Function", "ordered_functions", "project_of", "readable_functions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An asset's, multi-asset's or check's function whose signature can be read, or a query that is known."""

    declared: Declared
    value: Asset[..., object] | MultiAsset[..., object] | SqlAsset | CheckFunction[..., object]
    signature: Signature
    roles: Roles
    outputs: tuple[BoundOutput, ...]
    #: What it reads, ``deps`` among it; None where some of it is faulty.
    read: Read | None
    #: Its own arguments mean something.
    sound: bool
    query: ReadQuery | None = None
    batch: BoundBatch | None = None
    #: The assets whose values give its partition keys.
    cut_by: tuple[AssetKey, ...] = ()

    @property
    def inputs(self) -> tuple[BoundInput, ...] | None:
        """Its inputs as its node has them."""
        return None if self.read is None else self.read.inputs


def made_names(declared: Declared, signature: Signature | None) -> tuple[str, ...]:
    """What a declaration makes: the fields of a multi-asset; of another what it makes beside itself."""
    if isinstance(declared.value, Asset | SqlAsset) and divert_of(declared.value.options) is not None:
        return (rejects_of(declared.key).name,)
    return tuple(signature.fields) if signature else ()


def project_of(
    declarations: Sequence[Declared], signatures: Mapping[AssetKey, Signature | None], names: Names, faults: Faults
) -> Project:
    """What edges are drawn in."""
    types: dict[AssetKey, object] = {}
    cuts = {each.key: partitioning(each, names, faults) for each in declarations}
    for each in declarations:
        signature = signatures[each.key]
        if isinstance(each.value, MultiAsset):
            for output in names.multis.get(each.key, ()):
                cuts[output] = cuts[each.key]
                types[output] = signature.fields[output.name] if signature else None
        elif signature is not None:
            types[each.key] = producer_type(signature, each)
        if isinstance(each.value, Asset | SqlAsset) and divert_of(each.value.options) is not None:
            rejects = rejects_of(each.key)
            cuts[rejects] = cuts[each.key]
            types[rejects] = rejects_hint(signature.returns) if signature else None
    return Project(names=names, types=types, partitionings=cuts)


def readable_functions(
    declarations: Iterable[Declared],
    signatures: Mapping[AssetKey, Signature | None],
    queries: Mapping[AssetKey, ReadQuery],
    project: Project,
    known: Queries,
    faults: Faults,
) -> dict[AssetKey, Function]:
    """The functions by node key, with every mistake of their arguments and inputs told."""
    functions: dict[AssetKey, Function] = {}
    for each in declarations:
        signature = signatures[each.key]
        if signature is None or isinstance(each.value, Source | CheckFunction):
            continue
        if isinstance(each.value, SqlAsset):
            sound = options_sound(each, signature, faults)
            if (query := queries.get(each.key)) is not None and each.value.view is not True:
                functions[each.key] = Function(
                    declared=each,
                    value=each.value,
                    signature=signature,
                    roles=query.roles,
                    outputs=with_rejects(query.output),
                    read=Read(asked=query.asked, inputs=query.inputs),
                    sound=sound,
                    query=query,
                    batch=batch_of(each, signature, project.partitionings[each.key], query.inputs, faults),
                    cut_by=_cut_by(each, project, faults),
                )
            continue
        role = roles(signature)
        asked = bound_inputs(each, role, project, faults)
        functions[each.key] = Function(
            declared=each,
            value=each.value,
            signature=signature,
            roles=role,
            outputs=_outputs(each, each.value, signature),
            read=None if asked is None else through_views(each, asked, project, known, faults),
            sound=options_sound(each, signature, faults),
            batch=batch_of(each, signature, project.partitionings[each.key], asked or (), faults),
            cut_by=_cut_by(each, project, faults),
        )
    return functions


def _cut_by(declared: Declared, project: Project, faults: Faults) -> tuple[AssetKey, ...]:
    """The assets whose values give the partition keys of an asset; what cannot give them is told."""
    found: list[AssetKey] = []
    for each in dynamic_of(project.partitionings[declared.key]):
        if each.source is None:
            continue
        found.append(each.source)
        wrong = _no_keys(each, project)
        if wrong is not None:
            message, hint = wrong
            said = f"{declared.key}: {each.source} gives no partition keys: {message}"
            where = [declared.line, project.names.assets[each.source].line]
            faults.add(DefinitionError("bad-argument", said, where=where, hint=hint))
    return tuple(found)


def _no_keys(dynamic: Dynamic, project: Project) -> tuple[str, str] | None:
    """Why an asset cannot give keys, and what to do."""
    source = dynamic.source
    if project.partitionings[source] != SINGLE:
        return "it is partitioned itself", "take the keys of what is not"
    hint = project.types.get(source)
    if hint is None or is_open(hint):
        return None
    if not is_table_hint(hint):
        said = "column=" if dynamic.column else "since=" if dynamic.since else ""
        return (f"it is no table, and {said} is of one", f"leave {said} out") if said else None
    rows = row_model_of(hint)
    if rows is None:
        return None
    for column in (dynamic.column, dynamic.since):
        if column and column not in rows.names:
            return f"it has no column {column!r}", nearest(column, rows.names)
    if not dynamic.column and len(rows.primary_key) > 1:
        return f"its key is {', '.join(rows.primary_key)}", f'write column="{rows.primary_key[0]}"'
    return None


def _outputs(
    declared: Declared, value: Asset[..., object] | MultiAsset[..., object], signature: Signature
) -> tuple[BoundOutput, ...]:
    if not isinstance(value, MultiAsset):
        return with_rejects(_output(declared.key, signature.returns, value))
    return tuple(_output(AssetKey(declared.key.group, name), hint, value) for name, hint in signature.fields.items())


def _output(key: AssetKey, hint: object, value: Asset[..., object] | MultiAsset[..., object]) -> BoundOutput:
    options = value.options
    codec, changes, contract = codec_of(options, key.name), changes_of(options), contract_of(options, key.name)
    return BoundOutput(
        key=key,
        hint=hint,
        codec=codec,
        rows=row_model_of(hint),
        changes=changes,
        contract=contract,
        divert=divert_of(options),
    )


def ordered_functions(
    functions: Mapping[AssetKey, Function],
    sources: Iterable[AssetKey],
    names: Names,
    faults: Faults,
    judged: Mapping[AssetKey, AbstractSet[AssetKey]],
) -> list[Function]:
    """The functions that are sound and read only what is, each after all that it reads. Cycles are told.

    ``judged`` are the assets that the checks of a node read: they must be there before the node is published.
    """
    reads = {
        key: {
            names.assets[one.edge.asset].key
            for one in function.inputs or ()
            if names.assets[one.edge.asset].key != key or not reads_past(one.edge.mapping)
        }
        | {names.assets[asset].key for asset in function.cut_by}
        | ({names.assets[asset].key for asset in judged.get(key, ())} - {key})
        for key, function in functions.items()
    }
    for loop in loops([(producer, key) for key, producers in reads.items() for producer in producers]):
        faults.add(cycle_error(loop, {key: functions[key].declared.where for key in loop}))
    available = set(sources)
    waiting = {
        key: producers - available
        for key, producers in reads.items()
        if functions[key].sound and functions[key].inputs is not None
    }
    readers: dict[AssetKey, list[AssetKey]] = {}
    for key, producers in waiting.items():
        for producer in producers:
            readers.setdefault(producer, []).append(key)
    ready = deque(key for key, producers in waiting.items() if not producers)
    ordered: list[Function] = []
    while ready:
        key = ready.popleft()
        ordered.append(functions[key])
        for reader in readers.get(key, ()):
            waiting[reader].discard(key)
            if not waiting[reader]:
                ready.append(reader)
    return ordered
