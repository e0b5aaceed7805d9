"""How steps end, in the order in which they ended: what is to be recorded together, and told afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from assetflow.model.checks import Verdict
from assetflow.model.event import StepFinished
from assetflow.model.history import Materialization
from assetflow.model.journal import Committed, Failure, Finished, Outcome
from assetflow.model.keys import Partition
from assetflow.model.plan import Cause, Step
from assetflow.run.world import World
from assetflow.run.writer import Pending

__all__ = ["End", "Group", "finished_event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One step's end."""

    #: The step's number in the plan.
    step: int
    outcome: Outcome
    #: What to record; None for a step that was never claimed.
    record: Finished | None
    #: What is current before, and stays so unless the record changes it: one per output that has something.
    current: tuple[Materialization, ...] = ()
    #: Blobs to be made durable before the record.
    written: tuple[str, ...] = ()
    #: Values whose storing must have ended before the record, which then says where they lie.
    pending: Pending = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    seconds: float = 0.0
    attempts: int = 0
    failure: Failure | None = None
    reason: str = ""
    spared: float = 0.0
    verdicts: tuple[Verdict, ...] = ()


#: Seconds between two looks at whether values are stored.
_LOOK_AGAIN = 0.01


class Group:
    """Ends that wait to be recorded in one transaction, first in, first out."""

    def __init__(self, world: World, *, most: int, patience: timedelta) -> None:
        self._world = world
        self._most = most
        self._patience = patience.total_seconds()
        self._ends: list[End] = []
        self._due_at: float | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, end: End) -> None:
        if not self._ends:
            self._due_at = self._world.monotonic() + self._patience
        self._ends.append(end)

    def take(self) -> tuple[End, ...]:
        """All of them; the group is empty after."""
        ends, self._ends, self._due_at = tuple(self._ends), [], None
        return ends

    @property
    def is_stored(self) -> bool:
        """Whether nothing of them is still being stored."""
        return all(future.done() for end in self._ends for future in end.pending.values())

    @property
    def is_full(self) -> bool:
        return len(self._ends) >= self._most

    def due_in(self) -> float | None:
        """Seconds until the oldest has waited long enough, and is stored as far as is known. None: there is nothing."""
        if self._due_at is None:
            return None
        left = max(0.0, self._due_at - self._world.monotonic())
        return left if self.is_stored else max(left, _LOOK_AGAIN)


def finished_event(run: int, step: Step, end: End, committed: Committed, world: World) -> StepFinished:
    """What is told of a step once its end is durable."""
    now: Mapping[Partition, Materialization] = committed.materializations
    before = {each.partition: each.version for each in end.current}
    versions = [now[output].version if output in now else before.get(output, 0) for output in step.outputs]
    return StepFinished(
        run=run,
        step=step.id,
        outputs=step.outputs,
        outcome=end.outcome,
        versions=tuple(version for version in versions if version),
        seconds=end.seconds,
        attempts=end.attempts,
        causes=end.causes,
        failure=end.failure,
        reason=end.reason,
        at=world.now(),
        spared=end.spared,
        verdicts=end.verdicts,
    )
