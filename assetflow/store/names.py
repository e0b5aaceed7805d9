"""Names of blobs: one-to-one from what they belong to, safe on every file system, never used again."""

from __future__ import annotations

import hashlib
import re

from assetflow.errors import StorageError
from assetflow.model.keys import Partition

__all__ = ["MAX_PART", "attempt_of", "blob_folder", "blob_name", "checked_name", "encoded", "partition_folder"]

#: File systems take 255 bytes a part; what is longer than this has its digest instead of its end.
_LONG = 200
_KEPT = 150
MAX_PART = 255

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.")
_SUFFIX = re.compile(r"(?:\.[A-Za-z0-9_-]{1,16}){0,3}\Z")
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_NUMBER = re.compile(r"[0-9a-v]{1,13}\Z")


def encoded(text: str) -> str:
    """A text as one part of a path. Different texts give names that differ also where case and Unicode forms do not.

    Lower-case ASCII letters, digits and ``-_.`` stand for themselves, all other bytes of its UTF-8 as ``%2f``; so do
    a first dot and a lone underscore, which stands for the empty text. Above 200 bytes the end is replaced by ``~``,
    which nothing else produces, and a digest of the text.
    """
    if not text:
        return "_"
    data = text.encode("utf-8", "surrogatepass")
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in data)
    if name == "_" or name.startswith("."):
        name = f"%{data[0]:02x}{name[1:]}"
    if len(name) > _LONG:
        name = f"{name[:_KEPT]}~{hashlib.blake2b(data, digest_size=16).hexdigest()}"
    return name


def blob_folder(partition: Partition) -> str:
    """The part of the store that holds all values of an asset: ``<group>/<name>``."""
    return f"{encoded(partition.asset.group)}/{encoded(partition.asset.name)}"


def partition_folder(partition: Partition) -> str:
    """The part of the store that holds all values of a partition: ``<group>/<name>/<key>``."""
    return f"{blob_folder(partition)}/{encoded(partition.key)}"


def blob_name(partition: Partition, attempt: int, suffix: str) -> str:
    """The name of what one attempt makes of one partition: ``<group>/<name>/<key>/<attempt in base 32><suffix>``.

    ``suffix`` is a codec's: empty, or up to three endings with their dots; another one raises StorageError
    ``bad-blob-name``.
    """
    if not _SUFFIX.match(suffix) or attempt < 0:
        raise StorageError("bad-blob-name", f"a blob's name cannot end in {suffix!r}", hint='write suffix=".csv"')
    return f"{partition_folder(partition)}/{_base32(attempt)}{suffix}"


def attempt_of(name: str) -> int | None:
    """The attempt that a blob's name gives; None where :func:`blob_name` does not give such names."""
    text = name.rpartition("/")[2].partition(".")[0]
    return int(text, 32) if _NUMBER.match(text) else None


def checked_name(name: str) -> tuple[str, ...]:
    """The parts of a blob's name. Raises StorageError ``bad-blob-name`` for what could lead out of a store."""
    parts = tuple(name.split("/"))
    if all(part not in {"", ".", ".."} and "\0" not in part and _bytes(part) <= MAX_PART for part in parts):
        return parts
    raise StorageError("bad-blob-name", f"{name!r} is not the name of a blob")


def _bytes(part: str) -> int:
    return len(part.encode("utf-8", "surrogatepass"))


def _base32(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 32)
        digits = _DIGITS[rest] + digits
    return digits or "0"
