"""Ends of steps: each becomes something to record, and frees or stops what waits for it."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

from assetflow.model.checks import Verdict
from assetflow.model.history import Materialization
from assetflow.model.journal import Checked, Failed, Failure, Finished, Held, Kept, Made, Outcome, Reused, Skipped
from assetflow.model.plan import Cause
from assetflow.model.versions import DataVersion
from assetflow.plan.rebuilder import refusal
from assetflow.run.attempt import Broke, Returned, SkipRaised
from assetflow.run.checking import Audited
from assetflow.run.course import Course
from assetflow.run.deciding import Question
from assetflow.run.ends import End, Group
from assetflow.run.writer import Pending

__all__ = ["Ending"]


class Ending:
    """Ends the steps of one run. Used by the coordinating thread alone."""

    def __init__(self, course: Course, group: Group, scratch: Path) -> None:
        self._course = course
        self._group = group
        self._scratch = str(scratch)

    def made(self, step: int, question: Question, causes: tuple[Cause, ...], result: Returned) -> None:
        """The function returned: its values are current for this run from now on, and soon for all."""
        one, memory = self._course.plan.steps[step], self._course.memory
        for place, (output, value) in enumerate(zip(result.outputs, result.values, strict=True)):
            made = Materialization(
                id=0,
                partition=output.partition,
                version=0,
                attempt=result.attempt,
                trace=question.digest,
                recipe=question.trace.recipe,
                edges=question.trace.edges,
                data=output.stored.data,
                made_at=result.started_at + timedelta(seconds=result.seconds),
                seconds=result.seconds,
                stateful=output.state is not None,
            )
            memory.made(made, output.stored, value, result.pending.get(place))
        before: list[DataVersion | None] = [h.current.data if h.current else None for h in question.histories]
        equal = all(
            old is not None and old.digest == new.stored.data.digest
            for old, new in zip(before, result.outputs, strict=True)
        )
        verdicts = self._traced(step, question, result)
        record = Made(
            id=one.id,
            attempt=result.attempt,
            trace=question.trace,
            reads=question.reads,
            outputs=result.outputs,
            started_at=result.started_at,
            seconds=result.seconds,
            verdicts=verdicts,
            keys=result.keys,
        )
        self._end(
            step,
            Outcome.UNCHANGED if equal else Outcome.MATERIALIZED,
            record,
            question,
            causes=causes,
            written=result.written,
            pending=result.pending,
            verdicts=verdicts,
        )
        self._course.schedule.over(step)

    def held(self, step: int, question: Question, causes: tuple[Cause, ...], result: Returned, wrong: Failure) -> None:
        """The function returned, and something is wrong with its values: they are recorded and nobody is given them."""
        one, verdicts = self._course.plan.steps[step], self._traced(step, question, result)
        record = Held(
            id=one.id,
            attempt=result.attempt,
            trace=question.trace,
            reads=question.reads,
            outputs=result.outputs,
            started_at=result.started_at,
            seconds=result.seconds,
            failure=wrong,
            verdicts=verdicts,
            refused=refusal(self._course.deciding.node(step), question.digest),
        )
        self._course.failing.add(step)
        self._end(
            step,
            Outcome.HELD,
            record,
            question,
            causes=causes,
            written=result.written,
            pending=result.pending,
            failure=wrong,
            verdicts=verdicts,
        )
        self._give_up(step, f"{one.id} is held back")

    def _traced(self, step: int, question: Question, result: Returned) -> tuple[Verdict, ...]:
        values = {output.partition: output.stored.data for output in result.outputs}
        return self._course.deciding.traced(step, question.claimed, result.verdicts, values)

    def judged(
        self,
        step: int,
        question: Question,
        causes: tuple[Cause, ...],
        result: Audited,
        values: tuple[Materialization, ...],
        wrong: Failure | None,
        *,
        held: bool,
    ) -> None:
        """Checks judged what is there: what is current, a source, or (``held``) what was held back.

        ``wrong`` is what speaks against the values. What is current serves on all the same, marked; what was held back
        becomes current where nothing does.
        """
        one, course = self._course.plan.steps[step], self._course
        data = {value.partition: value.data for value in values}
        verdicts = course.deciding.traced(step, question.claimed, result.verdicts, data)
        record = Checked(
            id=one.id,
            attempt=question.claimed.attempt,
            verdicts=verdicts,
            materializations=values,
            publish=held and wrong is None,
            started_at=result.started_at,
            seconds=result.seconds,
        )
        observed = course.deciding.node(step).observed
        outcome = Outcome.CHECKED
        if wrong is not None:
            course.failing.add(step)
            outcome = Outcome.HELD if held or observed else Outcome.DEGRADED
        self._end(step, outcome, record, question, causes=causes, failure=wrong, verdicts=verdicts)
        if outcome is Outcome.HELD:
            self._give_up(step, f"{one.id} is held back")
            return
        for value in values:
            course.memory.seen(value)
        course.schedule.over(step)

    def unjudged(self, step: int, question: Question, causes: tuple[Cause, ...], failure: Failure) -> None:
        """What is there could not be read to be judged."""
        one = self._course.plan.steps[step]
        self._course.failing.add(step)
        record = Kept(id=one.id, attempt=question.claimed.attempt)
        self._end(step, Outcome.FAILED, record, question, causes=causes, failure=failure)
        self._give_up(step, f"{one.id} could not be judged")

    def kept(self, step: int, question: Question, reason: str = "") -> None:
        """Nothing had to be done: what is current serves."""
        one = self._course.plan.steps[step]
        record = Kept(id=one.id, attempt=question.claimed.attempt)
        spared = 0.0 if reason else _seconds(question)
        self._end(step, Outcome.KEPT, record, question, causes=(), reason=reason, spared=spared)
        self._serve(step, question)

    def reused(
        self,
        step: int,
        question: Question,
        causes: tuple[Cause, ...],
        older: tuple[Materialization, ...],
        said: tuple[Verdict, ...],
    ) -> None:
        """Older values become current again; ``said`` is what those checks say that had not judged them before."""
        one = self._course.plan.steps[step]
        data = {value.partition: value.data for value in older}
        verdicts = self._course.deciding.traced(step, question.claimed, said, data)
        record = Reused(id=one.id, attempt=question.claimed.attempt, materializations=older, verdicts=verdicts)
        for materialization in older:
            self._course.memory.seen(materialization)
        self._end(step, Outcome.REUSED, record, question, causes=causes, spared=older[0].seconds, verdicts=verdicts)
        self._course.schedule.over(step)

    def skipped(self, step: int, question: Question, causes: tuple[Cause, ...], result: SkipRaised) -> None:
        """The function had nothing to make: the old values serve on."""
        one = self._course.plan.steps[step]
        record = Skipped(
            id=one.id,
            attempt=result.attempt,
            outputs=one.outputs,
            trace=question.digest,
            reason=result.reason,
            started_at=result.started_at,
            seconds=result.seconds,
        )
        self._end(step, Outcome.SKIPPED, record, question, causes=causes, reason=result.reason)
        self._serve(step, question)

    def failed(self, step: int, question: Question, causes: tuple[Cause, ...], result: Broke) -> None:
        """The attempts are used up."""
        one = self._course.plan.steps[step]
        record = Failed(
            id=one.id,
            attempt=result.attempt,
            outputs=one.outputs,
            trace=refusal(self._course.deciding.node(step), question.digest),
            failure=result.failure,
            started_at=result.started_at,
            seconds=result.seconds,
        )
        self._course.failing.add(step)
        self._end(step, Outcome.FAILED, record, question, causes=causes, failure=result.failure)
        self._give_up(step, f"{one.id} failed")

    def not_run(self, step: int, reason: str, *, failing: bool, causes: tuple[Cause, ...] = ()) -> None:
        """The step cannot run, or is not to: neither can what needs it."""
        if failing:
            self._course.failing.add(step)
        self._put(step, reason, causes)
        self._give_up(step, f"{self._course.plan.steps[step].id} was not run")

    def stop(self, reason: str) -> None:
        """No step that is left will run."""
        for step in self._course.schedule.remaining():
            self._put(step, reason, ())
            self._course.schedule.drop(step)

    def _serve(self, step: int, question: Question) -> None:
        """What is current goes on to serve the step's readers, if there is something."""
        current = [history.current for history in question.histories]
        for materialization in current:
            if materialization is not None:
                self._course.memory.seen(materialization)
        if all(current):
            self._course.schedule.over(step)
        else:
            self._give_up(step, f"{self._course.plan.steps[step].id} was skipped and has no older value")

    def _give_up(self, step: int, reason: str) -> None:
        course = self._course
        given_up = course.schedule.give_up(step)
        course.deciding.give_up(output for one in (step, *given_up) for output in course.plan.steps[one].outputs)
        for reader in given_up:
            self._put(reader, reason, ())

    def _put(self, step: int, reason: str, causes: tuple[Cause, ...]) -> None:
        """The end of a step that did not run. A claim is given back; that of an attempt that was broken off goes with
        the run, so that the attempt stays to be seen."""
        one = self._course.plan.steps[step]
        claimed = self._course.claims.get(step)
        tried = self._course.attempts.get(step, 0)
        record = None if claimed is None or tried else Kept(id=one.id, attempt=claimed.attempt)
        histories = () if claimed is None else tuple(claimed.histories.get(output) for output in one.outputs)
        current = tuple(h.current for h in histories if h is not None and h.current is not None)
        self._add(
            End(
                step=step,
                outcome=Outcome.NOT_RUN,
                record=record,
                current=current,
                causes=causes or one.causes,
                seconds=self._course.spent.get(step, 0.0),
                attempts=self._course.attempts.get(step, 0),
                reason=reason,
            )
        )

    def _end(
        self,
        step: int,
        outcome: Outcome,
        record: Finished,
        question: Question,
        *,
        causes: tuple[Cause, ...],
        written: tuple[str, ...] = (),
        pending: Pending | None = None,
        failure: Failure | None = None,
        reason: str = "",
        spared: float = 0.0,
        verdicts: tuple[Verdict, ...] = (),
    ) -> None:
        self._add(
            End(
                step=step,
                outcome=outcome,
                record=record,
                current=tuple(h.current for h in question.histories if h.current is not None),
                written=written,
                pending=pending or {},
                causes=causes,
                seconds=self._course.spent.get(step, 0.0),
                attempts=self._course.attempts.get(step, 0),
                failure=failure,
                reason=reason,
                spared=spared,
                verdicts=verdicts,
            )
        )

    def _add(self, end: End) -> None:
        course = self._course
        course.claims.pop(end.step, None)
        for partition in course.preparing.loads(end.step, course.plan.steps[end.step]):
            course.memory.loaded(partition)
        self._group.add(end)
        if end.attempts and os.path.exists(self._scratch):  # noqa: PTH110  # once a step: it is ten times as fast
            shutil.rmtree(f"{self._scratch}/{end.step}", ignore_errors=True)


def _seconds(question: Question) -> float:
    """What the values in place took to make: one call made all outputs."""
    return max((h.current.seconds for h in question.histories if h.current is not None), default=0.0)
