"""Files and folders that a step wrote itself."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from assetflow.errors import ValueMismatch
from assetflow.model.versions import DataVersion
from assetflow.store.digests import path_version

__all__ = ["PathCodec"]

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class PathCodec:
    """A ``Path`` that the step wrote, a file or a folder, usually in ``ctx.scratch``; the store has a copy of it.

    Readers get an absolute path inside the store, to be read only. Bytes count, and in a folder relative names; the
    name of the file or folder itself does not. Links are refused.
    """

    suffix: str = ""

    @property
    def text(self) -> str:
        """``path``, and the files' ending where they have one."""
        return f"path {self.suffix}".rstrip()

    @classmethod
    def like(cls, path: Path) -> Self:
        """The codec that keeps a file's ending."""
        ending = _ENDING.search(path.name)
        return cls("" if ending is None or path.is_dir() else ending.group())

    def version(self, value: Any) -> DataVersion:  # refused where it is no path of something
        """The version of a file's bytes, or of a folder's relative names and bytes."""
        return path_version(_existing(value))

    def write(self, value: Any, path: Path) -> bytes:  # refused where it is no path of something
        """Copy the file or folder."""
        source = _existing(value)
        if source.is_dir():
            path_version(source)  # refuses links
            shutil.copytree(source, path, symlinks=True, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, path, follow_symlinks=False)
        return b""

    def read(self, path: Path, hint: object) -> Path:
        """The absolute path itself."""
        return path


def _existing(value: Any) -> Path:  # refused where it is no path of something
    if not isinstance(value, Path):
        raise ValueMismatch("wrong-type", f"expected a Path, got {type(value).__name__}")
    if not value.exists():
        raise ValueMismatch(
            "path-missing",
            f"the path {value.name} does not exist",
            hint="write the file in ctx.scratch before returning it",
        )
    return value
