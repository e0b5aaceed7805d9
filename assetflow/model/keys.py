"""Names: of an asset, of one partition of it, and of one version of that."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Self

from assetflow.errors import UsageError

__all__ = ["Address", "AssetKey", "Partition"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE_PARTITION = re.compile(r"(?:[\w/+:-]|(?<!\.)\.(?!\.))+\Z")
_VERSION = re.compile(r":v(\d+)\Z")
_WORDS = frozenset({"latest", "missing", "failed"})


class AssetKey(NamedTuple):
    """``group.name``. It maps to ``schema.table`` in SQL; a bare name serves wherever it is unambiguous."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.group}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key written ``group.name``. Raises UsageError ``bad-key`` for anything else."""
        group, dot, name = text.partition(".")
        if not dot or not _NAME.match(group) or not _NAME.match(name):
            raise UsageError("bad-key", f"{text!r} is not an asset's key", hint='write it as "group.name"')
        return cls(group, name)

    @staticmethod
    def is_name(text: str) -> bool:
        """Whether the text may name a group or an asset: an identifier of ASCII letters, digits and ``_``."""
        return _NAME.match(text) is not None


class Partition(NamedTuple):
    """One cell of an asset. Every asset is partitioned; the unpartitioned one has the single key ``""``."""

    asset: AssetKey
    key: str = ""

    def __str__(self) -> str:
        if not self.key:
            return str(self.asset)
        return f"{self.asset}@{_written(self.key)}"


class Address(NamedTuple):
    """What a user writes to name one value: ``key[@partition][:vN]``.

    ``name`` is as written, bare or with its group; ``partition`` and ``version`` are None where not written.
    """

    name: str
    partition: str | None = None
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address. A partition key with unusual characters is written as a JSON string.

        Raises UsageError ``bad-address``.
        """
        rest, version = text, None
        if match := _VERSION.search(text):
            rest, version = text[: match.start()], int(match.group(1))
        name, at, written = rest.partition("@")
        partition: str | None = None
        if at:
            partition = _read(written, text)
        if not name or not all(AssetKey.is_name(part) for part in name.split(".")) or name.count(".") > 1:
            raise _bad(text)
        return cls(name, partition, version)

    def __str__(self) -> str:
        partition = "" if self.partition is None else f"@{_written(self.partition)}"
        version = "" if self.version is None else f":v{self.version}"
        return f"{self.name}{partition}{version}"


def _written(key: str) -> str:
    plain = (
        _BARE_PARTITION.match(key) and not _VERSION.search(key) and key not in _WORDS and not key.startswith("last:")
    )
    return key if plain else json.dumps(key, ensure_ascii=False)


def _read(written: str, text: str) -> str:
    if not written.startswith('"'):
        return written
    try:
        key = json.loads(written)
    except ValueError:
        raise _bad(text) from None
    if not isinstance(key, str):
        raise _bad(text)
    return key


def _bad(text: str) -> UsageError:
    return UsageError(
        "bad-address",
        f"{text!r} names no value",
        hint="write name, group.name, group.name@partition or group.name:v3",
    )
