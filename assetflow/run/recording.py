"""The one writer of a run: it claims, commits finished steps in groups, and tells what is durable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from assetflow.model.event import StepWaiting
from assetflow.model.journal import Busy, Claimed, Committed, Held, Journal, Kept, Made, Outcome
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

    def write(self, claim: Sequence[int] = (), *, wait: bool = True) -> None:
        """Record what has ended, in one transaction with the claims for these steps, and tell it.

        Values that are being stored are waited for, and where that fails their steps are open again; without ``wait``
        only the claims are made while there are such. What raises leaves the run unable to go on: whether the group
        was recorded is not known here.
        """
        course = self._course
        ended = self.group.take() if wait or self.group.is_stored else ()
        ends, again = self._stored(ended)
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
            if end.step not in undone and end.step not in again:
                self._tell(end, committed)
        self._take(committed.claimed)

    def _stored(self, ends: Sequence[End]) -> tuple[list[End], frozenset[int]]:
        """The ends with the places of all values; and the steps that are open again, as a value could not be stored. A
        record of these gives their claims back.
        """
        settled: list[End] = []
        failed: set[int] = set()
        for end in ends:
            try:
                settled.append(self._settled(end))
            except Exception:  # whatever it is: storing it where it is made will tell
                failed.add(end.step)
                settled.append(end)
        again = self._undo(failed)
        return [_given_back(end) if end.step in again else end for end in settled], again

    def _settled(self, end: End) -> End:
        """An end with the places of its values. Raises what storing them raised."""
        if not end.pending:
            return end
        assert isinstance(end.record, Made | Held)
        outputs = list(end.record.outputs)
        names = list(end.written)
        for place, future in end.pending.items():
            stored = future.result()
            outputs[place] = replace(outputs[place], stored=stored)
            self._course.memory.lies(outputs[place].partition, stored)
            names += [] if stored.blob is None else [stored.blob.name]
        return replace(end, record=replace(end.record, outputs=tuple(outputs)), written=tuple(names), pending={})

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
        course.deciding.regain(output for step in undone for output in course.plan.steps[step].outputs)
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


def _given_back(end: End) -> End:
    """The end of a step that is open again: its claim is given back, and nothing else recorded."""
    if end.record is None:
        return end
    return replace(end, record=Kept(id=end.record.id, attempt=end.record.attempt), written=(), pending={})
