"""Compiled code and canonical forms kept by the digest of the bytes they were made from. Disposable.

One file for a project and a Python: a digest of the rest, and the rest marshalled. A file that is missing, damaged or
written by another Python is as good as none.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import time
from hashlib import blake2b
from pathlib import Path
from types import CodeType
from typing import Any, Final

from assetflow.load.code.canonical import SCHEME
from assetflow.load.code.files import Record

__all__ = ["CodeCache", "Stat", "stat_of"]

#: size, mtime in ns, ctime in ns, inode
Stat = tuple[int, int, int, int]

#: A file touched this recently may be written again without its times moving.
SETTLED_NS: Final = 2_000_000_000

_TAG: Final = f"{SCHEME}-{sys.implementation.cache_tag}-{sys.flags.optimize}"
_LAYOUT: Final = "3"


def stat_of(path: str) -> Stat:
    """What tells a file from an edited one. Raises OSError."""
    found = os.stat(path)  # noqa: PTH116 — asked of every file of a project
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


class CodeCache:
    """What one project's files compile to and read as. ``folder`` None keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = None if folder is None else folder / f"code-{_TAG}.bin"
        self._stats: dict[str, tuple[Stat, str]] = {}
        self._codes: dict[str, bytes] = {}
        self._records: dict[str, bytes] = {}
        self._used: set[str] = set()
        self._changed = False
        self._read()

    def digest(self, path: str) -> str | None:
        """The digest of a file's bytes, where its times say that it is as it was when they were read."""
        with contextlib.suppress(OSError):
            if (known := self._stats.get(path)) is not None and known[0] == stat_of(path):
                return known[1]
        return None

    def remember(self, path: str, stat: Stat, digest: str) -> None:
        """These are the file's bytes; kept only where a later edit must show in its times."""
        if time.time_ns() - max(stat[1], stat[2]) > SETTLED_NS:
            self._stats[path] = (stat, digest)
            self._changed = True

    def code(self, digest: str, path: str) -> CodeType | None:
        """What the bytes compile to when they lie at that path."""
        found: CodeType | None = self._loaded(self._codes, f"{digest} {path}", CodeType)
        return found

    def keep_code(self, digest: str, path: str, code: CodeType) -> None:
        """Remember what bytes compile to."""
        self._keep(self._codes, f"{digest} {path}", code)

    def record(self, digest: str) -> Record | None:
        """What was read from a file of these bytes."""
        stored = self._loaded(self._records, digest, tuple)
        try:
            return None if stored is None else Record.restored(stored)
        except (TypeError, ValueError):
            return None

    def keep_record(self, digest: str, record: Record) -> None:
        """Remember what was read from a file."""
        self._keep(self._records, digest, record.stored())

    def _loaded(self, kept: dict[str, bytes], key: str, kind: Any) -> Any:  # a class; an instance of it or None
        self._used.add(key)
        try:
            value = marshal.loads(kept[key])
        except (KeyError, EOFError, ValueError, TypeError):
            return None
        return value if isinstance(value, kind) else None

    def _keep(self, kept: dict[str, bytes], key: str, value: Any) -> None:  # what marshal writes
        kept[key] = marshal.dumps(value)
        self._used.add(key)
        self._changed = True

    def save(self) -> None:
        """Write what was used since it was opened. A folder that cannot be written to is no error."""
        if self._path is None or not self._changed:
            return
        codes = {key: value for key, value in self._codes.items() if key in self._used}
        records = {key: value for key, value in self._records.items() if key in self._used}
        body = marshal.dumps((_LAYOUT, self._stats, codes, records))
        staged = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(blake2b(body, digest_size=16).digest() + body)
            staged.replace(self._path)
            self._changed = False

    def _read(self) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
            data = self._path.read_bytes()
            if blake2b(data[16:], digest_size=16).digest() != data[:16]:
                return
            layout, stats, codes, records = marshal.loads(memoryview(data)[16:])
            if layout == _LAYOUT:
                self._stats, self._codes, self._records = stats, codes, records
