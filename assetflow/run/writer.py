"""Large values stored beside the steps: what reads one in memory need not wait for its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeAlias

from assetflow.model.versions import Stored

__all__ = ["Pending", "Writer"]

#: By the place of an output, where its value will lie.
Pending: TypeAlias = Mapping[int, "Future[Stored]"]


class Writer:
    """Stores one value at a time in a thread of its own, so that no more than one waits in memory. Safe to use from
    several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[Stored] | None = None

    def begin(self, job: Callable[[], Stored]) -> Future[Stored] | None:
        """Begin to store a value; None while another one is being stored: it is to be stored where it was made."""
        with self._lock:
            if self._last is not None and not self._last.done():
                return None
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "assetflow-writer")
            self._last = self._pool.submit(job)
            return self._last

    def close(self) -> None:
        """Wait for the value that is being stored."""
        if self._pool is not None:
            self._pool.shutdown()
