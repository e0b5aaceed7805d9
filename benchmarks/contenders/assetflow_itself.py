"""assetflow: a generated project, opened, loaded, planned and run in this process, then asked again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

NOOP = """from assetflow import asset


def _one(i):
    @asset(name=f"a{i}")
    def made() -> int:
        return i

    return made


made = [_one(i) for i in range({number})]
"""

TABLE = """import sys
sys.path.insert(0, {here!r})
import pyarrow as pa
from bare import total, wide_table
from assetflow import asset


@asset
def made() -> pa.Table:
    return wide_table({number})


@asset
def read(made: pa.Table) -> float:
    return total(made)
"""


def project(folder: Path, source: str) -> None:
    """A project of one module."""
    (folder / "assetflow.toml").write_text('modules = ["many"]\n')
    (folder / "many.py").write_text(source)


def noop(number: int, folder: Path) -> dict[str, float]:
    """Define, plan and run them, and find nothing to do the second time."""
    from assetflow.project import Project

    project(folder, NOOP.replace("{number}", str(number)))
    start = time.perf_counter()
    opened = Project.open(directory=folder)
    assert not opened.loaded.mistakes, opened.loaded.mistakes
    defining = time.perf_counter() - start
    start = time.perf_counter()
    opened.plan()
    planning = time.perf_counter() - start
    wall, cpu = time.perf_counter(), time.process_time()
    result = opened.materialize(jobs=1)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert result.counts["materialized"] == number, result.counts
    again = time.perf_counter()
    assert opened.materialize(jobs=1).run is None
    again = time.perf_counter() - again
    return {"wall": wall, "cpu": cpu, "defining": defining, "planning": planning, "again": again}


def table(rows: int, folder: Path) -> dict[str, float]:
    """Hand a table from one asset to another."""
    from assetflow.project import Project

    project(folder, TABLE.format(number=rows, here=str(Path(__file__).parent)))
    opened = Project.open(directory=folder)
    assert not opened.loaded.mistakes, opened.loaded.mistakes
    wall, cpu = time.perf_counter(), time.process_time()
    result = opened.materialize(jobs=1)
    assert result.counts["materialized"] == 2, result.counts
    import bare  # the module that the project's code has as well

    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "read": bare.ENDED[-1] - wall}


if __name__ == "__main__":
    what, size, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({"noop": noop, "table": table}[what](size, where)))
