"""Claiming: leases, attempts, and what a step must know to decide, all read in one transaction."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from assetflow.catalog import codes, tables
from assetflow.catalog.encoding import json_text
from assetflow.catalog.facts import Facts
from assetflow.catalog.ids import Ids
from assetflow.catalog.liveness import Process, alive
from assetflow.catalog.statements import WANTED, chunks, inserted
from assetflow.errors import BusyError
from assetflow.model.journal import Busy, Claim, Claimed, RunStatus
from assetflow.model.keys import Partition

__all__ = [
    "Lease",
    "dead_runs",
    "end_run",
    "interrupt_dead",
    "leases_of",
    "live_runs",
    "new_attempts",
    "outcomes",
    "refuse_ended",
    "take",
]

_NEW_ATTEMPT = inserted(tables.attempts, "id", "run_id", "partition_id", "number", "started_at")
_NEW_LEASE = inserted(tables.leases)

_R = tables.runs.c
_ATTEMPTS = select(tables.attempts.c.id).where(tables.attempts.c.id.in_(WANTED))
_LEASES = (
    select(
        tables.leases.c.partition_id,
        tables.leases.c.run_id,
        _R.host,
        _R.boot,
        _R.namespace,
        _R.pid,
        _R.pid_started,
        _R.alive_until,
    )
    .join(tables.runs, _R.id == tables.leases.c.run_id)
    .where(tables.leases.c.environment_id == bindparam("environment"), tables.leases.c.partition_id.in_(WANTED))
)
_RUNNING = select(_R.id, _R.host, _R.boot, _R.namespace, _R.pid, _R.pid_started, _R.alive_until, _R.started_at).where(
    _R.status == 0
)
_STATUS = select(_R.status).where(_R.id == bindparam("run"))
_OUTCOMES = (
    select(tables.attempts.c.outcome, func.count())
    .where(tables.attempts.c.run_id == bindparam("run"), tables.attempts.c.outcome.is_not(None))
    .group_by(tables.attempts.c.outcome)
)
_END = (
    update(tables.runs)
    .where(_R.id == bindparam("run"), _R.status == 0)
    .values(status=bindparam("ended_as"), finished_at=bindparam("at"), counts=bindparam("told"))
)
_FREE = delete(tables.leases).where(tables.leases.c.run_id == bindparam("run"))


@dataclass(frozen=True, slots=True)
class Lease:
    """Who makes a partition now."""

    run: int
    alive: bool


def leases_of(connection: Connection, environment: int | None, partitions: Collection[int]) -> dict[int, Lease]:
    """The leases on these partitions. A dead run's is among them, and marked."""
    found: dict[int, Lease] = {}
    seen: dict[int, bool] = {}
    for chunk in chunks(partitions):
        rows = connection.execute(_LEASES, {"environment": environment, "wanted": chunk})
        for partition, run, host, boot, namespace, pid, started, until in rows:
            if run not in seen:
                seen[run] = alive(Process(host, boot, namespace, pid, started), until)
            found[partition] = Lease(run, seen[run])
    return found


def _running(connection: Connection, *, dead: bool) -> Iterator[Row[*tuple[Any, ...]]]:
    for row in connection.execute(_RUNNING):
        process = Process(row.host, row.boot, row.namespace, row.pid, row.pid_started)
        if alive(process, row.alive_until) is not dead:
            yield row


def dead_runs(connection: Connection) -> frozenset[int]:
    """Runs recorded as running whose process is gone."""
    return frozenset(row.id for row in _running(connection, dead=True))


def live_runs(connection: Connection) -> dict[int, int]:
    """Runs that are going on, and since when."""
    return {row.id: row.started_at for row in _running(connection, dead=False)}


def end_run(connection: Connection, run: int, status: RunStatus, *, at: int, counts: str) -> bool:
    """Record a run's end and free what it holds; False where it had ended already, which is left as it is."""
    code = codes.RUN_STATUSES.code[status]
    ended = connection.execute(_END, {"run": run, "ended_as": code, "at": at, "told": counts}).rowcount == 1
    if ended:
        connection.execute(_FREE, {"run": run})
    return ended


def outcomes(connection: Connection, run: int) -> dict[str, int]:
    """How many attempts of a run ended how: what is known of one that did not finish."""
    rows = connection.execute(_OUTCOMES, {"run": run})
    return {str(codes.ATTEMPT_OUTCOMES.values[code]): number for code, number in rows}


def _interrupt(connection: Connection, run: int, *, at: int) -> None:
    end_run(connection, run, RunStatus.INTERRUPTED, at=at, counts=json_text(outcomes(connection, run)))


def interrupt_dead(connection: Connection, *, at: int) -> tuple[int, ...]:
    """Mark the runs whose process died as interrupted and free their leases; give their numbers."""
    dead = tuple(sorted(dead_runs(connection)))
    for run in dead:
        _interrupt(connection, run, at=at)
    return dead


def refuse_ended(connection: Connection, run: int) -> None:
    """Raise BusyError ``lease-lost`` if the run is over: it was silent for so long that it was taken for dead."""
    status = connection.execute(_STATUS, {"run": run}).scalar()
    if status != codes.RUN_STATUSES.code[RunStatus.RUNNING]:
        raise BusyError(
            "lease-lost",
            f"run {run} was paused for longer than its lease and was taken for dead",
            hint="run the same command again: what it finished is kept",
        )


def new_attempts(connection: Connection, count: int) -> list[int]:
    """Fresh attempt ids, ascending: milliseconds and twenty random bits, so they are unique in copied catalogs too."""
    while True:
        now = time.time_ns() // 1_000_000
        wanted: set[int] = set()
        while len(wanted) < count:
            wanted.add(now << 20 | secrets.randbits(20))
        if not any(connection.execute(_ATTEMPTS, {"wanted": chunk}).first() for chunk in chunks(wanted)):
            return sorted(wanted)


def take(
    connection: Connection, ids: Ids, facts: Facts, environment: int, run: int, claims: Sequence[Claim], *, at: int
) -> tuple[Claimed | Busy, ...]:
    """Lease what nobody alive holds, in the order given, and read what these steps decide by."""
    if not claims:
        return ()
    refuse_ended(connection, run)
    partitions = ids.partitions(connection, [p for c in claims for p in (c.id, *c.outputs)], create=True)
    inputs = ids.partitions(connection, [p for c in claims for p in c.inputs])
    held = {
        partition: lease.run
        for partition, lease in _held(connection, environment, {partitions[p] for c in claims for p in c.outputs}, at)
    }
    granted: list[Claim] = []
    busy: dict[Partition, Busy] = {}
    for claim in claims:
        outputs = [partitions[p] for p in claim.outputs]
        holder = next((held[p] for p in outputs if p in held), None)
        if holder is None:
            granted.append(claim)
            held.update(dict.fromkeys(outputs, run))
        else:
            busy[claim.id] = Busy(id=claim.id, run=holder)
    attempts = dict(zip((c.id for c in granted), new_attempts(connection, len(granted)), strict=True))
    _NEW_ATTEMPT.run(connection, [(attempts[c.id], run, partitions[c.id], 1, at) for c in granted])
    _NEW_LEASE.run(connection, [(environment, partitions[p], attempts[c.id], run) for c in granted for p in c.outputs])
    histories = facts.histories(connection, environment, {partitions[p]: p for c in granted for p in c.outputs})
    current = facts.current(connection, environment, {inputs[p] for c in granted for p in c.inputs if p in inputs})
    made = facts.materializations(connection, list(current.values()))
    return tuple(
        busy[claim.id]
        if claim.id not in attempts
        else Claimed(
            id=claim.id,
            attempt=attempts[claim.id],
            histories={p: histories[p] for p in claim.outputs},
            inputs={p: made[current[inputs[p]]] for p in claim.inputs if inputs.get(p) in current},
        )
        for claim in claims
    )


def _held(connection: Connection, environment: int, partitions: set[int], at: int) -> list[tuple[int, Lease]]:
    leases = leases_of(connection, environment, partitions)
    for run in {lease.run for lease in leases.values() if not lease.alive}:
        _interrupt(connection, run, at=at)
    return [(partition, lease) for partition, lease in leases.items() if lease.alive]
