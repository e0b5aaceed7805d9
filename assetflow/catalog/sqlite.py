"""SQLite: how a catalog file is made, opened, locked and copied. No other module holds SQL that only SQLite knows."""

from __future__ import annotations

import atexit
import fcntl
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from assetflow.catalog.faults import damaged, translated
from assetflow.errors import CatalogError, StorageError, UsageError

__all__ = [
    "APPLICATION_ID",
    "BEGIN_READING",
    "DIALECT",
    "HEX",
    "ISO",
    "Found",
    "begin_writing",
    "connect",
    "copy",
    "created",
    "fill",
    "inspected",
    "integrity",
    "locked",
    "readable",
    "only_reading",
    "refuse_newer",
    "replacing_tables",
    "stamp",
]

#: ``PRAGMA application_id`` of a catalog: "asft".
APPLICATION_ID = 0x61736674

BEGIN_READING = "BEGIN"

#: How an instant and a digest are spelled in views.
ISO = "(strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000, 'unixepoch') || printf('.%06dZ', {0} % 1000000))"
HEX = "CASE WHEN {0} IS NOT NULL THEN lower(hex({0})) END"

DIALECT = SQLiteDialect_pysqlite()


def _busy_timeout() -> float:
    text = os.environ.get("ASSETFLOW_BUSY_TIMEOUT", "30")
    try:
        return float(text)
    except ValueError:
        raise UsageError("bad-setting", f"ASSETFLOW_BUSY_TIMEOUT is {text!r}, not a number of seconds") from None


def connect(path: Path | None, *, mode: str = "rw") -> sqlite3.Connection:
    """A connection to a file, or with None to a fresh database in memory. Transactions are begun by hand.

    ``mode`` is ``rw``, ``ro``, or ``immutable`` for a file that nobody writes.
    """
    if path is None:
        target = ":memory:"
    else:
        target = f"file:{quote(str(path))}?" + ("immutable=1" if mode == "immutable" else f"mode={mode}")
    connection = sqlite3.connect(
        target,
        uri=path is not None,
        timeout=_busy_timeout(),
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        # FULL syncs the log at each commit: what is reported done survives a power cut.
        connection.execute("PRAGMA synchronous = FULL" if path is not None else "PRAGMA synchronous = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class Found(NamedTuple):
    """A catalog file as it can be read here, and the version of its schema."""

    file: Path
    mode: str
    version: int


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin a transaction that holds the write lock from the start; one that locks later fails as soon as two meet.

    SQLite would sleep for longer and longer, up to a tenth of a second, and who waits longest would be served last.
    Here who has waited asks more and more often, so with many writers nobody waits for long.
    """
    begun = time.monotonic()
    timeout = _busy_timeout()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - begun
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or waited >= timeout:
                    raise
            longest = max(0.0004, 0.005 - waited / 10) if waited < 1 else 0.02
            time.sleep(longest * (0.5 + random.random() / 2))
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")


def only_reading(connection: sqlite3.Connection) -> None:
    """Refuse every change through this connection."""
    connection.execute("PRAGMA query_only = ON")


@contextmanager
def replacing_tables(connection: sqlite3.Connection) -> Iterator[None]:
    """Outside of a transaction: let a table be changed by copying it, which must not be taken for deleting rows."""
    connection.execute("PRAGMA foreign_keys = OFF")
    yield
    connection.execute("PRAGMA foreign_keys = ON")


def stamp(connection: sqlite3.Connection, version: int) -> None:
    """Say what version the schema has. Raises IntegrityError if a reference leads nowhere."""
    if (row := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
        raise sqlite3.IntegrityError(f"a row of {row[0]} refers to a row of {row[2]} that is not there")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {int(version)}")


def inspected(path: Path) -> Found:
    """Look at a catalog file. Raises CatalogError ``catalog-damaged`` for what is no catalog, whatever else it is.

    Only SQLite opens it: closing a file gives up every lock that this process has on it, also other connections'.
    """
    with translated(str(path)):
        file_read, mode = readable(path)
        with closing(connect(file_read, mode=mode)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID or version < 1:
        raise damaged(str(path), "it is a database, but not of assetflow")
    return Found(file_read, mode, int(version))


def readable(path: Path) -> tuple[Path, str]:
    """The file and mode to read a catalog with, also where nothing may be written.

    Nothing is left behind: a log with something in it stays, to be folded in by a writer, and where there is none, its
    files, made for reading, are removed by a connection that could write. Where these cannot be made, the file is read
    as it is if the log is empty, and a private copy of both otherwise.
    """
    log = path.with_name(path.name + "-wal")
    logged = log.exists() and log.stat().st_size > 0
    if not logged and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return path, "rw"
    try:
        with closing(connect(path, mode="ro")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            raise
        if not logged:
            return path, "immutable"
        folder = Path(tempfile.mkdtemp(prefix="assetflow-catalog-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for file in (path, log):
            shutil.copyfile(file, folder / file.name)
        return folder / path.name, "rw"
    return path, "ro"


def refuse_lone_log(path: Path) -> None:
    """Raise CatalogError ``catalog-damaged`` where the file is gone and its log is not: a new file would take it in."""
    log = path.with_name(path.name + "-wal")
    try:
        if log.stat().st_size == 0 or path.exists():
            return
    except FileNotFoundError:
        return
    raise CatalogError(
        "catalog-damaged",
        f"the catalog {path} is gone, and what was written to it last still lies in {log.name}",
        hint=f"put {path.name} back; or, to begin anew, remove {log.name} too",
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file beside a path; it is gone afterwards."""
    lock = path.with_name(path.name + ".lock")
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            if os.fstat(handle).st_ino == lock.stat().st_ino:
                break
        except FileNotFoundError:
            pass  # who held it before us has removed it: lock the one that stands there now
        os.close(handle)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def created(path: Path, statements: list[str], version: int) -> bool:
    """Make a catalog of these statements unless there is one; whether it was made.

    It is built beside its place and linked there when it is whole and synced, so whoever is killed here leaves no
    catalog or all of it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with translated(str(path)), locked(path):
            if os.path.lexists(path):
                return False
            for leftover in path.parent.glob(f"{path.name}.new-*"):
                leftover.unlink()
            unfinished = path.with_name(f"{path.name}.new-{os.getpid()}")
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
            with closing(connect(unfinished)) as connection:
                _unsynced(connection)
                fill(connection, statements, version)
                connection.execute("PRAGMA journal_mode = WAL")
            for suffix in ("-wal", "-shm", "-journal"):
                unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
            _synced(unfinished)
            unfinished.rename(path)
            _synced(path.parent)
    except OSError as error:
        raise StorageError(
            "catalog-unreadable",
            f"the catalog {path} cannot be made: {error.strerror}",
            hint="set catalog to a place that can be written",
        ) from error
    return True


def fill(connection: sqlite3.Connection, statements: list[str], version: int) -> None:
    """Make the tables of a new catalog, in one transaction."""
    connection.execute("BEGIN")
    for statement in statements:
        connection.execute(statement)
    stamp(connection, version)
    connection.execute("COMMIT")


def _unsynced(connection: sqlite3.Connection) -> None:
    """For a file that nobody knows yet: it is synced as a whole when it is done, and dropped if that never is."""
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy a catalog while others may write it. The copy appears whole or not at all, and never over something.

    Raises UsageError ``backup-exists``.
    """
    if os.path.lexists(target):
        raise UsageError("backup-exists", f"{target} exists", hint="name a file that does not exist yet")
    unfinished = target.with_name(f"{target.name}.new-{os.getpid()}")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
        try:
            with closing(connect(unfinished)) as copied:
                _unsynced(copied)
                source.backup(copied)
            _synced(unfinished)
            os.link(unfinished, target, follow_symlinks=False)
            _synced(target.parent)
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):
                unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError("backup-exists", f"{target} exists", hint="name a file that does not exist yet") from None
    except OSError as error:
        raise StorageError("backup-failed", f"{target} cannot be written: {error.strerror}") from error


def integrity(connection: sqlite3.Connection) -> list[str]:
    """What SQLite itself finds wrong with the file, and references to rows that are not there; 100 at most."""
    try:
        found = [text for (text,) in connection.execute("PRAGMA integrity_check(100)") if text != "ok"]
        found += [
            f"row {row} of {table} refers to a row of {parent} that is not there"
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(100)
        ]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return found


def refuse_newer(path: Path, version: int, known: int) -> None:
    """Raise CatalogError ``catalog-newer`` where the file was written by a later assetflow."""
    if version > known:
        raise CatalogError(
            "catalog-newer",
            f"the catalog {path} was written by a newer assetflow (its version is {version}, this one knows {known})",
            hint="upgrade assetflow",
        )
