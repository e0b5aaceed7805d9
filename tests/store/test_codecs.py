"""Codecs: which takes a value, and that what comes back is what went in."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetflow.errors import DefinitionError, StorageError, UsageError, ValueMismatch
from assetflow.model.storage import Codec
from assetflow.store.codecs import (
    Bytes,
    Figure,
    Json,
    Numpy,
    Parquet,
    PathCodec,
    Pickle,
    Text,
    codec_for,
    codec_named,
)
from assetflow.store.values import Values


@dataclasses.dataclass(frozen=True)
class Score:
    name: str
    on: dt.date


class Picture:
    """What matplotlib's figures look like."""

    def __init__(self) -> None:
        self.drawn = 0

    def savefig(self, file: Any, *, format: str, metadata: dict[str, None]) -> None:
        self.drawn += 1
        file.write(f"{format} {sorted(metadata)} {self.drawn}".encode())


class Chart:
    """What plotly's figures look like."""

    def write_html(self, file: Any) -> None:
        file.write("<p>é</p>")


def reader() -> pa.RecordBatchReader:
    batches = [pa.record_batch({"x": pa.array([i, i + 1])}) for i in range(3)]
    return pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "json"),
        (True, "json"),
        (1, "json"),
        (1.5, "json"),
        ({"a": [1]}, "json"),
        ((1, 2), "json"),
        (dt.date(2026, 1, 5), "json"),
        (Score("a", dt.date(2026, 1, 5)), "json"),
        ([Score("a", dt.date(2026, 1, 5))], "json"),
        (np.float64(2.5), "json"),
        ("text", "text"),
        (b"bytes", "bytes"),
        (bytearray(b"bytes"), "bytes"),
        (np.zeros(3), "numpy"),
        (pa.table({"x": [1]}), "parquet"),
        (pl.DataFrame({"x": [1]}), "parquet"),
        (pl.LazyFrame({"x": [1]}), "parquet"),
        (pd.DataFrame({"x": [1]}), "parquet"),
        (duckdb.sql("select 1 as x"), "parquet"),
        (Path("report.PDF"), "path .PDF"),
        (Path("v1.2 of the report"), "path"),
        (Picture(), "figure .png"),
        (Chart(), "figure .html"),
    ],
)
def test_the_codec_follows_from_the_value(value: object, text: str) -> None:
    codec = codec_for(None, value)
    assert codec.text == text
    assert codec_named(text) == codec
    assert isinstance(codec, Codec)


class Unknown:
    pass


@pytest.mark.parametrize("value", [Unknown(), [Unknown()], {"a": object()}, lambda: 1, open])
def test_what_only_pickle_could_store_is_refused_with_what_to_do(value: object) -> None:
    with pytest.raises(ValueMismatch) as caught:
        codec_for(None, value)
    assert caught.value.code == "no-codec"
    assert type(value).__name__ in caught.value.message
    assert "codec=" in caught.value.hint
    assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize("codec", [Text(".html"), Bytes(".pdf"), PathCodec(".csv"), Figure(".svg"), Json(), Numpy()])
def test_a_codec_is_found_again_by_its_text(codec: Codec) -> None:
    assert codec_named(codec.text) == codec


def test_any_parquet_codec_reads_all_others_files() -> None:
    assert codec_named("parquet zstd") == Parquet()


def test_an_unknown_codec_is_told_and_a_declared_one_known() -> None:
    with pytest.raises(StorageError, match="'mine', which is not known here"):
        codec_named("mine")
    mine = dataclasses.make_dataclass("Mine", [("text", str)], frozen=True)("mine")
    assert codec_named("mine", [mine]) is mine


def test_a_pickle_is_read_only_where_the_code_declares_one() -> None:
    with pytest.raises(UsageError) as caught:
        codec_named("pickle")
    assert caught.value.code == "pickle-not-declared"
    assert codec_named("pickle", [Pickle()]) == Pickle()


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"b": 1, "a": [1.5, None, True]}, None),
        (Score("é", dt.date(2026, 1, 5)), Score),
        ([Score("a", dt.date(2026, 1, 5))], list[Score]),
        ("line\r\nline\n\ud800", str),
        (b"\0\xff", bytes),
        (bytearray(b"abc"), bytearray),
        (None, None),
        (float("inf"), float),
    ],
)
def test_plain_values_come_back_as_they_went(value: object, hint: object, values: Values) -> None:
    codec = codec_for(hint, value)
    inline = values.save(value, codec, "a/b/_/1.x")
    assert inline.blob is None
    assert values.load(inline, hint) == value
    stored = Values(values.store, inline_limit=0).save(value, codec, "a/b/_/2.x")
    assert stored.blob is not None
    assert stored.data == inline.data == values.version(value, codec)
    assert values.load(stored, hint) == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="<i4").reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(12)[::-2],
        np.array(3.5),
        np.zeros((0, 3)),
        np.array(["a", "é"]),
        np.array(["2026-01-05"], dtype="M8[D]"),
        np.array([1], dtype=">i8"),
        np.array([True, False]),
        np.array([1 + 2j]),
    ],
)
def test_arrays_come_back_as_they_went_and_writable(array: Any, values: Values) -> None:
    stored = values.save(array, Numpy(), "a/b/_/1.npy")
    back = values.load(stored, np.ndarray)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.flags.writeable
    assert values.version(back, Numpy()) == stored.data


def test_arrays_differ_by_type_shape_and_elements() -> None:
    arrays = [
        np.zeros(4),
        np.zeros((2, 2)),
        np.zeros(4, "f4"),
        np.zeros(8, "f4"),
        np.zeros(4, ">f8"),
        np.zeros(4, "i8"),
        np.array([0, 0, 0, 1.0]),
    ]
    assert len({Numpy().version(array).digest for array in arrays}) == len(arrays)


def test_arrays_of_objects_are_refused_in_both_directions(values: Values) -> None:
    with pytest.raises(ValueMismatch, match="an array of object cannot be stored"):
        values.version(np.array([object()]), Numpy())
    with pytest.raises(ValueMismatch):
        values.save(np.array([object()]), Numpy(), "a/b/_/1.npy")
    with pytest.raises(ValueMismatch):
        values.version(np.ma.array([1]), Numpy())
    planted = Bytes().encode(
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(128)
    )
    with pytest.raises(ValueError, match="allow_pickle"):
        Numpy().decode(planted + pickle.dumps([1]), None)


def test_a_file_comes_back_as_an_absolute_path(values: Values, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_bytes(b"a,b\n")
    codec = codec_for(Path, file)
    stored = values.save(file, codec, "a/b/_/1.csv")
    file.unlink()
    path = values.load(stored, Path)
    assert path.is_absolute()
    assert path.read_bytes() == b"a,b\n"
    assert path.suffix == ".csv"


def test_a_folder_comes_back_whole(values: Values, tmp_path: Path) -> None:
    (tmp_path / "site/css").mkdir(parents=True)
    (tmp_path / "site/index.html").write_text("<p>")
    (tmp_path / "site/css/x.css").write_text("p {}")
    codec = codec_for(Path, tmp_path / "site")
    stored = values.save(tmp_path / "site", codec, "a/b/_/1")
    path = values.load(stored, Path)
    assert (path / "css/x.css").read_text() == "p {}"
    assert values.version(path, codec) == stored.data
    assert stored.blob is not None
    assert stored.blob.size == 7


def test_a_path_to_nothing_or_to_a_link_is_refused(values: Values, tmp_path: Path) -> None:
    with pytest.raises(ValueMismatch, match=r"the path x\.csv does not exist"):
        values.version(tmp_path / "x.csv", PathCodec(".csv"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to("/etc/passwd")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for path in (tmp_path / "folder", tmp_path / "link"):
        with pytest.raises(ValueMismatch, match="link is a link"):
            values.version(path, PathCodec())
        with pytest.raises(ValueMismatch, match="link is a link"):
            values.save(path, PathCodec(), f"a/b/_/{path.name}")


@pytest.mark.parametrize(
    ("suffix", "picture"),
    [
        (".png", b"png ['Software'] 1"),
        (".svg", "svg ['Date'] 1"),
        (".pdf", b"pdf ['CreationDate'] 1"),
    ],
)
def test_a_figure_is_drawn_once_and_handed_on_as_the_picture(suffix: str, picture: object, values: Values) -> None:
    codec = Figure(suffix)
    settled = values.settled(Picture(), codec)
    assert settled == picture
    version = values.version(settled, codec)
    stored = values.save(settled, codec, "a/b/_/1" + suffix, version)
    assert values.load(stored) == picture
    assert stored.data == version


def test_html_comes_from_what_a_value_has(values: Values) -> None:
    class Shown:
        def _repr_html_(self) -> str:
            return "<b>x</b>"

    assert values.settled(Chart(), Figure(".html")) == "<p>é</p>"
    assert values.settled(Shown(), Figure(".html")) == "<b>x</b>"
    with pytest.raises(ValueMismatch, match=r"a int cannot be drawn as \.html"):
        values.settled(1, Figure(".html"))
    with pytest.raises(ValueMismatch, match=r"a int cannot be drawn as \.png"):
        values.settled(1, Figure(".png"))
    with pytest.raises(DefinitionError, match=r"a figure is not stored as '.exe'"):
        Figure(".exe")


def test_a_pickle_is_written_and_read_where_it_is_declared(values: Values) -> None:
    declared = Values(values.store, codecs=[Pickle()])
    stored = declared.save({1, 2}, Pickle(), "a/b/_/1.pickle")
    assert declared.load(stored) == {1, 2}
    with pytest.raises(UsageError, match="reading it would run code"):
        values.load(stored)


@pytest.mark.parametrize("codec", [Text(), Bytes(), Numpy(), PathCodec()])
def test_a_value_of_another_type_is_refused(codec: Codec) -> None:
    with pytest.raises(ValueMismatch) as caught:
        codec.version(1)
    assert caught.value.code == "wrong-type"


def test_choosing_codecs_for_plain_values_loads_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "from assetflow.store.local import LocalStore\n"
        "from assetflow.store.memory import MemoryStore\n"
        "from assetflow.store.values import Values\n"
        "from assetflow.store.codecs import codec_for\n"
        "with MemoryStore() as store:\n"
        "    values = Values(store)\n"
        "    for number, value in enumerate([1, 'x', b'x', {'a': [1]}, None, 'x' * 9999]):\n"
        "        codec = codec_for(None, value)\n"
        "        assert values.load(values.save(value, codec, f'a/b/_/{number}')) == value\n"
        "print(sorted({'pyarrow', 'numpy', 'pandas', 'polars', 'duckdb', 'pydantic', 'networkx'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
