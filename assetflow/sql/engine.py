"""What DuckDB says of itself, and how values are handed to it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb

from assetflow.types.engine import connected

__all__ = ["Functions", "functions", "handed"]


class Functions(NamedTuple):
    """What DuckDB says of its functions, by lower-case name."""

    #: They make one value of many rows.
    aggregates: frozenset[str]
    #: None of their forms gives the same each time.
    volatile: frozenset[str]


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
