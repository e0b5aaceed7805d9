"""How a run of one environment claims, commits and records: the port of ``assetflow.model.journal``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from assetflow.catalog import claims as claiming
from assetflow.catalog import codes, tables
from assetflow.catalog.commits import Group, record_failure
from assetflow.catalog.encoding import clipped, json_text, micros, span
from assetflow.catalog.engine import Database
from assetflow.catalog.facts import Facts
from assetflow.catalog.faults import decoding
from assetflow.catalog.ids import Ids
from assetflow.catalog.liveness import here, lease_seconds, now_micros
from assetflow.catalog.moves import advance
from assetflow.catalog.statements import WANTED, chunks, inserted
from assetflow.catalog.values import observe
from assetflow.catalog.verdicts import measured, newest_published
from assetflow.errors import AssetflowError, BusyError
from assetflow.model.checks import Measured
from assetflow.model.history import Materialization
from assetflow.model.journal import Busy, Claim, Claimed, Committed, Failure, Finished, NewRun, RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.versions import ColumnVersion, Stored

__all__ = ["CatalogJournal"]

_A, _L = tables.attempts.c, tables.leases.c
_NEW_RUN = inserted(tables.runs)
_NEW_ATTEMPT = inserted(tables.attempts, "id", "run_id", "partition_id", "number", "started_at")
_RENEW = (
    update(tables.runs)
    .where(tables.runs.c.id == bindparam("run"), tables.runs.c.status == 0)
    .values(alive_until=bindparam("until"))
)
_ATTEMPT = (
    select(_A.partition_id, _A.number)
    .join(tables.leases, _L.attempt_id == _A.id)
    .where(_A.id == bindparam("attempt"), _L.run_id == bindparam("run"))
)
_PASS_ON = update(tables.leases).where(_L.attempt_id == bindparam("old")).values(attempt_id=bindparam("new"))
_RETRIED = (
    update(tables.attempts)
    .where(_A.id == bindparam("old"))
    .values(outcome=bindparam("ended_as"), started_at=bindparam("at"), micros=bindparam("took"))
)
_KNOWN = select(_A.id).where(_A.id.in_(WANTED))
_LEASED = select(_L.attempt_id).where(_L.attempt_id.in_(WANTED))
_STATE = select(tables.materializations.c.state).where(tables.materializations.c.id == bindparam("id"))


class CatalogJournal:
    """Implements :class:`assetflow.model.journal.Journal`."""

    def __init__(
        self, database: Database, ids: Ids, facts: Facts, environment: str, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._ids = ids
        self._facts = facts
        self._name = environment
        self._clock = clock

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, int]]:
        """A transaction, and the environment's id in it. What a failed one taught is forgotten."""
        try:
            with self._database.writing() as connection:
                environment = self._ids.environment(connection, self._name, create=True)
                assert environment is not None
                yield connection, environment
        except BaseException:
            self._ids.forget()
            self._facts.forget()
            raise

    def _now(self) -> int:
        return micros(self._clock())

    def begin(self, run: NewRun) -> int:
        """Record a run as running and give its number."""
        me = here()
        with self._writing() as (connection, environment):
            claiming.interrupt_dead(connection, at=self._now())
            number = advance(connection, tables.RUN)
            status = codes.RUN_STATUSES.code[RunStatus.RUNNING]
            facts = {clipped(name): clipped(fact) for name, fact in run.facts.items()}
            targets = [clipped(target) for target in run.targets]
            about = (json_text(targets), json_text(facts), None)
            _NEW_RUN.run(
                connection,
                [(number, environment, status, micros(run.started_at), None, *about, *me, self._alive_until())],
            )
        return number

    @staticmethod
    def _alive_until() -> int:
        return now_micros() + span(lease_seconds())

    def observe(self, run: int, sources: Mapping[Partition, Stored]) -> Mapping[Partition, Materialization]:
        """Record today's versions of sources."""
        with self._writing() as (connection, environment):
            at = self._now()
            seen = observe(connection, self._ids, self._facts, environment, run, sources, at=at)
        self._facts.learn(seen.values())
        return seen

    def claim(self, run: int, claims: Sequence[Claim]) -> tuple[Claimed | Busy, ...]:
        """Lease the steps that nobody holds."""
        with self._writing() as (connection, environment):
            return self._take(connection, environment, run, claims)

    def _take(
        self, connection: Connection, environment: int, run: int, claims: Sequence[Claim]
    ) -> tuple[Claimed | Busy, ...]:
        with decoding(self._database.where):
            return claiming.take(connection, self._ids, self._facts, environment, run, claims, at=self._now())

    def retry(
        self, run: int, attempt: int, failure: Failure, *, started_at: datetime, seconds: float, wait: timedelta
    ) -> int:
        """Record a failed attempt and give the next one's id."""
        with self._writing() as (connection, _):
            held = connection.execute(_ATTEMPT, {"attempt": attempt, "run": run}).first()
            if held is None:
                raise BusyError("lease-lost", f"attempt {attempt} of run {run} no longer holds its lease")
            (new,) = claiming.new_attempts(connection, 1)
            _NEW_ATTEMPT.run(connection, [(new, run, held.partition_id, held.number + 1, self._now())])
            connection.execute(_PASS_ON, {"old": attempt, "new": new})
            code = codes.ATTEMPT_OUTCOMES.code[codes.AttemptOutcome.RETRIED]
            ended = {"old": attempt, "ended_as": code, "at": micros(started_at), "took": span(seconds)}
            connection.execute(_RETRIED, ended)
            record_failure(connection, attempt, failure, wait=wait)
        return new

    def commit(self, run: int, finished: Sequence[Finished], claims: Sequence[Claim] = ()) -> Committed:
        """Record a group of finished steps and claim the next ones.

        Where the database's answer is lost, what it did is looked up by attempt.
        """
        committed: Committed | None = None
        try:
            with self._writing() as (connection, environment):
                group = Group(connection, self._ids, self._facts, environment, run, self._now())
                group.record(finished)
                claimed = self._take(connection, environment, run, claims)
                committed = Committed(lost=frozenset(group.lost), materializations=group.made, claimed=claimed)
        except AssetflowError:
            if committed is None or not self._was_committed(finished, committed):
                raise
        self._facts.learn(committed.materializations.values())
        return committed

    def _was_committed(self, finished: Sequence[Finished], committed: Committed) -> bool:
        """Whether the transaction that gave this answer is in the catalog: it makes attempts, or ends their leases."""
        begun = [each.attempt for each in committed.claimed if isinstance(each, Claimed)]
        ended = [each.attempt for each in finished]
        try:
            with self._database.reading() as connection:
                if begun:
                    return connection.execute(_KNOWN, {"wanted": begun[:1]}).first() is not None
                return bool(ended) and all(
                    connection.execute(_LEASED, {"wanted": chunk}).first() is None for chunk in chunks(ended)
                )
        except AssetflowError:
            return False

    def stored(self, materializations: Sequence[int]) -> Mapping[int, Stored]:
        """Where these values lie."""
        with self._database.reading() as connection, decoding(self._database.where):
            return self._facts.stored(connection, materializations)

    def state(self, materialization: int) -> str | None:
        """The ``ctx.state`` that was committed with a materialization."""
        with self._database.reading() as connection:
            state: str | None = connection.execute(_STATE, {"id": materialization}).scalar()
            return state

    def measured(self, asset: AssetKey, check: str, most: int) -> Sequence[Measured]:
        """The newest published versions of an asset's partitions, each with what the check measured of it."""
        with self._database.reading() as connection, decoding(self._database.where):
            environment = self._ids.environment(connection, self._name)
            return measured(connection, self._ids, environment, asset, check, most)

    def last_columns(self, asset: AssetKey) -> Sequence[ColumnVersion]:
        """The columns of the newest published version of any of an asset's partitions."""
        with self._database.reading() as connection, decoding(self._database.where):
            environment = self._ids.environment(connection, self._name)
            newest = newest_published(connection, self._ids, environment, asset)
            if newest is None:
                return ()
            return self._facts.materializations(connection, {newest})[newest].data.columns

    def renew(self, run: int) -> None:
        """Prolong all leases of a run. Nothing to do in memory, where nobody else waits for them to end."""
        if self._database.shared:
            with self._database.writing() as connection:
                connection.execute(_RENEW, {"run": run, "until": self._alive_until()})

    def finish(self, run: int, status: RunStatus, counts: Mapping[str, int], *, at: datetime) -> None:
        """Record how a run ended; one that ended already, or was taken for dead, stays as it is."""
        with self._writing() as (connection, _):
            claiming.end_run(connection, run, status, at=micros(at), counts=json_text(dict(counts)))
