"""Statements that a commit runs thousands of times: compiled once, executed by the driver with plain tuples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Insert, Table, bindparam, insert
from sqlalchemy.sql.expression import ClauseElement, UpdateBase

__all__ = ["WANTED", "Prepared", "chunks", "inserted", "key"]

T = TypeVar("T")

#: How many values one IN list holds: below what any database allows, and few enough sizes to stay cached.
CHUNK = 500

#: The values of an IN list, given with each execution.
WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists short enough for an IN list."""
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def key(name: str) -> Any:  # what SQLAlchemy takes as a value
    """A parameter in a WHERE clause; its name is kept apart from those of columns."""
    return bindparam(f"k_{name}")


class Prepared:
    """A statement as the driver takes it. Rows are tuples in the order of ``parameters``."""

    def __init__(self, statement: UpdateBase, *parameters: str) -> None:
        self._statement: ClauseElement = statement
        self._parameters = parameters
        self._compiled: dict[str, tuple[str, Sequence[int] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Execute once a row and give how many rows of the database were touched."""
        if not rows:
            return 0
        text, order = self._text(connection)
        given: Any  # the two forms that drivers take
        if order is None:
            given = [dict(zip(self._parameters, row, strict=True)) for row in rows]
        elif list(order) == list(range(len(self._parameters))):
            given = list(rows)
        else:
            given = [tuple(row[place] for place in order) for row in rows]
        return connection.exec_driver_sql(text, given).rowcount

    def _text(self, connection: Connection) -> tuple[str, Sequence[int] | None]:
        dialect = connection.dialect
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled: Any = self._statement.compile(dialect=dialect)  # positiontup is not typed
            names = compiled.positiontup if dialect.positional else None
            order = None if names is None else [self._parameters.index(name) for name in names]
            known = self._compiled[dialect.name] = (str(compiled), order)
        return known


def inserted(table: Table, *columns: str) -> Prepared:
    """An INSERT of these columns, in this order; all of the table's where none is named."""
    names = columns or tuple(column.name for column in table.columns)
    statement: Insert = insert(table).values({name: bindparam(name) for name in names})
    return Prepared(statement, *names)
