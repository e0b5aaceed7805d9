"""The jobs of a run: those that wait to be handed to the executor, and those that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from assetflow.run.attempt import Result
from assetflow.run.checking import Audited
from assetflow.run.executors import Executor
from assetflow.run.meanwhile import Meanwhile
from assetflow.run.recording import Recording
from assetflow.run.signals import Interrupted, Stop

__all__ = ["Job", "JobResult", "Jobs"]

JobResult: TypeAlias = Result | Audited | tuple[Result, ...]
Job: TypeAlias = Callable[[], JobResult]


class Jobs:
    """What is done for one or several steps at a time. Used by the coordinating thread alone."""

    def __init__(self, executor: Executor[JobResult], recording: Recording, stop: Stop) -> None:
        self._executor = executor
        self._meanwhile = Meanwhile(recording)
        self._stop = stop
        self._waiting: list[tuple[tuple[int, ...], Job]] = []
        #: How many were added and are not over.
        self._open = 0

    @property
    def width(self) -> int:
        """How many may run at a time."""
        return self._executor.width

    @property
    def has_room(self) -> bool:
        """Whether one more may be added."""
        return self._open < self._executor.width

    @property
    def waiting(self) -> bool:
        """Whether some wait for :meth:`submit`."""
        return bool(self._waiting)

    @property
    def holding_up(self) -> bool:
        """Whether :meth:`submit` would return only once what waits is done."""
        return self.waiting and self._executor.inline

    def add(self, steps: tuple[int, ...], job: Job) -> None:
        """Have a job done for these steps."""
        self._open += 1
        self._waiting.append((steps, job))

    def submit(self) -> Iterator[int]:
        """Hand what waits to the executor. Gives the steps of what was not done, as somebody asked to stop."""
        for steps, job in self._waiting:
            if self._stop.requested or not self._handed(job):
                self._open -= 1
                yield from steps
        self._waiting.clear()

    def _handed(self, job: Job) -> bool:
        """Hand one over. One that runs in this very thread is interrupted at once; others are left to end."""
        if not self._executor.inline:
            self._executor.submit(job)
            return True
        with self._meanwhile.away():
            try:
                self._stop.interruptible = True
                self._executor.submit(job)
            except Interrupted:
                return False
            finally:
                self._stop.interruptible = False
        return True

    def withdraw(self) -> tuple[int, ...]:
        """Forget what waits; gives its steps."""
        steps = tuple(step for each, _ in self._waiting for step in each)
        self._open -= len(self._waiting)
        self._waiting.clear()
        return steps

    def wait(self, timeout: float | None) -> Iterator[tuple[Result | Audited, ...]]:
        """What has finished, job by job: see :meth:`assetflow.run.executors.Executor.wait`."""
        for result in self._executor.wait(timeout):
            self._open -= 1
            yield result if isinstance(result, tuple) else (result,)

    def interrupt(self) -> None:
        """Make running ones end soon."""
        self._executor.interrupt()

    def close(self) -> None:
        """Nothing more is added. The executor is closed by whoever opened it."""
        self._meanwhile.close()
