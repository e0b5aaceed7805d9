"""``execute``: carries out a plan and tells what happens as events."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from assetflow.errors import UsageError
from assetflow.load.definitions import BoundSource, Loaded
from assetflow.load.file_versions import FileVersions
from assetflow.load.sources import observe
from assetflow.model.context import RunContext
from assetflow.model.event import Event, Listener, Progressed, RunFinished, RunStarted
from assetflow.model.journal import Journal, NewRun, Outcome, RunStatus
from assetflow.model.keys import Partition
from assetflow.model.plan import Plan
from assetflow.model.versions import Stored
from assetflow.run.attempt import Tools
from assetflow.run.coordinator import Coordinator, JobResult
from assetflow.run.course import Course
from assetflow.run.deciding import Deciding, steps_upstream
from assetflow.run.ending import Ending
from assetflow.run.ends import Group
from assetflow.run.executors import Executor, Inline, Threads
from assetflow.run.heartbeat import heartbeat
from assetflow.run.memory import Memory
from assetflow.run.observing import Observing
from assetflow.run.opened import OpenedResources
from assetflow.run.preparing import Preparing
from assetflow.run.recording import Recording
from assetflow.run.schedule import Schedule
from assetflow.run.signals import Stop
from assetflow.run.telling import Telling
from assetflow.run.world import REAL, World
from assetflow.store.owners import is_dead, owner
from assetflow.store.values import Values

__all__ = ["EXECUTORS", "execute"]

#: The executors there are. Worker processes come later.
EXECUTORS = ("inline", "threads")
#: A group of ended steps is recorded when it has so many, or when the first has waited so long.
_GROUP, _PATIENCE = 64, timedelta(milliseconds=50)


def execute(
    plan: Plan,
    loaded: Loaded,
    journal: Journal,
    values: Values,
    *,
    folder: Path,
    lease: timedelta,
    targets: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    jobs: int = 1,
    executor: str | None = None,
    fail_fast: bool = False,
    listeners: Sequence[Listener] = (),
    world: World = REAL,
    files: FileVersions | None = None,
    stop: Stop | None = None,
) -> Iterator[Event]:
    """Carry out a plan. Each event is told to the listeners at once and given here soon after.

    ``folder`` is where logs and scratch folders go. ``executor`` is ``inline``, ``threads``, or None for what fits:
    inline where only one step could run at a time. The last event is RunFinished; when it is told, the run's
    records are durable. An iterator that is closed early cancels the run. Raises UsageError ``unknown-executor``,
    and what the journal raises: then the run is over, and what it had committed stays.
    """
    stop = stop or Stop()
    telling = Telling(listeners)
    started = world.monotonic()
    seen = FileVersions() if files is None else files

    def look(source: BoundSource) -> Mapping[str, Stored]:
        return observe(source, seen)

    memory = Memory(journal)
    observing = Observing(loaded.sources, look, memory)
    deciding = Deciding(plan, loaded.graph, memory)
    runner: Executor[JobResult] = _executor(executor, jobs, plan)
    run = journal.begin(NewRun(started_at=world.now(), targets=tuple(targets), facts=facts or {}))
    with ExitStack() as ending, closing_run(journal, run, world) as end:
        telling.tell(RunStarted(run=run, environment=plan.environment, at=world.now(), steps=len(plan.steps)))
        yield from telling.take()
        values.store.sweep()
        scratch = _scratch(folder / "scratch", run)
        ending.callback(shutil.rmtree, scratch, ignore_errors=True)
        resources = OpenedResources(loaded.resources)
        ending.callback(resources.close)
        ending.enter_context(heartbeat(lambda: journal.renew(run), lease))
        ending.callback(runner.close)
        ending.enter_context(stop.listening(runner.wake))
        preparing = Preparing(
            loaded,
            deciding=deciding,
            memory=memory,
            observing=observing,
            journal=journal,
            run=RunContext(run, plan.environment),
        )
        schedule = Schedule(steps_upstream(plan.steps, deciding), [step.seconds for step in plan.steps])
        course = Course(run=run, plan=plan, schedule=schedule, memory=memory, deciding=deciding, preparing=preparing)
        _expect(course)
        observing.see(_sources(course, observing))
        observing.record(journal, run)
        group = Group(world, most=_GROUP, patience=_PATIENCE)
        recording = Recording(course, journal, values, telling, group, world)
        ends = Ending(course, group, scratch)
        coordinator = Coordinator(
            course,
            journal=journal,
            recording=recording,
            ending=ends,
            observing=observing,
            executor=runner,
            tools=Tools(
                values=values,
                resources=resources,
                world=world,
                logs=folder / "logs",
                scratch=scratch,
                progressed=_progress(telling, run, world),
            ),
            telling=telling,
            stop=stop,
            fail_fast=fail_fast,
        )
        with closing(coordinator.events()) as events:
            yield from events
        status = _status(stop, failing=ends.failing)
        counts = {str(outcome): number for outcome, number in recording.counts.items()}
        end(status, counts)
    telling.tell(
        RunFinished(
            run=run,
            status=status,
            counts={Outcome(name): number for name, number in counts.items()},
            seconds=world.monotonic() - started,
            spared=recording.spared,
            at=world.now(),
        )
    )
    yield from telling.take()


class closing_run:
    """A run that is ended on every way out of the block, at the latest as failed or cancelled."""

    def __init__(self, journal: Journal, run: int, world: World) -> None:
        self._journal = journal
        self._run = run
        self._world = world
        self._ended = False

    def __enter__(self) -> Callable[[RunStatus, Mapping[str, int]], None]:
        return self._end

    def _end(self, status: RunStatus, counts: Mapping[str, int]) -> None:
        self._journal.finish(self._run, status, counts, at=self._world.now())
        self._ended = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: Any) -> None:
        if self._ended or kind is None:
            return
        stopped = issubclass(kind, KeyboardInterrupt | GeneratorExit)
        with suppress(Exception):  # the error that ended the block is the one to tell
            self._end(RunStatus.CANCELLED if stopped else RunStatus.FAILED, {})


def _executor(name: str | None, jobs: int, plan: Plan) -> Executor[JobResult]:
    if name not in {None, *EXECUTORS}:
        raise UsageError(
            "unknown-executor", f"there is no executor {name!r}", hint=f"use one of {', '.join(EXECUTORS)}"
        )
    if name == "inline" or (name is None and (jobs <= 1 or len(plan.steps) <= 1)):
        return Inline()
    return Threads(max(jobs, 1))


def _status(stop: Stop, *, failing: bool) -> RunStatus:
    if stop.requested:
        return RunStatus.CANCELLED
    return RunStatus.FAILED if failing else RunStatus.SUCCEEDED


def _expect(course: Course) -> None:
    """Every value is kept in memory until the last step that loads it is over."""
    for number, step in enumerate(course.plan.steps):
        for partition in course.preparing.loads(number, step):
            course.memory.expect(partition)


def _sources(course: Course, observing: Observing) -> list[Any]:
    """The sources that the plan's steps read."""
    assets = {
        partition.asset
        for number in range(len(course.plan.steps))
        for edge in course.deciding.members(number)
        for partition in edge
    }
    return sorted(asset for asset in assets if observing.is_source(asset))


def _progress(telling: Telling, run: int, world: World) -> Callable[[Partition, float, float], None]:
    def progressed(step: Partition, done: float, total: float) -> None:
        telling.tell(Progressed(run=run, step=step, done=done, total=total, at=world.now()))

    return progressed


def _scratch(folder: Path, run: int) -> Path:
    """This run's folder for scratch folders; those of dead processes are removed."""
    for left in folder.iterdir() if folder.is_dir() else ():
        if is_dead(left.name.rpartition("+")[0]):
            shutil.rmtree(left, ignore_errors=True)
    return folder / f"{owner()}+{run}"
