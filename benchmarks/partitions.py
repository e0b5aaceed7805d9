"""What many partitions cost: a backfill in one run, and plans over hundreds of thousands of keys.

    python benchmarks/partitions.py                     # assetflow alone
    python benchmarks/partitions.py --dagster PYTHON    # the backfill beside Dagster, of another interpreter

Times of whole commands include starting Python. The catalog lies in a temporary folder, on whatever that is on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import measured

from assetflow.project import Project
from assetflow.project.running import RunOptions

DAYS = """
from assetflow import Context, Daily, asset

@asset(partitions=Daily("2010-01-01", end="2023-09-10"))
def day(ctx: Context) -> int:
    return 1
"""
HOURS = """
from assetflow import Context, Hourly, asset

@asset(partitions=Hourly("1969-12-15", end="2026-11-01", tz="Europe/Berlin"))
def hour(ctx: Context) -> int:
    return 1
"""
CELLS = """
from assetflow import Context, Daily, Product, Static, asset

CELLS = Product(
    day=Daily("2023-01-01", end="2026-04-15"),
    region=Static(*"abcdefghij"),
    kind=Static(*"0123456789"),
    tenant=Static(*"klmnopqrst"),
)

@asset(partitions=CELLS)
def cell(ctx: Context) -> str:
    return ctx.partition.key

@asset(partitions=CELLS)
def below(cell: str) -> int:
    return len(cell)
"""


def folder(where: str, code: str) -> Path:
    path = Path(where)
    path.joinpath("assetflow.toml").write_text('modules = ["bench"]\n')
    path.joinpath("bench.py").write_text(code)
    return path


def command(path: Path, *words: str) -> None:
    """Run a command, and tell its time and the most memory that it held."""
    begun = time.perf_counter()
    code = "import sys; from assetflow.__main__ import main; sys.exit(main())"
    child = subprocess.Popen([sys.executable, "-c", code, *words], cwd=path, stdout=-3, stderr=-3)
    _, _, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - begun
    print(f"  assetflow {' '.join(words):<45} {took:6.2f} s   {used.ru_maxrss / 1024:4.0f} MB")


def backfill() -> None:
    """5,000 days of one asset in one run, in this process: processor time a partition, by thousands."""
    with tempfile.TemporaryDirectory() as where:
        project = Project.open(directory=folder(where, DAYS))
        plan = project.plan()
        spent: list[float] = []

        def told(event: object) -> None:
            if type(event).__name__ == "StepFinished":
                spent.append(time.process_time())

        begun = time.process_time()
        project.run(plan, RunOptions(executor="inline", jobs=1, listeners=(told,)))
        print(f"{len(plan.steps):,} daily partitions in one run: CPU a partition")
        for last in range(1000, len(spent) + 1, 1000):
            first = begun if last == 1000 else spent[last - 1001]
            print(f"  to {last:,}: {(spent[last - 1] - first):.3f} ms")
        project.close()


BATCH = """
from assetflow import Context, Daily, asset

@asset(partitions=Daily("2010-01-01", end="2023-09-10"), batch=True)
def day(ctx: Context) -> dict[str, int]:
    return dict.fromkeys(ctx.batch.keys, 1)
"""


def batch() -> None:
    """The same days by one call of a function."""
    with tempfile.TemporaryDirectory() as where:
        project = Project.open(directory=folder(where, BATCH))
        plan = project.plan()
        wall, cpu = time.perf_counter(), time.process_time()
        project.run(plan, RunOptions(executor="inline", jobs=1))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        number = len(plan.steps)
        print(f"the same by one call: {cpu / number * 1000:.3f} ms of CPU a partition, {wall:.1f} s in all")
        project.close()


def beside(dagster: str) -> None:
    """Dagster's two ways: a run a partition, of which there are fewer here, and one run for all."""
    for what, number in (("loop", 300), ("together", 5000)):
        found = measured(dagster, "dagster_peer.py", what, number, Path(tempfile.gettempdir()))
        if found is not None:
            told = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
            print(f"dagster, {what}, {number:,} partitions, ms a partition: {told}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dagster", default="", help="An interpreter that has Dagster.")
    chosen = parser.parse_args()
    backfill()
    batch()
    if chosen.dagster:
        beside(chosen.dagster)
    with tempfile.TemporaryDirectory() as where:
        print("498,600 hours of one asset")
        path = folder(where, HOURS)
        command(path, "status")
        command(path, "plan")
    with tempfile.TemporaryDirectory() as where:
        print("two assets of 1,200,000 cells in four dimensions")
        path = folder(where, CELLS)
        command(path, "status")
        command(path, "materialize", "-p", "day=2026-01-05,region=a,kind=1")
        command(path, "status")
        command(path, "plan", "-p", "region=b")
        command(path, "partitions", "cell", "--by", "region")
        command(path, "partitions", "cell", "-p", "day=2026-01-05,kind=1")


if __name__ == "__main__":
    main()
