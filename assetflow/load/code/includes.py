"""``version_includes``: what counts beside the code: files, installed packages, values."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from assetflow.errors import DefinitionError, StorageError, nearest
from assetflow.load.code.canonical import digest, digest_bytes
from assetflow.model.versions import CodePart

__all__ = ["IncludedFile", "file_name", "file_part", "package", "package_part", "unchanged"]


class IncludedFile(NamedTuple):
    """A file or folder that counts as code, and the digest that it was counted with."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class package:
    """An installed distribution: its version counts as code."""

    name: str


def file_name(path: Path, root: Path) -> str:
    """How a file is told: from the project's folder on, where it lies there."""
    whole = root / path
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.as_posix()


def file_part(path: Path, root: Path) -> CodePart:
    """A file's bytes, or those of all files below a folder; a relative path starts at the project's folder.

    Raises DefinitionError ``include-missing``.
    """
    whole = root / path
    name = file_name(path, root)
    try:
        if whole.is_dir():
            inside = sorted(found for found in whole.rglob("*") if found.is_file())
            parts = [text for f in inside for text in (f.relative_to(whole).as_posix(), digest_bytes(f.read_bytes()))]
            return CodePart(name, digest(["folder", *parts]), name)
        return CodePart(name, digest_bytes(whole.read_bytes()), name)
    except OSError as error:
        raise DefinitionError(
            "include-missing",
            f"version_includes names {name}, which cannot be read: {error.strerror}",
            hint="paths are relative to the project's folder",
        ) from error


def package_part(wanted: package) -> CodePart:
    """An installed package's version. Raises DefinitionError ``unknown-package``."""
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError as error:
        known = {str(found.metadata["Name"]) for found in importlib.metadata.distributions()}
        raise DefinitionError(
            "unknown-package",
            f"version_includes names the package {wanted.name!r}, which is not installed",
            hint=nearest(wanted.name, known),
        ) from error
    return CodePart(f"package {wanted.name}", digest(["package", wanted.name, version]), "", version)


def unchanged(included: tuple[IncludedFile, ...]) -> None:
    """Raises StorageError ``include-changed``, which is transient, if one of these is not what was counted: a value
    made with it must not be recorded under the old version."""
    for one in included:
        try:
            same = file_part(one.path, one.path.parent).digest == one.digest
        except DefinitionError:
            same = False
        if not same:
            raise StorageError(
                "include-changed",
                f"{one.path.name}, named in version_includes, was edited after the project was loaded",
                hint="run again",
            )
