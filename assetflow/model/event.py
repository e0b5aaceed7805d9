"""What happens during a run, as values that listeners are given. They follow from committed facts where they say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from assetflow.model.checks import Verdict
from assetflow.model.journal import Failure, Outcome, RunStatus
from assetflow.model.keys import Partition
from assetflow.model.plan import Cause

__all__ = [
    "AttemptFailed",
    "Event",
    "Listener",
    "Progressed",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepStarted",
    "StepWaiting",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run was recorded and is about to claim its first step."""

    run: int
    environment: str
    at: datetime
    #: How many steps the plan has.
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """An attempt is about to call the function."""

    run: int
    step: Partition
    attempt_number: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWaiting:
    """Another run is making the same partition; the step waits for it."""

    run: int
    step: Partition
    other_run: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A step called ``ctx.progress(done, total)``."""

    run: int
    step: Partition
    done: float
    total: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt failed and another will follow after ``wait``."""

    run: int
    step: Partition
    attempt_number: int
    failure: Failure
    wait: timedelta
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step is over, and what it made is committed."""

    run: int
    step: Partition
    #: One per output asset, in the node's order.
    outputs: tuple[Partition, ...]
    outcome: Outcome
    #: ``:vN`` of each output that is current now; empty where nothing is.
    versions: tuple[int, ...]
    seconds: float
    attempts: int
    causes: tuple[Cause, ...]
    failure: Failure | None
    #: Why it was skipped or not run; empty otherwise.
    reason: str
    at: datetime
    #: What a kept or reused step took when it last ran: the time that was spared.
    spared: float = 0.0
    #: What its checks said.
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run has ended and its records are durable."""

    run: int
    status: RunStatus
    #: Steps by outcome; every outcome is there, also with 0.
    counts: Mapping[str, int]
    seconds: float
    #: The running times of what did not have to run.
    spared: float
    at: datetime


Event: TypeAlias = RunStarted | StepStarted | StepWaiting | Progressed | AttemptFailed | StepFinished | RunFinished

#: A listener that raises is reported and never changes a result.
Listener: TypeAlias = Callable[[Event], None]
