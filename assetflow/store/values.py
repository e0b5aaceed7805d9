"""Values in and out of a store: versioned, saved under names of their own, verified before they are read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xxhash import xxh3_128

from assetflow.errors import StorageError, ValueMismatch
from assetflow.model.storage import Codec, Store
from assetflow.model.versions import Blob, DataVersion, Stored
from assetflow.store.codecs import codec_named
from assetflow.store.codecs.ports import TableCodec, is_bytes_codec, is_settling_codec, is_table_codec
from assetflow.store.digests import Content, content
from assetflow.store.faults import storing

__all__ = ["Values"]

_INLINE = 4096
_NONE: Mapping[str, Stored] = MappingProxyType({})


class Values:
    """Saves and loads values by codecs. Safe to use from several threads, so that saving can go on beside running.

    ``codecs`` are those that the project's code declares: only they make a stored pickle be read, and only they read
    what a codec of the user's own wrote. Values of up to ``inline_limit`` bytes of JSON, text or bytes are kept inside
    the catalog.
    """

    def __init__(self, store: Store, *, inline_limit: int = _INLINE, codecs: Iterable[Codec] = ()) -> None:
        self.store = store
        self.inline_limit = inline_limit
        self.codecs = tuple(codecs)

    def settled(self, value: Any, codec: Codec) -> Any:  # whatever the user's function returned
        """The value as it is versioned, saved and handed on, where asking it twice could give two answers.

        Lazy tables and streams are run, once, to an Arrow table; figures are drawn. To be called before
        :meth:`version`, but for a stream that :meth:`save` is to take without a version.
        """
        return codec.settled(value) if is_settling_codec(codec) else value

    def version(self, value: Any, codec: Codec) -> DataVersion:  # whatever the user's function returned
        """The version of a value that has not been saved. Raises ValueMismatch where the codec does not take it."""
        return codec.version(value)

    def save(
        self,
        value: Any,  # whatever the user's function returned
        codec: Codec,
        name: str,
        version: DataVersion | None = None,
        *,
        older: Mapping[str, Stored] = _NONE,
    ) -> Stored:
        """Write a value under its name, which was never used, or give it inline; it is durable after :meth:`sync`.

        Without a version it is computed while writing, which is how a stream of record batches is saved: a row group
        at a time. What a lazy table gave on being written is what is recorded. ``older`` are values of the same
        partition by data digest: one whose blob is gone gets it back, where the bytes are the same again.
        Raises StorageError and ValueMismatch.
        """
        if is_bytes_codec(codec) and codec.inlined:
            data = codec.encode(value)
            if len(data) <= self.inline_limit:
                return Stored(data=version or codec.version(value), codec=codec.text, inline=data)
        staged = self.store.stage(name)
        try:
            with storing(f"write {name}", user_code=True):
                chunks, version = _written(value, codec, staged, version)
            with storing(f"write {name}"):
                digest, size = content(staged)
            blob = self._published(staged, Blob(name, digest, size, chunks), older.get(version.digest))
        finally:
            _discard(staged)
        schema = codec.schema(version) if is_table_codec(codec) else ""
        return Stored(data=version, codec=codec.text, schema=schema, blob=blob)

    def _published(self, staged: Path, blob: Blob, same: Stored | None) -> Blob:
        if same is not None and same.blob is not None and replace(blob, name=same.blob.name) == same.blob:
            if self.store.size(same.blob.name) not in {None, blob.size}:
                self.store.set_aside(same.blob.name)
            try:
                self.store.publish(staged, same.blob.name)
                return same.blob
            except StorageError as error:
                if error.code != "blob-exists":
                    raise
        self.store.publish(staged, blob.name)
        return blob

    def sync(self, names: Iterable[str]) -> None:
        """When this returns, the blobs of these names survive a power cut."""
        self.store.sync(names)

    def load(self, stored: Stored, hint: object = None, columns: Iterable[str] | None = None) -> Any:
        """The value as the annotation asks for; None: as its codec gives it. ``columns`` reads these alone of a table.

        Nothing is parsed before its size and digest are verified; what is damaged is set aside, so that it is missing
        from then on and a plan makes it anew. None is given for what has no bytes: a value that was only recorded.
        Raises StorageError ``blob-missing`` and ``blob-damaged``, which name the blob, and UsageError
        ``pickle-not-declared``.
        """
        if stored.blob is None and stored.inline is None:
            return None
        codec = codec_named(stored.codec, self.codecs)
        if stored.inline is not None:
            if not is_bytes_codec(codec):
                raise StorageError("blob-damaged", f"a value of codec {stored.codec!r} cannot lie inside the catalog")
            return codec.decode(stored.inline, hint)
        assert stored.blob is not None
        with self._setting_aside(stored.blob):
            return self._read(codec, stored.blob, hint, columns)

    def verify(self, stored: Stored) -> None:
        """Read all bytes of a value and compare; what is damaged is set aside.

        Raises StorageError ``blob-missing`` and ``blob-damaged``.
        """
        if stored.blob is not None:
            with self._setting_aside(stored.blob):
                self._verify(self.store.local(stored.blob.name), stored.blob)

    @contextmanager
    def _setting_aside(self, blob: Blob) -> Iterator[None]:
        """What turns out damaged in here, and is so when it is read again, is set aside where that can be done."""
        try:
            yield
        except StorageError as error:
            if error.code == "blob-damaged":
                with suppress(StorageError):
                    self._set_aside(blob)
            raise

    def _set_aside(self, blob: Blob) -> None:
        try:
            self._verify(self.store.local(blob.name), blob)
        except StorageError as error:
            if error.code == "blob-damaged":
                self.store.set_aside(blob.name)

    def _read(self, codec: Codec, blob: Blob, hint: object, columns: Iterable[str] | None) -> Any:
        path = self.store.local(blob.name)
        try:
            if is_table_codec(codec):
                return self._table(codec, path, blob, hint, columns)
            if is_bytes_codec(codec):
                with storing(f"read {blob.name}"):
                    data = _bytes(path)
                _compare(blob, Content(xxh3_128(data).hexdigest(), len(data)))
                return codec.decode(data, hint)
            self._verify(path, blob)
            return codec.read(path, hint)
        except (OSError, StorageError):
            self.store.local(blob.name)  # removed in between: it is missing, not damaged
            raise

    def _table(self, codec: TableCodec, path: Path, blob: Blob, hint: object, columns: Iterable[str] | None) -> Any:
        try:
            with storing(f"read {blob.name}"):
                return codec.read_verified(
                    path, digest=blob.digest, size=blob.size, chunks=blob.chunks, hint=hint, columns=columns
                )
        except StorageError as error:
            if error.code == "blob-damaged":
                raise _damaged(blob, error.message) from error
            raise

    def _verify(self, path: Path, blob: Blob) -> None:
        try:
            with storing(f"read {blob.name}"):
                found = content(path)
        except ValueMismatch as error:
            raise _damaged(blob, error.message) from error
        _compare(blob, found)


def _compare(blob: Blob, found: Content) -> None:
    if found.size != blob.size:
        raise _damaged(blob, f"it has {found.size:,} bytes, not {blob.size:,}")
    if found.digest != blob.digest:
        raise _damaged(blob, "its bytes have changed")


def _written(value: Any, codec: Codec, path: Path, version: DataVersion | None) -> tuple[bytes, DataVersion]:
    """Write a value; give :attr:`Blob.chunks` and the version of what was written."""
    if is_table_codec(codec) and (version is None or codec.settled(value) is not value):
        version, chunks = codec.write_stream(value, path)
        return chunks, version
    return codec.write(value, path), version or codec.version(value)


def _bytes(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read()


def _damaged(blob: Blob, why: str) -> StorageError:
    return StorageError(
        "blob-damaged",
        f"{blob.name} is damaged{': ' if why else ''}{why}",
        hint="it is set aside where that can be done; assetflow materialize makes the value anew",
    )


def _discard(staged: Path) -> None:
    """Give the space back at once; an empty folder that may stay is swept later."""
    if staged.is_dir():
        shutil.rmtree(staged, ignore_errors=True)
    else:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
