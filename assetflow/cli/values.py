"""Values and their versions: ``history``, ``cat``, ``open``, ``query``. They read the catalog, never the code."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

import typer

from assetflow.cli import shapes
from assetflow.cli.output import local_time
from assetflow.cli.session import Session, known_names
from assetflow.errors import UsageError

__all__ = ["cat", "history", "open_value", "query"]

Address = Annotated[
    str, typer.Argument(help="name, group.name, group.name@partition or group.name:v3", autocompletion=known_names)
]
Format = Annotated[
    Literal["text", "csv", "json", "parquet"], typer.Option("--format", "-f", help="csv and parquet take tables only.")
]


def history(
    session: Session,
    address: Address,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="At most this many, newest first.")] = None,
) -> None:
    """The versions of a value, newest first."""
    past = session.past()
    known = past.definitions()
    rows = [shapes.materialization(version, known) for version in past.history(address, limit=limit)]
    if session.out.json:
        session.out.object(materializations=rows)
        return
    if not rows:
        session.out.line("no versions yet")
        return
    session.out.table(
        ["version", "made", "run", "rows", "bytes", "data", "code"],
        [
            [
                f"{'@' + row['partition'] if row['partition'] else ''}:v{row['version']}",
                local_time(row["created_at"]),
                str(row["run"] or ""),
                "" if row["rows"] is None else f"{row['rows']:,}",
                "freed" if row["freed"] else "" if row["bytes"] is None else f"{row['bytes']:,}",
                row["data_version"][:10] + ("" if row["published"] else " (never current)"),
                (row["code_version"] or "")[:10],
            ]
            for row in rows
        ],
    )


def cat(
    session: Session,
    address: Address,
    format: Format = "text",
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many rows of a table to show as text.")] = 20,
) -> None:
    """Print a value: a table as text, JSON as it is, text and bytes raw."""
    past = session.past()
    try:
        value = past.value(address)
    except UsageError as error:  # of a view nothing is recorded: what it holds is in the code
        if error.code not in {"no-value", "unknown-asset"} or not session.project().is_view(address):
            raise
        value = session.project().load(address)
    as_format = "json" if session.out.json else format
    from assetflow.cli import showing  # noqa: PLC0415 - it brings the table libraries

    showing.print_value(value, as_format, rows=rows, out=session.out)


def open_value(session: Session, address: Address) -> None:
    """Open a stored file with the program the system has for it; without a desktop, print where it is."""
    path = session.past().path(address)
    if session.out.json:
        session.out.object(path=str(path))
        return
    session.out.line(str(path))
    if sys.stdout.isatty():
        typer.launch(str(path))


def query(
    session: Session,
    sql: Annotated[str, typer.Argument(help="SQL of DuckDB over tables group.name and catalog.v_…")],
    format: Format = "text",
) -> None:
    """Ask DuckDB: every asset is a table ``group.name``, the catalog's views are ``catalog.v_…``."""
    table: Any = session.past().query(sql)
    from assetflow.cli import showing  # noqa: PLC0415

    if session.out.json:
        session.out.object(columns=table.column_names, rows=json.loads(showing.table_json(table)))
        return
    showing.print_value(table, format, rows=1000, out=session.out)
