"""The bare limit: a loop that calls each function, writes its value to a file and records it in SQLite.

Durable as assetflow is: one sync of the files and one transaction for twenty values.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import pyarrow as pa

GROUP = 20
#: When readers ended.
ENDED: list[float] = []


def noop(number: int, folder: Path) -> dict[str, float]:
    """Call, write and record so many functions."""
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.executescript("pragma journal_mode=wal; pragma synchronous=full; create table made (name text, value text)")
    functions = [eval(f"lambda: {i}") for i in range(number)]
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, number, GROUP):
        rows = []
        for i in range(start, min(start + GROUP, number)):
            path = folder / f"{i}.json"
            handle = os.open(path, os.O_CREAT | os.O_WRONLY)
            text = json.dumps(functions[i]())
            os.write(handle, text.encode())
            os.fsync(handle)
            os.close(handle)
            rows.append((f"a{i}", text))
        db.execute("begin immediate")
        db.executemany("insert into made values (?, ?)", rows)
        db.execute("commit")
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def table(rows: int, folder: Path) -> dict[str, float]:
    """Hand a table of so many rows from one function to another, in memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = wide_table(rows)
    made_at = time.perf_counter() - wall
    total(made)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "making": made_at,
        "read": ENDED[-1] - wall,
    }


def wide_table(rows: int) -> pa.Table:
    """Five columns, 47 bytes a row: two ints, two floats and a short text."""
    import numpy as np

    ids = np.arange(rows, dtype=np.int64)
    return pa.table(
        {
            "id": ids,
            "group": ids % 1000,
            "x": ids * 0.5,
            "y": np.sqrt(ids.astype(np.float64)),
            "name": pa.array(ids % 100_000).cast(pa.string()),
        }
    )


def total(made: pa.Table) -> float:
    """A reader that touches one column."""
    import pyarrow.compute as pc

    found = float(pc.sum(made["x"]).as_py())
    ENDED.append(time.perf_counter())
    return found


if __name__ == "__main__":
    what, size, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({"noop": noop, "table": table}[what](size, where)))
