"""The catalog: one file that remembers everything, opened once by whoever needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from assetflow import catalog as room
from assetflow.catalog import sqlite
from assetflow.catalog.creation import SCHEMA_VERSION, creation_statements
from assetflow.catalog.encoding import micros
from assetflow.catalog.engine import Database
from assetflow.catalog.facts import Facts
from assetflow.catalog.faults import decoding
from assetflow.catalog.ids import Ids
from assetflow.catalog.queries import used_blobs
from assetflow.catalog.records import Problem, UsedBlob
from assetflow.catalog.view import View
from assetflow.errors import UsageError
from assetflow.model.definition import Definition
from assetflow.model.history import Materialization, Memo
from assetflow.model.journal import KeyEdit
from assetflow.model.keys import AssetKey

if TYPE_CHECKING:
    from assetflow.catalog.journal import CatalogJournal

__all__ = ["Catalog"]

_FILE, _MEMORY = "sqlite:///", {"sqlite://", "sqlite:///:memory:", ":memory:"}


def _now() -> datetime:
    return datetime.now(UTC)


class Catalog:
    """An open catalog. Use :meth:`open`, and close it, or use it in a ``with`` block."""

    def __init__(self, database: Database, *, found: bool) -> None:
        self.database = database
        #: False where there is none yet and it is read as empty.
        self.found = found
        self.ids = Ids()
        self.facts = Facts(self.ids, self._materialization)

    @classmethod
    def open(cls, place: str | Path, *, create: bool, read_only: bool = False) -> Catalog:
        """Open the catalog at a path or SQLAlchemy URL; ``sqlite://`` is one in memory.

        A missing one is made where ``create``, else read as empty, and nothing is written. Raises CatalogError
        ``catalog-damaged``, ``catalog-newer``; StorageError; BusyError.
        """
        if str(place) in _MEMORY:
            return cls(_filled(Database.in_memory()), found=True)
        path = _path(place)
        if not path.exists():
            sqlite.refuse_lone_log(path)
        if create and not read_only and not path.exists():
            sqlite.created(path, creation_statements(), SCHEMA_VERSION)
        if not path.exists():
            return cls(_filled(Database.in_memory(), writable=False), found=False)
        found = sqlite.inspected(path)
        sqlite.refuse_newer(path, found.version, SCHEMA_VERSION)
        if found.version < SCHEMA_VERSION:
            if read_only:
                return cls(Database.of_copy(room.upgrading.upgraded_copy(path, found), path), found=True)
            room.upgrading.upgrade(path)
        return cls(Database.of_file(path, found=found if read_only else None), found=True)

    def _materialization(self, id: int) -> Materialization:
        with self.database.reading() as connection, decoding(self.database.where):
            return self.facts.materializations(connection, [id])[id]

    def journal(self, environment: str, clock: Callable[[], datetime] = _now) -> CatalogJournal:
        """The journal of one environment."""
        return room.journal.CatalogJournal(self.database, self.ids, self.facts, environment, clock)

    @contextmanager
    def view(self, environment: str) -> Iterator[View]:
        """One environment at one revision, read in one transaction that ends with the block."""
        with self.database.reading() as connection:
            yield View(connection, self.ids, self.facts, environment, self.database.where)

    def remember(self, environment: str, memos: Mapping[AssetKey, Memo]) -> int:
        """Keep memos for the next plan; only what differs is written. Gives how many did."""
        if not memos:
            return 0
        with self.writing() as connection:
            return room.memos.write_memos(connection, self.ids, self._environment(connection, environment), memos)

    def edit_keys(self, environment: str, edits: Sequence[KeyEdit]) -> tuple[KeyEdit, ...]:
        """Add keys to dynamic sets and take them out; gives what changed something."""
        with self.writing() as connection:
            id, at = self._environment(connection, environment), micros(_now())
            return room.keysets.edit(connection, self.ids, id, None, edits, at=at)

    def record_definitions(self, environment: str, definitions: Iterable[Definition]) -> int:
        """Record what the whole project declares today; only what differs is written. Gives how many did."""
        with self.writing() as connection:
            id, at = self._environment(connection, environment), micros(_now())
            return room.declared.record_declarations(connection, self.ids, id, definitions, at=at)

    def backup(self, target: Path) -> None:
        """Copy the catalog while others may write it; the copy is whole or absent.

        Raises UsageError ``backup-exists``, StorageError ``backup-failed``.
        """
        with self.database.driver() as connection:
            sqlite.copy(connection, target)

    def blobs(self) -> Iterator[UsedBlob]:
        """Every blob whose bytes must be in the store, with the values that they are."""
        return used_blobs(self)

    def verify(self) -> tuple[Problem, ...]:
        """What is wrong inside the catalog; nothing in a sound one."""
        return room.verify.problems(self)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; what was learnt in it is forgotten if it fails."""
        try:
            with self.database.writing() as connection:
                yield connection
        except BaseException:
            self.ids.forget()
            self.facts.forget()
            raise

    def _environment(self, connection: Connection, name: str) -> int:
        id = self.ids.environment(connection, name, create=True)
        assert id is not None
        return id

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _path(place: str | Path) -> Path:
    text = str(place)
    if text.startswith(_FILE):
        text = text.removeprefix(_FILE)
    elif "://" in text:
        raise UsageError(
            "bad-catalog",
            f"the catalog {text.split('://')[0]}://… is of a kind that is not there yet",
            hint='name a file: catalog = "catalog.db"',
        )
    return Path(text)


def _filled(database: Database, *, writable: bool = True) -> Database:
    with database.driver() as connection:
        sqlite.fill(connection, creation_statements(), SCHEMA_VERSION)
    database.writable = writable
    return database
