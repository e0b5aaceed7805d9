"""JSON, text and bytes: what needs no library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetflow.errors import ValueMismatch
from assetflow.model.versions import DataVersion
from assetflow.store.digests import bytes_version, canonical_text, json_version, text_version
from assetflow.types.handover import from_jsonable, to_jsonable

__all__ = ["Bytes", "Json", "Text"]


@dataclass(frozen=True, slots=True)
class Json:
    """Scalars, models, dataclasses, lists and dicts of them, as JSON. Dicts keep their order, which counts."""

    text: str = "json"
    suffix: str = ".json"
    inlined: bool = True

    def version(self, value: Any) -> DataVersion:  # JSON-able values of the user
        """The version of what is stored."""
        return json_version(to_jsonable(value))

    def encode(self, value: Any) -> bytes:  # JSON-able values of the user
        """The value's one canonical text."""
        return canonical_text(to_jsonable(value))

    def decode(self, data: bytes, hint: object) -> Any:  # what the consumer's annotation asks for
        """The value as the hint says; None gives plain JSON."""
        return from_jsonable(json.loads(data), hint)

    def write(self, value: Any, path: Path) -> bytes:  # JSON-able values of the user
        """Write one line of JSON."""
        path.write_bytes(self.encode(value))
        return b""

    def read(self, path: Path, hint: object) -> Any:  # what the consumer's annotation asks for
        """Read the value as the hint says."""
        return self.decode(path.read_bytes(), hint)


@dataclass(frozen=True, slots=True)
class Text:
    """A ``str``, as UTF-8 without any change of line ends. ``Text(".html")`` gives its files another ending."""

    suffix: str = ".txt"
    inlined: bool = True

    @property
    def text(self) -> str:
        """``text``, and the ending where it is another than ``.txt``."""
        return "text" if self.suffix == ".txt" else f"text {self.suffix}"

    def version(self, value: Any) -> DataVersion:  # refused where it is no str
        """The version of the text."""
        return text_version(_expected(value, str))

    def encode(self, value: Any) -> bytes:  # refused where it is no str
        """Its UTF-8; lone surrogates are kept."""
        return str(_expected(value, str)).encode("utf-8", "surrogatepass")

    def decode(self, data: bytes, hint: object) -> str:
        """The text."""
        return data.decode("utf-8", "surrogatepass")

    def write(self, value: Any, path: Path) -> bytes:  # refused where it is no str
        """Write the text."""
        path.write_bytes(self.encode(value))
        return b""

    def read(self, path: Path, hint: object) -> str:
        """Read the text."""
        return self.decode(path.read_bytes(), hint)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes as they are. ``Bytes(".pdf")`` gives its files another ending than ``.bin``."""

    suffix: str = ".bin"
    inlined: bool = True

    @property
    def text(self) -> str:
        """``bytes``, and the ending where it is another than ``.bin``."""
        return "bytes" if self.suffix == ".bin" else f"bytes {self.suffix}"

    def version(self, value: Any) -> DataVersion:  # refused where it is no bytes-like value
        """The version of the bytes."""
        return bytes_version(_bytes(value))

    def encode(self, value: Any) -> bytes:  # refused where it is no bytes-like value
        """The bytes."""
        return bytes(_bytes(value))

    def decode(self, data: bytes, hint: object) -> bytes | bytearray:
        """The bytes; a ``bytearray`` where the hint is that."""
        return bytearray(data) if hint is bytearray else data

    def write(self, value: Any, path: Path) -> bytes:  # refused where it is no bytes-like value
        """Write the bytes."""
        path.write_bytes(_bytes(value))
        return b""

    def read(self, path: Path, hint: object) -> bytes | bytearray:
        """Read the bytes."""
        return self.decode(path.read_bytes(), hint)


def _bytes(value: Any) -> bytes | bytearray | memoryview:  # refused where it is no bytes-like value
    if isinstance(value, memoryview):
        return value.tobytes()  # a view of another item size or with steps
    _expected(value, bytes, bytearray)
    return value  # type: ignore[no-any-return]


def _expected(value: Any, *kinds: type) -> Any:  # any value
    if not isinstance(value, kinds):
        raise ValueMismatch(
            "wrong-type", f"expected {' or '.join(kind.__name__ for kind in kinds)}, got {type(value).__name__}"
        )
    return value
