"""Pickle, for whoever writes it out."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetflow.model.versions import DataVersion
from assetflow.store.digests import bytes_version

__all__ = ["Pickle"]

#: Fixed, so that versions do not change with Python.
_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class Pickle:
    """Any picklable value. **Unpickling runs code that the file names**: use it only for what nothing else can store.

    It is never chosen by itself, and a stored value is unpickled only where the project's own code says
    ``codec=Pickle()``, never because a catalog does. Equal values may have different pickles; then they count as
    different data.
    """

    text: str = "pickle"
    suffix: str = ".pickle"
    inlined: bool = False

    def version(self, value: Any) -> DataVersion:  # any picklable value
        """The version of the pickle."""
        return bytes_version(self.encode(value))

    def encode(self, value: Any) -> bytes:  # any picklable value
        """The pickle."""
        return pickle.dumps(value, protocol=_PROTOCOL)

    def decode(self, data: bytes, hint: object) -> Any:  # any picklable value
        """The value; runs what code the bytes name."""
        return pickle.loads(data)

    def write(self, value: Any, path: Path) -> bytes:  # any picklable value
        """Write the pickle."""
        path.write_bytes(self.encode(value))
        return b""

    def read(self, path: Path, hint: object) -> Any:  # any picklable value
        """Read the value; runs what code the file names."""
        return self.decode(path.read_bytes(), hint)
