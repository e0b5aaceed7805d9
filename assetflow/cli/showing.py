"""Values as text: tables for a terminal, CSV, JSON, Parquet."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from assetflow.cli.output import Output
from assetflow.errors import UsageError
from assetflow.types.handover import to_jsonable

__all__ = ["print_value", "show_columns", "table_json"]

#: Columns wider than this are cut in text.
CELL = 40


def print_value(value: Any, format: str, *, rows: int, out: Output) -> None:
    """Print one value in a format; what a format cannot hold is an error that names those that can."""
    if isinstance(value, pa.Table):
        _print_table(value, format, rows, out)
    elif isinstance(value, bytes):
        sys.stdout.buffer.write(value)
    elif isinstance(value, Path):
        out.line(str(value))
    elif format in {"text", "json"}:
        text = (
            value if isinstance(value, str) and format == "text" else json.dumps(to_jsonable(value), ensure_ascii=False)
        )
        out.out.write(text if text.endswith("\n") else text + "\n")
    else:
        raise UsageError("bad-format", f"this value is no table, {format} cannot hold it", hint="use text or json")


def _print_table(table: pa.Table, format: str, rows: int, out: Output) -> None:
    if format == "json":
        out.out.write(table_json(table) + "\n")
    elif format == "csv":
        from pyarrow import csv  # noqa: PLC0415 - only for this format

        buffer = io.BytesIO()
        csv.write_csv(_flat(table), buffer)
        sys.stdout.buffer.write(buffer.getvalue())
    elif format == "parquet":
        from pyarrow import parquet  # noqa: PLC0415 - only for this format

        if sys.stdout.isatty():
            raise UsageError("binary-to-terminal", "parquet is not for a terminal", hint="send it to a file with >")
        parquet.write_table(table, pa.PythonFile(sys.stdout.buffer, "w"))
    else:
        _print_text(table, rows, out)


def _flat(table: pa.Table) -> pa.Table:
    """The table with what CSV has no form for, such as lists, as JSON."""
    for place, column in enumerate(table.columns):
        if not pa.types.is_nested(column.type):
            continue
        texts = [
            None if value is None else json.dumps(to_jsonable(value), ensure_ascii=False)
            for value in column.to_pylist()
        ]
        table = table.set_column(place, table.column_names[place], pa.array(texts, pa.string()))
    return table


def _print_text(table: pa.Table, rows: int, out: Output) -> None:
    top = table.slice(0, rows)
    cells = [[_cell(value) for value in column.to_pylist()] for column in top.columns]
    show_columns(table.column_names, cells, out)
    if table.num_rows > rows:
        out.note(f"{rows} of {table.num_rows:,} rows; --rows shows more")


def show_columns(names: Sequence[str], cells: Sequence[Sequence[str]], out: Output) -> None:
    """Columns of cells as a table: on a terminal as many as it has room for, and the names of the others."""
    shown = _fitting(names, cells) if out.out.isatty() else len(cells)
    out.table(names[:shown], [list(row) for row in zip(*cells[:shown], strict=True)], prose=False)
    if hidden := names[shown:]:
        others = ", ".join(hidden[:20]) + (" …" if len(hidden) > 20 else "")
        out.note(f"{len(hidden)} more column{'' if len(hidden) == 1 else 's'}: {others}")


def _fitting(names: Sequence[str], columns: Sequence[Sequence[str]]) -> int:
    """How many columns, the first at least, a line of the terminal has room for."""
    room = shutil.get_terminal_size().columns
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        room -= max(map(len, [name, *column])) + (2 if place else 0)
        if room < 0:
            return max(place, 1)
    return len(names)


def table_json(table: pa.Table) -> str:
    """A table as a JSON array of row objects."""
    return json.dumps([to_jsonable(row) for row in table.to_pylist()], ensure_ascii=False)


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = text.replace("\n", " ")
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
