"""Scratch folders: one per step, below one per run of a process; a dead process's are removed by the next run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetflow.store.owners import is_dead, owner

__all__ = ["scratch_folder"]


@contextmanager
def scratch_folder(root: Path, run: int) -> Iterator[Path]:
    """The folder for the steps' scratch folders of a run: not made before it is needed, removed after the block."""
    for left in root.iterdir() if root.is_dir() else ():
        if is_dead(left.name.rpartition("+")[0]):
            shutil.rmtree(left, ignore_errors=True)
    folder = root / f"{owner()}+{run}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
