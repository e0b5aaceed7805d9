"""Saving, and reading what was verified: whole values or none."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assetflow.errors import StorageError, ValueMismatch
from assetflow.model.storage import Codec
from assetflow.model.versions import DataVersion, Stored
from assetflow.store.codecs import Bytes, Json, Numpy, Parquet, PathCodec, Text
from assetflow.store.digests import bytes_version
from assetflow.store.local import LocalStore
from assetflow.store.values import Values


def made_of(kind: str, tmp_path: Path) -> tuple[Any, Codec]:
    """A value of a kind that is stored in a file or folder, and its codec."""
    if kind == "folder":
        (tmp_path / "folder/below").mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder/a").write_bytes(b"a" * 999)
        (tmp_path / "folder/below/b").write_bytes(b"b" * 999)
        return tmp_path / "folder", PathCodec()
    (tmp_path / "x.csv").write_bytes(b"x" * 999)
    made: dict[str, tuple[Any, Codec]] = {
        "table": (pa.table({"x": list(range(999))}), Parquet()),
        "json": (list(range(9999)), Json()),
        "text": ("é" * 9999, Text()),
        "bytes": (b"x" * 9999, Bytes()),
        "file": (tmp_path / "x.csv", PathCodec(".csv")),
    }
    return made[kind]


def saved(values: Values, kind: str, tmp_path: Path) -> Stored:
    """One stored value of a kind."""
    value, codec = made_of(kind, tmp_path)
    return values.save(value, codec, f"a/b/_/1{codec.suffix}")


KINDS = ["table", "json", "text", "bytes", "file", "folder"]


def some_file(values: Values, stored: Stored) -> Path:
    assert stored.blob is not None
    path = values.store.local(stored.blob.name)
    return path / "below/b" if path.is_dir() else path


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_value_is_read(kind: str, values: Values, tmp_path: Path) -> None:
    stored = saved(values, kind, tmp_path)
    assert values.load(stored) is not None
    values.verify(stored)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["flip", "truncate", "append", "empty"])
def test_damaged_bytes_are_never_parsed(
    kind: str, fault: str, values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values.store, "set_aside", lambda name: None)
    stored = saved(values, kind, tmp_path)
    path = some_file(values, stored)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "truncate": data[:-1],
            "append": data + b"\0",
            "empty": b"",
        }[fault]
    )
    for read in (values.load, values.verify):
        with pytest.raises(StorageError) as caught:
            read(stored)
        assert caught.value.code == "blob-damaged"
        assert caught.value.exit_code == 74
        assert stored.blob is not None
        assert caught.value.message.startswith(f"{stored.blob.name} is damaged: ")
        assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("read", ["load", "verify"])
def test_what_is_found_damaged_is_missing_from_then_on_until_the_same_bytes_are_saved_again(
    kind: str, read: str, values: Values, tmp_path: Path
) -> None:
    stored = saved(values, kind, tmp_path)
    some_file(values, stored).write_bytes(b"?")
    assert stored.blob is not None
    for code in ("blob-damaged", "blob-missing"):
        with pytest.raises(StorageError) as caught:
            getattr(values, read)(stored)
        assert caught.value.code == code
    assert list(values.store.names()) == []
    value, codec = made_of(kind, tmp_path)
    again = values.save(value, codec, f"a/b/_/2{codec.suffix}", older={stored.data.digest: stored})
    assert again == stored
    values.verify(stored)


def test_a_read_that_went_wrong_once_sets_nothing_aside(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = values.save(b"x" * 9_000, Bytes(), "a/b/_/1.bin")
    with monkeypatch.context() as patched:
        patched.setattr("assetflow.store.values._bytes", lambda path: b"?" * 9_000)
        with pytest.raises(StorageError, match="its bytes have changed"):
            values.load(stored)
    assert values.load(stored) == b"x" * 9_000


def test_a_name_is_given_back_only_to_what_had_it(values: Values) -> None:
    first = values.save("x" * 9_000, Text(), "a/b/_/1.txt")
    assert first.blob is not None
    beside = values.save("x" * 9_000, Text(), "a/b/_/2.txt", older={first.data.digest: first})
    assert beside.blob is not None
    assert beside.blob.name == "a/b/_/2.txt"
    values.store.delete(first.blob.name)
    other = values.save("y" * 9_000, Text(), "a/b/_/3.txt", older={first.data.digest: first})
    assert other.blob is not None
    assert other.blob.name == "a/b/_/3.txt"
    # Cut short, it is not what had the name.
    assert values.save("x" * 9_000, Text(), "a/b/_/4.txt", older={first.data.digest: first}) == first
    values.store.local(first.blob.name).write_bytes(b"x")
    assert values.save("x" * 9_000, Text(), "a/b/_/5.txt", older={first.data.digest: first}) == first
    values.verify(first)


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_value_is_told(kind: str, values: Values, tmp_path: Path) -> None:
    stored = saved(values, kind, tmp_path)
    assert stored.blob is not None
    values.store.delete(stored.blob.name)
    for read in (values.load, values.verify):
        with pytest.raises(StorageError) as caught:
            read(stored)
        assert caught.value.code == "blob-missing"
        assert stored.blob.name in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_planted_in_place_of_a_value_is_not_followed(kind: str, values: Values, tmp_path: Path) -> None:
    stored = saved(values, kind, tmp_path)
    path = some_file(values, stored)
    (tmp_path / "copy").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "copy")
    with pytest.raises(StorageError) as caught:
        values.load(stored)
    assert caught.value.code in {"blob-missing", "blob-damaged"}


def test_a_file_more_or_less_in_a_folder_is_damage(
    values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values.store, "set_aside", lambda name: None)
    stored = saved(values, "folder", tmp_path)
    extra = some_file(values, stored).with_name("extra")
    extra.write_bytes(b"")
    with pytest.raises(StorageError, match="damaged"):
        values.load(stored)
    extra.unlink()
    values.load(stored)
    some_file(values, stored).unlink()
    with pytest.raises(StorageError, match="damaged"):
        values.load(stored)


def test_short_values_lie_inline_and_long_ones_in_files(values: Values) -> None:
    assert values.save("x" * 4096, Text(), "a/b/_/1.txt").inline == b"x" * 4096
    assert values.save("x" * 4097, Text(), "a/b/_/2.txt").blob is not None
    assert list(values.store.names()) == ["a/b/_/2.txt"]


def test_a_value_that_was_only_recorded_is_none(values: Values) -> None:
    assert values.load(Stored(data=DataVersion("0"), codec="", uri="s3://bucket/x")) is None


def test_a_given_version_is_recorded_and_else_computed(values: Values) -> None:
    version = values.version(b"x" * 9999, Bytes())
    assert version == bytes_version(b"x" * 9999)
    for number, given in enumerate((version, None)):
        assert values.save(b"x" * 9999, Bytes(), f"a/b/_/{number}.bin", given).data == version


def test_a_name_that_is_taken_is_refused_and_the_old_value_stays(values: Values) -> None:
    old = values.save(b"x" * 9999, Bytes(), "a/b/_/1.bin")
    with pytest.raises(StorageError) as caught:
        values.save(b"y" * 9999, Bytes(), "a/b/_/1.bin")
    assert caught.value.code == "blob-exists"
    assert values.load(old) == b"x" * 9999


def test_values_are_saved_from_several_threads_at_once(values: Values) -> None:
    tables = [pa.table({"x": list(range(i, i + 1000))}) for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda i: values.save(tables[i], Parquet(), f"a/b/_/{i}.parquet"), range(20)))
    values.sync([s.blob.name for s in stored if s.blob is not None])
    assert [values.load(s, pa.Table) for s in stored] == tables


@dataclasses.dataclass(frozen=True)
class Upper:
    """A codec of a user's own, by the protocol alone."""

    text: str = "upper"
    suffix: str = ".upper"

    def version(self, value: Any) -> DataVersion:
        return bytes_version(value.encode())

    def write(self, value: Any, path: Path) -> bytes:
        path.write_text(value.upper())
        return b""

    def read(self, path: Path, hint: object) -> str:
        return path.read_text().lower()


@dataclasses.dataclass(frozen=True)
class Failing(Upper):
    """A codec that fails when it has written a part."""

    error: Exception = dataclasses.field(default_factory=lambda: RuntimeError("mine"))

    def write(self, value: Any, path: Path) -> bytes:
        path.write_bytes(b"half")
        raise self.error


def test_a_users_own_codec_is_stored_verified_and_read(values: Values) -> None:
    declared = Values(values.store, codecs=[Upper()])
    stored = declared.save("abc", Upper(), "a/b/_/1.upper")
    assert some_file(values, stored).read_text() == "ABC"
    assert declared.load(stored) == "abc"
    some_file(values, stored).write_text("ABD")
    with pytest.raises(StorageError, match="damaged"):
        declared.load(stored)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RuntimeError("mine"), RuntimeError),
        (FileNotFoundError(2, "a file of the user's"), FileNotFoundError),
        (OSError(28, "No space left on device"), StorageError),
    ],
)
def test_what_a_codec_raises_is_kept_unless_it_is_the_disk_and_nothing_is_left(
    error: Exception, raised: type[Exception], values: Values
) -> None:
    with pytest.raises(raised):
        values.save("abc", Failing(error=error), "a/b/_/1.upper")
    assert list(values.store.names()) == []
    root = values.store.stage("a/b/_/2").parents[2]
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_value_whose_process_is_killed_while_it_writes_is_absent(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        import pyarrow as pa
        from assetflow.store.codecs import Parquet
        from assetflow.store.local import LocalStore
        from assetflow.store.values import Values
        schema = pa.schema([("x", pa.int64())])
        def batches():
            for number in range(10**9):
                yield pa.record_batch([pa.array(range(1 << 19))], schema)
                if number == 6:
                    print("writing", flush=True)
        reader = pa.RecordBatchReader.from_batches(schema, batches())
        Values(LocalStore(Path(sys.argv[1]))).save(reader, Parquet(), "a/b/_/1.parquet")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    store = LocalStore(tmp_path / "store")
    assert list(store.names()) == []
    assert store.size("a/b/_/1.parquet") is None
    assert store.sweep() > 0
    assert os.listdir(tmp_path / "store/.staging") == []  # noqa: PTH208


def test_an_inline_value_of_a_codec_that_has_none_is_damage(values: Values) -> None:
    with pytest.raises(StorageError) as caught:
        values.load(Stored(data=DataVersion("0"), codec="parquet", inline=b"x"))
    assert caught.value.code == "blob-damaged"


def test_a_refused_value_leaves_nothing(values: Values) -> None:
    with pytest.raises(ValueMismatch):
        values.save(1, Numpy(), "a/b/_/1.npy")
    assert list(values.store.names()) == []
