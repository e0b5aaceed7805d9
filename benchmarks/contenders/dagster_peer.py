"""Dagster: as many no-op assets in one run in this process, on an instance in the folder that is given."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

import dagster as dg


def assets(number: int) -> list[dg.AssetsDefinition]:
    """So many assets that return an int."""

    def one(i: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"a{i}")
        def made() -> int:
            return i

        return made

    return [one(i) for i in range(number)]


def noop(number: int, folder: Path) -> dict[str, float]:
    """Define and run them."""
    logging.disable(logging.CRITICAL)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    start = time.perf_counter()
    defined = assets(number)
    repository = dg.Definitions(assets=defined).get_repository_def()
    repository.asset_graph  # noqa: B018 - built when asked for
    defining = time.perf_counter() - start
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        wall, cpu = time.perf_counter(), time.process_time()
        result = dg.materialize(defined, instance=instance)
        assert result.success
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "defining": defining}


def table(rows: int, folder: Path) -> dict[str, float]:
    """Hand a table from one asset to another through the default IO manager."""
    from bare import total, wide_table

    logging.disable(logging.CRITICAL)

    @dg.asset
    def made():  # type: ignore[no-untyped-def]
        return wide_table(rows)

    @dg.asset
    def read(made):  # type: ignore[no-untyped-def]
        return total(made)

    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        wall, cpu = time.perf_counter(), time.process_time()
        assert dg.materialize([made, read], instance=instance).success
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    what, size, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({"noop": noop, "table": table}[what](size, where)))
