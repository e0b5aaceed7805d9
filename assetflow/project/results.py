"""What a project answers, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from assetflow.declare import Asset, Source, SqlAsset
from assetflow.model.durations import duration_text
from assetflow.model.event import StepFinished
from assetflow.model.history import Setback
from assetflow.model.html import table
from assetflow.model.journal import Outcome, RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Cause, State

__all__ = ["AssetStatus", "Difference", "DimensionStatus", "Explanation", "PartitionStatus", "Result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a ``materialize`` ended. ``result[asset]`` and ``result[asset, "2026-01-05"]`` give the values."""

    #: The run's number; None where there was nothing to do.
    run: int | None
    status: RunStatus
    counts: Mapping[Outcome, int]
    #: In the order in which they were recorded.
    steps: tuple[StepFinished, ...]
    seconds: float = 0.0
    #: The running times of what did not have to run.
    spared: float = 0.0
    #: The signal that cancelled it.
    signal: int | None = None
    #: Reads a current value of the project that ran.
    read: Callable[[Any, str], Any] = field(repr=False, compare=False, default=lambda _asset, _key: None)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return self.status is RunStatus.SUCCEEDED

    def after(self, before: Result) -> Result:
        """What two runs did that are one command: this one came after that."""
        worse = before.status if self.status is RunStatus.SUCCEEDED else self.status
        return replace(
            self,
            status=worse,
            counts={outcome: before.counts.get(outcome, 0) + n for outcome, n in self.counts.items()},
            steps=(*before.steps, *self.steps),
            seconds=before.seconds + self.seconds,
            spared=before.spared + self.spared,
        )

    def _repr_html_(self) -> str:
        title = (
            "nothing to do" if self.run is None else f"run {self.run} {self.status} in {duration_text(self.seconds)}"
        )
        rows = [
            (
                ", ".join(map(str, step.outputs)),
                str(step.outcome).replace("_", " "),
                duration_text(step.seconds) if step.seconds else "",
                f"{step.failure.type}: {step.failure.message}" if step.failure else step.reason,
            )
            for step in self.steps
        ]
        return table(title, ("step", "outcome", "took", ""), rows)

    def __getitem__(self, wanted: Any) -> Any:  # an asset, its name, or one of these with a partition key
        asset, key = wanted if isinstance(wanted, tuple) and not isinstance(wanted, AssetKey) else (wanted, "")
        return self.read(asset, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetStatus:
    """How one asset stands."""

    key: AssetKey
    #: The worst of its partitions'.
    state: State
    total: int
    partitions: Mapping[State, int]
    #: Of the worst partitions, each once.
    causes: tuple[Cause, ...]
    #: When the value was made or confirmed that became current last.
    materialized_at: datetime | None
    #: How the last attempt at the first of these partitions ended, where that is what the state says.
    setback: Setback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionStatus:
    """How the partitions stand that have one value of a dimension."""

    value: str
    partitions: Mapping[State, int]

    @property
    def total(self) -> int:
        return sum(self.partitions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """How one partition stands."""

    partition: Partition
    #: The values of a product's dimensions; empty for others.
    keys: Mapping[str, str]
    #: The window of a time partition, on its zone's clock.
    start: datetime | None
    end: datetime | None
    state: State
    causes: tuple[Cause, ...]
    #: The ``:vN`` that is current, and when it was made or confirmed.
    version: int | None
    materialized_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that was different when a value was made."""

    #: ``code``, ``parameter``, ``resource``, ``type``, ``input`` …
    part: str
    name: str
    old: str
    new: str
    #: Where it stands today: ``path/from/project/root.py:12``; empty where there is no place.
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a partition is in its state."""

    partition: Partition
    state: State
    causes: tuple[Cause, ...]
    #: Digests of the recorded trace and of today's; None where there is none (yet).
    recorded: str | None
    today: str | None
    differences: tuple[Difference, ...]
    #: ``{run, at, version}`` of the current value.
    last_run: Mapping[str, Any] | None
    #: It is fresh though its code or parameters changed: ``forward_only``. Then ``causes`` say what changed.
    kept: bool = False

    def _repr_html_(self) -> str:
        reasons = "; ".join(cause.message for cause in self.causes)
        title = f"{self.partition} is {self.state}" + (f": {reasons}" if reasons else "")
        rows = [(d.part, d.name, d.old, d.new, d.where) for d in self.differences]
        return table(title, ("what", "which", "then", "now", "where"), rows)


#: What names an asset in Python: the declaration, or its name.
Named = Asset[..., Any] | Source | SqlAsset | AssetKey | str
