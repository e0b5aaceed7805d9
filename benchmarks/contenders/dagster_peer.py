"""Dagster: no-op assets, a large table, many partitions of one asset, on an instance in the folder that is given."""

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


os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
DAYS = dg.DailyPartitionsDefinition("2010-01-01", end_date="2023-09-10")


def _each_day(spent: list[float]) -> dict[str, float]:
    """Milliseconds of processor time of a partition: the first tenth of them, the last tenth, and all."""
    tenth = len(spent) // 10
    first, last, whole = spent[tenth] - spent[0], spent[-1] - spent[-1 - tenth], spent[-1] - spent[0]
    return {"first": first / tenth * 1000, "last": last / tenth * 1000, "all": whole / (len(spent) - 1) * 1000}


def loop(number: int, folder: Path) -> dict[str, float]:
    """A run for each of so many days, one after the other."""
    logging.disable(logging.CRITICAL)

    @dg.asset(partitions_def=DAYS)
    def day() -> int:
        return 1

    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        wall, spent = time.perf_counter(), [time.process_time()]
        for key in DAYS.get_partition_keys()[:number]:
            assert dg.materialize([day], partition_key=key, instance=instance).success
            spent.append(time.process_time())
        return {**_each_day(spent), "wall": (time.perf_counter() - wall) / number * 1000}


def together(number: int, folder: Path) -> dict[str, float]:
    """One run for all of so many days: its function is called once, and Dagster records each partition."""
    logging.disable(logging.CRITICAL)

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def day(context):  # type: ignore[no-untyped-def] # Dagster does not take annotations that are texts
        assert len(context.partition_keys) == number
        return dg.MaterializeResult()

    keys = DAYS.get_partition_keys()[:number]
    ends = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        wall, cpu = time.perf_counter(), time.process_time()
        assert dg.materialize([day], tags=ends, instance=instance).success
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        made = instance.get_materialized_partitions(dg.AssetKey("day"))
        assert len(made) == number
        return {"all": cpu / number * 1000, "wall": wall / number * 1000}


if __name__ == "__main__":
    what, size, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({"noop": noop, "table": table, "loop": loop, "together": together}[what](size, where)))
