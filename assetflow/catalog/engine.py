"""The database behind a catalog: its engine, and transactions whose faults are our own errors."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool, StaticPool

from assetflow.catalog import sqlite
from assetflow.catalog.faults import translated
from assetflow.errors import CatalogError, UsageError

__all__ = ["Database"]


class Database:
    """One open database. Connections never cross into a forked child, where they would corrupt the file."""

    def __init__(self, engine: Engine, *, where: str, path: Path | None, writable: bool) -> None:
        self.engine = engine
        #: The place, for messages.
        self.where = where
        #: The file; None in memory.
        self.path = path
        self.writable = writable
        self._process = os.getpid()
        self._lock = threading.RLock()

    @classmethod
    def of_file(cls, path: Path, *, found: sqlite.Found | None = None) -> Database:
        """A catalog file to write; or, as it was found, to read only."""
        file, mode = (path, "rw") if found is None else (found.file, found.mode)

        def opened() -> sqlite3.Connection:
            connection = sqlite.connect(file, mode=mode)
            if found is not None:
                sqlite.only_reading(connection)
            return connection

        engine = create_engine("sqlite+pysqlite://", creator=opened, poolclass=QueuePool, pool_reset_on_return=None)
        return cls(engine, where=str(path), path=path, writable=found is None)

    @classmethod
    def in_memory(cls, *, writable: bool = True) -> Database:
        """An empty database, gone with the object; without tables yet."""
        engine = create_engine("sqlite+pysqlite://", creator=lambda: sqlite.connect(None), poolclass=StaticPool)
        return cls(engine, where="in memory", path=None, writable=writable)

    @classmethod
    def of_copy(cls, connection: sqlite3.Connection, path: Path) -> Database:
        """A copy in memory of the catalog at a path, to read."""
        engine = create_engine("sqlite+pysqlite://", creator=lambda: connection, poolclass=StaticPool)
        return cls(engine, where=str(path), path=None, writable=False)

    @property
    def shared(self) -> bool:
        """Whether other processes may use it too."""
        return self.path is not None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from the start; committed unless the body raises."""
        if not self.writable:
            raise UsageError("catalog-read-only", f"the catalog {self.where} was opened for reading")
        with self._connected() as connection, self._lock, connection.begin():
            sqlite.begin_writing(_driver(connection))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction in which every query sees the same state. In memory nobody else writes: none is needed."""
        with self._connected() as connection:
            if self.shared:
                connection.exec_driver_sql(sqlite.BEGIN_READING)
            try:
                yield connection
            finally:
                if self.shared:
                    connection.rollback()

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """The connection of the driver itself, outside of any transaction."""
        with self._connected() as connection:
            yield _driver(connection)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        if os.getpid() != self._process:
            raise CatalogError(
                "catalog-in-child",
                f"the catalog {self.where} was opened before this process was forked",
                hint="start processes with spawn or forkserver, or open the project in the child",
            )
        with translated(self.where), self.engine.connect() as connection:
            try:
                yield connection
            finally:
                _settled(connection)

    def close(self) -> None:
        """Close every connection. The log is folded into the file by the last one."""
        if os.getpid() == self._process:
            self.engine.dispose()


def _settled(connection: Connection) -> None:
    """A commit that failed may have left its transaction open: it must not reach who gets the connection next."""
    if not connection.closed and not connection.invalidated and (driver := _driver(connection)).in_transaction:
        try:
            driver.rollback()
        except sqlite3.Error:
            connection.invalidate()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
