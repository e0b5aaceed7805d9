"""Versions of observed files, remembered as long as a file's times say that its bytes are the same."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from assetflow.model.versions import DataVersion, fingerprint
from assetflow.store.digests import file_version

__all__ = ["FileVersions"]

#: A file touched this recently may be written again without its times moving.
_SETTLED_NS = 2_000_000_000


class FileVersions:
    """The versions of files by path. Bytes are read again unless size, mtime, ctime and inode are as they were when
    the file was read, and its mtime was over two seconds old then. ``file`` None remembers for this process only."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, tuple[list[int], str]] = {}
        self._changed = False
        if file is not None:
            self._known = _read(file)

    def version(self, path: Path) -> DataVersion:
        """The version of a file's bytes. Raises OSError."""
        text = os.fspath(path)
        before = _stat(path)
        known = self._known.get(text)
        if known is not None and known[0] == before:
            return DataVersion(known[1])
        version = file_version(path)
        if _stat(path) == before and time.time_ns() - before[1] > _SETTLED_NS:
            self._known[text] = (before, version.digest)
            self._changed = True
        return version

    def save(self) -> None:
        """Remember for later processes. Disposable: a failure to write is none."""
        if self._file is None or not self._changed:
            return
        text = json.dumps(self._known)
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._file.parent, delete=False, encoding="utf-8") as staged:
                staged.write(json.dumps([fingerprint(text), text]))
            os.replace(staged.name, self._file)  # noqa: PTH105  # of one folder
            self._changed = False


def _stat(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(file: Path) -> dict[str, tuple[list[int], str]]:
    """What was remembered; nothing where the file is missing or damaged."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        digest, text = json.loads(file.read_bytes())
        if fingerprint(text) == digest:
            return {path: (stat, version) for path, (stat, version) in json.loads(text).items()}
    return {}
