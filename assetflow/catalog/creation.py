"""What a new catalog is made of: every table, index, view and first row, as statements."""

from __future__ import annotations

from sqlalchemy.schema import CreateIndex, CreateTable

from assetflow.catalog import sqlite, tables
from assetflow.catalog.views import view_statements

__all__ = ["SCHEMA", "SCHEMA_VERSION", "creation_statements"]

#: The migration that a new catalog is at, and its place: ``PRAGMA user_version``.
SCHEMA = "0004"
SCHEMA_VERSION = 4


def creation_statements() -> list[str]:
    """DDL and first rows, in order; equal to running every migration."""
    statements = []
    for table in tables.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=sqlite.DIALECT)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=sqlite.DIALECT)) for index in indexes]
    statements += [f"INSERT INTO counters (name, value) VALUES ('{name}', 0)" for name in (tables.REVISION, tables.RUN)]
    # As alembic makes it, so that the next migration knows where it starts.
    statements += [
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
        f"INSERT INTO alembic_version (version_num) VALUES ('{SCHEMA}')",
    ]
    return statements + view_statements(iso=sqlite.ISO, hex=sqlite.HEX)
