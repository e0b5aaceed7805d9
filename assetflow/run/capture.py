"""While a run lasts, ``print``, ``sys.stderr`` and ``logging`` of a step go to that attempt's log.

What is written outside of any step goes where it always went. Which step a line belongs to is known by context
variable; a thread that a step started on its own has none, and belongs to the step if only one is running.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from assetflow.run.logs import AttemptLog

__all__ = ["captured", "capturing"]

_attempt: ContextVar[AttemptLog | None] = ContextVar("attempt", default=None)
_running: list[AttemptLog] = []
_lock = threading.Lock()


#: Threads that were there when the run began, the coordinating one among them: none of a step's.
_older: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
#: How our own threads' names begin.
OURS = "assetflow-"


def _current() -> AttemptLog | None:
    log = _attempt.get()
    if log is None and len(_running) == 1:
        thread = threading.current_thread()
        if thread not in _older and not thread.name.startswith(OURS):
            return _running[0]
    return log


@contextmanager
def captured(log: AttemptLog) -> Iterator[None]:
    """Until the end of the block, what this thread prints and logs goes to this log."""
    token = _attempt.set(log)
    with _lock:
        _running.append(log)
    try:
        yield
    finally:
        with _lock:
            _running.remove(log)
        _attempt.reset(token)


class _Stream:
    """A standard stream that hands a step's text to its log; in all else it is the stream it stands for."""

    def __init__(self, name: str, original: Any) -> None:  # whatever stands in sys.stdout, as under pytest
        self._name = name
        self.original = original

    def write(self, text: str) -> int:
        log = _current()
        if log is None or log.released:
            return int(self.original.write(text) or 0)
        log.printed(self._name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _ToAttempt(logging.Handler):
    """Writes records to the log of the attempt that they come from."""

    def emit(self, record: logging.LogRecord) -> None:
        log = _current()
        if log is None:
            return
        try:
            text = self.format(record)
        except Exception as error:  # arguments that cannot be formatted are the user's bug, not a failed step
            text = f"{record.msg!s} (could not be formatted: {type(error).__name__})"
        log.write(record.levelname, text, logger=record.name)


class _AsBefore:
    """Keeps the root's other handlers from records that only our lower level lets through."""

    def __init__(self, level: int) -> None:
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= self._level:
            return True
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger is not logging.root:
            if logger.level:
                return True
            logger = logger.parent
        return False


class _Installed:
    """What was changed in this process, to be put back."""

    def __init__(self) -> None:
        root = logging.getLogger()
        self._level = root.level
        self._before = [(handler, _AsBefore(root.level)) for handler in root.handlers]
        for handler, keep in self._before:
            handler.addFilter(keep)
        self._handler = _ToAttempt()
        root.addHandler(self._handler)
        if root.level > logging.INFO:
            root.setLevel(logging.INFO)
        self._streams = (sys.stdout, sys.stderr)
        self._ours: tuple[Any, Any] = (_Stream("stdout", sys.stdout), _Stream("stderr", sys.stderr))
        sys.stdout, sys.stderr = self._ours
        self._breakpointhook = sys.breakpointhook
        sys.breakpointhook = _breakpointhook(sys.breakpointhook)

    def remove(self) -> None:
        root = logging.getLogger()
        root.removeHandler(self._handler)
        root.setLevel(self._level)
        for handler, keep in self._before:
            handler.removeFilter(keep)
        if sys.stdout is self._ours[0]:
            sys.stdout = self._streams[0]
        if sys.stderr is self._ours[1]:
            sys.stderr = self._streams[1]
        sys.breakpointhook = self._breakpointhook


_installed: list[_Installed] = []
_runs = 0


@contextmanager
def capturing() -> Iterator[None]:
    """Install the capture for a run. Runs within runs, and several at a time, share one."""
    global _runs  # noqa: PLW0603 - sys.stdout is global, and so is who changed it
    with _lock:
        _runs += 1
        _older.update(threading.enumerate())
        if _runs == 1:
            _installed.append(_Installed())
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if _runs == 0:
                _older.clear()
                _installed.pop().remove()


def _breakpointhook(original: Callable[..., Any]) -> Callable[..., Any]:
    """``breakpoint()`` in a step talks to the terminal, in the frame that called it."""

    def hook(*args: Any, **kwargs: Any) -> Any:
        if (log := _current()) is not None:
            log.released = True
        if os.environ.get("PYTHONBREAKPOINT") or original is not sys.__breakpointhook__:
            return original(*args, **kwargs)
        pdb = import_module("pdb")  # only who debugs needs it
        return pdb.Pdb().set_trace(sys._getframe(1))  # the frame that called, as pdb.set_trace does

    return hook
