"""Tables of 10,000,000 rows stored, read again, and read in part: beside plain pyarrow, in one run.

Each figure is the best of several, taken in turn in one process, with the files in the system's cache.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assetflow.store.codecs import Parquet
from assetflow.store.local import LocalStore
from assetflow.store.values import Values

sys.path.insert(0, str(Path(__file__).parent / "contenders"))
from bare import wide_table

_TURNS = 5


def best(*ways: Callable[[int], object]) -> list[float]:
    """The shortest time of each, in seconds; they are given the number of the turn."""
    times = [float("inf")] * len(ways)
    for turn in range(_TURNS):
        for place, way in enumerate(ways):
            gc.collect()
            start = time.perf_counter()
            kept = way(turn)
            times[place] = min(times[place], time.perf_counter() - start)
            del kept
    return times


def told(what: str, plain: float, ours: float) -> None:
    print(f"  {what:<34} pyarrow {plain:6.3f}   assetflow {ours:6.3f}   {ours / plain:5.2f} x")


def synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def whole(folder: Path, rows: int) -> None:
    """A table is written, made durable and read again."""
    table, codec = wide_table(rows), Parquet()
    values = Values(LocalStore(folder / "store"))
    print(f"a table of {rows:,} rows, {table.nbytes / 1e6:,.0f} MB, seconds, best of {_TURNS}")

    def plainly(turn: int) -> object:
        path = folder / f"plain-{turn}.parquet"
        pq.write_table(table, path)  # as it does by default
        synced(path)
        return pq.read_table(path)

    def ours(turn: int) -> object:
        stored = values.save(table, codec, f"g/made/{turn}.parquet", values.version(table, codec))
        assert stored.blob is not None
        values.sync([stored.blob.name])
        return values.load(stored, pa.Table)

    told("stored and read again", *best(plainly, ours))


def in_part(folder: Path, rows: int) -> None:
    """Two columns of fifty are read, verified."""
    table = pa.table({f"c{n}": np.arange(rows // 8, dtype=np.float64) * n for n in range(50)})
    values, codec = Values(LocalStore(folder / "store")), Parquet()
    print(f"two of 50 columns of {rows // 8:,} rows, {table.nbytes / 1e6:,.0f} MB in all")
    stored = values.save(table, codec, "g/wide/1.parquet", values.version(table, codec))
    assert stored.blob is not None
    path = values.store.local(stored.blob.name)
    wanted = ["c3", "c40"]
    told(
        "read, and verified by assetflow",
        *best(
            lambda _: pq.read_table(path, columns=wanted, memory_map=True),
            lambda _: values.load(stored, pa.Table, wanted),
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()), help="where the files are")
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, folders in {given.disk}")
    for what in (whole, in_part):
        with tempfile.TemporaryDirectory(dir=given.disk) as folder:
            what(Path(folder), given.rows)


if __name__ == "__main__":
    main()
