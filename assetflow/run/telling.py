"""Events on their way to listeners and to whoever iterates over the run."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence

from assetflow.model.event import Event, Listener

__all__ = ["Telling"]

_log = logging.getLogger("assetflow.run")


class Telling:
    """Tells each event to the listeners in order, at once, and keeps it for the run's iterator.

    A listener is never called by two threads at a time. One that raises is reported and never changes a result.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self._kept: deque[Event] = deque()
        self._lock = threading.RLock()

    def tell(self, event: Event) -> None:
        """Tell an event, from any thread."""
        self._kept.append(event)
        for listener in self._listeners:
            try:
                with self._lock:
                    listener(event)
            except Exception:
                _log.exception("a listener failed on %s", type(event).__name__)

    def take(self) -> Iterator[Event]:
        """What was told since the last time, in order."""
        while self._kept:
            yield self._kept.popleft()
