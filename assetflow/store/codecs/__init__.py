"""How values become bytes and back. None of these unpickles, but :class:`Pickle`, which is never chosen by itself."""

from __future__ import annotations

from assetflow.store.codecs.arrays import Numpy
from assetflow.store.codecs.choice import codec_for, codec_named
from assetflow.store.codecs.figures import Figure
from assetflow.store.codecs.paths import PathCodec
from assetflow.store.codecs.pickled import Pickle
from assetflow.store.codecs.plain import Bytes, Json, Text
from assetflow.store.codecs.ports import BytesCodec, SettlingCodec, TableCodec
from assetflow.store.codecs.tables import Parquet

__all__ = [
    "Bytes",
    "BytesCodec",
    "Figure",
    "Json",
    "Numpy",
    "Parquet",
    "PathCodec",
    "Pickle",
    "SettlingCodec",
    "TableCodec",
    "Text",
    "codec_for",
    "codec_named",
]
