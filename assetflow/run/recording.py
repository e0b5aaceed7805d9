"""The one writer of a run: it claims, commits finished steps in groups, and tells what is durable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assetflow.model.event import StepWaiting
from assetflow.model.journal import Busy, Claimed, Committed, Journal, Outcome
from assetflow.model.keys import Partition
from assetflow.run.course import Course
from assetflow.run.ends import End, Group, finished_event
from assetflow.run.telling import Telling
from assetflow.run.world import World
from assetflow.store.values import Values

__all__ = ["Recording"]


class Recording:
    """Everything that goes through the journal's ``claim`` and ``commit``."""

    def __init__(
        self, course: Course, journal: Journal, values: Values, telling: Telling, group: Group, world: World
    ) -> None:
        self._course = course
        self._journal = journal
        self._values = values
        self._telling = telling
        self._world = world
        self._numbers = {step.id: number for number, step in enumerate(course.plan.steps)}
        self._told_waiting: set[int] = set()
        self.group = group
        self.counts = dict.fromkeys(Outcome, 0)
        self.spared = 0.0

    def number(self, step: Partition) -> int:
        """The step's place in the plan."""
        return self._numbers[step]

    def write(self, claim: Sequence[int] = ()) -> None:
        """Record what has ended, in one transaction with the claims for these steps, and tell it.

        What raises leaves the run unable to go on: whether the group was recorded is not known here.
        """
        course = self._course
        ends = self.group.take()
        records = [end.record for end in ends if end.record is not None]
        claims = [course.deciding.claim(step) for step in claim]
        if written := [name for end in ends for name in end.written]:
            self._values.sync(written)
        if records:
            committed = self._journal.commit(course.run, records, claims)
        else:
            committed = Committed(claimed=self._journal.claim(course.run, claims) if claims else ())
        course.memory.committed(committed.materializations)
        undone = self._undo(self._numbers[lost] for lost in committed.lost)
        for end in ends:
            if end.step not in undone:
                self._tell(end, committed)
        self._take(committed.claimed)

    def _tell(self, end: End, committed: Committed) -> None:
        self.counts[end.outcome] += 1
        self.spared += end.spared
        step = self._course.plan.steps[end.step]
        self._telling.tell(finished_event(self._course.run, step, end, committed, self._world))

    def _undo(self, lost: Iterable[int]) -> frozenset[int]:
        """Open the lost steps again, and all that was decided from what they gave."""
        course = self._course
        first = set(lost)
        if not first:
            return frozenset()
        undone, running = course.schedule.undo(first)
        course.lost |= first
        course.undone |= undone
        course.failing -= undone
        course.void |= running
        for step in undone:
            one = course.plan.steps[step]
            for output in one.outputs:
                course.memory.forget(output)
            for partition in course.preparing.loads(step, one):
                course.memory.expect(partition)
        return undone

    def _take(self, answers: Sequence[Claimed | Busy]) -> None:
        course = self._course
        granted = []
        for answer in answers:
            step = self._numbers[answer.id]
            if isinstance(answer, Claimed):
                course.claims[step] = answer
                course.schedule.claimed(step)
                granted.append((step, course.plan.steps[step], answer))
                continue
            course.schedule.put_aside(step)
            if step not in self._told_waiting:
                self._told_waiting.add(step)
                self._telling.tell(
                    StepWaiting(run=course.run, step=answer.id, other_run=answer.run, at=self._world.now())
                )
        course.preparing.fetch(granted)
