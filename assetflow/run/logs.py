"""What a step prints and logs: a file of JSON lines per attempt, without secrets.

A line is ``{"at", "run", "asset", "key", "attempt", "level", "text"}``, with ``logger`` for a logging record and
``stream`` for what was printed. The file exists once there is a line; nothing else writes it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

__all__ = ["AttemptLog", "log_path"]

#: A line that never ends is written in parts of this many characters.
_LONGEST_LINE = 65_536


def log_path(folder: Path, run: int, attempt: int) -> Path:
    """Where the log of an attempt lies: ``<folder>/<run>/<attempt>.log``."""
    return folder / str(run) / f"{attempt}.log"


class AttemptLog:
    """The log of one attempt. May be written from any thread; a full disk loses lines, never the step.

    ``path`` is asked for when there is a first line; None drops all. ``also`` is given each line as it is written.
    """

    def __init__(
        self,
        path: Callable[[], Path] | None,
        fields: Mapping[str, object],
        *,
        now: Callable[[], datetime],
        masked: Callable[[str], str],
        also: Callable[[str], None] | None = None,
    ) -> None:
        self._path = path
        self._fields = dict(fields)
        self._now = now
        self._masked = masked
        self._also = also
        self._lock = threading.RLock()
        self._file: int | None = None
        self._partial: dict[str, str] = {}
        self._closed = False
        #: What is printed goes to the terminal: a debugger is talking to the user.
        self.released = False

    def write(self, level: str, text: str, **more: str) -> None:
        """Add a line."""
        line = {"at": self._now().isoformat(), **self._fields, "level": level, "text": self._masked(text), **more}
        written = json.dumps(line, ensure_ascii=False)
        data = f"{written}\n".encode("utf-8", "backslashreplace")
        with self._lock:
            if self._also is not None:
                self._also(written)
            if self._closed or self._path is None:
                return
            try:
                os.write(self._opened(), data)
            except OSError:
                self._closed = True

    def printed(self, stream: str, text: str) -> None:
        """Take what was written to a stream; whole lines go to the log at once."""
        with self._lock:
            *lines, rest = (self._partial.get(stream, "") + text).split("\n")
            if len(rest) > _LONGEST_LINE:
                lines.append(rest)
                rest = ""
            self._partial[stream] = rest
        for line in lines:
            self.write("INFO", line, stream=stream)

    def close(self) -> None:
        """Write what was printed without an end of line, and close the file."""
        with self._lock:
            for stream, rest in self._partial.items():
                if rest:
                    self.write("INFO", rest, stream=stream)
            self._partial.clear()
            self._closed = True
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _opened(self) -> int:
        if self._file is None:
            assert self._path is not None
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.open(path, flags, 0o600)
        return self._file
