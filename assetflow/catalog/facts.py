"""Recorded facts as the model's values. Facts never change, so what was read once is kept, within bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from assetflow.catalog import codes, tables
from assetflow.catalog.encoding import hexed, instant, seconds
from assetflow.catalog.ids import Ids, columns_of
from assetflow.catalog.statements import WANTED, chunks
from assetflow.model.checks import PastVerdict, VerdictStatus
from assetflow.model.history import History, Materialization, Setback, SetbackKind
from assetflow.model.keys import Partition
from assetflow.model.trace import Edge, Recipe
from assetflow.model.versions import Blob, CodePart, ColumnVersion, DataVersion, Stored

__all__ = ["NO_RECIPE", "Facts", "Schema"]

#: The recipe of what was observed, not made.
NO_RECIPE = Recipe("", "", "{}")

_M, _E, _P = tables.materializations.c, tables.edges.c, tables.partitions.c

_MATERIALIZATIONS = (
    select(
        _M.id,
        _P.asset_id,
        tables.partition_keys.c.text,
        _M.version,
        _M.attempt_id,
        _M.trace,
        _M.recipe_id,
        _M.data,
        _M.row_count,
        _M.schema_id,
        _M.column_digests,
        _M.made_at,
        _M.micros,
        _M.state.is_not(None),
        tables.blobs.c.state,
    )
    .join(tables.partitions, _P.id == _M.partition_id)
    .join(tables.partition_keys, tables.partition_keys.c.id == _P.key_id)
    .outerjoin(tables.blobs, tables.blobs.c.id == _M.blob_id)
    .where(_M.id.in_(WANTED))
)
_EDGES = (
    select(_E.materialization_id, _E.asset_id, tables.mappings.c.text, _E.count, _E.digest)
    .join(tables.mappings, tables.mappings.c.id == _E.mapping_id)
    .where(_E.materialization_id.in_(WANTED))
    .order_by(_E.materialization_id, _E.position)
)
_RECIPES = select(tables.recipes).where(tables.recipes.c.id.in_(WANTED))
_SCHEMAS = select(tables.schemas.c.id, tables.schemas.c.codec, tables.schemas.c.text, tables.schemas.c.columns).where(
    tables.schemas.c.id.in_(WANTED)
)
_STORED = (
    select(
        _M.id,
        _M.data,
        _M.row_count,
        _M.schema_id,
        _M.column_digests,
        _M.inline,
        _M.uri,
        _M.metadata,
        tables.blobs.c.name,
        tables.blobs.c.digest,
        tables.blobs.c.size,
        tables.blobs.c.chunks,
    )
    .outerjoin(tables.blobs, tables.blobs.c.id == _M.blob_id)
    .where(_M.id.in_(WANTED))
)
_CURRENT = select(tables.pointers.c.partition_id, tables.pointers.c.materialization_id).where(
    tables.pointers.c.environment_id == bindparam("environment"),
    tables.pointers.c.partition_id.in_(WANTED),
    tables.pointers.c.to_revision.is_(None),
    tables.pointers.c.materialization_id.is_not(None),
)
_TRACES = (
    select(_M.partition_id, _M.trace, func.max(_M.id))
    .where(_M.partition_id.in_(WANTED), _M.trace.is_not(None), _M.published)
    .group_by(_M.partition_id, _M.trace)
)
_HELD_VALUES = (
    select(_M.partition_id, func.max(_M.id)).where(_M.partition_id.in_(WANTED), ~_M.published).group_by(_M.partition_id)
)
_V = tables.verdicts.c
_LAST_SAID = select(func.max(_V.id)).where(_V.partition_id.in_(WANTED)).group_by(_V.partition_id, _V.check_id, _V.trace)
_VERDICTS = (
    select(_V.partition_id, tables.checks.c.name, _V.trace, _V.status, _V.message)
    .join(tables.checks, tables.checks.c.id == _V.check_id)
    .where(_V.id.in_(_LAST_SAID))
)
_SETBACKS = select(tables.setbacks).where(
    tables.setbacks.c.environment_id == bindparam("environment"), tables.setbacks.c.partition_id.in_(WANTED)
)


class Schema(NamedTuple):
    """What values of one kind have in common."""

    codec: str
    text: str
    columns: tuple[tuple[str, str], ...]

    def data(self, digest: bytes, rows: int | None, digests: bytes | None) -> DataVersion:
        """The data version of a value of this schema. Raises ValueError if the digests do not fit the columns."""
        digests = digests or b""
        if len(digests) != 16 * len(self.columns):
            raise ValueError(f"{len(digests)} bytes of digests for {len(self.columns)} columns")
        texts = digests.hex()
        columns = tuple(
            ColumnVersion(name, type, texts[32 * place : 32 * place + 32])
            for place, (name, type) in enumerate(self.columns)
        )
        return DataVersion(digest.hex(), rows, columns)


class Past(Mapping[str, Materialization]):
    """The newest materialization of each trace of one partition. Each is read when it is first asked for.

    Which traces there are was read with everything else; a materialization never changes, so reading it later gives
    what reading it then would have. A partition may have thousands, of which a decision looks at one at most.
    """

    __slots__ = ("_ids", "_load")

    def __init__(self, ids: Mapping[str, int], load: Callable[[int], Materialization]) -> None:
        self._ids = ids
        self._load = load

    def __getitem__(self, trace: str) -> Materialization:
        return self._load(self._ids[trace])

    def __contains__(self, trace: object) -> bool:
        return trace in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


_NO_PAST: Mapping[str, Materialization] = {}
_NO_VERDICTS: Mapping[tuple[str, str], PastVerdict] = {}
_PASSED = PastVerdict(VerdictStatus.PASSED)


class Facts:
    """Reads facts in the caller's transaction."""

    #: How many materializations are kept: some 20 MB of them.
    MOST = 20_000

    def __init__(self, ids: Ids, load: Callable[[int], Materialization]) -> None:
        self._ids = ids
        self._load = load
        self._recipes: dict[int, Recipe] = {}
        self._schemas: dict[int, Schema] = {}
        self._materializations: dict[int, Materialization] = {}

    def forget(self) -> None:
        """Drop what a rolled-back transaction may have taught."""
        self._recipes.clear()
        self._schemas.clear()
        self._materializations.clear()

    def learn(self, materializations: Iterable[Materialization]) -> None:
        """Keep what was just committed."""
        for made in materializations:
            self._keep(made)

    def _keep(self, made: Materialization) -> None:
        if len(self._materializations) >= self.MOST:
            for old in list(self._materializations)[: self.MOST // 2]:
                del self._materializations[old]
        self._materializations[made.id] = made

    def materializations(self, connection: Connection, wanted: Collection[int]) -> dict[int, Materialization]:
        """These materializations by id; what is not there is left out."""
        found = {id: kept for id in wanted if (kept := self._materializations.get(id)) is not None}
        for chunk in chunks(id for id in dict.fromkeys(wanted) if id not in found):
            rows = connection.execute(_MATERIALIZATIONS, {"wanted": chunk}).all()
            edges = self._edges(connection, chunk)
            recipes = self.recipes(connection, {row.recipe_id for row in rows if row.recipe_id is not None})
            schemas = self.schemas(connection, {row.schema_id for row in rows})
            assets = self._ids.asset_keys(connection, {row.asset_id for row in rows})
            for row in rows:
                id, asset_id, key, version, attempt, trace, recipe, data, count, schema, digests, *rest = row
                at, took, state, given_up = rest
                made = Materialization(
                    id=id,
                    partition=Partition(assets[asset_id], key),
                    version=version,
                    attempt=attempt or 0,
                    trace=hexed(trace),
                    recipe=NO_RECIPE if recipe is None else recipes[recipe],
                    edges=edges.get(id, ()),
                    data=schemas[schema].data(data, count, digests),
                    made_at=instant(at),
                    seconds=seconds(took),
                    stateful=bool(state),
                    freed=bool(given_up),
                )
                found[id] = made
                self._keep(made)
        return found

    def _edges(self, connection: Connection, chunk: list[int]) -> dict[int, tuple[Edge, ...]]:
        edges: dict[int, tuple[Edge, ...]] = {}
        rows = connection.execute(_EDGES, {"wanted": chunk}).all()
        assets = self._ids.asset_keys(connection, {row.asset_id for row in rows})
        for id, asset_id, mapping, count, digest in rows:
            edges[id] = (*edges.get(id, ()), Edge(assets[asset_id], mapping, count, hexed(digest)))
        return edges

    def recipes(self, connection: Connection, wanted: Collection[int]) -> Mapping[int, Recipe]:
        """Recipes by id."""
        for chunk in chunks(id for id in wanted if id not in self._recipes):
            for row in connection.execute(_RECIPES, {"wanted": chunk}):
                self._recipes[row.id] = _recipe(row)
        return self._recipes

    def schemas(self, connection: Connection, wanted: Collection[int]) -> Mapping[int, Schema]:
        """Schemas by id."""
        for chunk in chunks(id for id in wanted if id not in self._schemas):
            for id, codec, text, columns in connection.execute(_SCHEMAS, {"wanted": chunk}):
                self._schemas[id] = Schema(codec, text, columns_of(columns))
        return self._schemas

    def stored(self, connection: Connection, wanted: Collection[int]) -> dict[int, Stored]:
        """Where values lie, by materialization."""
        found: dict[int, Stored] = {}
        for chunk in chunks(dict.fromkeys(wanted)):
            rows = connection.execute(_STORED, {"wanted": chunk}).all()
            schemas = self.schemas(connection, {row.schema_id for row in rows})
            for id, data, count, schema, digests, inline, uri, metadata, name, digest, size, parts in rows:
                blob = None if name is None else Blob(name, hexed(digest), size, parts or b"")
                found[id] = Stored(
                    data=schemas[schema].data(data, count, digests),
                    codec=schemas[schema].codec,
                    schema=schemas[schema].text,
                    blob=blob,
                    inline=inline,
                    uri=uri or "",
                    metadata=tuple(json.loads(metadata).items()) if metadata else (),
                )
        return found

    def current(self, connection: Connection, environment: int | None, wanted: Collection[int]) -> dict[int, int]:
        """Partition to its current materialization."""
        return dict(_pairs(connection, _CURRENT, environment, wanted))

    def histories(
        self,
        connection: Connection,
        environment: int | None,
        wanted: Mapping[int, Partition],
        *,
        lost: Collection[Partition] = frozenset(),
        running: Collection[int] = frozenset(),
    ) -> dict[Partition, History]:
        """The pasts of partitions, given by id."""
        current = self.current(connection, environment, wanted)
        made = self.materializations(connection, list(current.values()))
        setbacks = self._setbacks(connection, environment, wanted)
        traces: dict[int, dict[str, int]] = {}
        for chunk in chunks(wanted):
            for id, trace, newest in connection.execute(_TRACES, {"wanted": chunk}):
                traces.setdefault(id, {})[hexed(trace)] = newest
        held = self._held(connection, [id for id, setback in setbacks.items() if setback.kind is SetbackKind.HELD])
        verdicts = self._verdicts(connection, wanted)
        return {
            partition: History(
                current=made[current[id]] if id in current else None,
                by_trace=Past(traces[id], self._load) if id in traces else _NO_PAST,
                setback=setbacks.get(id),
                lost=partition in lost,
                running=id in running,
                held=held.get(id),
                verdicts=verdicts.get(id, _NO_VERDICTS),
            )
            for id, partition in wanted.items()
        }

    def _held(self, connection: Connection, wanted: Collection[int]) -> dict[int, Materialization]:
        """The newest value of each partition that was held back."""
        newest: dict[int, int] = {}
        for chunk in chunks(wanted):
            newest.update((partition, id) for partition, id in connection.execute(_HELD_VALUES, {"wanted": chunk}))
        made = self.materializations(connection, list(newest.values()))
        return {partition: made[id] for partition, id in newest.items()}

    @staticmethod
    def _verdicts(connection: Connection, wanted: Collection[int]) -> dict[int, dict[tuple[str, str], PastVerdict]]:
        """What checks said last of each trace, by partition."""
        found: dict[int, dict[tuple[str, str], PastVerdict]] = {}
        for chunk in chunks(wanted):
            for partition, name, trace, status, message in connection.execute(_VERDICTS, {"wanted": chunk}):
                said = codes.VERDICTS.values[status]
                past = _PASSED if said is VerdictStatus.PASSED else PastVerdict(said, message or "")
                found.setdefault(partition, {})[name, hexed(trace)] = past
        return found

    @staticmethod
    def _setbacks(connection: Connection, environment: int | None, wanted: Collection[int]) -> dict[int, Setback]:
        return {
            row.partition_id: Setback(
                kind=codes.SETBACKS.values[row.kind],
                trace=hexed(row.trace),
                failure=None if row.failure is None else codes.FAILURES.values[row.failure],
                message=row.message,
                at=instant(row.at),
                run=row.run_id,
            )
            for chunk in chunks(wanted)
            for row in connection.execute(_SETBACKS, {"environment": environment, "wanted": chunk})
        }


def _pairs(
    connection: Connection, statement: Select[Any], environment: int | None, wanted: Collection[int]
) -> Iterator[tuple[int, int]]:
    for chunk in chunks(wanted):
        for row in connection.execute(statement, {"environment": environment, "wanted": chunk}):
            yield row[0], row[1]


def _recipe(row: Row[Any]) -> Recipe:
    return Recipe(
        digest=hexed(row.digest),
        code=row.code,
        type=row.type,
        parameters=tuple((name, value) for name, value in json.loads(row.parameters)),
        resources=tuple((name, value) for name, value in json.loads(row.resources)),
        parts=tuple(CodePart(name, digest, where, text) for name, digest, where, text in json.loads(row.parts)),
        declared=row.declared,
    )
