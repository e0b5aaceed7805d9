"""Recording what has ended while a step runs in the very thread that records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from assetflow.run.capture import OURS
from assetflow.run.recording import Recording

__all__ = ["Meanwhile"]

#: Seconds between two looks at whether something has waited long enough.
_LOOK = 0.05


class Meanwhile:
    """A thread that writes what is due as long as the coordinating thread is :meth:`away`, and never else.

    Without it what ended before a long step would be recorded after that: lost, if that is killed, and until then
    leased to this run.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._free = threading.Lock()
        self._free.acquire()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """The coordinating thread touches nothing of the run in this block. Raises after it what writing raised."""
        if self._thread is None and len(self._recording.group):
            self._thread = threading.Thread(target=self._watch, name=f"{OURS}meanwhile", daemon=True)
            self._thread.start()
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        group = self._recording.group
        while not self._closed.wait(_LOOK):
            if not self._free.acquire(blocking=False):
                continue
            try:
                if group.due_in() == 0:
                    self._recording.write()
            except BaseException as error:  # told by whoever is away
                self._error = error
                return
            finally:
                self._free.release()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
