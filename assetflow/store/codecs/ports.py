"""What a codec can offer beside :class:`assetflow.model.storage.Codec`, so that less has to be trusted or written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeGuard, runtime_checkable

from assetflow.model.storage import Codec
from assetflow.model.versions import DataVersion

__all__ = ["BytesCodec", "SettlingCodec", "TableCodec", "is_bytes_codec", "is_settling_codec", "is_table_codec"]


@runtime_checkable
class BytesCodec(Codec, Protocol):
    """Its values are read from bytes, which are verified before: the very bytes that were hashed are parsed.

    What it writes may stand inside the catalog when it is short and ``inlined`` says so.
    """

    @property
    def inlined(self) -> bool:
        """Whether short values belong into the catalog rather than into a file each."""
        ...

    def encode(self, value: Any) -> bytes:  # whatever the user's function returned
        """The bytes that :meth:`write` writes."""
        ...

    def decode(self, data: bytes, hint: object) -> Any:  # what the consumer's annotation asks for
        """What :meth:`read` gives for a file of these bytes."""
        ...


@runtime_checkable
class SettlingCodec(Codec, Protocol):
    """Takes values that could answer differently when they are asked twice."""

    def settled(self, value: Any) -> Any:  # whatever the user's function returned
        """What stands for such a value from now on, and is what readers get; any other value is given back itself."""
        ...


@runtime_checkable
class TableCodec(SettlingCodec, Protocol):
    """Tables in a file of which single columns can be verified and read."""

    def write_stream(self, value: Any, path: Path) -> tuple[DataVersion, bytes]:  # a table, or a stream of batches
        """Write a table or a stream, batch by batch, and give its version and :attr:`Blob.chunks`."""
        ...

    def read_verified(
        self, path: Path, *, digest: str, size: int, chunks: bytes, hint: object, columns: Iterable[str] | None
    ) -> Any:  # what the consumer's annotation asks for
        """Read these columns (None: all) in this order, their bytes verified. Raises StorageError ``blob-damaged``."""
        ...

    def schema(self, version: DataVersion) -> str:
        """The schema of a table of that version, as text a reader can show."""
        ...


# Asking a class once: isinstance with a protocol costs as much as saving a small value.
_asked: dict[tuple[type, type], bool] = {}


def _offers(codec: Codec, port: type) -> bool:
    key = (type(codec), port)
    if (answer := _asked.get(key)) is None:
        answer = _asked[key] = isinstance(codec, port)
    return answer


def is_bytes_codec(codec: Codec) -> TypeGuard[BytesCodec]:
    """Whether it offers what a :class:`BytesCodec` does."""
    return _offers(codec, BytesCodec)


def is_settling_codec(codec: Codec) -> TypeGuard[SettlingCodec]:
    """Whether it offers what a :class:`SettlingCodec` does."""
    return _offers(codec, SettlingCodec)


def is_table_codec(codec: Codec) -> TypeGuard[TableCodec]:
    """Whether it offers what a :class:`TableCodec` does."""
    return _offers(codec, TableCodec)
