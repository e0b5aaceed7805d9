"""Sources: looked at without side effects, and read as their declared type says."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetflow.declare import File, Files, Source
from assetflow.errors import AssetflowError, StorageError
from assetflow.load.definitions import BoundSource
from assetflow.load.file_versions import FileVersions
from assetflow.model.keys import Partition
from assetflow.model.versions import DataVersion, Stored, canonical_json, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FileVersions", "observe", "read"]

_GLOB = frozenset("*?[")


def observe(bound: BoundSource, cache: FileVersions) -> Mapping[str, Stored]:
    """Today's version of each partition of a source; ``Stored.uri`` says where it lies, relative to the project.

    Raises StorageError ``source-missing`` where a file, or the folder of ``Files``, is not there;
    ``source-unreadable`` where it cannot be read; ``source-failed`` where the observing function fails.
    """
    source = bound.source
    assert isinstance(source, Source)
    if source.observe is not None:
        return {"": Stored(data=_observed(bound, source.observe), codec="source")}
    return {key: _file(bound, path, cache) for key, path in _paths(bound)}


def read(bound: BoundSource, key: str, hint: object) -> Any:  # what the consumer's annotation asks for
    """One partition's value: of a source without type its absolute path, else what its suffix and type say.

    Tables are given as ``hint`` asks. Raises StorageError ``source-missing``, ``source-unreadable``.
    """
    paths = dict(_paths(bound))
    if key not in paths:
        raise _missing(bound, Partition(bound.key, key))
    path = paths[key]
    if bound.hint is None or bound.hint is Path:
        return path
    source = bound.source
    assert isinstance(source, Source)
    nulls = source.at.nulls if source.at is not None else None
    try:
        reading = import_module("assetflow.load.reading")  # it brings pyarrow
        return reading.value(path, bound.hint, hint, nulls)
    except FileNotFoundError:
        raise _missing(bound, path) from None
    except AssetflowError:
        raise
    except Exception as error:  # whatever a parser finds in the file
        raise StorageError(
            "source-unreadable",
            f"{Partition(bound.key, key)} cannot be read as {bound.hint}: {error}".partition("\n")[0],
            where=[_line(bound)],
            hint=f"look into {path}",
        ) from error


def _paths(bound: BoundSource) -> Iterator[tuple[str, Path]]:
    """Each partition's key and absolute path, in order of keys."""
    source = bound.source
    assert isinstance(source, Source)
    if isinstance(source.at, File):
        yield "", Path(os.path.normpath(bound.root / source.at.path))
    elif isinstance(source.at, Files):
        fixed, pattern = _fixed_folder(source.at.pattern)
        folder = Path(os.path.normpath(bound.root / fixed))
        if not folder.is_dir():
            raise _missing(bound, folder)
        found = (path for path in folder.glob(pattern) if path.is_file())
        yield from sorted((_key(bound, path, folder), path) for path in found)


def _fixed_folder(pattern: str) -> tuple[str, str]:
    """``inbox/2026/**/*.pdf`` is ``inbox/2026`` and ``**/*.pdf``."""
    parts = Path(pattern).parts
    fixed = next((i for i, part in enumerate(parts) if _GLOB & set(part)), len(parts) - 1)
    return os.path.join(*parts[:fixed]) if fixed else ".", "/".join(parts[fixed:])  # noqa: PTH118  # texts


def _key(bound: BoundSource, path: Path, folder: Path) -> str:
    key = path.relative_to(folder).as_posix()
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        raise StorageError(
            "source-unreadable",
            f"{bound.key}: the name of {os.fsencode(path)!r} is not UTF-8, so it cannot be a partition",
            where=[_line(bound)],
            hint="rename the file",
        ) from None
    return key


def _file(bound: BoundSource, path: Path, cache: FileVersions) -> Stored:
    try:
        version = cache.version(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(bound, path) from None
    except OSError as error:
        raise StorageError(
            "source-unreadable",
            f"{bound.key} cannot be read: {path}: {error.strerror}",
            where=[_line(bound)],
            hint="a File is one readable file; for a folder's files write Files(…)" if path.is_dir() else "",
        ) from None
    inside = path.is_relative_to(bound.root)
    uri = path.relative_to(bound.root).as_posix() if inside else path.as_posix()
    return Stored(data=version, codec="source", uri=uri)


_SCALARS = (bool, int, float, str, bytes, datetime.date, datetime.time)


def _observed(bound: BoundSource, function: Callable[[], object]) -> DataVersion:
    try:
        version = function()
    except Exception as error:  # the function is the user's
        raise StorageError(
            "source-failed",
            f"observing {bound.key} failed: {type(error).__name__}: {error}".partition("\n")[0],
            where=[_line(bound)],
        ) from error
    parts = version if isinstance(version, tuple | list) else (version,)
    if not parts or not all(isinstance(part, _SCALARS) for part in parts):
        raise StorageError(
            "source-failed",
            f"observing {bound.key} gave {version!r}, which is no data version",
            where=[_line(bound)],
            hint="return a text, number or date that changes when the data does",
        )
    # Type and value count: 1, 1.0 and "1" are different versions.
    text = canonical_json([[type(part).__name__, repr(part)] for part in parts])
    return DataVersion(fingerprint("observed", text))


def _missing(bound: BoundSource, what: object) -> StorageError:
    return StorageError(
        "source-missing",
        f"{bound.key} is not there: {what}",
        where=[_line(bound)],
        hint=f"paths are relative to the project's folder, {bound.root}",
    )


def _line(bound: BoundSource) -> str:
    return f"{bound.key}   {bound.where}"
