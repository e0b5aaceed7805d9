"""Where attempts run: here, one at a time, or on threads. Worker processes will stand behind the same three verbs."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from assetflow.run.signals import Interrupted

__all__ = ["Executor", "Inline", "Threads"]

R = TypeVar("R")


class Executor(Protocol[R]):
    """Runs jobs and gives back what they return. A job never raises but to be interrupted.

    All methods but :meth:`wake` are called by the coordinating thread alone.
    """

    @property
    def width(self) -> int:
        """How many jobs may run at a time."""
        ...

    @property
    def inline(self) -> bool:
        """Whether :meth:`submit` itself runs the job, in the coordinating thread."""
        ...

    def submit(self, job: Callable[[], R]) -> None:
        """Start a job. Never called while :attr:`width` jobs are unfinished."""
        ...

    def wait(self, timeout: float | None) -> tuple[R, ...]:
        """What has finished: at once if anything has, else after at most that many seconds (None: no limit).

        Empty when the time is over or somebody called :meth:`wake`.
        """
        ...

    def wake(self) -> None:
        """End a :meth:`wait`. From any thread, and from a signal handler."""
        ...

    def interrupt(self) -> None:
        """Make running jobs end soon, as far as that is possible here."""
        ...

    def close(self) -> None:
        """Start nothing more. Jobs that still run are abandoned: nobody asks for what they return."""
        ...


class Inline(Generic[R]):
    """In the coordinating thread, at once: a breakpoint works, and nothing is handed between threads."""

    width = 1
    inline = True

    def __init__(self) -> None:
        self._finished: deque[R] = deque()

    def submit(self, job: Callable[[], R]) -> None:
        self._finished.append(job())

    def wait(self, timeout: float | None) -> tuple[R, ...]:
        finished = tuple(self._finished)
        self._finished.clear()
        return finished

    def wake(self) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


class Threads(Generic[R]):
    """On threads of this process: for steps that wait."""

    inline = False

    def __init__(self, width: int) -> None:
        self.width = width
        self._jobs: queue.SimpleQueue[Callable[[], R] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[R | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy: set[threading.Thread] = set()
        self._unfinished = 0

    def submit(self, job: Callable[[], R]) -> None:
        self._unfinished += 1
        if len(self._threads) < min(self._unfinished, self.width):
            # Daemons: a step that never ends must not keep the program from ending.
            thread = threading.Thread(target=self._work, name=f"assetflow-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)

    def wait(self, timeout: float | None) -> tuple[R, ...]:
        finished = []
        try:
            result = self._finished.get(timeout=timeout)
            while True:
                if result is not None:
                    finished.append(result)
                result = self._finished.get_nowait()
        except queue.Empty:
            pass
        self._unfinished -= len(finished)
        return tuple(finished)

    def wake(self) -> None:
        self._finished.put(None)

    def interrupt(self) -> None:
        """Raise Interrupted in the jobs' threads; one that waits in C sees it when it comes back to Python."""
        ctypes = import_module("ctypes")  # only a cancelled run needs it
        for thread in self._threads:
            if thread.ident is not None and thread in self._busy:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted))

    def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        thread = threading.current_thread()
        with suppress(Interrupted):  # it was broken off, and nobody waits for it any more
            while (job := self._jobs.get()) is not None:
                self._busy.add(thread)
                self._finished.put(job())
                self._busy.discard(thread)
