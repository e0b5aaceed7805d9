"""``execute``: carry out a plan, and tell what happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from assetflow.errors import AssetflowError, UsageError
from assetflow.load.definitions import Loaded
from assetflow.load.sources import FileVersions, observe
from assetflow.model.context import RunContext
from assetflow.model.event import Event, Listener, Progressed, RunFinished, RunStarted
from assetflow.model.journal import Journal, NewRun, Outcome, RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Keys
from assetflow.model.plan import Plan, Steps
from assetflow.run.batching import Batching
from assetflow.run.capture import capturing
from assetflow.run.coordinator import Coordinator
from assetflow.run.course import Course
from assetflow.run.deciding import Deciding, steps_spared, steps_upstream
from assetflow.run.ending import Ending
from assetflow.run.ends import Group
from assetflow.run.executors import Executor, Inline, Threads
from assetflow.run.heartbeat import heartbeat
from assetflow.run.jobs import JobResult
from assetflow.run.loop import EventLoop
from assetflow.run.memory import Memory
from assetflow.run.observing import Observing
from assetflow.run.opened import OpenedResources
from assetflow.run.preparing import Preparing
from assetflow.run.recording import Recording
from assetflow.run.schedule import Schedule
from assetflow.run.scratching import scratch_folder
from assetflow.run.signals import Stop
from assetflow.run.telling import Telling
from assetflow.run.tools import Tools
from assetflow.run.world import REAL, World
from assetflow.run.writer import Writer
from assetflow.store.values import Values

__all__ = ["EXECUTORS", "execute"]

#: The executors there are. Worker processes come later.
EXECUTORS = ("inline", "threads")

#: A group of steps is recorded when it has this many, or when its first has waited this long.
_MOST, _PATIENCE = 64, timedelta(milliseconds=50)


def execute(
    plan: Plan,
    loaded: Loaded,
    journal: Journal,
    values: Values,
    *,
    folder: Path | None,
    targets: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    resources: Mapping[str, object] | None = None,
    jobs: int | None = None,
    executor: Executor[JobResult] | str | None = None,
    fail_fast: bool = False,
    chunk: int | None = None,
    newest_first: bool = False,
    listeners: Sequence[Listener] = (),
    world: World = REAL,
    lease: timedelta = timedelta(seconds=30),
    files: FileVersions | None = None,
    stop: Stop | None = None,
    log_lines: Callable[[str], None] | None = None,
) -> Iterator[Event]:
    """Carry out a plan: claim, decide again, run, record. Events come as they happen, to listeners first.

    ``folder`` holds ``logs/<run>/<attempt>.log`` and, while it lasts, ``scratch/``; None keeps no logs. ``resources``
    replace those of the project by name. ``executor`` is ``inline``, ``threads`` or an Executor of one's own; by
    default steps run in this thread where there is one job or the plan has no two steps that could run together, else
    on ``jobs`` threads (default: the cores). ``chunk`` is how many partitions one call of an asset with ``batch=``
    makes at most. With ``newest_first``, of what can begin the partitions of the newest windows do. ``files`` remembers
    versions of observed files. ``log_lines`` is given each line that steps log, from their threads, as the JSON text
    that goes to the log.

    Once the first event was asked for, the run is recorded, and it ends recorded whatever happens: an iterator that is
    closed early, and a signal, cancel it; ``stop`` tells which signal it was. Raises StorageError, BusyError and
    CatalogError where journal or store fail, and KeyboardInterrupt at the second signal. Iterate in the thread that
    the journal belongs to.
    """
    run = _Run(plan, loaded, journal, values, world=world, listeners=listeners, files=files, newest_first=newest_first)
    batching = Batching(plan.steps, loaded.bound, run.keys_of, chunk)
    with ExitStack() as ending:
        stop = stop or Stop()
        chosen = _chosen(executor, jobs, run.width)
        ending.callback(chosen.close)
        ending.enter_context(stop.listening(chosen.wake))
        writer = Writer()
        ending.callback(writer.close)
        loop = EventLoop()
        ending.callback(loop.close)
        opened = OpenedResources({**loaded.resources, **(resources or {})}, loop)
        ending.callback(opened.close)
        yield from run.begun(targets, facts or {})
        ending.enter_context(capturing())
        ending.enter_context(heartbeat(lambda: journal.renew(run.number), lease))
        if folder is None:
            scratches = Path(ending.enter_context(TemporaryDirectory(prefix="assetflow-", ignore_cleanup_errors=True)))
        else:
            scratches = folder / "scratch"
        scratch = ending.enter_context(scratch_folder(scratches, run.number))
        tools = Tools(
            values=values,
            writer=writer,
            resources=opened,
            loop=loop,
            world=world,
            logs=None if folder is None else folder / "logs",
            also=log_lines,
            scratch=scratch,
            progressed=run.progressed,
        )
        yield from run.carried_out(tools, chosen, stop, batching, fail_fast=fail_fast)


def _chosen(executor: Executor[JobResult] | str | None, jobs: int | None, width: int) -> Executor[JobResult]:
    if executor is not None and not isinstance(executor, str):
        return executor
    if executor not in {None, *EXECUTORS}:
        hint = f"use one of {', '.join(EXECUTORS)}"
        raise UsageError("unknown-executor", f"there is no executor {executor!r}", hint=hint)
    count = min(jobs or os.cpu_count() or 1, max(width, 1))
    if executor == "inline" or count <= 1:
        return Inline()
    return Threads(count)


class _Run:
    """One run: from its first record to its last."""

    def __init__(
        self,
        plan: Plan,
        loaded: Loaded,
        journal: Journal,
        values: Values,
        *,
        world: World,
        listeners: Sequence[Listener],
        files: FileVersions | None,
        newest_first: bool,
    ) -> None:
        plan = replace(plan, steps=Steps(plan.steps))  # each step is asked for many times
        self._plan = plan
        self._loaded = loaded
        self._journal = journal
        self._values = values
        self._world = world
        self._telling = Telling(listeners)
        self._memory = Memory(journal)
        self._deciding = Deciding(plan, loaded.graph, self._memory)
        files = files or FileVersions()
        self._observing = Observing(loaded.sources, lambda source: observe(source, files), self._memory)
        self._upstream = steps_upstream(plan.steps, self._deciding)
        self._started = world.monotonic()
        self._newest_first = newest_first
        self._recording: Recording | None = None
        self.number = 0

    def keys_of(self, node: AssetKey) -> Keys:
        """The partition keys of a node."""
        return self._deciding.keys_of(node)

    @property
    def width(self) -> int:
        """How many steps could run together, at least: the most that are equally far from the start."""
        depths: list[int] = []
        for needed in self._upstream:
            depths.append(1 + max((depths[step] for step in needed), default=-1))
        counts: dict[int, int] = {}
        for depth in depths:
            counts[depth] = counts.get(depth, 0) + 1
        return max(counts.values(), default=0)

    def begun(self, targets: Sequence[str], facts: Mapping[str, str]) -> Iterator[Event]:
        """Look at the sources and record the run."""
        self._observing.see(self._sources())
        started_at = self._world.now()
        self.number = self._journal.begin(NewRun(started_at=started_at, targets=tuple(targets), facts=facts))
        self._telling.tell(
            RunStarted(run=self.number, environment=self._plan.environment, at=started_at, steps=len(self._plan.steps))
        )
        try:
            self._values.store.sweep()
            self._observing.record(self._journal, self.number)
        except BaseException:
            self._finish_somehow(RunStatus.FAILED)
            raise
        yield from self._telling.take()

    def carried_out(
        self, tools: Tools, executor: Executor[JobResult], stop: Stop, batching: Batching, *, fail_fast: bool
    ) -> Iterator[Event]:
        """Run the steps; whatever happens, the run's end is recorded."""
        course = self._course(batching)
        group = Group(self._world, most=_MOST, patience=_PATIENCE)
        recording = Recording(course, self._journal, self._values, self._telling, group, self._world)
        self._recording = recording
        ending = Ending(course, group, tools.scratch)
        coordinator = Coordinator(
            course,
            journal=self._journal,
            recording=recording,
            ending=ending,
            observing=self._observing,
            executor=executor,
            tools=tools,
            telling=self._telling,
            stop=stop,
            fail_fast=fail_fast,
            batching=batching,
        )
        try:
            yield from coordinator.events()
        except GeneratorExit:
            stop.request()
            with suppress(AssetflowError):
                coordinator.abandon()
            self._finish_somehow(RunStatus.CANCELLED)
            raise
        except KeyboardInterrupt:
            self._finish_somehow(RunStatus.CANCELLED)
            raise
        except BaseException:
            self._finish_somehow(RunStatus.FAILED)
            raise
        status = RunStatus.FAILED if course.failing else RunStatus.SUCCEEDED
        self._finish(RunStatus.CANCELLED if stop.requested else status)
        yield from self._telling.take()

    def progressed(self, step: Partition, done: float, total: float) -> None:
        """A step said how far it is. Called from the step's thread."""
        self._telling.tell(Progressed(run=self.number, step=step, done=done, total=total, at=self._world.now()))

    def _sources(self) -> tuple[AssetKey, ...]:
        """The sources that the plan's steps read, and those that are not as they were."""
        nodes = {step.node for step in self._plan.steps}
        read = nodes | {edge.asset for node in nodes for edge in self._loaded.graph.nodes[node].needs}
        seen = {partition.asset for partition in self._plan.observed}
        return tuple(sorted((read | seen) & set(self._loaded.sources)))

    def _course(self, batching: Batching) -> Course:
        preparing = Preparing(
            self._loaded,
            deciding=self._deciding,
            memory=self._memory,
            observing=self._observing,
            journal=self._journal,
            run=RunContext(self.number, self._plan.environment),
            accept_changes=self._plan.targets.accept_schema_changes,
        )
        for number, step in enumerate(self._plan.steps):
            for partition in preparing.loads(number, step):
                self._memory.expect(partition)
        return Course(
            run=self.number,
            plan=self._plan,
            schedule=Schedule(
                self._upstream,
                batching.even([step.seconds for step in self._plan.steps]),
                steps_spared(self._plan.steps, self._deciding),
                [-self._deciding.ends(number) for number in range(len(self._plan.steps))]
                if self._newest_first
                else None,
            ),
            memory=self._memory,
            deciding=self._deciding,
            preparing=preparing,
        )

    def _finish(self, status: RunStatus) -> None:
        """Record the end, then tell it."""
        counts, at = self._counts(), self._world.now()
        self._journal.finish(self.number, status, counts, at=at)
        self._telling.tell(
            RunFinished(
                run=self.number,
                status=status,
                counts=counts,
                seconds=self._world.monotonic() - self._started,
                spared=0.0 if self._recording is None else self._recording.spared,
                at=at,
            )
        )

    def _counts(self) -> Mapping[str, int]:
        counts = {} if self._recording is None else self._recording.counts
        return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}

    def _finish_somehow(self, status: RunStatus) -> None:
        """The run cannot go on. If its end cannot be recorded either, the next command sees that it is dead."""
        with suppress(AssetflowError):
            self._journal.finish(self.number, status, self._counts(), at=self._world.now())
