"""Conditions over several columns of a canonical table, asked of all rows at once by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from assetflow.errors import ValueMismatch
from assetflow.types.engine import closed, connected

__all__ = ["unmet"]


def unmet(table: pa.Table, expects: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, pa.ChunkedArray]]:
    """The conditions, by name and text, that some rows do not hold, and which rows these are.

    Raises ValueMismatch ``bad-rows`` where one cannot be asked of the values.
    """
    if not expects or not table.num_rows:
        return
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    connection = connected()
    closed(connection)
    try:
        connection.register("checked_rows", pa.table(columns, names=table.column_names))
        for name, sql in expects:
            try:
                # The line break ends a comment that the condition may end with.
                answer = connection.sql(f"select coalesce(not ({sql}\n), false) as unmet from checked_rows")
                mask = answer.to_arrow_table().column("unmet")
            except duckdb.Error as error:
                what = str(error).partition("\n")[0]
                raise ValueMismatch("bad-rows", f"{name} ({sql}) cannot be asked: {what}") from None
            if pc.any(mask).as_py():
                yield name, sql, mask
    finally:
        connection.close()
