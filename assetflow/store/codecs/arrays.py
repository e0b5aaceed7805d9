"""numpy arrays as ``.npy``, never with pickled objects in them."""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from assetflow.errors import ValueMismatch
from assetflow.model.versions import DataVersion

__all__ = ["Numpy"]


@dataclass(frozen=True, slots=True)
class Numpy:
    """A numpy array, by its type, shape and elements; rows first, however it lay in memory.

    Arrays of Python objects are refused: only pickle could store them.
    """

    text: str = "numpy"
    suffix: str = ".npy"
    inlined: bool = False

    def version(self, value: Any) -> DataVersion:  # refused where it is no array
        """The version: type, shape, elements."""
        array = _plain(value)
        digest = xxh3_128(f"numpy\0{array.dtype.str} {array.dtype.descr} {array.shape}\0".encode())
        digest.update(array.data if array.size and array.dtype.kind not in "mM" else array.tobytes())
        return DataVersion(digest.hexdigest())

    def encode(self, value: Any) -> bytes:  # refused where it is no array
        """The array in numpy's own format."""
        file = io.BytesIO()
        _numpy().lib.format.write_array(file, _plain(value), allow_pickle=False)
        return file.getvalue()

    def decode(self, data: bytes, hint: object) -> Any:  # an array
        """The array, writable and the caller's own."""
        return _numpy().lib.format.read_array(io.BytesIO(data), allow_pickle=False)

    def write(self, value: Any, path: Path) -> bytes:  # refused where it is no array
        """Write the array without a copy of it in memory."""
        with path.open("xb") as file:
            _numpy().lib.format.write_array(file, _plain(value), allow_pickle=False)
        return b""

    def read(self, path: Path, hint: object) -> Any:  # an array
        """Read the array."""
        return self.decode(path.read_bytes(), hint)


def _numpy() -> Any:  # an optional package, loaded by whoever made the array
    return importlib.import_module("numpy")


def _plain(value: Any) -> Any:  # refused where it is no array
    numpy = _numpy()
    if type(value) is not numpy.ndarray:
        raise ValueMismatch("wrong-type", f"expected a numpy array, got {type(value).__name__}")
    if value.dtype.hasobject or value.dtype.names is not None:
        raise ValueMismatch(
            "no-codec",
            f"an array of {value.dtype} cannot be stored",
            hint="return a table, or write codec=Pickle() (reading it back runs code)",
        )
    return numpy.ascontiguousarray(value).reshape(value.shape)
