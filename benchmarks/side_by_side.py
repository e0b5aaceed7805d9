"""assetflow beside its peers and beside the bare limit, in one run on one machine.

    python benchmarks/side_by_side.py                     # what is installed in this environment
    python benchmarks/side_by_side.py --dagster PYTHON    # Dagster from another environment's interpreter
    python benchmarks/side_by_side.py --assets 1000 --rows 10000000

Every figure is of a fresh process in a fresh folder; what is repeated prints the median. Ratios are to assetflow.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTENDERS = Path(__file__).parent / "contenders"


_TURNS = 7


def measured(python: str, script: str, what: str, size: int, disk: Path) -> dict[str, float] | None:
    """What one contender says of itself; None, with a word, where it is not installed or fails."""
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        command = [python, str(CONTENDERS / script), what, str(size), folder]
        done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode:
        last = done.stderr.strip().split("\n")[-1] if done.stderr.strip() else f"exit {done.returncode}"
        print(f"  {script}: skipped ({last})")
        return None
    return dict(json.loads(done.stdout.strip().split("\n")[-1]))


def whole(command: list[str], *, times: int, cwd: Path | None = None) -> float:
    """The median wall time of a whole command, in seconds, after one that does not count."""
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(), cwd=cwd, check=False
        )
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def start_up(dagster: str) -> None:
    """Imports and help, above a bare interpreter."""
    print("start-up, median of 7, above bare Python (ms)")
    bare = whole([sys.executable, "-c", "pass"], times=7)
    cases = {
        "import assetflow": [sys.executable, "-c", "import assetflow"],
        "from assetflow import Resource": [sys.executable, "-c", "from assetflow import Resource"],
        "assetflow --help": [sys.executable, "-m", "assetflow", "--help"],
    }
    if subprocess.run([dagster, "-c", "import dagster"], capture_output=True, check=False).returncode == 0:
        cases["import dagster"] = [dagster, "-c", "import dagster"]
    for name, command in cases.items():
        print(f"  {name:<32} {(whole(command, times=7) - bare) * 1000:8.0f}")


def many(number: int, dagster: str, disk: Path) -> None:
    """Defining, planning and running assets that do nothing, and finding nothing to do."""
    print(f"{number} no-op assets, milliseconds an asset")
    ours = measured(sys.executable, "assetflow_itself.py", "noop", number, disk)
    figures = {
        "bare loop": measured(sys.executable, "bare.py", "noop", number, disk),
        "assetflow": ours,
        "dagster": measured(dagster, "dagster_peer.py", "noop", min(number, 200), disk),
    }
    print(
        f"  {'':<12} {'define':>9} {'plan':>9} {'run, cpu':>9} {'run, wall':>9} {'again':>9}   cpu, against assetflow"
    )
    for name, found in figures.items():
        if found is None:
            continue
        count = min(number, 200) if name == "dagster" else number
        cells = [found.get(k) for k in ("defining", "planning", "cpu", "wall", "again")]
        text = " ".join(f"{c / count * 1000:9.3f}" if c is not None else " " * 9 for c in cells)
        ratio = f"{found['cpu'] / count / (ours['cpu'] / number):8.2f} x" if ours else ""
        print(f"  {name:<12} {text}   {ratio}")


def nothing_to_do(number: int, disk: Path) -> None:
    """The whole command when everything is fresh."""
    sys.path.insert(0, str(CONTENDERS))
    import assetflow_itself

    with tempfile.TemporaryDirectory(dir=disk) as name:
        folder = Path(name)
        assetflow_itself.project(folder, assetflow_itself.NOOP.replace("{number}", str(number)))
        command = [sys.executable, "-m", "assetflow", "materialize", "-j", "1"]
        first = time.perf_counter()
        subprocess.run(command, cwd=folder, env=_environment(), check=True, capture_output=True)
        first = time.perf_counter() - first
        again = whole(command, times=5, cwd=folder)
        size = (folder / "catalog.db").stat().st_size
    print(f'{number} assets, whole command: first {first:.2f} s, "nothing to do" {again:.2f} s')
    print(f"  the catalog takes {size / number:.0f} bytes an asset")


def big_table(rows: int, dagster: str, disk: Path) -> None:
    """A table from one function to the next: the best of three, taken in turn."""
    print(f"handing on a table of {rows:,} rows, seconds, best of {_TURNS}")
    contenders = {
        "in memory": (sys.executable, "bare.py"),
        "assetflow": (sys.executable, "assetflow_itself.py"),
        "dagster": (dagster, "dagster_peer.py"),
    }
    best: dict[str, dict[str, float]] = {}
    for _ in range(_TURNS):
        for name, (python, script) in list(contenders.items()):
            found = measured(python, script, "table", rows, disk)
            if found is None:
                del contenders[name]
            elif name not in best or found["wall"] < best[name]["wall"]:
                best[name] = found
    for name, found in best.items():
        read = found.get("read", found["wall"])
        ratio = f"{read / best['in memory']['read']:6.2f} x in memory" if "in memory" in best else ""
        print(f"  {name:<12} read {read:7.2f} {ratio}   all {found['wall']:7.2f}   cpu {found['cpu']:7.2f}")


def _environment() -> dict[str, str]:
    """Bytecode is cached, as it is for users."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--dagster", default=sys.executable, help="the interpreter of an environment with Dagster")
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()), help="where the folders are made")
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, folders in {given.disk}")
    start_up(given.dagster)
    many(given.assets, given.dagster, given.disk)
    nothing_to_do(given.assets, given.disk)
    nothing_to_do(given.assets * 10, given.disk)
    big_table(given.rows, given.dagster, given.disk)


if __name__ == "__main__":
    main()
