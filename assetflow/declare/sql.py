"""``sql_asset``: a query, and the table that it says should exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from assetflow.declare.arguments import Options
from assetflow.declare.places import Place, calling_place

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import MultiAsset, Output
    from assetflow.declare.sources import Source
    from assetflow.model.changes import KindName, PolicyName
    from assetflow.model.contracts import Contract
    from assetflow.model.partitioning import Partitioning
    from assetflow.model.ready import Ready
    from assetflow.model.retry import Retry
    from assetflow.model.rows import Divert

__all__ = ["SQL_ARGUMENTS", "SqlArguments", "SqlAsset", "sql_asset"]


class SqlArguments(TypedDict, total=False):
    """The keyword arguments of ``sql_asset`` that it has in common with ``@asset``."""

    #: The first part of its key; by default from the module.
    group: str
    #: ``Daily("2026-01-01")``, ``Static("eu", "us")``, ``Product(…)`` …, or a source of ``Files``.
    partitions: Partitioning | Source
    #: Assets that must be up to date first and count in the trace, but are not read.
    deps: Sequence[Asset[..., Any] | MultiAsset[..., Any] | Output | Source | SqlAsset | str]
    #: What must hold before the table is published.
    checks: Sequence[Ready]
    #: How often to try.
    retry: Retry
    #: What becomes of it when its columns are not those of the version before.
    on_schema_change: PolicyName | Mapping[KindName, PolicyName]
    #: What becomes of rows that break the row model: they hold the table back, or go to ``<name>__rejects``.
    on_bad_rows: Literal["fail", "divert"] | Divert
    #: What is promised to whoever reads it.
    contract: Contract
    #: A table older than this is expired; ``0``: make it again in every run that reaches it.
    max_age: timedelta | str | float
    #: One query gives several partitions, all that are to be made or so many at most; the table is cut.
    batch: bool | int
    #: With ``batch``: the column that says which partition a row belongs to, of a product one for each dimension.
    key_column: str | Mapping[str, str]
    #: Late data: a partition made before the end of so many windows after its own expires once when one has ended.
    lookback: int
    retain: timedelta | str | float
    #: Changes of the query and of parameters are only for partitions that are not made yet.
    forward_only: bool
    #: Equal traces give equal data, although it calls a function like ``now()``.
    deterministic: bool
    #: Stands for the query: only a change of this text is a change of the code.
    version: str
    tags: Sequence[str]
    owners: Sequence[str]
    description: str
    #: Facts for people, JSON-able.
    metadata: Mapping[str, Any]


SQL_ARGUMENTS = frozenset(SqlArguments.__annotations__)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SqlAsset:
    """A table that should exist, and the query that gives it."""

    name: str
    #: The query, or the file that it is in.
    query: Any  # anything the user wrote; sound: str | Path
    #: The row model that its rows are held to: a class, or its qualified name.
    rows: Any = None  # anything the user wrote
    #: Run parameters by name, each with its default; a type: one without a default.
    parameters: Mapping[str, Any] = field(default_factory=dict)  # anything the user wrote
    #: It stores nothing: whoever reads it runs the query.
    view: Any = False  # anything the user wrote
    options: Options
    place: Place

    def __repr__(self) -> str:
        return f"<sql_asset {self.name}>"


def sql_asset(
    name: str,
    query: str | Path,
    *,
    rows: type | None = None,
    parameters: Mapping[str, Any] | None = None,  # JSON-able values of the user, or their types
    view: bool = False,
    **arguments: Unpack[SqlArguments],
) -> SqlAsset:
    """Declare a table by the query that gives it: ``sql_asset("top", "select id, sum(amount) as amount from orders")``.

    The tables that the query names are its inputs: an asset of the same group by its name, any other as ``group.name``.
    ``query`` is the text, or the path of a file relative to the project's folder. ``$limit`` in it is a run parameter,
    named in ``parameters`` with its default, or with its type: ``parameters={"limit": 10.0}``. With ``rows`` the table
    is held to that row model. A ``view`` stores nothing: its query is put into those that read it. A query is bound and
    checked when the project is loaded, and run by DuckDB, which reaches nothing but its tables.
    """
    return SqlAsset(
        name=name,
        query=query,
        rows=rows,
        parameters=parameters or {},
        view=view,
        options=_options(arguments),
        place=calling_place(),
    )


def _options(arguments: Mapping[str, Any]) -> Options:  # anything the user wrote
    known = {each.name for each in fields(Options)} & SQL_ARGUMENTS
    right = {name: value for name, value in arguments.items() if name in known}
    return Options(**right, unknown=tuple(name for name in arguments if name not in known))
