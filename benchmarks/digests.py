"""How fast tables are digested, beside hashing the same number of plain bytes: ``python benchmarks/digests.py``.

Each line is the best of some repetitions, in MB of Arrow data a second, of one column with one thread, and last of
all columns at once with the threads that a table is given.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

import pyarrow as pa
from xxhash import xxh3_128

from assetflow.store.columns import TableDigest


def columns(rows: int) -> dict[str, pa.Array]:
    """One column of each kind that costs differently."""
    chance = random.Random(7)
    floats = [chance.random() for _ in range(1000)] * (rows // 1000)
    words = [None if i % 10 == 0 else f"carrier {i % 977}" for i in range(1000)] * (rows // 1000)
    lists = [None if i % 50 == 0 else list(range(i % 7)) for i in range(1000)] * (rows // 1000)
    return {
        "ints": pa.array(range(rows // 1000 * 1000), pa.int64()),
        "ints with nulls": pa.array([None if i % 10 == 0 else i for i in range(1000)] * (rows // 1000), pa.int64()),
        "floats": pa.array(floats, pa.float64()),
        "floats with NaN": pa.array([*floats[:-1], float("nan")], pa.float64()),
        "strings": pa.array([word or "" for word in words], pa.large_string()),
        "strings with nulls": pa.array(words, pa.large_string()),
        "dictionary": pa.array(words, pa.large_string()).dictionary_encode(),
        "nested lists": pa.array(lists, pa.list_(pa.int64())),
        "booleans": pa.array([i % 3 == 0 for i in range(1000)] * (rows // 1000), pa.bool_()),
    }


def rate(work: Callable[[], object], size: int, repeat: int) -> float:
    """MB a second, of the fastest repetition."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return size / best / 1e6


def digest(table: pa.Table, threads: int | None) -> str:
    """The version's digest of a table."""
    taking = TableDigest(table.schema, threads=threads)
    taking.update(table)
    return taking.version().digest


def main() -> None:
    """Print one line a kind of column."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--rows", type=int, default=2_000_000)
    arguments.add_argument("--repeat", type=int, default=5)
    given = arguments.parse_args()
    made = columns(given.rows)
    for name, array in made.items():
        table = pa.table({"x": array})
        print(f"{name:24} {rate(lambda t=table: digest(t, 1), table.nbytes, given.repeat):10,.0f} MB/s")
    whole = pa.table(made)
    print(f"{'all, with threads':24} {rate(lambda: digest(whole, None), whole.nbytes, given.repeat):10,.0f} MB/s")
    plain = made["floats"].buffers()[1]
    print(f"{'plain bytes, XXH3':24} {rate(lambda: xxh3_128(plain), plain.size, given.repeat):10,.0f} MB/s")


if __name__ == "__main__":
    main()
