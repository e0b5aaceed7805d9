"""The coordinating thread: it begins steps, takes what they give, and has it recorded."""

from __future__ import annotations

import heapq
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from assetflow.errors import AssetflowError, BusyError
from assetflow.model.event import AttemptFailed, Event, StepStarted
from assetflow.model.history import SetbackKind
from assetflow.model.journal import Failure, Journal
from assetflow.model.plan import Action, Cause
from assetflow.model.retry import FailureClass
from assetflow.plan.rebuilder import Keep, Leave, Rebuild, Reuse
from assetflow.resource import masked
from assetflow.run.attempt import Broke, Result, Returned, SkipRaised, Stopped, Work, perform
from assetflow.run.batch import perform_together
from assetflow.run.batching import Batching
from assetflow.run.checking import Audited, audit
from assetflow.run.classify import Diagnosis, classify
from assetflow.run.course import Course
from assetflow.run.deciding import Question
from assetflow.run.ending import Ending
from assetflow.run.executors import Executor
from assetflow.run.failures import failure_of
from assetflow.run.jobs import JobResult, Jobs
from assetflow.run.judging import Judging, Purpose, There
from assetflow.run.observing import Observing
from assetflow.run.recording import Recording
from assetflow.run.results import has_effects
from assetflow.run.retrying import GiveUp, RetryAfter, decision
from assetflow.run.signals import Interrupted, Stop
from assetflow.run.telling import Telling
from assetflow.run.tools import Tools

__all__ = ["AHEAD", "Coordinator"]

#: How many steps are claimed ahead of those that run.
AHEAD = 64
#: How often a step is asked for again that another run holds: at first, and at most, in seconds.
_POLL, _SLOWEST_POLL = 0.05, 0.5
#: How long running steps are given to end when the run is cancelled, before and after they are interrupted.
_GRACE, _LAST_GRACE = 1.5, 0.7


@dataclass(frozen=True, slots=True)
class _Running:
    """A begun step."""

    question: Question
    causes: tuple[Cause, ...]
    #: What is judged; None: the function is called.
    there: There | None = None


class Coordinator:
    """Carries out a plan. :meth:`events` does it all; the rest is how."""

    def __init__(
        self,
        course: Course,
        *,
        journal: Journal,
        recording: Recording,
        ending: Ending,
        observing: Observing,
        executor: Executor[JobResult],
        tools: Tools,
        telling: Telling,
        stop: Stop,
        fail_fast: bool,
        batching: Batching,
    ) -> None:
        self._course = course
        self._journal = journal
        self._recording = recording
        self._ending = ending
        self._judging = Judging(course, ending)
        self._observing = observing
        self._tools = tools
        self._world = tools.world
        self._telling = telling
        self._stop = stop
        self._fail_fast = fail_fast
        self._batching = batching
        self._running: dict[int, _Running] = {}
        self._jobs = Jobs(executor, recording, stop)
        #: Steps that are to be launched together.
        self._gathered: dict[int, tuple[Question, tuple[Cause, ...]]] = {}
        #: When steps are tried again, earliest first.
        self._retries: list[tuple[float, int]] = []
        #: When the last result was taken. What broke in one call is tried again in one, so it waits from then on.
        self._taken_at = 0.0
        self._poll = _POLL
        self._poll_at = 0.0

    def events(self) -> Generator[Event, None, None]:
        """Take turns until all steps are over and recorded, or the run is stopped."""
        course, group = self._course, self._recording.group
        try:
            while (course.schedule.unfinished or len(group)) and not self._is_stopping():
                self._turn()
                yield from self._telling.take()
            if self._is_stopping():
                yield from self._wind_down()
        finally:
            self._jobs.close()

    def _is_stopping(self) -> bool:
        return self._stop.requested or (self._fail_fast and bool(self._course.failing))

    def _turn(self) -> None:
        self._submit()
        self._collect()
        if self._is_stopping():
            return
        self._try_again()
        group = self._recording.group
        if (group.is_full or group.due_in() == 0) and group.is_stored:
            self._recording.write(self._next_claims(0))
        self._begin_steps()
        if len(group) and not self._jobs.waiting and not self._running and not self._course.schedule.has_startable():
            self._recording.write(self._next_claims(self._jobs.width))

    # What runs

    def _submit(self) -> None:
        self._launch_gathered()
        for step in self._jobs.submit():
            self._running.pop(step, None)

    def _collect(self) -> None:
        can_begin = self._course.schedule.has_startable() and self._jobs.has_room
        if self._running:
            self._take(self._jobs.wait(0 if can_begin else self._time_left()))
        elif not can_begin and not len(self._recording.group) and (left := self._time_left()):
            self._sleep(left)

    def _sleep(self, seconds: float) -> None:
        try:
            self._stop.interruptible = True
            self._world.sleep(seconds)
        except Interrupted:
            pass  # the request to stop is seen next
        finally:
            self._stop.interruptible = False

    def _time_left(self) -> float | None:
        """Seconds until something is due that does not depend on running steps; None if nothing is."""
        now = self._world.monotonic()
        due = [self._recording.group.due_in()]
        if self._retries and self._jobs.has_room:
            due.append(max(0.0, self._retries[0][0] - now))
        if self._course.schedule.aside:
            due.append(max(0.0, self._poll_at - now))
        return min((left for left in due if left is not None), default=None)

    def _take(self, finished: Iterable[tuple[Result | Audited, ...]]) -> None:
        for results in finished:
            self._taken_at = self._world.monotonic()
            for result in results:
                self._took(result)

    def _took(self, result: Result | Audited) -> None:
        step = self._recording.number(result.step)
        running = self._running.pop(step)
        if isinstance(result, Audited):
            self._audited(step, running, result)
            return
        course = self._course
        course.spent[step] = course.spent.get(step, 0.0) + result.seconds
        if step in course.void and not isinstance(result, Stopped):
            self._redo(step, result)
            return
        match result:
            case Returned(wrong=Failure() as wrong):
                self._ending.held(step, running.question, running.causes, result, wrong)
            case Returned():
                self._ending.made(step, running.question, running.causes, result)
            case SkipRaised():
                self._ending.skipped(step, running.question, running.causes, result)
            case Broke():
                self._broke(step, running, result)
            case Stopped():
                self._stop.request()

    def _broke(self, step: int, running: _Running, result: Broke) -> None:
        one = self._course.plan.steps[step]
        policy = self._course.preparing.bound(one).retry
        attempts = self._course.attempts[step]
        seed = one.node if self._batching.is_for(step) else one.id  # what broke together is tried again together
        match decision(result.verdict, policy, attempts, seed=str(seed)):
            case RetryAfter(wait):
                self._retry(step, result, wait)
            case GiveUp():
                self._ending.failed(step, running.question, running.causes, result)

    def _retry(self, step: int, result: Broke, wait: timedelta) -> None:
        if not self._new_attempt(step, result, result.failure, wait):
            return
        if result.source_moved:
            self._observing.see_again(self._journal, self._course.run, self._course.deciding.reads(step))
        one = self._course.plan.steps[step]
        self._telling.tell(
            AttemptFailed(
                run=self._course.run,
                step=one.id,
                attempt_number=self._course.attempts[step],
                failure=result.failure,
                wait=wait,
                at=self._world.now(),
            )
        )
        heapq.heappush(self._retries, (self._taken_at + wait.total_seconds(), step))

    def _redo(self, step: int, result: Result) -> None:
        """What the step read was lost: it is decided again, under a new attempt."""
        self._course.void.discard(step)
        failure = Failure(
            kind=FailureClass.TRANSIENT,
            type="LeaseLost",
            message="a step that it read lost its lease; what was made from it is thrown away",
            reason="another run took over an input",
        )
        if self._new_attempt(step, result, failure, timedelta()):
            self._claimed_again(step)

    def _claimed_again(self, step: int) -> None:
        """A begun step whose inputs were lost waits for them again; the claim is still ours."""
        self._course.void.discard(step)
        self._course.schedule.reopen(step)
        self._course.schedule.claimed(step)

    def _new_attempt(self, step: int, result: Result, failure: Failure, wait: timedelta) -> bool:
        """Record an attempt that another one follows. False where the lease is lost: the step is open again."""
        course = self._course
        try:
            attempt = self._journal.retry(
                course.run, result.attempt, failure, started_at=result.started_at, seconds=result.seconds, wait=wait
            )
        except BusyError as error:
            if error.code != "lease-lost":
                raise
            course.claims.pop(step)
            course.schedule.reopen(step)
            return False
        course.claims[step] = replace(course.claims[step], attempt=attempt)
        return True

    def _audited(self, step: int, running: _Running, result: Audited) -> None:
        """What is there was read, and judged by the checks that had not judged it before."""
        course, question = self._course, running.question
        if result.stopped:
            self._stop.request()
            return
        if step in course.void:
            self._claimed_again(step)
            return
        course.spent[step] = course.spent.get(step, 0.0) + (result.seconds if result.verdicts else 0.0)
        assert running.there is not None
        why = self._judging.ended(step, question, running.causes, running.there, result)
        if why is not None and not self._is_stopping():
            self._launch(step, question, (*running.causes, why))

    # What begins

    def _next_claims(self, at_least: int) -> list[int]:
        wanted = self._course.schedule.claims(AHEAD, at_least)
        now = self._world.monotonic()
        if (aside := self._course.schedule.aside) and now >= self._poll_at:
            self._poll_at, self._poll = now + self._poll, min(self._poll * 2, _SLOWEST_POLL)
            wanted += aside
        return wanted

    def _begin_steps(self) -> None:
        schedule = self._course.schedule
        while self._jobs.has_room:
            if not schedule.has_startable():
                wanted = self._next_claims(AHEAD // 2)
                if not wanted:
                    return
                self._recording.write(wanted, wait=False)
                continue
            together = self._batching.mates(schedule.next(), schedule.is_ready)
            if unclaimed := [step for step in together if step not in self._course.claims]:
                self._recording.write(unclaimed, wait=False)
                continue
            for step in together:
                schedule.start(step)
                self._begin(step)
            self._launch_gathered()
            if self._recording.group.is_full or self._jobs.holding_up:
                return  # what has begun and ended so far is recorded and told first

    def _try_again(self) -> None:
        now = self._world.monotonic()
        while self._retries and self._retries[0][0] <= now and self._jobs.has_room:
            _, step = heapq.heappop(self._retries)
            if step in self._course.void:
                self._claimed_again(step)
            else:
                self._begin(step)
        self._launch_gathered()

    def _begin(self, step: int) -> None:
        """Ask the rebuilder, and do what it says."""
        course = self._course
        question = course.deciding.ask(step, course.claims[step], anew=step in course.undone)
        one = course.plan.steps[step]
        if self._judging.asks_by_itself(step):
            there = self._judging.all_there(step, question)
            if there is None:
                self._ending.not_run(step, "there is no value to check", failing=False)
            else:
                self._judge(step, question, one.causes, there)
            return
        if question.missing:
            reason = f"{question.missing[0]} has no value"
            self._ending.not_run(step, reason, failing=not course.deciding.waits(step, question.missing[0]))
            return
        if isinstance(question.decision, Reuse | Rebuild) and (unmet := course.deciding.unmet(step, question.claimed)):
            self._ending.not_run(step, f"{unmet} has no value, which a check reads", failing=True)
            return
        match question.decision:
            case Keep() if (there := self._judging.unjudged(step, question)) is not None:
                self._judge(step, question, one.causes, there)
            case Keep():
                self._ending.kept(step, question)
            case Leave(setback, causes):
                if (there := self._judging.cleared(step, question, setback.kind)) is not None:
                    self._judge(step, question, one.causes, there)
                elif setback.kind is SetbackKind.SKIPPED:
                    self._ending.kept(step, question, reason=f"skipped before: {setback.message}")
                else:
                    self._ending.not_run(step, f"{setback.kind} before: {setback.message}", failing=True, causes=causes)
            case Reuse(older, causes):
                effects = has_effects(course.preparing.bound(one))
                if effects or step in course.lost or course.preparing.refuses(one, older):
                    # What was done elsewhere is not there again because it is recorded; and other columns than
                    # today's are refused, or told, as those of a new value are.
                    self._launch(step, question, causes)
                    return
                self._judge(step, question, causes, There(older, Purpose.REUSE))
            case Rebuild(causes):
                self._launch(step, question, causes)

    def _judge(self, step: int, question: Question, causes: tuple[Cause, ...], there: There) -> None:
        course, one = self._course, self._course.plan.steps[step]
        self._running[step] = _Running(question, causes, there)
        try:
            order = self._judging.order(step, question, there)
        except AssetflowError as error:
            now, attempt = self._world.now(), question.claimed.attempt
            self._took(Audited(step=one.id, attempt=attempt, started_at=now, seconds=0.0, problem=error.message))
            return
        if one.action is Action.CHECK:
            self._telling.tell(StepStarted(run=course.run, step=one.id, attempt_number=1, at=self._world.now()))
        self._jobs.add((step,), partial(audit, order, self._tools))

    def _launch(self, step: int, question: Question, causes: tuple[Cause, ...]) -> None:
        course, one = self._course, self._course.plan.steps[step]
        if self._batching.is_for(step):
            self._gathered[step] = (question, causes)
            return
        if has_effects(course.preparing.bound(one)) and not self._made_durable(step):
            return
        if (work := self._prepared(step, question, causes)) is not None:
            self._jobs.add((step,), partial(perform, work, self._tools))

    def _launch_gathered(self) -> None:
        """Begin the calls of what was gathered: one for all that follow each other."""
        gathered, self._gathered = self._gathered, {}
        for steps in self._batching.calls(gathered) if gathered else ():
            works = {step: self._prepared(step, *gathered[step]) for step in steps}
            ready = [work for work in works.values() if work is not None]
            if ready:
                sound = tuple(step for step, work in works.items() if work is not None)
                self._jobs.add(sound, partial(perform_together, ready, self._tools))

    def _prepared(self, step: int, question: Question, causes: tuple[Cause, ...]) -> Work | None:
        """The order for an attempt that begins; None where there can be none, and the step has failed."""
        course, one = self._course, self._course.plan.steps[step]
        number = course.attempts[step] = course.attempts.get(step, 0) + 1
        try:
            share = step not in course.lost
            work = course.preparing.work(step, one, question, attempt_number=number, share=share)
        except AssetflowError as error:
            self._ending.failed(step, question, causes, self._refused(step, error))
            return None
        started = StepStarted(run=course.run, step=one.id, attempt_number=number, at=self._world.now())
        self._telling.tell(started)
        self._running[step] = _Running(question, causes)
        return work

    def _made_durable(self, step: int) -> bool:
        """What the step reads is durable, or the step is open again because some of that was lost."""
        course = self._course
        if all(course.memory.is_durable(p) for edge in course.deciding.reads(step) for p in edge):
            return True
        self._recording.write()
        if step not in course.void:
            return True
        self._claimed_again(step)
        return False

    def _refused(self, step: int, error: AssetflowError) -> Broke:
        verdict: Diagnosis = classify(error)
        return Broke(
            step=self._course.plan.steps[step].id,
            attempt=self._course.claims[step].attempt,
            started_at=self._world.now(),
            seconds=0.0,
            failure=failure_of(error, verdict, masked),
            verdict=verdict,
            source_moved=False,
        )

    # How it stops

    def _wind_down(self) -> Iterator[Event]:
        """No new steps. Running ones end, within limits if the run is cancelled, and all that ended is recorded."""
        for step in self._jobs.withdraw():
            self._running.pop(step, None)
        self._gathered.clear()
        cancelled = self._stop.requested
        yield from self._until_ended(_GRACE if cancelled else None)
        if self._running:
            self._jobs.interrupt()
            yield from self._until_ended(_LAST_GRACE)
        self.abandon()
        yield from self._telling.take()

    def _until_ended(self, seconds: float | None) -> Iterator[Event]:
        """Take what running steps give; None: until all have ended. Real time counts here: threads live in it."""
        until = None if seconds is None else time.monotonic() + seconds
        while self._running:
            if until is None and self._stop.requested:
                until = time.monotonic() + _GRACE
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            self._take(self._jobs.wait(left))
            yield from self._telling.take()

    def abandon(self) -> None:
        """Record what has ended; nothing else will run."""
        self._retries.clear()
        self._running.clear()
        reason = "the run was stopped at the first failure"
        if self._stop.requested or not self._fail_fast:
            reason = "the run was cancelled"
        self._ending.stop(reason)
        self._recording.write()
        while self._course.schedule.unfinished:
            self._ending.stop(reason)  # some of it was lost, and is open again
            self._recording.write()
