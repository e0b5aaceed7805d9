"""The journal: the one door through which a run claims, commits and records. The catalog implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from assetflow.model.checks import Measured, Verdict
from assetflow.model.history import History, Materialization
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.lineage import ColumnEdge
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Trace
from assetflow.model.versions import ColumnVersion, Stored

__all__ = [
    "Busy",
    "Checked",
    "Claim",
    "Claimed",
    "Committed",
    "Failed",
    "Failure",
    "Finished",
    "Held",
    "Journal",
    "Kept",
    "KeyEdit",
    "Made",
    "NewRun",
    "Output",
    "Outcome",
    "Read",
    "Reused",
    "RunStatus",
    "Skipped",
]


class RunStatus(StrEnum):
    """Where a run stands. Every run ends in one of the last four, and a run that ended never changes."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Its process died; found out by a later command.
    INTERRUPTED = "interrupted"


class Outcome(StrEnum):
    """How a step ended."""

    #: Ran, new data.
    MATERIALIZED = "materialized"
    #: Ran, equal data: a new materialization of the same bytes.
    UNCHANGED = "unchanged"
    #: It might have run, but turned out to be fresh.
    KEPT = "kept"
    #: An older materialization became current.
    REUSED = "reused"
    #: Checks judged the value that is there, and it passed: it is current.
    CHECKED = "checked"
    #: Checks judged a value that is current, and it fails: it stays, marked.
    DEGRADED = "degraded"
    SKIPPED = "skipped"
    #: Ran, and its value is not what it must be: it is kept to be looked at, and never becomes current.
    HELD = "held"
    FAILED = "failed"
    #: Something that it needs failed, or the run was stopped first.
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run is about, recorded before its first claim."""

    started_at: datetime
    #: The selection as written.
    targets: tuple[str, ...]
    #: Facts to understand it by later: command, user, host, git commit and dirty flag, package versions.
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A step that wants to run: nobody else may make its outputs until it is finished or its run is dead."""

    node: AssetKey
    key: str
    outputs: tuple[Partition, ...]
    #: The partitions its inputs read, so that their current versions come from the same transaction.
    inputs: tuple[Partition, ...] = ()

    @property
    def id(self) -> Partition:
        return Partition(self.node, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A granted claim. The attempt's id is the fencing token: only who holds it can commit the step."""

    id: Partition
    #: Positive, unique for ever, also over restored catalogs.
    attempt: int
    #: The past of each output.
    histories: Mapping[Partition, History]
    #: The current materialization of each input partition that has one.
    inputs: Mapping[Partition, Materialization]


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A claim refused because a live run holds one of the outputs."""

    id: Partition
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong in one attempt."""

    kind: FailureClass
    #: The bare class name of the error: ``TimeoutError``.
    type: str
    message: str
    #: Why it counts as that kind: "ConnectionError is transient", "raised by a check".
    reason: str
    #: The user's own frames; the whole traceback is in the attempt's log.
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEdit:
    """A key that is added to a set of partition keys, or taken out of it."""

    set: str
    key: str
    added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One upstream partition that a step read: a committed materialization, or one that this run made (id 0)."""

    partition: Partition
    materialization: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One value of a finished step. ``stored.blob`` may be a blob that an older materialization has already."""

    partition: Partition
    stored: Stored
    #: The next state of ``ctx.state`` as canonical JSON; None when it was never used.
    state: str | None = None
    #: What its columns are made of, where the value itself proves it.
    lineage: tuple[ColumnEdge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A step that ran: its outputs become current together."""

    id: Partition
    attempt: int
    trace: Trace
    #: What was read, edge by edge in the trace's order.
    reads: tuple[tuple[Read, ...], ...]
    outputs: tuple[Output, ...]
    started_at: datetime
    seconds: float
    #: Of each of the node's checks.
    verdicts: tuple[Verdict, ...] = ()
    #: Digest that a setback is remembered by; empty: the trace's.
    refused: str = ""
    #: Keys that the function added to sets, and took out.
    keys: tuple[KeyEdit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Made):
    """A step that ran and whose outputs are recorded, but do not become current: something is wrong with them."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A step whose outputs an older attempt has made already, from the same trace."""

    id: Partition
    attempt: int
    #: One per output: what becomes current.
    materializations: tuple[Materialization, ...]
    #: Of the checks that had not judged these before.
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A step that made nothing: its checks judged what is there."""

    id: Partition
    attempt: int
    verdicts: tuple[Verdict, ...]
    #: The values that were judged, one per output.
    materializations: tuple[Materialization, ...]
    #: They were held back, and nothing is wrong with them any more: they become current.
    publish: bool
    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A step that turned out to be fresh: its lease is given back and nothing else is recorded."""

    id: Partition
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A step whose function raised ``Skip``: the old value stays, and the trace counts as answered."""

    id: Partition
    attempt: int
    outputs: tuple[Partition, ...]
    trace: str
    reason: str
    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step whose attempts are used up."""

    id: Partition
    attempt: int
    outputs: tuple[Partition, ...]
    #: The digest that the failure is remembered by. Empty where it failed before its inputs were known.
    trace: str
    failure: Failure
    started_at: datetime
    seconds: float


Finished: TypeAlias = Made | Held | Reused | Checked | Kept | Skipped | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit did."""

    #: Steps whose lease was lost, and steps that read what these made: nothing of them was recorded.
    lost: frozenset[Partition] = frozenset()
    #: What was made or reused, now with its id, and is current.
    materializations: Mapping[Partition, Materialization] = field(default_factory=dict)
    claimed: tuple[Claimed | Busy, ...] = ()


class Journal(Protocol):
    """Claims and commits for one environment of one catalog.

    Each method is one durable transaction; when it returns, what it says is true after a power cut. All may raise
    BusyError (``catalog-locked``), CatalogError and StorageError. Only the thread that began a run calls these,
    but for :meth:`renew`.
    """

    def begin(self, run: NewRun) -> int:
        """Record a run as running and give its number: 1, 2, 3 … Runs whose process died become interrupted."""
        ...

    def observe(self, run: int, sources: Mapping[Partition, Stored]) -> Mapping[Partition, Materialization]:
        """Record today's versions of sources; those that are current already are left as they are."""
        ...

    def claim(self, run: int, claims: Sequence[Claim]) -> tuple[Claimed | Busy, ...]:
        """Lease the steps that nobody holds, each with a new attempt; in the order given."""
        ...

    def retry(
        self, run: int, attempt: int, failure: Failure, *, started_at: datetime, seconds: float, wait: timedelta
    ) -> int:
        """Record a failed attempt that will be followed by another, and give the new one's id, which holds the lease.

        Raises BusyError ``lease-lost`` if the lease is no longer held.
        """
        ...

    def commit(self, run: int, finished: Sequence[Finished], claims: Sequence[Claim] = ()) -> Committed:
        """Record a group of finished steps, first in first out, give back their leases, and claim the next ones.

        All in one transaction. Blobs must be durable before. A step without its lease is dropped with all in the
        group that read it.
        """
        ...

    def stored(self, materializations: Sequence[int]) -> Mapping[int, Stored]:
        """Where these values lie."""
        ...

    def state(self, materialization: int) -> str | None:
        """The ``ctx.state`` that was committed with a materialization, as canonical JSON."""
        ...

    def measured(self, asset: AssetKey, check: str, most: int) -> Sequence[Measured]:
        """The newest published versions of an asset's partitions in this environment, newest first, each with what
        the check measured of it."""
        ...

    def last_columns(self, asset: AssetKey) -> Sequence[ColumnVersion]:
        """The columns of the newest published version of any of an asset's partitions in this environment."""
        ...

    def renew(self, run: int) -> None:
        """The heartbeat: prolong all leases of a run. Called from a thread of its own."""
        ...

    def finish(self, run: int, status: RunStatus, counts: Mapping[str, int], *, at: datetime) -> None:
        """Record how a run ended and give back what it still holds. A finished run never changes again."""
        ...
