"""Sources: bytes decide, and the declared type says how they are read."""

from __future__ import annotations

import gzip
import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from assetflow import File, Files, source
from assetflow.declare import Source
from assetflow.errors import StorageError
from assetflow.load.definitions import BoundSource
from assetflow.load.sources import FileVersions, observe, read
from assetflow.model.keys import AssetKey


def bind(root: Path, declared: Source) -> BoundSource:
    return BoundSource(
        key=AssetKey("shop", declared.name), source=declared, hint=declared.type, where="shop/a.py:3", root=root
    )


def version(bound: BoundSource, cache: FileVersions | None = None) -> str:
    return observe(bound, cache or FileVersions())[""].data.digest


def test_a_files_bytes_decide_and_not_its_times(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("a\n1\n")
    bound = bind(tmp_path, source("raw", File("raw.csv")))
    before = version(bound)
    os.utime(path, (1, 1))
    assert version(bound) == before
    path.write_text("a\n2\n")
    assert version(bound) != before
    (stored,) = observe(bound, FileVersions()).values()
    assert stored.uri == "raw.csv"


def test_a_file_outside_the_project_keeps_its_absolute_place(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("a\n1\n")
    (tmp_path / "project").mkdir()
    for written in (tmp_path / "raw.csv", "../raw.csv"):
        bound = bind(tmp_path / "project", source("raw", File(written)))
        assert observe(bound, FileVersions())[""].uri == (tmp_path / "raw.csv").as_posix()
        assert read(bound, "", None) == tmp_path / "raw.csv"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    bound = bind(tmp_path, source("raw", File("raw.csv"), type=pl.DataFrame))
    for act in (lambda: observe(bound, FileVersions()), lambda: read(bound, "", pl.DataFrame)):
        with pytest.raises(StorageError) as caught:
            act()
        assert str(caught.value) == (
            f"error[source-missing]: shop.raw is not there: {tmp_path / 'raw.csv'}\n"
            "  shop.raw   shop/a.py:3\n"
            f"hint: paths are relative to the project's folder, {tmp_path}"
        )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        observe(bind(tmp_path, source("raw", File("."))), FileVersions())
    assert caught.value.code == "source-unreadable"


def test_files_are_partitions_named_below_the_fixed_folder(tmp_path: Path) -> None:
    for name in ("inbox/b.txt", "inbox/2026/a.txt", "inbox/2026/x.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    bound = bind(tmp_path, source("inbox", Files("inbox/**/*.txt"), type=str))
    seen = observe(bound, FileVersions())
    assert {key: stored.uri for key, stored in seen.items()} == {
        "2026/a.txt": "inbox/2026/a.txt",
        "b.txt": "inbox/b.txt",
    }
    assert list(seen) == ["2026/a.txt", "b.txt"]
    assert read(bound, "2026/a.txt", str) == "inbox/2026/a.txt"
    with pytest.raises(StorageError, match=r"shop.inbox@gone.txt"):
        read(bound, "gone.txt", str)


def test_an_empty_folder_has_no_partitions_and_a_missing_one_is_told(tmp_path: Path) -> None:
    bound = bind(tmp_path, source("inbox", Files("inbox/*.txt")))
    with pytest.raises(StorageError, match="is not there"):
        observe(bound, FileVersions())
    (tmp_path / "inbox").mkdir()
    assert observe(bound, FileVersions()) == {}


def test_what_is_observed_by_a_function_is_its_answer(tmp_path: Path) -> None:
    def seen(answer: object) -> str:
        return version(bind(tmp_path, source("api", observe=lambda: answer)))

    assert len({seen(1), seen(1.0), seen("1"), seen(True), seen((1, "a")), seen(b"1")}) == 6
    assert seen("2026") == seen("2026")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: None, "observing shop.api gave None, which is no data version"),
        (lambda: 1 / 0, "observing shop.api failed: ZeroDivisionError: division by zero"),
    ],
)
def test_an_observing_function_that_fails_is_told(tmp_path: Path, function: Callable[[], object], message: str) -> None:
    with pytest.raises(StorageError) as caught:
        observe(bind(tmp_path, source("api", observe=function)), FileVersions())
    assert (caught.value.code, caught.value.message) == ("source-failed", message)


def aged(path: Path, seconds: float) -> None:
    """Give a file times in the past (its ctime is set now, which only makes it look younger)."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_versions_are_remembered_while_the_files_times_stand_still(tmp_path: Path) -> None:
    path, kept = tmp_path / "raw.csv", tmp_path / "cache" / "files.json"
    path.write_text("a\n1\n")
    aged(path, 10)
    bound = bind(tmp_path, source("raw", File("raw.csv")))
    cache = FileVersions(kept)
    first = version(bound, cache)
    cache.save()
    again = FileVersions(kept)
    assert list(again._known) == [str(path)]
    assert version(bound, again) == first
    path.write_text("a\n2\n")
    aged(path, 10)
    assert version(bound, again) != first  # mtime and size may be as before: ctime is not


def test_a_file_written_just_now_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("a\n1\n")
    cache = FileVersions()
    version(bind(tmp_path, source("raw", File("raw.csv"))), cache)
    assert cache._known == {}


@pytest.mark.parametrize("damage", ["", "{", '["x", "{}"]', "[1, 2]", '{"a": 1}'])
def test_a_damaged_memory_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    kept = tmp_path / "files.json"
    kept.write_text(damage)
    assert FileVersions(kept)._known == {}


TABLE = pa.table({"n": [1, 2], "t": ["a", "b"]})


def csv_text() -> bytes:
    return b"n,t\n1,a\n2,b\n"


def stored(path: Path) -> None:
    """Write the same table in the format of the path's suffix."""
    match path.name.partition(".")[2]:
        case "csv":
            path.write_bytes(csv_text())
        case "tsv":
            path.write_bytes(csv_text().replace(b",", b"\t"))
        case "csv.gz":
            path.write_bytes(gzip.compress(csv_text()))
        case "csv.zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("inner.csv", csv_text())
        case "parquet":
            parquet.write_table(TABLE, path)
        case "arrow":
            with pa.ipc.new_file(path, TABLE.schema) as writer:
                writer.write_table(TABLE)
        case "json":
            path.write_text(json.dumps(TABLE.to_pylist()))
        case "jsonl":
            path.write_text("\n".join(json.dumps(row) for row in TABLE.to_pylist()))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "csv.zip", "parquet", "arrow", "json", "jsonl"])
def test_tables_are_read_by_suffix(tmp_path: Path, suffix: str) -> None:
    stored(tmp_path / f"raw.{suffix}")
    bound = bind(tmp_path, source("raw", File(f"raw.{suffix}"), type=pl.DataFrame))
    assert read(bound, "", None).to_dicts() == TABLE.to_pylist()
    assert read(bound, "", pa.Table).to_pylist() == TABLE.to_pylist()
    assert isinstance(read(bound, "", pd.DataFrame), pd.DataFrame)
    assert isinstance(read(bound, "", pl.LazyFrame), pl.LazyFrame)


def test_nulls_of_a_csv_are_as_declared(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text('n,t\n1,"x, y"\nNA,-\n')
    plain = read(bind(tmp_path, source("raw", File("raw.csv"), type=pa.Table)), "", None)
    assert plain.to_pylist() == [{"n": 1, "t": "x, y"}, {"n": None, "t": "-"}]
    given = read(bind(tmp_path, source("raw", File("raw.csv", nulls=["NA", "-"]), type=pa.Table)), "", None)
    assert given.to_pylist() == [{"n": 1, "t": "x, y"}, {"n": None, "t": None}]


def test_a_csv_whose_later_rows_are_of_another_type_is_read_whole(tmp_path: Path) -> None:
    rows = "\n".join(["1"] * 900_000 + ["x"])
    (tmp_path / "raw.csv").write_text(f"n\n{rows}\n")
    table = read(bind(tmp_path, source("raw", File("raw.csv"), type=pa.Table)), "", None)
    assert table.num_rows == 900_001
    assert str(table.schema.field("n").type) in {"string", "large_string", "string_view"}


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [(str, b"\xc3\xa9\r\n", "é\r\n"), (bytes, b"\xff", b"\xff"), (dict[str, float], b'{"a": 1}', {"a": 1.0})],
)
def test_other_values_are_read_by_type(tmp_path: Path, kind: Any, data: bytes, value: object) -> None:
    (tmp_path / "raw.json").write_bytes(data)
    assert read(bind(tmp_path, source("raw", File("raw.json"), type=kind)), "", kind) == value


def test_a_file_that_is_not_what_its_type_says_is_told(tmp_path: Path) -> None:
    (tmp_path / "raw.json").write_text("{")
    (tmp_path / "raw.xlsx").write_text("")
    for name, kind in (("raw.json", dict), ("raw.xlsx", pl.DataFrame)):
        with pytest.raises(StorageError) as caught:
            read(bind(tmp_path, source("raw", File(name), type=kind)), "", None)
        assert caught.value.code == "source-unreadable"
