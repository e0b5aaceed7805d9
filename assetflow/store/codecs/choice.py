"""Which codec takes a value, and which reads a stored one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assetflow.errors import StorageError, UsageError, ValueMismatch
from assetflow.model.storage import Codec
from assetflow.store.codecs.arrays import Numpy
from assetflow.store.codecs.figures import Figure
from assetflow.store.codecs.paths import PathCodec
from assetflow.store.codecs.pickled import Pickle
from assetflow.store.codecs.plain import Bytes, Json, Text
from assetflow.store.codecs.tables import Parquet
from assetflow.types.handover import to_jsonable
from assetflow.types.libraries import is_of, is_table

__all__ = ["codec_for", "codec_named"]

_PLAIN: dict[type, Codec] = {
    **dict.fromkeys((type(None), bool, int, float, list, dict, tuple, set, frozenset), Json()),
    str: Text(),
    **dict.fromkeys((bytes, bytearray, memoryview), Bytes()),
}


def codec_for(hint: object, value: Any) -> Codec:  # whatever the user's function returned
    """The codec for a value of an asset that names none. It follows from the value; the hint only explains.

    Raises ValueMismatch ``no-codec`` for what can only be pickled, which is never done unasked.
    """
    if plain := _PLAIN.get(type(value)):
        if isinstance(plain, Json):
            _checked(hint, value)
        return plain
    if isinstance(value, Path):
        return PathCodec.like(value)
    if is_of(value, "numpy", "ndarray"):
        return Numpy()
    if is_table(value):
        return Parquet()
    if callable(getattr(value, "savefig", None)):
        return Figure(".png")
    if callable(getattr(value, "write_html", None)):
        return Figure(".html")
    _checked(hint, value)
    return Json()


def _checked(hint: object, value: Any) -> None:  # whatever the user's function returned
    try:
        to_jsonable(value)
    except ValueMismatch as error:
        what = type(value).__name__
        raise ValueMismatch(
            "no-codec",
            f"a value of type {what} cannot be stored: {error.message}",
            hint="return a table, models, JSON-able values, text, bytes or a Path, or write @asset(codec=...)"
            " (codec=Pickle() takes nearly anything, but reading it back runs code)",
        ) from error


def codec_named(text: str, declared: Iterable[Codec] = ()) -> Codec:
    """The codec whose ``text`` a catalog has recorded: one that the project's code declares, else one of ours.

    A catalog alone never makes anything be unpickled: ``pickle`` must be among the declared ones, else UsageError
    ``pickle-not-declared``. Raises StorageError ``unknown-codec`` for other texts.
    """
    for codec in declared:
        if codec.text == text:
            return codec
    name, _, option = text.partition(" ")
    match name:
        case "json":
            return Json()
        case "text":
            return Text(option or ".txt")
        case "bytes":
            return Bytes(option or ".bin")
        case "numpy":
            return Numpy()
        case "parquet":
            return Parquet()
        case "path":
            return PathCodec(option)
        case "figure":
            return Figure(option)
    if text == Pickle().text:
        raise UsageError(
            "pickle-not-declared",
            "this value is a pickle, and reading it would run code that its file names",
            hint="it is read only where the project's code says codec=Pickle() for its asset",
        )
    raise StorageError(
        "unknown-codec",
        f"a value was stored by the codec {text!r}, which is not known here",
        hint="declare it with codec=",
    )
