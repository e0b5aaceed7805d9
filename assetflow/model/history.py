"""What the catalog remembers, as the planner sees it: values, read at one revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from assetflow.model.checks import PastVerdict
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Edge, Recipe
from assetflow.model.versions import DataVersion

if TYPE_CHECKING:
    from assetflow.model.partitioning import KeySource

__all__ = ["History", "Materialization", "Memo", "Setback", "SetbackKind", "Snapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialization:
    """The record that a partition was made, or, for a source, seen."""

    #: The catalog's id, in commit order over all partitions and environments; 0 while not yet committed.
    id: int
    partition: Partition
    #: ``:v3`` is the third of its partition.
    version: int
    #: The attempt that made it; all outputs of one attempt have the same.
    attempt: int
    #: Digest of the trace it was made from; empty for an observed source.
    trace: str
    recipe: Recipe
    edges: tuple[Edge, ...]
    data: DataVersion
    #: UTC; when it was made, or last confirmed by a run that gave equal data.
    made_at: datetime
    #: How long its function ran.
    seconds: float = 0.0
    #: It used ``ctx.state``: what it would give again depends on more than its trace.
    stateful: bool = False
    #: Its bytes were given up: it cannot become current again.
    freed: bool = False

    @property
    def began_at(self) -> datetime:
        """When its function was called: what it read outside is as it was then."""
        return self.made_at - timedelta(seconds=self.seconds)


class SetbackKind(StrEnum):
    """How the last attempt at a partition ended without a value."""

    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """The last attempt's end where it left no value; gone when a value is published."""

    kind: SetbackKind
    #: Digest of the trace it was tried with.
    trace: str
    #: None but for failures.
    failure: FailureClass | None
    message: str
    at: datetime
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One partition's past in one environment."""

    current: Materialization | None = None
    #: The newest materialization of each trace digest, over all environments.
    by_trace: Mapping[str, Materialization] = field(default_factory=dict)
    setback: Setback | None = None
    #: The current value's bytes are gone or known to be damaged.
    lost: bool = False
    #: Another live run holds it now.
    running: bool = False
    #: What was held back, where that is the setback.
    held: Materialization | None = None
    #: What checks said, by check and digest of the check's trace, over all environments.
    verdicts: Mapping[tuple[str, str], PastVerdict] = field(default_factory=dict)


#: How many keys a set has, and their digest.
KeyCount: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """What the last ``materialize`` proved about one node, in one environment.

    All its partitions but the exceptions were fresh at ``revision``, for as long as the digests stay the same and
    nothing has expired.
    """

    definition: str
    #: How many keys each set has that the node and its inputs are cut by, and their digest.
    keys: tuple[KeyCount, ...]
    expires_at: datetime | None
    #: The revision of the snapshot that was decided on, never that of a commit.
    revision: int
    #: The keys that were not fresh in it.
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that planning needs to know of the outside, read at one revision."""

    environment: str
    revision: int
    #: UTC.
    as_of: datetime
    #: Keys of the sources whose keys are observed, and of dynamic sets, in order.
    keys: Mapping[KeySource, tuple[str, ...]] = field(default_factory=dict)
    #: Today's versions of the sources' partitions.
    observed: Mapping[Partition, DataVersion] = field(default_factory=dict)
    #: The pasts of the partitions in ``compared``, and of those that these read. What has none may be left out.
    histories: Mapping[Partition, History] = field(default_factory=dict)
    #: The nodes of which partitions must be compared, and which (None: all); all else is known to be fresh by a memo.
    #: None: everything (no memo is used).
    compared: Mapping[AssetKey, frozenset[str] | None] | None = None
    #: Nodes that are compared whole of which all keys but these have values that were made from one definition, and
    #: find the same: ``histories`` need hold the pasts of these keys, and of one of the others.
    alike: Mapping[AssetKey, frozenset[str]] = field(default_factory=dict)
    #: Memos of settled nodes that fell far behind, moved on to this revision: what a plan remembers beside its own.
    carried: Mapping[AssetKey, Memo] = field(default_factory=dict)
