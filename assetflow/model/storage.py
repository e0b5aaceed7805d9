"""Where values are kept: the ports that stores and codecs fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from assetflow.model.versions import DataVersion

__all__ = ["Codec", "Store"]


@runtime_checkable
class Codec(Protocol):
    """How values become bytes and back. A frozen value: codecs of equal ``text`` read each other's bytes.

    Written out by ``@asset(codec=Pickle())``, else chosen by the asset's type.
    """

    @property
    def text(self) -> str:
        """Name and options as canonical text: ``parquet``, ``figure .png``. Part of the trace."""
        ...

    @property
    def suffix(self) -> str:
        """The file name's ending, with its dot; empty for a folder."""
        ...

    def version(self, value: Any) -> DataVersion:  # whatever the user's function returned
        """The data version of a value, before it is written."""
        ...

    def write(self, value: Any, path: Path) -> bytes:  # whatever the user's function returned
        """Write a value to a path that does not exist yet; give :attr:`Blob.chunks`, or empty bytes."""
        ...

    def read(self, path: Path, hint: object) -> Any:  # what the consumer's annotation asks for
        """Read a value back, as the consumer's annotation asks (None: as it was written)."""
        ...


class Store(Protocol):
    """Named, immutable bytes. Nothing is ever overwritten; a reader finds a whole blob or none.

    A name is a relative path of parts separated by ``/``, none of which is ``.`` or ``..``. A blob may be a file or
    a folder. Methods raise StorageError: ``disk-full``, ``store-read-only``, ``blob-missing``, ``blob-exists``.
    """

    @property
    def url(self) -> str:
        """Where it is, for people."""
        ...

    def stage(self, name: str) -> Path:
        """A path beside the target that does not exist yet, for :meth:`publish`; swept when its process is dead."""
        ...

    def publish(self, staged: Path, name: str) -> None:
        """Give the staged bytes their name in one atomic step. Raises ``blob-exists`` and leaves the old one."""
        ...

    def sync(self, names: Iterable[str]) -> None:
        """When this returns, the blobs survive a power cut."""
        ...

    def local(self, name: str) -> Path:
        """A local path to read the blob from. Raises ``blob-missing``."""
        ...

    def size(self, name: str) -> int | None:
        """Its size in bytes (of a folder: of all its files), or None if there is no such blob."""
        ...

    def names(self, prefix: str = "") -> Iterator[str]:
        """All blobs below a prefix, in no order; staged ones are not among them."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    def set_aside(self, name: str) -> None:
        """Take the name from a blob whose bytes are not its own any more: it is missing from now on.

        The bytes may be kept for whoever wants to look at them, and are no blob. One that is not there is no error.
        """
        ...

    def sweep(self, *, damaged: bool = False, dry_run: bool = False) -> int:
        """Remove what dead processes have staged, never a live one's; give the bytes freed.

        ``damaged``: remove what was set aside instead. ``dry_run``: only give the bytes.
        """
        ...
