"""The store in a folder, under faults injected for real."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from assetflow.errors import StorageError
from assetflow.store.contract import put, put_folder, refusal
from assetflow.store.local import LocalStore
from assetflow.testing import StoreContract


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "project" / "store")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> LocalStore:
    return LocalStore(root)


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that runs this code with these arguments."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(code: str, *arguments: object) -> str:
    """What such a process printed."""
    with child(code, *arguments) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def test_making_a_store_creates_nothing(store: LocalStore, root: Path) -> None:
    assert list(store.names()) == []
    assert store.size("a/b/_/1.bin") is None
    assert store.sweep() == 0
    assert not root.exists()


def test_files_are_private_and_folders_too(store: LocalStore, root: Path) -> None:
    put(store, "a/b/_/1.bin", b"x")
    put_folder(store, "a/b/_/2", {"below/x": b"1"})
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_nothing_of_a_published_value_stays_in_the_staging_area(store: LocalStore, root: Path) -> None:
    put(store, "a/b/_/1.bin", b"x")
    put_folder(store, "a/b/_/2", {"x": b"1"})
    store.delete("a/b/_/2")
    assert [path for path in (root / ".staging").rglob("*") if path.is_file() and path.name != ".publishing"] == []
    assert [path for path in (root / ".staging").glob("*/*")] == []  # noqa: C416


def test_staging_lies_on_the_targets_device_whatever_tmpdir_says(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    put(store, "a/b/_/1.bin", b"x")
    assert store.stage("a/b/_/2.bin").parent.stat().st_dev == root.stat().st_dev


def test_a_link_in_place_of_a_blob_is_no_blob(store: LocalStore, root: Path, tmp_path: Path) -> None:
    put(store, "a/b/_/1.bin", b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "a/b/_/2.bin").symlink_to(tmp_path / "secret")
    assert store.size("a/b/_/2.bin") is None
    assert refusal(lambda: store.local("a/b/_/2.bin")) == "blob-missing"
    assert set(store.names()) == {"a/b/_/1.bin"}


def test_publishing_does_not_replace_a_planted_link(store: LocalStore, root: Path, tmp_path: Path) -> None:
    (root / "a/b/_").mkdir(parents=True)
    (root / "a/b/_/1.bin").symlink_to(tmp_path / "target")
    assert refusal(lambda: put(store, "a/b/_/1.bin", b"x")) == "blob-exists"
    assert not (tmp_path / "target").exists()


def test_a_linked_folder_leads_nowhere(store: LocalStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "b/_").mkdir(parents=True)
    (outside / "b/_/1.bin").write_bytes(b"x")
    root.mkdir()
    (root / "a").symlink_to(outside)
    assert store.size("a/b/_/1.bin") is None
    assert list(store.names()) == []
    with pytest.raises(StorageError, match="a in the store is not a folder; links are not followed"):
        put(store, "a/b/_/2.bin", b"x")
    store.delete("a/b/_/1.bin")
    assert (outside / "b/_/1.bin").exists()


def test_links_inside_a_staged_folder_are_refused(store: LocalStore, tmp_path: Path) -> None:
    staged = store.stage("a/b/_/1")
    staged.mkdir()
    (staged / "x").symlink_to(tmp_path)
    assert refusal(lambda: store.publish(staged, "a/b/_/1")) == "store-error"
    assert store.size("a/b/_/1") is None


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    store = LocalStore(tmp_path / "store")
    put(store, "a/b/_/1.bin", b"x")
    assert (tmp_path / "disk/a/b/_/1.bin").exists()


def test_a_writer_killed_in_the_middle_leaves_nothing_under_the_name_and_is_swept(
    store: LocalStore, root: Path
) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from assetflow.store.local import LocalStore
        staged = LocalStore(Path(sys.argv[1])).stage("a/b/_/1.bin")
        staged.write_bytes(b"x" * 1000)
        print(staged, flush=True)
        time.sleep(60)
    """
    with child(code, root) as process:
        assert process.stdout is not None
        staged = Path(process.stdout.readline().strip())
        assert staged.stat().st_size == 1000
        assert store.sweep() == 0, "its process is alive"
        assert staged.exists()
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert store.size("a/b/_/1.bin") is None
    assert list(store.names()) == []
    assert store.sweep() == 1000
    assert not staged.exists()
    put(store, "a/b/_/1.bin", b"whole")
    assert store.local("a/b/_/1.bin").read_bytes() == b"whole"


def test_what_a_sweep_cannot_judge_it_leaves(store: LocalStore, root: Path) -> None:
    put(store, "a/b/_/1.bin", b"x")
    other_host = root / ".staging" / "1-1-0000-elsewhere"
    other_host.mkdir()
    (other_host / "x").write_bytes(b"1")
    assert store.sweep() == 0
    assert (other_host / "x").exists()


def test_a_limit_on_file_sizes_is_told_as_a_full_disk_and_old_values_stay(root: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        import pyarrow as pa
        from assetflow.errors import StorageError
        from assetflow.store.codecs import Bytes, Parquet
        from assetflow.store.local import LocalStore
        from assetflow.store.values import Values
        values = Values(LocalStore(Path(sys.argv[1])))
        old = values.save(b"old" * 9999, Bytes(), "a/b/_/1.bin")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        table = pa.table({"x": pa.array([str(i * 7919 % 1000003) for i in range(500_000)])})
        for value, codec, name in ((b"x" * (9 << 20), Bytes(), "a/b/_/2.bin"), (table, Parquet(), "a/b/_/3.parquet")):
            try:
                values.save(value, codec, name)
            except StorageError as error:
                print(error.exit_code, error.code, name in error.message, len(str(error).splitlines()))
        values.store.sync(["a/b/_/1.bin"])
        print(values.load(old) == b"old" * 9999, sorted(values.store.names()))
        left = [p for p in (Path(sys.argv[1]) / ".staging").rglob("*") if p.is_file()]
        print(left)
    """
    assert finished(code, root).splitlines() == [
        "74 disk-full True 2",
        "74 disk-full True 2",
        "True ['a/b/_/1.bin']",
        "[]",
    ]


def test_a_read_only_store_can_be_read_and_says_so_in_one_line() -> None:
    code = """
        import os, tempfile
        from pathlib import Path
        from assetflow.store.contract import put, refusal
        from assetflow.store.local import LocalStore
        place = tempfile.TemporaryDirectory()
        os.chmod(place.name, 0o755)
        if os.geteuid() == 0:  # root may write anywhere
            os.chown(place.name, 65534, 65534)
            os.seteuid(65534)
        root = Path(place.name, "store")
        store = LocalStore(root)
        put(store, "a/b/_/1.bin", b"x")
        staged = store.stage("a/b/_/2.bin")
        staged.write_bytes(b"y")
        folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o500)
        print(store.local("a/b/_/1.bin").read_bytes(), list(store.names()), store.sweep())
        print(refusal(lambda: store.stage("a/b/_/2.bin")), refusal(lambda: store.publish(staged, "a/b/_/2.bin")))
        print(refusal(lambda: store.delete("a/b/_/1.bin")))
        for folder in folders:
            folder.chmod(0o700)
    """
    assert finished(code).splitlines() == [
        "b'x' ['a/b/_/1.bin'] 0",
        "store-read-only store-read-only",
        "store-read-only",
    ]


def test_too_many_open_files_is_one_line(root: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        from assetflow.errors import StorageError
        from assetflow.store.local import LocalStore
        store = LocalStore(Path(sys.argv[1]))
        staged = store.stage("a/b/_/1.bin")
        staged.write_bytes(b"x")
        held = [open("/dev/null") for _ in range(40)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(held), len(held)))
        try:
            store.publish(staged, "a/b/_/1.bin")
        except StorageError as error:
            print(error.code, len(error.message.splitlines()))
    """
    assert finished(code, root).strip() == "store-error 1"


def test_a_file_in_place_of_a_folder_is_an_error_that_names_it(store: LocalStore, root: Path) -> None:
    root.mkdir()
    (root / "a").write_bytes(b"")
    with pytest.raises(StorageError, match="a in the store is not a folder"):
        put(store, "a/b/_/1.bin", b"x")
    assert refusal(lambda: store.local("a/b/_/1.bin")) == "blob-missing"


def test_publishing_survives_another_process_that_removes_empty_folders(store: LocalStore, root: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from assetflow.store.contract import put
        from assetflow.store.local import LocalStore
        store = LocalStore(Path(sys.argv[1]))
        for i in range(300):
            put(store, f"a/b/x/{sys.argv[2]}{i}.bin", b"x")
            store.delete(f"a/b/x/{sys.argv[2]}{i}.bin")
    """
    with child(code, root, "p") as one, child(code, root, "q") as two:
        for process in (one, two):
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
    assert list(store.names()) == []


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what the operating system was asked to sync, as they come."""
    paths: list[str] = []
    fsync = os.fsync

    def recorded(handle: int) -> None:
        paths.append(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    return paths


def test_sync_reaches_the_file_and_every_folder_that_was_made_for_it(
    store: LocalStore, root: Path, synced: list[str]
) -> None:
    put(store, "a/b/x/1.bin", b"x")
    put(store, "a/b/y/1.bin", b"x")
    put_folder(store, "a/c/_/1", {"in/x": b"1"})
    store.sync(["a/b/x/1.bin", "a/b/y/1.bin", "a/c/_/1"])
    below = [path.removeprefix(f"{root}/") for path in synced if path.startswith(f"{root}/")]
    files = ["a/b/x/1.bin", "a/b/y/1.bin", "a/c/_/1.folder/in/x"]
    folders = ["a", "a/b", "a/b/x", "a/b/y", "a/c", "a/c/_", "a/c/_/1.folder", "a/c/_/1.folder/in"]
    assert sorted(below) == sorted([*files, *folders]), "each once"
    assert all(below.index(file) < below.index("a/c/_") for file in files), "what is named before its name"
    assert below.index("a/b/x") < below.index("a/b") < below.index("a")
    assert str(root) in synced
    assert str(root.parent) in synced


def test_a_later_sync_costs_only_what_is_new(store: LocalStore, root: Path, synced: list[str]) -> None:
    put(store, "a/b/x/1.bin", b"x")
    store.sync(["a/b/x/1.bin"])
    synced.clear()
    put(store, "a/b/y/1.bin", b"x")
    store.sync(["a/b/y/1.bin"])
    assert synced == [f"{root}/a/b/y/1.bin", f"{root}/a/b/y", f"{root}/a/b"]


def test_a_partitions_folder_that_was_emptied_and_made_again_is_synced_again(
    store: LocalStore, root: Path, synced: list[str]
) -> None:
    put(store, "a/b/x/1.bin", b"x")
    store.sync(["a/b/x/1.bin"])
    store.delete("a/b/x/1.bin")
    assert not (root / "a/b/x").exists()
    synced.clear()
    put(store, "a/b/x/2.bin", b"x")
    store.sync(["a/b/x/2.bin"])
    assert f"{root}/a/b" in synced
