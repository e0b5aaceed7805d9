"""Plans: what will or may run, and why, as values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, overload

from assetflow.model.history import Memo, Setback, SetbackKind
from assetflow.model.html import table
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.versions import DataVersion

if TYPE_CHECKING:
    from assetflow.model.partitioning import KeySource

__all__ = [
    "Action",
    "Alike",
    "Cause",
    "CauseKind",
    "Plan",
    "Standing",
    "Standings",
    "State",
    "Step",
    "Steps",
    "Targets",
]


class CauseKind(StrEnum):
    """Why a partition is not fresh."""

    MISSING = "missing"
    CODE = "code"
    INPUT = "input"
    #: An earlier step of this plan may change an input.
    UPSTREAM = "upstream"
    PARAMETER = "parameter"
    RESOURCE = "resource"
    TYPE = "type"
    DEPENDENCY_ADDED = "dependency-added"
    DEPENDENCY_REMOVED = "dependency-removed"
    EXPIRED = "expired"
    FORCED = "forced"
    CORRUPT = "corrupt"
    #: A check has not judged the value yet, or it failed.
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason, as data; ``message`` says it in words: ``constant flights.clean.MAX_DELAY changed: 60 → 90``."""

    kind: CauseKind
    message: str
    input: AssetKey | None = None
    columns: tuple[str, ...] = ()
    old: str = ""
    new: str = ""


class State(StrEnum):
    """How a partition stands today, worst first."""

    FAILED = "failed"
    RUNNING = "running"
    MISSING = "missing"
    STALE = "stale"
    HELD = "held"
    #: Its value was published, and fails a blocking check of today.
    DEGRADED = "degraded"
    SKIPPED = "skipped"
    FRESH = "fresh"

    @property
    def severity(self) -> int:
        """0 for the worst; an asset's state is the worst of its partitions'."""
        return list(State).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A partition's state with its reasons."""

    state: State
    causes: tuple[Cause, ...] = ()
    #: How the last attempt ended, where that is what the state says.
    setback: Setback | None = None


class Action(StrEnum):
    """What a step does."""

    #: It has a cause of its own: it will run.
    RUN = "run"
    #: Its only cause is that an earlier step may change an input: decided when that is known.
    MAYBE = "maybe"
    #: An older materialization becomes current again.
    REUSE = "reuse"
    #: Nothing is made: checks judge the value that is there, be it current or held back.
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of a node's function, or one reuse: all outputs of one partition key."""

    node: AssetKey
    key: str
    outputs: tuple[Partition, ...]
    action: Action
    causes: tuple[Cause, ...]
    #: Whether the selection names it, rather than that a named one needs it.
    requested: bool
    #: The materializations proposed to become current, one per output; empty unless ``action`` is reuse.
    reuse: tuple[int, ...] = ()
    #: The setbacks of an equal trace that do not keep it from being tried: it was named singly, or all failed are.
    again: frozenset[SetbackKind] = frozenset()
    #: How long it took the last time; None when it never ran.
    seconds: float | None = None
    #: What it would read and does not, as it has no value: ``In(missing="skip")``.
    without: tuple[Partition, ...] = ()

    @property
    def id(self) -> Partition:
        """The node's key and the partition key: unique in a plan."""
        return Partition(self.node, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Steps of one node that differ in their keys only: of partitions without a past, or with pasts that are alike."""

    node: AssetKey
    outputs: tuple[AssetKey, ...]
    keys: Sequence[str]
    action: Action
    causes: tuple[Cause, ...]
    requested: bool
    #: How each of the outputs stands.
    standing: Standing
    again: frozenset[SetbackKind] = frozenset()
    #: How long one of them took the last time.
    seconds: float | None = None

    def step(self, place: int) -> Step:
        """One of them."""
        key = self.keys[place]
        return Step(
            node=self.node,
            key=key,
            outputs=tuple([Partition(asset, key) for asset in self.outputs]),
            action=self.action,
            causes=self.causes,
            requested=self.requested,
            again=self.again,
            seconds=self.seconds,
        )


class Steps(Sequence[Step]):
    """The steps of a plan, in order. Many that are alike are kept as one, and made when they are asked for."""

    __slots__ = ("_first", "_length", "parts")

    def __init__(self, parts: Iterable[Step | Alike] = ()) -> None:
        #: The steps that are kept as such, and those that are kept as one.
        self.parts = tuple(parts)
        self._first: list[int] = []
        self._length = 0
        for part in self.parts:
            self._first.append(self._length)
            self._length += len(part.keys) if isinstance(part, Alike) else 1

    @property
    def alike(self) -> Iterator[Alike]:
        return (part for part in self.parts if isinstance(part, Alike))

    @property
    def singly(self) -> Iterator[Step]:
        return (part for part in self.parts if isinstance(part, Step))

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many there are, by what they do."""
        counts = dict.fromkeys(Action, 0)
        for part in self.parts:
            counts[part.action] += len(part.keys) if isinstance(part, Alike) else 1
        return counts

    @overload
    def __getitem__(self, at: int) -> Step: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, at: int | slice) -> Step | tuple[Step, ...]:
        if isinstance(at, slice):
            return tuple(self[place] for place in range(*at.indices(self._length)))
        place = range(self._length)[at]
        number = bisect_right(self._first, place) - 1
        part = self.parts[number]
        return part.step(place - self._first[number]) if isinstance(part, Alike) else part

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Step]:
        for part in self.parts:
            if isinstance(part, Alike):
                yield from map(part.step, range(len(part.keys)))
            else:
                yield part

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Steps({self._length})"


class Standings(Mapping[Partition, Standing]):
    """How partitions stand that are not fresh: those told singly, and those that steps tell which are kept as one."""

    __slots__ = ("_alike", "singly")

    def __init__(self, singly: Mapping[Partition, Standing], alike: Iterable[Alike] = ()) -> None:
        self.singly = singly
        self._alike: dict[AssetKey, list[Alike]] = {}
        for part in alike:
            for asset in part.outputs:
                self._alike.setdefault(asset, []).append(part)

    def summed(self) -> Iterator[tuple[Partition, Standing, int]]:
        """Each one told singly, and of many that stand alike the first, with how many there are."""
        for partition, standing in self.singly.items():
            yield partition, standing, 1
        for asset, parts in self._alike.items():
            for part in parts:
                yield Partition(asset, part.keys[0]), part.standing, len(part.keys)

    def __getitem__(self, partition: Partition) -> Standing:
        found = self.singly.get(partition)
        if found is not None:
            return found
        for part in self._alike.get(partition.asset, ()):
            if partition.key in part.keys:
                return part.standing
        raise KeyError(partition)

    def __iter__(self) -> Iterator[Partition]:
        yield from self.singly
        for asset, parts in self._alike.items():
            for part in parts:
                yield from (Partition(asset, key) for key in part.keys)

    def __len__(self) -> int:
        return len(self.singly) + sum(len(part.keys) for parts in self._alike.values() for part in parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    def __hash__(self) -> int:
        return hash(len(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What is asked for."""

    #: The selected assets; None selects everything.
    assets: frozenset[AssetKey] | None = None
    #: Which partitions of these: keys, ranges and what else :mod:`assetflow.plan.choosing` reads; None: all.
    keys: frozenset[str] | None = None
    #: And these very partitions, beside what ``keys`` names; None: nothing is said.
    cells: frozenset[Partition] | None = None
    #: Exactly the selection: nothing that it needs is brought up to date first.
    only: bool = False
    #: Run the selection (not what it needs) even where it is fresh.
    force: bool = False
    #: Plan again what failed for good.
    retry_failed: bool = False
    #: Tables may have other columns than before, whatever their ``on_schema_change`` says; what failed for that is
    #: planned again.
    accept_schema_changes: bool = False
    #: Partitions named singly: planned again though they failed for good or were skipped.
    named: frozenset[Partition] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will or may run, in an order in which every input comes before its readers."""

    environment: str
    #: The revision of the snapshot it was decided on.
    revision: int
    as_of: datetime
    steps: Steps
    #: How many partitions in the closure of the targets need nothing.
    fresh: int
    #: Every partition in the closure that is not fresh, with its state and reasons.
    standings: Standings = field(default_factory=lambda: Standings({}))
    #: Sources' partitions whose observed version is not the recorded one.
    observed: Mapping[Partition, DataVersion] = field(default_factory=dict)
    #: Keys of the sources whose keys are observed, and of dynamic sets, in order, as in the snapshot.
    keys: Mapping[KeySource, tuple[str, ...]] = field(default_factory=dict)
    #: Stale inputs that ``only`` leaves as they are.
    ignored: tuple[Partition, ...] = ()
    #: What is fresh though its code or parameters changed, which are only for partitions not yet made
    #: (``forward_only``), and what changed.
    forward: Mapping[Partition, tuple[Cause, ...]] = field(default_factory=dict)
    #: The assets whose partition keys may be others when the run is over, and the asset of this plan that gives them.
    awaited: Mapping[AssetKey, AssetKey] = field(default_factory=dict)
    #: What was proved about the nodes in the closure, to be remembered by ``materialize``.
    memos: Mapping[AssetKey, Memo] = field(default_factory=dict)
    #: What it was asked for.
    targets: Targets = field(default_factory=Targets)

    @property
    def damaged(self) -> frozenset[Partition]:
        """The steps that make anew what is gone from the store, or damaged there."""
        return frozenset(s.id for s in self.steps.singly if any(cause.kind is CauseKind.CORRUPT for cause in s.causes))

    def __str__(self) -> str:
        """A line a step with its reasons, then the counts: what ``assetflow plan`` shows."""
        lines = [
            f"{', '.join(map(str, step.outputs))}  {step.action}  {'; '.join(cause.message for cause in step.causes)}"
            for step in self.steps
        ]
        return "\n".join([*lines, self._counts()])

    def _repr_html_(self) -> str:
        rows = [
            (", ".join(map(str, step.outputs)), str(step.action), "; ".join(cause.message for cause in step.causes))
            for step in self.steps
        ]
        return table(self._counts(), ("step", "will", "because"), rows)

    def _counts(self) -> str:
        return f"{len(self.steps)} steps, {self.fresh} fresh, in {self.environment}"
