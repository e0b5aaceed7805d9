"""A table of 2 GB passed on from a query to a lazy frame to a query: how long, and with how much memory.

``python benchmarks/streams.py [--rows N]``. Each run is a process of its own; its memory is the most that was resident,
above what importing the libraries takes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = """
import polars as pl
from assetflow import asset, sql_asset

wide = sql_asset(
    "wide",
    "select i as id, i % 1000 as k, random_like(i) as x, random_like(i + 1) as y, 'row ' || i as name "
    "from range($rows) r(i)".replace("random_like", "hash"),
    parameters={"rows": ROWS},
)


@asset
def lazy(wide: pl.LazyFrame) -> pl.LazyFrame:
    return wide.filter(pl.col("k") < 900).with_columns(z=pl.col("id") * 2)


total = sql_asset("total", "select k, count(*) as n, sum(z) as z, max(name) as name from lazy group by k order by k")
"""


def child(folder: str) -> None:
    import duckdb  # noqa: F401
    import polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from assetflow.project import Project

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with Project.open(directory=folder) as project:
        result = project.materialize(jobs=1)
        assert result.ok
        sizes = [project.past.path(name).stat().st_size for name in ("wide", "lazy")]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([time.perf_counter() - started, before / 1024, after / 1024, *sizes]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=40_000_000)
    parser.add_argument("--child", default="")
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "shop.py").write_text(PROJECT.replace("ROWS", str(options.rows)))
        Path(folder, "assetflow.toml").write_text('modules = ["shop"]\n')
        done = subprocess.run([sys.executable, __file__, "--child", folder], check=True, capture_output=True, text=True)
        seconds, before, after, wide, lazy = json.loads(done.stdout.strip().split("\n")[-1])
    print(f"{options.rows:,} rows, {wide / 1e9:.2f} and {lazy / 1e9:.2f} GB stored: {seconds:.1f} s")
    print(f"memory {after:.0f} MB at most, {before:.0f} MB of it before the run")


if __name__ == "__main__":
    main()
