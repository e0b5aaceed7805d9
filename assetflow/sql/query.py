"""What is known of a query, as values: its text parsed, what it is over given columns, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

from assetflow import sql as room
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Role
from assetflow.sql.bounds import Step, values_of
from assetflow.types.columns import ColumnType

__all__ = ["Binding", "Columns", "Named", "Query", "Source", "Statement", "TableColumn"]

#: A table's columns in order.
Columns: TypeAlias = Mapping[str, ColumnType]


class Named(NamedTuple):
    """A name in a query, and the character at which it stands."""

    #: As written, without quotes: ``orders``, ``shop.orders``, ``o.amount``.
    name: str
    offset: int


class TableColumn(NamedTuple):
    """A column of a ``create table``."""

    name: str
    type: ColumnType
    nullable: bool
    #: It is part of the primary key.
    key: bool


class Source(NamedTuple):
    """A column of an asset (of a struct a field: ``address.city``); an empty name stands for its rows."""

    asset: AssetKey
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One query, parsed."""

    #: Without a semicolon at its end.
    text: str
    #: The tables, each where it is first named; what the query itself defines is left out.
    tables: tuple[Named, ...]
    #: Every column that is named, in order of place.
    columns: tuple[Named, ...]
    #: Run parameters: ``$limit`` is ``limit``.
    parameters: tuple[str, ...]
    #: Functions whose answer is not the same each time.
    volatile: tuple[str, ...]
    #: It reads one table, and no query stands inside of it.
    single: bool
    #: The query as it was parsed; equal for texts that differ in spaces, comments and brackets only.
    plain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a query is over tables of known columns."""

    #: The columns that it gives, in order.
    columns: tuple[tuple[str, ColumnType], ...]
    #: For each table the columns that it reads, in the table's order; None: what it reads cannot be told.
    reads: Mapping[AssetKey, tuple[str, ...] | None]
    #: The query in its canonical form: equal texts mean the same over the same tables.
    canonical: str
    #: For each column that it gives, where its values come from; none where that is not known.
    sources: tuple[frozenset[Source], ...] = ()
    #: What decides about its rows.
    uses: frozenset[tuple[Role, Source]] = frozenset()
    #: Why where its columns come from is not known; empty where it is.
    reason: str = ""


class _Step(Step, Protocol):
    @property
    def scratch(self) -> Path: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query as the function of an asset: called with its tables, its run parameters, and the running step."""

    #: The asset, for messages.
    name: str
    text: str
    #: Its tables as written.
    tables: Mapping[str, AssetKey]
    #: By parameter, the table that is handed in.
    inputs: Mapping[str, AssetKey]
    #: The name by which the running step is handed in.
    step: str
    #: What its tables had when it was bound; None: it is bound when it runs.
    columns: Mapping[AssetKey, Columns] | None = None
    #: The parameters that stand for the partition that is made.
    bounds: tuple[str, ...] = ()

    def __call__(self, **arguments: Any) -> Any:  # scans and JSON-able values; a table, or a stream
        """Run it. Raises ValueMismatch ``query-failed`` where the values do not allow it; so does a stream, read."""
        step: _Step = arguments.pop(self.step)
        scans = {key: arguments.pop(name) for name, key in self.inputs.items()}
        arguments |= values_of(self.bounds, step) if self.bounds else {}
        spill = step.scratch / "spill"
        return room.running.run(self.name, self.text, self.tables, scans, arguments, columns=self.columns, spill=spill)
