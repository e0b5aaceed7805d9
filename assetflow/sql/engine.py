"""DuckDB, closed: no files, no network, no extensions, no Python variables; one thread, so that equal data in equal
order gives equal data in equal order."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

__all__ = ["Functions", "closed", "connected", "functions", "handed", "literal", "quoted"]


class Functions(NamedTuple):
    """What DuckDB says of its functions, by lower-case name."""

    #: They make one value of many rows.
    aggregates: frozenset[str]
    #: None of their forms gives the same each time.
    volatile: frozenset[str]


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


@functools.cache
def functions() -> Functions:
    """The functions there are."""
    connection = connected()
    try:
        aggregates = connection.execute(
            "select distinct function_name from duckdb_functions() where function_type = 'aggregate'"
        ).fetchall()
        volatile = connection.execute(
            "select function_name from duckdb_functions() group by 1 "
            "having bool_and(coalesce(stability, 'CONSISTENT') in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY'))"
        ).fetchall()
    finally:
        connection.close()
    return Functions(frozenset(name for (name,) in aggregates), frozenset(name for (name,) in volatile))


def handed(parameters: Mapping[str, Any]) -> dict[str, Any] | None:  # JSON-able values of the user
    """Run parameters as DuckDB takes them: whole numbers of one type, however large they are."""
    return {
        name: duckdb.LongValue(value) if type(value) is int and -(2**63) <= value < 2**63 else value
        for name, value in parameters.items()
    } or None


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"
