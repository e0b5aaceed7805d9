"""Pictures: what can draw itself into a file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetflow.errors import DefinitionError, ValueMismatch
from assetflow.model.versions import DataVersion
from assetflow.store.digests import bytes_version

__all__ = ["Figure"]

_ENDINGS = (".png", ".svg", ".pdf", ".html")
_TEXTS = (".svg", ".html")
#: matplotlib writes the time and random names into these, unless it is told not to.
_METADATA = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, drawn: as ``.png``, ``.svg`` or ``.pdf`` by its ``savefig``, as ``.html`` by ``write_html``,
    ``to_html`` or ``_repr_html_``.

    What is stored and handed on is the picture, which may also be returned as such: ``bytes``, of an ``.svg`` or
    ``.html`` a ``str``. Raises DefinitionError ``bad-figure`` for other endings.
    """

    suffix: str = ".png"
    inlined: bool = False

    def __post_init__(self) -> None:
        if self.suffix not in _ENDINGS:
            raise DefinitionError(
                "bad-figure", f"a figure is not stored as {self.suffix!r}", hint=f"one of {', '.join(_ENDINGS)}"
            )

    @property
    def text(self) -> str:
        """``figure``, and the ending."""
        return f"figure {self.suffix}"

    def settled(self, value: Any) -> bytes | str:  # refused where it cannot draw itself
        """The picture: drawing twice need not give the same."""
        return self.decode(self.encode(value), None)

    def version(self, value: Any) -> DataVersion:  # refused where it cannot draw itself
        """The version of the picture."""
        return bytes_version(self.encode(value))

    def encode(self, value: Any) -> bytes:  # refused where it cannot draw itself
        """The picture."""
        if isinstance(value, bytes):
            return value
        if isinstance(value, str) and self.suffix in _TEXTS:
            return value.encode("utf-8", "surrogatepass")
        if self.suffix == ".html":
            return _html(value).encode("utf-8", "surrogatepass")
        if not callable(draw := getattr(value, "savefig", None)):
            raise _cannot(value, self.suffix, "savefig")
        file = io.BytesIO()
        draw(file, format=self.suffix[1:], metadata=_METADATA[self.suffix])
        return file.getvalue()

    def decode(self, data: bytes, hint: object) -> bytes | str:
        """The picture."""
        return data.decode("utf-8", "surrogatepass") if self.suffix in _TEXTS and hint is not bytes else data

    def write(self, value: Any, path: Path) -> bytes:  # refused where it cannot draw itself
        """Draw the figure into a file."""
        path.write_bytes(self.encode(value))
        return b""

    def read(self, path: Path, hint: object) -> bytes | str:
        """Read the picture."""
        return self.decode(path.read_bytes(), hint)


def _html(value: Any) -> str:  # refused where it cannot draw itself
    if callable(write := getattr(value, "write_html", None)):
        file = io.StringIO()
        write(file)
        return file.getvalue()
    for name in ("to_html", "_repr_html_"):
        if callable(text := getattr(value, name, None)):
            return str(text())
    raise _cannot(value, ".html", "write_html, to_html or _repr_html_")


def _cannot(value: object, suffix: str, methods: str) -> ValueMismatch:
    return ValueMismatch(
        "wrong-type", f"a {type(value).__name__} cannot be drawn as {suffix}: it has no method {methods}"
    )
