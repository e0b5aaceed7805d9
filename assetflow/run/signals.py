"""Being told to stop: once gently, twice at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "Stop"]

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # fmt: skip


class Interrupted(KeyboardInterrupt):
    """Raised inside an inline step, and wherever the coordinator stands at the second signal."""


class Stop:
    """A request to stop a run. The command line asks it afterwards which signal it was."""

    def __init__(self) -> None:
        #: The signal that asked, or None: nobody asked, or :meth:`request` did.
        self.signal: int | None = None
        self.requested = False
        self._times = 0
        self._wake: Callable[[], None] | None = None
        #: An inline step is running in the main thread and may be interrupted at once.
        self.interruptible = False

    def request(self) -> None:
        """Ask for no new steps; running ones end. May be called from any thread."""
        self.requested = True
        if self._wake is not None:
            self._wake()

    @contextmanager
    def listening(self, wake: Callable[[], None]) -> Iterator[None]:
        """Until the end of the block, SIGINT, SIGTERM and SIGHUP ask to stop, and ``wake`` is called when asked.

        Signals can be caught in the main thread only; elsewhere the block changes nothing but ``wake``. A signal
        that the program ignores (SIGHUP under nohup) stays ignored.
        """
        self._wake = wake
        before = {}
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.getsignal(number) for number in _SIGNALS}
            for number, handler in before.items():
                if handler not in {signal.SIG_IGN, None}:
                    signal.signal(number, self._asked)
        try:
            yield
        finally:
            self._wake = None
            for number, handler in before.items():
                if handler not in {signal.SIG_IGN, None}:
                    signal.signal(number, handler)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self._times += 1
        if self.signal is None:
            self.signal = number
        self.request()
        if self._times > 1 or self.interruptible:
            self.interruptible = False
            raise Interrupted(signal.Signals(number).name)
