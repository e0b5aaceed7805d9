"""Opening, making, refusing and copying catalogs."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from assetflow.catalog import Catalog
from assetflow.catalog.queries import runs, view_rows
from assetflow.catalog.views import VIEWS
from assetflow.errors import BusyError, CatalogError, StorageError, UsageError


def record(path, w, name="x"):
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        number = journal.begin(w.new_run())
        (claimed,) = journal.claim(number, [w.claim(name)])
        journal.commit(number, [w.made(claimed)])
        journal.finish(number, "succeeded", {}, at=w.NOON)


def test_a_missing_catalog_is_read_as_empty_and_nothing_is_written(path):
    with Catalog.open(path, create=False, read_only=True) as catalog:
        assert not catalog.found
        assert runs(catalog) == ()
        with catalog.view("main") as view:
            assert (view.revision, view.memos(), view.moved(0), view.blobs()) == (0, {}, {}, {})
        with pytest.raises(UsageError):
            catalog.remember("main", {("a", "b"): None})
    assert list(path.parent.iterdir()) == []


def test_a_new_catalog_is_private_and_leaves_nothing_beside_it(path):
    old = os.umask(0)
    try:
        Catalog.open(path, create=True).close()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["catalog.db"]


def test_a_maker_that_was_killed_is_tidied_up_after(path):
    path.with_name("catalog.db.new-123").write_bytes(b"half")
    Catalog.open(path, create=True).close()
    assert [file.name for file in path.parent.iterdir()] == ["catalog.db"]


def test_urls_and_paths_name_the_same_file(path):
    Catalog.open(f"sqlite:///{path}", create=True).close()
    with Catalog.open(path, create=False) as catalog:
        assert catalog.found
    with pytest.raises(UsageError, match="not there yet"):
        Catalog.open("postgresql://user:secret@host/db", create=True)


def test_a_database_url_is_refused_without_showing_its_password():
    with pytest.raises(UsageError) as refused:
        Catalog.open("postgresql://user:secret@host/db", create=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_refused_and_left_as_it_is(path, content):
    path.write_bytes(content)
    for read_only in (True, False):
        with pytest.raises(CatalogError) as refused:
            Catalog.open(path, create=True, read_only=read_only)
        assert (refused.value.code, refused.value.exit_code) == ("catalog-damaged", 78)
        assert len(str(refused.value).splitlines()) <= 6
    assert path.read_bytes() == content


def test_a_database_of_someone_else_is_refused(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(CatalogError, match="not of assetflow"):
        Catalog.open(path, create=True)


def test_a_newer_catalog_is_refused_in_one_line(path):
    Catalog.open(path, create=True).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    for read_only in (True, False):
        with pytest.raises(CatalogError) as refused:
            Catalog.open(path, create=True, read_only=read_only)
        assert (refused.value.code, refused.value.exit_code) == ("catalog-newer", 78)


def test_a_catalog_that_lost_a_table_is_damaged(path, w):
    record(path, w)
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE attempts")
    raw.close()
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        number = journal.begin(w.new_run())
        with pytest.raises(CatalogError, match="no such table"):
            journal.claim(number, [w.claim("x")])


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_give_an_answer_or_one_clear_error(tmp_path, w, seed, recorded):
    path = tmp_path / "catalog.db"
    content = bytearray(recorded.read_bytes())
    chance = random.Random(seed)
    for _ in range(20):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)
    with (
        contextlib.suppress(CatalogError, StorageError, BusyError),
        Catalog.open(path, create=False, read_only=True) as catalog,
    ):
        for view in VIEWS:
            view_rows(catalog, view)
        with catalog.view("main") as snapshot:
            snapshot.histories([w.asset("x"), w.asset("y")])
            snapshot.blobs()
        catalog.verify()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, w):
    path = tmp_path_factory.mktemp("recorded") / "catalog.db"
    for name in ("x", "y", "x"):
        record(path, w, name)
    return path


def test_a_catalog_that_stays_locked_is_said_to_be(path, w, monkeypatch):
    Catalog.open(path, create=True).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setenv("ASSETFLOW_BUSY_TIMEOUT", "0.05")
    with Catalog.open(path, create=True) as catalog, pytest.raises(BusyError) as refused:
        catalog.journal("main").begin(w.new_run())
    assert (refused.value.code, refused.value.exit_code) == ("catalog-locked", 75)
    with Catalog.open(path, create=False, read_only=True) as catalog:
        assert runs(catalog) == ()
    holder.close()


def test_a_bad_busy_timeout_is_a_usage_error(path, monkeypatch):
    monkeypatch.setenv("ASSETFLOW_BUSY_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="not a number"):
        Catalog.open(path, create=True)


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import writer
from assetflow.catalog import Catalog
from assetflow.errors import StorageError
catalog = Catalog.open(Path(sys.argv[1]), create=True)
journal = catalog.journal("main")
run = journal.begin(writer.new_run())
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
try:
    for turn in range(1000):
        claimed = journal.claim(run, [writer.claim("x", f"{turn}-{n}") for n in range(20)])
        journal.commit(run, [writer.made(c) for c in claimed])
except StorageError as error:
    print(turn, error.code, error.exit_code)
"""


def test_a_full_disk_is_told_and_what_was_committed_stays(path, w):
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", FULL, str(path), here], capture_output=True, text=True, check=True)
    turns, code, exit_code = done.stdout.split()
    assert (code in {"disk-full", "catalog-unreadable"}, exit_code) == (True, "74")
    with Catalog.open(path, create=True) as catalog:
        assert catalog.verify() == ()
        with catalog.view("main") as view:
            assert len(view.current()) == 20 * int(turns)
    record(path, w)


def test_a_read_only_catalog_answers(path, w, tmp_path):
    record(path, w)
    with Catalog.open(path, create=False, read_only=True) as catalog:
        assert len(runs(catalog)) == 1
        with pytest.raises(UsageError, match="opened for reading"):
            catalog.journal("main").begin(w.new_run())


AS_NOBODY = """
import os, sys
from assetflow.catalog import Catalog
from assetflow.catalog.queries import runs
Catalog.open("sqlite://", create=True).close()  # what is loaded late is loaded now: the interpreter may be out of reach
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Catalog.open(sys.argv[1], create=False, read_only=True) as catalog:
    print(*runs(catalog)[0].targets)
"""


@pytest.mark.parametrize("log", [True, False], ids=["with a log", "without"])
def test_a_read_only_folder_answers_also_while_the_log_holds_commits(path, w, log):
    record(path, w)
    writer = sqlite3.connect(path)
    writer.execute("UPDATE runs SET targets = '[\"late\"]'")
    writer.commit()
    if not log:
        writer.close()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in path.parent.glob("catalog.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(folder / "catalog.db")], capture_output=True, text=True, check=False
        )
        assert done.stdout == "late\n", done.stderr
        assert len(list(folder.iterdir())) == 1 + log
        folder.chmod(0o700)
    writer.close()


def test_a_backup_is_a_catalog_and_never_overwrites(path, w, tmp_path):
    record(path, w)
    target = tmp_path / "backup.db"
    with Catalog.open(path, create=False) as catalog:
        catalog.backup(target)
        with pytest.raises(UsageError, match="exists"):
            catalog.backup(target)
        with pytest.raises(StorageError, match="cannot be written"):
            catalog.backup(tmp_path / "nowhere" / "backup.db")
    with Catalog.open(target, create=False, read_only=True) as copied:
        assert len(runs(copied)) == 1
        assert copied.verify() == ()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "catalog.db"]


def test_importing_the_room_loads_no_sqlalchemy_and_opening_no_alembic(path):
    code = (
        "import sys, assetflow.catalog; assert 'sqlalchemy' not in sys.modules\n"
        "from assetflow.catalog import Catalog\n"
        "Catalog.open(sys.argv[1], create=True).close()\n"
        "assert not {'alembic', 'sqlalchemy.orm', 'pyarrow'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
