"""A store that leaves nothing behind: for tests, and for materializing in memory."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from assetflow.store.local import LocalStore
from assetflow.store.owners import is_dead, owner

__all__ = ["MemoryStore"]

_PREFIX = "assetflow-memory"


class MemoryStore(LocalStore):
    """Blobs in a private folder of the memory file system, or of the temporary folder where there is none.

    It is removed by :meth:`close`, when the store is no longer used, and at the end of the process; what a killed
    process leaves is removed by the next MemoryStore of the same user.
    """

    def __init__(self) -> None:
        place = Path("/dev/shm")
        if not os.access(place, os.W_OK | os.X_OK):
            place = Path(tempfile.gettempdir())
        _sweep(place)
        folder = place / f"{_PREFIX}.{owner()}.{secrets.token_hex(6)}"
        super().__init__(folder)
        self._finalizer = weakref.finalize(self, _remove, folder, os.getpid())

    @property
    def url(self) -> str:
        """``memory:``."""
        return "memory:"

    def sync(self, names: Iterable[str]) -> None:
        """Memory does not survive a power cut; only raises ``blob-missing`` where a blob is not there."""
        for name in names:
            self.local(name)

    def close(self) -> None:
        """Remove everything. Paths that were given out are no longer there."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child must not take its parent's values away
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}.*"):
        parts = folder.name.split(".")
        if len(parts) == 3 and is_dead(parts[1]) and folder.lstat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
