"""What every store must do, as tests: subclass :class:`StoreContract` and give a fixture ``store``.

>>> from assetflow.testing import StoreContract
>>> class TestMyStore(StoreContract):
...     @pytest.fixture
...     def store(self, tmp_path):
...         return MyStore(tmp_path)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from assetflow.errors import StorageError
from assetflow.model.storage import Store

__all__ = ["StoreContract"]


class StoreContract:
    """The contract of :class:`assetflow.model.storage.Store`, a behaviour a test."""

    def test_a_published_file_is_found_under_its_name(self, store: Store) -> None:
        put(store, "shop/orders/_/1.bin", b"abc")
        assert store.local("shop/orders/_/1.bin").read_bytes() == b"abc"
        assert store.size("shop/orders/_/1.bin") == 3

    def test_a_published_folder_is_found_whole(self, store: Store) -> None:
        put_folder(store, "shop/pages/_/1", {"a.txt": b"one", "below/b.txt": b"three", "empty": None})
        found = store.local("shop/pages/_/1")
        assert (found / "a.txt").read_bytes() == b"one"
        assert (found / "below" / "b.txt").read_bytes() == b"three"
        assert (found / "empty").is_dir()
        assert store.size("shop/pages/_/1") == 8

    def test_an_empty_folder_and_an_empty_file_are_blobs(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"")
        put_folder(store, "a/b/_/2", {})
        assert store.size("a/b/_/1.bin") == 0
        assert store.size("a/b/_/2") == 0
        assert store.local("a/b/_/2").is_dir()

    def test_what_is_staged_does_not_exist_yet_and_is_no_blob(self, store: Store) -> None:
        staged = store.stage("shop/orders/_/1.bin")
        assert not staged.exists()
        assert staged.parent.is_dir()
        assert staged.suffix == ".bin"
        staged.write_bytes(b"half")
        assert store.size("shop/orders/_/1.bin") is None
        assert list(store.names()) == []

    def test_staging_one_name_twice_gives_two_places(self, store: Store) -> None:
        assert store.stage("a/b/_/1.bin") != store.stage("a/b/_/1.bin")

    def test_nothing_is_overwritten(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"old")
        assert refusal(lambda: put(store, "a/b/_/1.bin", b"new")) == "blob-exists"
        assert store.local("a/b/_/1.bin").read_bytes() == b"old"

    def test_no_folder_is_overwritten_either_and_not_an_empty_one(self, store: Store) -> None:
        put_folder(store, "a/b/_/1", {})
        put_folder(store, "a/b/_/2", {"x": b"old"})
        assert refusal(lambda: put_folder(store, "a/b/_/1", {"x": b"new"})) == "blob-exists"
        assert refusal(lambda: put_folder(store, "a/b/_/2", {"x": b"new"})) == "blob-exists"
        assert refusal(lambda: put(store, "a/b/_/2", b"new")) == "blob-exists"
        assert store.size("a/b/_/1") == 0
        assert (store.local("a/b/_/2") / "x").read_bytes() == b"old"

    def test_of_many_that_publish_one_name_at_once_one_wins(self, store: Store) -> None:
        def one(number: int) -> str:
            return refusal(lambda: put(store, "a/b/_/1.bin", b"%d" % number))

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(one, range(24)))
        assert sorted(results) == ["", *["blob-exists"] * 23]
        assert store.local("a/b/_/1.bin").read_bytes() == b"%d" % results.index("")

    def test_a_missing_blob_is_told(self, store: Store) -> None:
        assert store.size("a/b/_/1.bin") is None
        assert refusal(lambda: store.local("a/b/_/1.bin")) == "blob-missing"
        assert refusal(lambda: store.sync(["a/b/_/1.bin"])) == "blob-missing"

    def test_a_folder_of_blobs_is_no_blob(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"x")
        assert store.size("a/b") is None
        assert refusal(lambda: store.local("a/b/_")) == "blob-missing"
        store.delete("a/b/_")
        store.delete("a")
        assert store.size("a/b/_/1.bin") == 1

    def test_what_lies_in_a_folder_blob_is_no_blob_of_its_own(self, store: Store) -> None:
        put_folder(store, "a/b/_/1", {"x": b"1"})
        assert store.size("a/b/_/1/x") is None
        assert list(store.names()) == ["a/b/_/1"]

    def test_names_lists_all_blobs_below_a_prefix(self, store: Store) -> None:
        names = {"a/b/_/1.bin", "a/b/_/2.bin", "a/b/x/1.bin", "a/c/_/1.bin", "z/b/_/1.bin"}
        for name in names:
            put(store, name, b"x")
        put_folder(store, "a/b/_/3", {"x": b"1"})
        assert set(store.names()) == {*names, "a/b/_/3"}
        assert set(store.names("a/b/")) == {"a/b/_/1.bin", "a/b/_/2.bin", "a/b/x/1.bin", "a/b/_/3"}
        assert set(store.names("a/b/_/1")) == {"a/b/_/1.bin"}
        assert list(store.names("nothing/")) == []

    def test_names_of_a_store_that_was_never_written_are_none(self, store: Store) -> None:
        assert list(store.names()) == []
        assert store.sweep() == 0

    def test_sync_takes_files_folders_and_none(self, store: Store) -> None:
        store.sync([])
        put(store, "a/b/_/1.bin", b"x")
        put_folder(store, "a/b/_/2", {"x": b"1"})
        store.sync(["a/b/_/1.bin", "a/b/_/2", "a/b/_/1.bin"])
        put(store, "a/b/_/3.bin", b"x")
        store.sync(["a/b/_/3.bin"])

    def test_deleting_removes_one_blob_and_no_other(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"x")
        put(store, "a/b/_/2.bin", b"y")
        put_folder(store, "a/b/_/3", {"x": b"1"})
        store.delete("a/b/_/1.bin")
        store.delete("a/b/_/3")
        assert set(store.names()) == {"a/b/_/2.bin"}

    def test_deleting_what_is_not_there_is_no_error(self, store: Store) -> None:
        store.delete("a/b/_/1.bin")
        put(store, "a/b/_/1.bin", b"x")
        store.delete("a/b/_/1.bin")
        store.delete("a/b/_/1.bin")

    def test_a_name_below_what_was_emptied_can_be_published(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"x")
        store.delete("a/b/_/1.bin")
        put(store, "a/b/_/2.bin", b"y")
        assert store.size("a/b/_/2.bin") == 1

    def test_what_is_set_aside_is_missing_and_its_name_is_free(self, store: Store) -> None:
        put(store, "a/b/_/1.bin", b"bad")
        put_folder(store, "a/b/_/2", {"x": b"bad"})
        put(store, "a/b/_/3.bin", b"good")
        for name in ("a/b/_/1.bin", "a/b/_/2", "a/b/_/2", "a/b/_/4.bin", "z/b/_/1.bin"):
            store.set_aside(name)
        assert set(store.names()) == {"a/b/_/3.bin"}
        assert store.size("a/b/_/1.bin") is None
        assert refusal(lambda: store.local("a/b/_/2")) == "blob-missing"
        put(store, "a/b/_/1.bin", b"anew")
        put_folder(store, "a/b/_/2", {"x": b"anew"})
        assert store.local("a/b/_/1.bin").read_bytes() == b"anew"
        store.set_aside("a/b/_/1.bin")
        assert set(store.names()) == {"a/b/_/2", "a/b/_/3.bin"}

    def test_what_was_set_aside_is_removed_when_that_is_asked_for(self, store: Store) -> None:
        assert store.sweep(damaged=True) == 0
        put(store, "a/b/_/1.bin", b"bad")
        put_folder(store, "a/b/_/2", {"x": b"worse"})
        put(store, "a/b/_/3.bin", b"good")
        store.set_aside("a/b/_/1.bin")
        store.set_aside("a/b/_/2")
        assert store.sweep() == 0
        assert store.sweep(damaged=True, dry_run=True) == 8
        assert store.sweep(damaged=True) == 8
        assert store.sweep(damaged=True) == 0
        assert list(store.names()) == ["a/b/_/3.bin"]

    def test_a_live_process_keeps_what_it_has_staged(self, store: Store) -> None:
        staged = store.stage("a/b/_/1.bin")
        staged.write_bytes(b"half")
        assert store.sweep() == 0
        assert staged.read_bytes() == b"half"

    def test_names_that_lead_out_of_the_store_are_refused(self, store: Store) -> None:
        for name in ("", "/", "/etc/passwd", "a/../../b", "..", "a/./b", "a//b", "a/b/", "a/\0/b", "a/" + "x" * 256):
            assert refusal(lambda name=name: store.stage(name)) == "bad-blob-name", name
            assert refusal(lambda name=name: store.local(name)) == "bad-blob-name", name
            assert refusal(lambda name=name: store.delete(name)) == "bad-blob-name", name
            assert refusal(lambda name=name: store.set_aside(name)) == "bad-blob-name", name

    def test_it_says_where_it_is(self, store: Store) -> None:
        assert store.url


def put(store: Store, name: str, data: bytes) -> None:
    """Publish a file of these bytes."""
    staged = store.stage(name)
    staged.write_bytes(data)
    store.publish(staged, name)


def put_folder(store: Store, name: str, files: dict[str, bytes | None]) -> None:
    """Publish a folder of files by relative name; None makes a folder."""
    staged = store.stage(name)
    staged.mkdir()
    for file, data in files.items():
        path = Path(staged, file)
        (path.parent if data is not None else path).mkdir(parents=True, exist_ok=True)
        if data is not None:
            path.write_bytes(data)
    store.publish(staged, name)


def refusal(action: object) -> str:
    """The code of the StorageError that an action raises; empty when it raises none."""
    assert callable(action)
    try:
        action()
    except StorageError as error:
        return error.code
    return ""
