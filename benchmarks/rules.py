"""Five rules on a table of 10,000,000 rows: assetflow beside plain DuckDB and, where it is installed, pandera.

``python benchmarks/rules.py [--rows N]``. Each figure is the best of three; the table lies in polars.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import duckdb
import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from assetflow.types.conforming import conformed
from assetflow.types.rowmodels import row_model

TURNS = 3


class Row(BaseModel):
    """Two bounds on one column, one bound each on two others, a length, and no nulls but in one."""

    id: int = Field(ge=0)
    x: float = Field(ge=0, le=1)
    y: float | None = Field(lt=2)
    name: Annotated[str, Field(max_length=12)]


def frame(rows: int) -> pl.DataFrame:
    """The table, which keeps to all rules."""
    random = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "x": random.random(rows),
            "y": random.random(rows),
            "name": pl.Series(np.arange(rows) % 100_000).cast(pl.String),
        }
    )


def by_assetflow(table: pl.DataFrame) -> None:
    """Into Arrow, and held to the model."""
    conformed(table, row_model(Row), what="the table")


def by_duckdb(held: pl.DataFrame) -> None:
    """One query that counts what breaks each rule; DuckDB finds the table by the parameter's name."""
    counts = duckdb.sql(
        "select count(*) filter (id is null or id < 0), count(*) filter (x is null or x < 0), count(*) filter (x > 1),"
        " count(*) filter (y >= 2), count(*) filter (name is null or length(name) > 12) from held"
    ).fetchall()
    assert counts == [(0, 0, 0, 0, 0)]


def by_pandera(table: pl.DataFrame) -> None:
    """The same checks as a schema of pandera's polars backend, eagerly."""
    pandera: Any = import_module("pandera.polars")
    schema = pandera.DataFrameSchema(
        {
            "id": pandera.Column(pl.Int64, pandera.Check.ge(0)),
            "x": pandera.Column(pl.Float64, [pandera.Check.ge(0), pandera.Check.le(1)]),
            "y": pandera.Column(pl.Float64, pandera.Check.lt(2), nullable=True),
            "name": pandera.Column(pl.String, pandera.Check.str_length(max_value=12)),
        }
    )
    schema.validate(table)


def best(check: Callable[[pl.DataFrame], None], table: pl.DataFrame) -> float:
    """Seconds of the fastest turn."""
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        check(table)
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    table = frame(parser.parse_args().rows)
    print(f"five rules on {table.height:,} rows, seconds, best of {TURNS}")
    for check in (by_assetflow, by_duckdb, by_pandera):
        name = check.__name__.removeprefix("by_")
        try:
            print(f"  {name:<10} {best(check, table):6.2f}")
        except ImportError as error:
            print(f"  {name:<10} skipped ({error})")


if __name__ == "__main__":
    main()
