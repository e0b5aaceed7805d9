"""Bringing an older catalog up to date: a copy first, then every missing migration in one transaction.

The one module that imports alembic; it is loaded only when a catalog is behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from assetflow.catalog import sqlite
from assetflow.catalog.creation import SCHEMA, SCHEMA_VERSION
from assetflow.catalog.faults import translated
from assetflow.catalog.views import drop_statements, view_statements

__all__ = ["migrate", "upgrade", "upgraded_copy"]

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, *, to: str = SCHEMA, more: Sequence[Path] = ()) -> None:
    """Run the missing migrations in the connection's transaction. ``more`` are folders with further scripts."""
    config = Config()
    folders = os.pathsep.join(str(folder) for folder in (_SCRIPTS / "versions", *more))
    config.set_main_option("path_separator", "os")
    for name, value in (("script_location", str(_SCRIPTS)), ("version_locations", folders)):
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def upgrade(path: Path, *, to: str = SCHEMA, version: int = SCHEMA_VERSION, more: Sequence[Path] = ()) -> Path | None:
    """Bring a catalog file up to date and give the copy that was made before; None where another process was first.

    Whoever is killed here leaves the old catalog or the new one.
    """
    with translated(str(path)), sqlite.locked(path):
        before = sqlite.inspected(path).version
        if before >= version:
            return None
        saved = path.with_name(f"{path.name}.before-version-{version}")
        if not saved.exists():
            with closing(sqlite.connect(path)) as connection:
                sqlite.copy(connection, saved)
        with closing(sqlite.connect(path)) as connection:
            _migrate(connection, str(path), to=to, version=version, more=more)
    return saved


def upgraded_copy(
    path: Path, found: sqlite.Found, *, to: str = SCHEMA, version: int = SCHEMA_VERSION, more: Sequence[Path] = ()
) -> sqlite3.Connection:
    """An older catalog as the newer one it would become, in memory: reading commands write nothing."""
    copy = sqlite.connect(None)
    with closing(sqlite.connect(found.file, mode=found.mode)) as source:
        source.backup(copy)
    _migrate(copy, str(path), to=to, version=version, more=more)
    return copy


def _migrate(connection: sqlite3.Connection, where: str, *, to: str, version: int, more: Sequence[Path]) -> None:
    engine = create_engine("sqlite+pysqlite://", creator=lambda: connection, poolclass=StaticPool)
    with translated(where), sqlite.replacing_tables(connection), engine.connect() as migrating, migrating.begin():
        sqlite.begin_writing(connection)
        for statement in drop_statements():
            migrating.exec_driver_sql(statement)
        migrate(migrating, to=to, more=more)
        for statement in view_statements(iso=sqlite.ISO, hex=sqlite.HEX):
            migrating.exec_driver_sql(statement)
        sqlite.stamp(connection, version)
