"""DuckDB, closed: no files, no network, no extensions, no Python variables; one thread, so that equal data in equal
order gives equal data in equal order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

__all__ = ["closed", "connected", "literal", "quoted"]


def connected() -> Any:  # a DuckDB connection
    """A database in memory that takes nothing from its surroundings but files that a caller reads."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("set TimeZone='UTC'")
    return connection


def closed(connection: Any, *, files: Iterable[str] = (), spill: Path | None = None) -> None:  # a DuckDB connection
    """Let the connection read these files and write what exceeds its memory to ``spill``; nothing else, for good."""
    if spill is not None:
        connection.execute(f"set temp_directory={literal(str(spill))}")
    listed = ", ".join(map(literal, files))
    if listed:
        connection.execute(f"set allowed_paths=[{listed}]")
    connection.execute("set enable_external_access=false")
    connection.execute("set lock_configuration=true")


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"
