"""Data versions of every kind of value. Those of tables come from :mod:`assetflow.store.columns`, which loads pyarrow.

Digests are XXH3 of 128 bits, 32 hexadecimal digits. A version's digest begins with the kind of the value, so that the
text ``1`` and the number 1 differ.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from xxhash import xxh3_128

from assetflow import store
from assetflow.errors import ValueMismatch
from assetflow.model.versions import DataVersion

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Content",
    "bytes_version",
    "canonical_text",
    "content",
    "file_version",
    "json_version",
    "path_version",
    "table_version",
    "text_version",
]

_PIECE = 1 << 20


class Content(NamedTuple):
    """The digest of stored bytes and their number; of a folder, of all its files with their relative names."""

    digest: str
    size: int


def table_version(table: pa.Table) -> DataVersion:
    """The version of a table: see :mod:`assetflow.store.columns`."""
    return store.columns.table_version(table)


def canonical_text(value: Any) -> bytes:  # what json.dumps can write
    """A JSON-able value as the one text that stands for it, both to be compared and to be stored.

    ``1``, ``1.0``, ``True`` and ``-0.0`` differ, NaN and the infinities are kept, and **a dict's order counts**: a
    function sees it, so equal versions must have it equal, and what is stored has it as it was.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate: such texts are written with escapes
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()


def json_version(value: Any) -> DataVersion:  # what json.dumps can write
    """The version of a JSON-able value: of its :func:`canonical_text`."""
    return _version(b"json", canonical_text(value))


def text_version(value: str) -> DataVersion:
    """The version of a text, by its UTF-8."""
    return _version(b"text", value.encode("utf-8", "surrogatepass"))


def bytes_version(value: bytes | bytearray | memoryview) -> DataVersion:
    """The version of bytes."""
    return _version(b"bytes", value)


def _version(kind: bytes, data: bytes | bytearray | memoryview) -> DataVersion:
    digest = xxh3_128(kind + b"\0")
    digest.update(data)
    return DataVersion(digest.hexdigest())


def file_version(path: Path) -> DataVersion:
    """The version of a file by its bytes, not its name or time. A link is followed. Raises OSError."""
    with path.open("rb") as file:
        return DataVersion(_read(file, kind=b"file\0").digest)


def path_version(path: Path) -> DataVersion:
    """The version of a file's bytes, or of a folder's relative names and bytes.

    Raises ValueMismatch ``link-in-value`` for links and whatever is neither file nor folder.
    """
    if _kind(path) == "folder":
        return DataVersion(_folder(path, b"folder\0").digest)
    return file_version(path)


def content(path: Path, *, taking: Callable[[bytes], object] | None = None) -> Content:
    """The digest and size of what lies at a path, read once; ``taking`` is given a file's pieces as they are read.

    Raises ValueMismatch ``link-in-value`` for links and whatever is neither file nor folder.
    """
    if _kind(path) == "folder":
        return _folder(path, b"")
    with _opened(path) as file:
        return _read(file, taking=taking)


def _read(file: IO[bytes], *, kind: bytes = b"", taking: Callable[[bytes], object] | None = None) -> Content:
    digest, size = xxh3_128(kind), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        if taking is not None:
            taking(piece)
    return Content(digest.hexdigest(), size)


def _folder(path: Path, kind: bytes) -> Content:
    digest, size = xxh3_128(kind), 0
    for name, entry in sorted(_entries(path)):
        digest.update(len(name).to_bytes(8, "little") + name)
        if entry is None:
            digest.update(b"/")
            continue
        with _opened(entry) as file:
            found = _read(file)
        digest.update(b"=" + bytes.fromhex(found.digest))
        size += found.size
    return Content(digest.hexdigest(), size)


def _entries(folder: Path, prefix: bytes = b"") -> Iterator[tuple[bytes, Path | None]]:
    """Everything below a folder: relative name as bytes, and the path of a file, None for a folder."""
    with os.scandir(folder) as found:
        for entry in found:
            name = prefix + os.fsencode(entry.name)
            if _kind(Path(entry.path)) == "folder":
                yield name, None
                yield from _entries(Path(entry.path), name + b"/")
            else:
                yield name, Path(entry.path)


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "file"
    what = "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
    raise ValueMismatch(
        "link-in-value",
        f"{path.name} is {what}",
        hint="return a file, or a folder of files and folders: copy what a link points to",
    )


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)
