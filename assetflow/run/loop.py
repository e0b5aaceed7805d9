"""One event loop for all that is async in a process: functions, and the resources that they share.

A client of an async library belongs to the loop it was opened on, so there is one loop. It runs on a thread of its
own, begun by the first coroutine; the thread of a step waits there for its result.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from assetflow.run.capture import OURS

__all__ = ["EventLoop"]

T = TypeVar("T")

#: How often a waiting thread looks whether it was interrupted, and how long what is cancelled may take to end.
_LOOK, _GRACE = 0.05, 1.0


class EventLoop:
    """The loop, not yet running. Any thread may ask."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns or raises; it sees the context variables of the calling thread.

        Where the caller is interrupted, the coroutine is cancelled, and given a moment to clean up.
        """
        ended = threading.Event()
        future = asyncio.run_coroutine_threadsafe(_guarded(coroutine, ended), self._running())
        try:
            while not future.done():
                concurrent.futures.wait([future], timeout=_LOOK)
        except BaseException:
            if future.cancel():
                ended.wait(_GRACE)
            raise
        outcome = future.result()
        if isinstance(outcome, _Exit):
            raise outcome.error
        return outcome

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=f"{OURS}loop", daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Cancel what still runs and end the loop. A coroutine that blocks the loop's thread is left behind."""
        if self._loop is None or self._thread is None:
            return
        loop, self._loop = self._loop, None
        ending = asyncio.run_coroutine_threadsafe(_ended(), loop)
        with suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            ending.result(timeout=2 * _GRACE)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(_GRACE)
        if not self._thread.is_alive():
            loop.close()


@dataclass(frozen=True, slots=True)
class _Exit:
    """What would end the loop, were a task to raise it."""

    error: BaseException


async def _guarded(coroutine: Coroutine[Any, Any, T], ended: threading.Event) -> T | _Exit:
    try:
        return await coroutine
    except (KeyboardInterrupt, SystemExit) as error:
        return _Exit(error)
    finally:
        ended.set()


async def _ended() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE)
    await asyncio.get_running_loop().shutdown_asyncgens()
