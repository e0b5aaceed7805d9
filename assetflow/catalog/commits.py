"""Committing a group of finished steps, inside one transaction, in the order in which they finished."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection, bindparam, delete, func, select, update

from assetflow.catalog import codes, tables
from assetflow.catalog.codes import AttemptOutcome
from assetflow.catalog.derivations import derive
from assetflow.catalog.edges import EdgeRows
from assetflow.catalog.encoding import clipped, micros, packed, span, tag
from assetflow.catalog.facts import Facts
from assetflow.catalog.ids import Ids, next_id, schema_digest
from assetflow.catalog.keysets import edit
from assetflow.catalog.moves import move, new_revision
from assetflow.catalog.statements import WANTED, Prepared, chunks, inserted, key
from assetflow.catalog.values import latest_versions, value_columns
from assetflow.catalog.verdicts import Said, publish, record
from assetflow.model.history import Materialization, SetbackKind
from assetflow.model.journal import Checked, Failed, Failure, Finished, Held, Kept, Made, Reused, Skipped
from assetflow.model.keys import Partition
from assetflow.model.versions import Blob

__all__ = ["Group", "record_failure"]

_A, _M, _L = tables.attempts.c, tables.materializations.c, tables.leases.c
_NEW_BLOB = inserted(tables.blobs)
_NEW_MATERIALIZATION = inserted(tables.materializations)
_NEW_FAILURE = inserted(tables.failures)
_NEW_SETBACK = inserted(tables.setbacks)
_ATTEMPT_ENDED = Prepared(
    update(tables.attempts)
    .where(_A.id == key("id"))
    .values(
        outcome=bindparam("outcome"), started_at=bindparam("at"), micros=bindparam("took"), reason=bindparam("why")
    ),
    "outcome",
    "at",
    "took",
    "why",
    "k_id",
)
_ATTEMPT_KEPT = Prepared(delete(tables.attempts).where(_A.id == key("id")), "k_id")
_LEASE_BACK = Prepared(delete(tables.leases).where(_L.attempt_id == key("attempt")), "k_attempt")
_NO_SETBACK = Prepared(
    delete(tables.setbacks).where(
        tables.setbacks.c.environment_id == key("environment"), tables.setbacks.c.partition_id == key("partition")
    ),
    "k_environment",
    "k_partition",
)

_HELD = select(_L.attempt_id).where(_L.attempt_id.in_(WANTED), _L.run_id == bindparam("run")).distinct()
_BLOBS = select(tables.blobs.c.name, tables.blobs.c.id, tables.blobs.c.state).where(tables.blobs.c.tag.in_(WANTED))
_MADE = select(_M.attempt_id, _M.partition_id, _M.id).where(_M.attempt_id.in_(WANTED))
_REUSABLE = (
    select(_M.id)
    .outerjoin(tables.blobs, tables.blobs.c.id == _M.blob_id)
    .where(_M.id.in_(WANTED), func.coalesce(tables.blobs.c.state, 0) == 0)
)


@dataclass(slots=True)
class Group:
    """One commit: which of the finished steps still hold their lease, and the rows that record them."""

    connection: Connection
    ids: Ids
    facts: Facts
    environment: int
    run: int
    #: Microseconds since 1970.
    at: int
    lost: set[Partition] = field(default_factory=set)
    made: dict[Partition, Materialization] = field(default_factory=dict)
    #: What was recorded and does not become current.
    _held: dict[Partition, Materialization] = field(default_factory=dict)
    _ended: list[tuple[object, ...]] = field(default_factory=list)

    def record(self, finished: Sequence[Finished]) -> None:
        """Write what happened. A step without its lease is left out, and all that read it."""
        if not finished:
            return
        kept_lease = self._fenced([step.attempt for step in finished])
        made = [step for step in finished if isinstance(step, Made)]
        reused = [step for step in finished if isinstance(step, Reused | Checked)]
        elsewhere = self._made_elsewhere(made)
        blobs = self._blobs(made)
        usable = self._usable(reused)
        good: set[int] = set()
        for step in finished:
            lost = step.attempt not in kept_lease
            if isinstance(step, Made):
                lost = lost or any(
                    read.materialization == 0
                    and read.attempt not in good
                    and (read.attempt, read.partition) not in elsewhere
                    for reads in step.reads
                    for read in reads
                )
                lost = lost or any(
                    o.stored.blob is not None and blobs.get(o.stored.blob.name) == 0 for o in step.outputs
                )
            elif isinstance(step, Reused | Checked):
                lost = lost or not all(m.id in usable for m in step.materializations)
            if lost:
                self.lost.add(step.id)
                self._end(step.attempt, AttemptOutcome.LOST)
            else:
                good.add(step.attempt)
        _LEASE_BACK.run(self.connection, [(step.attempt,) for step in finished])
        self._write([step for step in finished if step.attempt in good], blobs, elsewhere)

    def _fenced(self, attempts: Collection[int]) -> set[int]:
        held: set[int] = set()
        for chunk in chunks(attempts):
            held.update(self.connection.execute(_HELD, {"wanted": chunk, "run": self.run}).scalars())
        return held

    def _made_elsewhere(self, made: Iterable[Made]) -> dict[tuple[int, Partition], int]:
        """What this run committed before, of what these steps read before it was committed."""
        steps = list(made)
        here = {step.attempt for step in steps}
        wanted = {
            read.attempt: read.partition
            for step in steps
            for reads in step.reads
            for read in reads
            if read.materialization == 0 and read.attempt not in here
        }
        if not wanted:
            return {}
        rows = [row for chunk in chunks(wanted) for row in self.connection.execute(_MADE, {"wanted": chunk}).all()]
        partitions = {r.partition for s in steps for reads in s.reads for r in reads if r.materialization == 0}
        names = {id: p for p, id in self.ids.partitions(self.connection, partitions).items()}
        return {(attempt, names[partition]): id for attempt, partition, id in rows if partition in names}

    def _blobs(self, made: Iterable[Made]) -> dict[str, int]:
        """The recorded blobs among those that are named; 0 for one whose bytes are gone."""
        names = {o.stored.blob.name for step in made for o in step.outputs if o.stored.blob is not None}
        live = codes.BLOB_STATES.code[codes.BlobState.LIVE]
        return {
            name: id if state == live else 0
            for chunk in chunks(tag(name) for name in names)
            for name, id, state in self.connection.execute(_BLOBS, {"wanted": chunk})
            if name in names
        }

    def _usable(self, reused: Iterable[Reused | Checked]) -> set[int]:
        wanted = {m.id for step in reused for m in step.materializations}
        usable: set[int] = set()
        for chunk in chunks(wanted):
            usable.update(self.connection.execute(_REUSABLE, {"wanted": chunk}).scalars())
        return usable

    def _write(
        self, good: Sequence[Finished], blobs: dict[str, int], elsewhere: Mapping[tuple[int, Partition], int]
    ) -> None:
        made: list[Made] = []
        published: dict[Partition, int] = {}
        for step in good:
            match step:
                case Held():
                    made.append(step)
                    self._end(step.attempt, AttemptOutcome.FAILED, step.started_at, step.seconds)
                    record_failure(self.connection, step.attempt, step.failure)
                case Made():
                    made.append(step)
                case Reused():
                    self._end(step.attempt, AttemptOutcome.REUSED)
                    self.made.update((m.partition, m) for m in step.materializations)
                    published.update((m.partition, m.id) for m in step.materializations)
                case Checked():
                    self._end(step.attempt, AttemptOutcome.CHECKED, step.started_at, step.seconds)
                    if step.publish:
                        publish(self.connection, [m.id for m in step.materializations])
                        self.made.update((m.partition, m) for m in step.materializations)
                        published.update((m.partition, m.id) for m in step.materializations)
                case Skipped():
                    self._end(step.attempt, AttemptOutcome.SKIPPED, step.started_at, step.seconds, step.reason)
                case Failed():
                    self._end(step.attempt, AttemptOutcome.FAILED, step.started_at, step.seconds)
                    record_failure(self.connection, step.attempt, step.failure)
                case Kept():
                    pass
                case _:
                    assert_never(step)
        partitions = self._publish(made, blobs, elsewhere, published)
        setbacks = [step for step in good if isinstance(step, Skipped | Failed | Held)]
        partitions |= self.ids.partitions(
            self.connection, [p for step in setbacks for p in _outputs(step)], create=True
        )
        self._set_back(setbacks, partitions, published)
        self._record_verdicts(good)
        derive(
            self.connection,
            self.ids,
            {
                (output.partition.asset, step.trace.recipe.code): output.lineage
                for step in made
                for output in step.outputs
                if output.lineage
            },
        )
        edits = [each for step in good if isinstance(step, Made) and not isinstance(step, Held) for each in step.keys]
        if edits:
            edit(self.connection, self.ids, self.environment, self.run, edits, at=self.at)
        _ATTEMPT_ENDED.run(self.connection, self._ended)
        _ATTEMPT_KEPT.run(self.connection, [(step.attempt,) for step in good if isinstance(step, Kept)])

    def _publish(
        self,
        made: Sequence[Made],
        blobs: dict[str, int],
        elsewhere: Mapping[tuple[int, Partition], int],
        published: dict[Partition, int],
    ) -> dict[Partition, int]:
        outputs = [o.partition for step in made for o in step.outputs]
        partitions = self.ids.partitions(self.connection, [*outputs, *published], create=True)
        current = self.facts.current(self.connection, self.environment, list(partitions.values()))
        before = self.facts.materializations(self.connection, list(current.values()))
        self._insert(made, blobs, partitions)
        for step in made:
            if isinstance(step, Held):
                continue
            now = [self.made[o.partition] for o in step.outputs]
            then = [before.get(current.get(partitions[m.partition], 0)) for m in now]
            equal = all(
                old is not None and old.data.digest == new.data.digest for old, new in zip(then, now, strict=True)
            )
            outcome = AttemptOutcome.UNCHANGED if equal else AttemptOutcome.MATERIALIZED
            self._end(step.attempt, outcome, step.started_at)
            published.update((m.partition, m.id) for m in now)
        moves = {partitions[p]: (p.asset, id) for p, id in published.items() if current.get(partitions[p]) != id}
        revision = move(self.connection, self.ids, self.environment, self.run, moves, at=self.at)
        recorded = self.made | self._held
        here = {(m.attempt, p): m.id for p, m in recorded.items()}
        rows = EdgeRows(self.connection, self.ids, self.environment, revision)
        rows.write(made, recorded, {**elsewhere, **here})
        return partitions

    def _record_verdicts(self, good: Sequence[Finished]) -> None:
        """What checks said. Where only that is recorded of a partition, it takes a revision: memos rest on it."""
        recorded = self.made | self._held
        judged: list[Said] = []
        alone: list[Said] = []
        for step in good:
            if not isinstance(step, Made | Reused | Checked) or not step.verdicts:
                continue
            ids = {p: m.id for p, m in recorded.items()}
            if isinstance(step, Checked):
                ids |= {m.partition: m.id for m in step.materializations}
            said = [Said(verdict, ids[verdict.partition], step.attempt) for verdict in step.verdicts]
            (alone if isinstance(step, Checked) else judged).extend(said)
        if not judged and not alone:
            return
        partitions = self.ids.partitions(
            self.connection, [each.verdict.partition for each in (*judged, *alone)], create=True
        )
        record(self.connection, self.ids, judged, partitions, revision=None, at=self.at)
        if alone:
            revision = new_revision(self.connection, self.environment, self.run, at=self.at)
            record(self.connection, self.ids, alone, partitions, revision=revision, at=self.at)

    def _insert(self, made: Sequence[Made], blobs: dict[str, int], partitions: Mapping[Partition, int]) -> None:
        if not made:
            return
        self._new_blobs([o.stored.blob for step in made for o in step.outputs if o.stored.blob is not None], blobs)
        recipes = self.ids.recipes(self.connection, {step.trace.recipe.digest: step.trace.recipe for step in made})
        stored = {schema_digest(o.stored): o.stored for step in made for o in step.outputs}
        schemas = self.ids.schemas(self.connection, stored)
        versions = latest_versions(self.connection, [partitions[o.partition] for s in made for o in s.outputs])
        id = next_id(self.connection, tables.materializations)
        rows: list[tuple[object, ...]] = []
        for step in made:
            trace = step.trace.digest
            if trace is None:
                raise ValueError(f"the trace of {step.id} has an input that is still pending")
            at = step.started_at + timedelta(seconds=step.seconds)
            recorded = self._held if isinstance(step, Held) else self.made
            for output in step.outputs:
                partition = partitions[output.partition]
                version = versions[partition] = versions.get(partition, 0) + 1
                recorded[output.partition] = Materialization(
                    id=id,
                    partition=output.partition,
                    version=version,
                    attempt=step.attempt,
                    trace=trace,
                    recipe=step.trace.recipe,
                    edges=step.trace.edges,
                    data=output.stored.data,
                    made_at=at,
                    seconds=span(step.seconds) / 1_000_000,
                    stateful=output.state is not None,
                )
                head = (id, partition, version, self.environment, step.attempt, bytes.fromhex(trace))
                tail = (micros(at), span(step.seconds))
                recipe = (recipes[step.trace.recipe.digest], step.trace.window or None)
                rows.append(
                    (
                        *head,
                        *recipe,
                        *value_columns(output.stored, schemas, blobs),
                        output.state,
                        recorded is self.made,
                        *tail,
                    )
                )
                id += 1
        _NEW_MATERIALIZATION.run(self.connection, rows)

    def _new_blobs(self, wanted: Iterable[Blob], blobs: dict[str, int]) -> None:
        new = {blob.name: blob for blob in wanted if blob.name not in blobs}
        if not new:
            return
        live = codes.BLOB_STATES.code[codes.BlobState.LIVE]
        rows = list(enumerate(new.values(), next_id(self.connection, tables.blobs)))
        _NEW_BLOB.run(
            self.connection,
            [(id, b.name, tag(b.name), packed(b.digest), b.size, b.chunks or None, live) for id, b in rows],
        )
        blobs.update((blob.name, id) for id, blob in rows)

    def _set_back(
        self,
        steps: Sequence[Skipped | Failed | Held],
        partitions: Mapping[Partition, int],
        published: Collection[Partition],
    ) -> None:
        touched = [*published, *(p for step in steps for p in _outputs(step))]
        _NO_SETBACK.run(self.connection, [(self.environment, partitions[p]) for p in touched])
        _NEW_SETBACK.run(
            self.connection,
            [
                (self.environment, partitions[p], *_setback(step), micros(step.started_at), self.run)
                for step in steps
                for p in _outputs(step)
            ],
        )

    def _end(
        self,
        attempt: int,
        outcome: AttemptOutcome,
        started_at: datetime | None = None,
        seconds: float | None = None,
        reason: str | None = None,
    ) -> None:
        code = codes.ATTEMPT_OUTCOMES.code[outcome]
        at = self.at if started_at is None else micros(started_at)
        took = None if seconds is None else span(seconds)
        self._ended.append((code, at, took, None if reason is None else clipped(reason), attempt))


def _outputs(step: Skipped | Failed | Held) -> tuple[Partition, ...]:
    return tuple(output.partition for output in step.outputs) if isinstance(step, Held) else step.outputs


def _setback(step: Skipped | Failed | Held) -> tuple[object, ...]:
    if isinstance(step, Skipped):
        return codes.SETBACKS.code[SetbackKind.SKIPPED], packed(step.trace), None, clipped(step.reason)
    kind = codes.FAILURES.code[step.failure.kind]
    if isinstance(step, Held):
        held = codes.SETBACKS.code[SetbackKind.HELD]
        return held, packed(step.refused or step.trace.digest or ""), kind, clipped(step.failure.message)
    message = f"{step.failure.type}: {step.failure.message}"
    return codes.SETBACKS.code[SetbackKind.FAILED], packed(step.trace), kind, clipped(message)


def record_failure(connection: Connection, attempt: int, failure: Failure, *, wait: timedelta | None = None) -> None:
    """Record why an attempt failed, and how long the next one waits."""
    texts = (failure.type, failure.message, failure.reason, failure.traceback)
    waiting = None if wait is None else span(wait.total_seconds())
    _NEW_FAILURE.run(connection, [(attempt, codes.FAILURES.code[failure.kind], *map(clipped, texts), waiting)])
