"""What queries answer: frozen rows, as the command line and other readers take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from assetflow.catalog.codes import AttemptOutcome
from assetflow.model.history import Materialization
from assetflow.model.journal import RunStatus
from assetflow.model.keys import Address, Partition
from assetflow.model.retry import FailureClass
from assetflow.model.versions import Blob, Stored

__all__ = [
    "Ancestry",
    "Attempt",
    "GivenUp",
    "Link",
    "OldVersion",
    "Problem",
    "ReadVersion",
    "Run",
    "UsedBlob",
    "Version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a plan."""

    #: 1, 2, 3 …
    id: int
    #: A run whose process is gone is shown as interrupted, recorded so or not.
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    environment: str
    #: The selection as written; empty for everything.
    targets: tuple[str, ...]
    #: Steps by outcome. Of a run that did not finish: attempts by outcome.
    counts: Mapping[str, int]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a step. Steps that were kept or not run have none."""

    #: The fencing token; it also names the attempt's log.
    id: int
    run: int
    #: The node and its partition key: of a multi-asset, the function's key.
    step: Partition
    #: 1, 2, … within the step.
    number: int
    #: None while it runs, and where its run ended before it did.
    outcome: AttemptOutcome | None
    started_at: datetime
    seconds: float
    failure: FailureClass | None = None
    #: The bare class name of the error; empty without one.
    error_type: str = ""
    message: str = ""
    #: Why it counts as that failure, or why it was skipped.
    reason: str = ""
    traceback: str = ""
    #: How long the next attempt waited.
    wait: float = 0.0

    @property
    def final(self) -> bool:
        """Whether the step ended with it."""
        return self.outcome is not AttemptOutcome.RETRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVersion:
    """One upstream value that a materialization was made from."""

    materialization: int
    partition: Partition
    version: int
    data_version: str
    #: The edge's place in the trace, and its mapping as it stands there.
    position: int
    mapping: str
    #: The columns that were read; None: the whole value.
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A materialization with all that is recorded about it."""

    materialization: Materialization
    stored: Stored
    #: Where it was made.
    environment: str
    #: The run that made or observed it; None where that is no longer known.
    run: int | None
    #: The attempt's place among the step's; None for what was observed.
    attempt_number: int | None
    #: False only for what was never current.
    published: bool
    #: The cell's window in its trace.
    window: str
    inputs: tuple[ReadVersion, ...] = ()

    @property
    def address(self) -> str:
        """As one writes it: ``shop.orders@2026-01-05:v3``."""
        m = self.materialization
        return str(Address(str(m.partition.asset), m.partition.key or None, m.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One materialization was made from another."""

    reader: int
    read: int
    position: int
    mapping: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestry:
    """Exact versions and what they were made from, down from the first ones asked for."""

    #: By materialization id.
    versions: Mapping[int, Version]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBlob:
    """Stored bytes and whose values they are."""

    blob: Blob
    codec: str
    #: Partition and ``:vN`` of each materialization whose value this is.
    uses: tuple[tuple[Partition, int], ...]
    #: Whether one of these is current in some environment.
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVersion:
    """A version that is not current any more."""

    partition: Partition
    version: int
    #: Until when it was current; when it was made, of one that never was.
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Stored bytes that nobody needs any more."""

    name: str
    size: int
    #: The versions whose value they are.
    versions: tuple[OldVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that must not be, found by verifying."""

    code: str
    message: str
    key: str = ""
    partition: str = ""
    version: int | None = None
    hint: str = ""
