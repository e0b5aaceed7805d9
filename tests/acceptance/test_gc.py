"""Freeing what nobody needs any more, as a user does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from assetflow.model.keys import AssetKey, Partition
from assetflow.store.names import blob_name

DAYS = """
from datetime import date
from typing import Annotated

import polars as pl

from assetflow import All, Daily, In, asset

DAYS = Daily("2026-11-20", end="2026-11-24", tz="UTC")

@asset(partitions=DAYS, retain="0s")
def orders() -> pl.DataFrame:
    return pl.DataFrame({"x": [1] * 1000})

@asset(retain="0s")
def total(orders: Annotated[dict[date, pl.DataFrame], In(partitions=All())]) -> pl.DataFrame:
    return pl.DataFrame({"n": [sum(each["x"].sum() for each in orders.values())]})
"""


@pytest.fixture
def days(folder):
    folder.write("shop.py", DAYS)
    return folder


def sizes(folder) -> dict[str, int]:
    """The stored files, by their place in the store."""
    store = folder.path / ".assetflow" / "store"
    found = (p for p in store.rglob("*") if p.is_file() and ".staging" not in p.parts)
    return {str(p.relative_to(store)): p.stat().st_size for p in found}


def told(freed: Any) -> set[str]:
    """The versions of what was freed, as ``name@partition:vN``."""
    return {
        f"{v['key'].split('.')[1]}@{v['partition']}:v{v['version']}"
        for each in freed["values"]
        for v in each["versions"]
    }


def test_old_versions_go_and_what_is_current_stays(days):
    days.run("materialize")
    first = sizes(days)
    days.edit("shop.py", "[1] * 1000", "[2] * 1000")
    days.run("materialize")
    before = sizes(days)
    dry = days.json("gc", "--dry-run")
    assert sizes(days) == before
    assert told(dry) == {*(f"orders@2026-11-2{n}:v1" for n in range(4)), "total@:v1"}
    assert {each["uri"]: each["bytes"] for each in dry["values"]} == first
    assert dry["bytes"] == sum(first.values())
    done = days.json("gc")
    assert {**done, "dry_run": True} == dry
    assert sizes(days) == {name: size for name, size in before.items() if name not in first}
    assert days.json("gc")["bytes"] == 0
    assert days.made() == {}
    assert days.json("catalog", "verify")["ok"]
    versions = days.json("history", "orders@2026-11-20")["materializations"]
    assert [(each["version"], each["freed"]) for each in versions] == [(2, False), (1, True)]
    rows = days.json("query", "select distinct version, freed from catalog.v_materializations order by version")["rows"]
    assert [row["freed"] for row in rows] == [True, False]
    for command in ("cat", "open"):
        failed = days.run(command, "orders@2026-11-20:v1", code=2)
        assert "error[value-freed]: the bytes of shop.orders@2026-11-20:v1 were freed" in failed.err
    assert "sum" not in days.run("lineage", "total:v1").out  # its lineage is whole
    assert "shop.orders@2026-11-20:v1" in days.run("lineage", "total:v1").out


def test_what_was_freed_is_made_anew_and_not_taken_again(days):
    days.run("materialize")
    days.edit("shop.py", "[1] * 1000", "[2] * 1000")
    days.run("materialize")
    days.edit("shop.py", "[2] * 1000", "[1] * 1000")
    assert {step["action"] for step in days.json("plan", "orders")["steps"]} == {"reuse"}
    days.run("gc")
    assert {step["action"] for step in days.json("plan", "orders")["steps"]} == {"run"}
    assert set(days.made("orders").values()) == {"materialized"}
    assert days.json("gc", "--dry-run")["leftovers"] == []
    assert days.json("catalog", "verify")["ok"]


def test_without_rules_only_leftovers_go_and_options_free_the_rest(days):
    days.edit("shop.py", ', retain="0s"', "")
    days.edit("shop.py", '(retain="0s")', "")
    for n in range(2, 6):
        days.run("materialize")
        days.edit("shop.py", f"[{n - 1}] * 1000", f"[{n}] * 1000")
    days.run("materialize")  # five versions of each
    kept = days.run("gc")
    assert kept.out == "freed 0 bytes\n"
    assert "old versions are kept: no asset says retain=, and --older 30d or --keep 5 was not given" in kept.err
    assert days.json("gc", "--older", "1h")["values"] == []
    assert days.json("gc", "--older", "1h", "--keep", "1")["values"] == []
    dry = told(days.json("gc", "--keep", "3", "--dry-run"))
    assert dry == {f"{name}:v{v}" for name in [*(f"orders@2026-11-2{n}" for n in range(4)), "total@"] for v in (1, 2)}
    said = days.run("gc", "--keep", "3").out.splitlines()
    assert [line.split("  ")[0] for line in said] == ["what", "shop.orders", "shop.total", said[-1]]
    assert "8 versions" in said[1]
    assert told(days.json("gc", "--keep", "0")) == {
        version.replace(":v1", ":v3").replace(":v2", ":v4") for version in dry
    }
    assert "freed" in days.run("history", "total").out


def test_what_something_current_was_made_from_stays(days):
    days.run("materialize")
    days.edit("shop.py", "[1] * 1000", "[2] * 1000")
    days.run("materialize", "orders")  # total is still of the first ones
    assert days.json("gc")["values"] == []
    days.run("materialize")
    assert len(told(days.json("gc"))) == 5


def test_what_is_current_in_another_environment_stays(days):
    days.run("materialize", "--env", "test")
    days.edit("shop.py", "[1] * 1000", "[2] * 1000")
    days.run("materialize")
    assert days.json("gc")["values"] == []
    days.run("materialize", "--env", "test")
    assert len(told(days.json("gc"))) == 5


def test_partitions_whose_keys_are_gone_are_dropped_first_and_freed_later(days):
    days.run("materialize")
    days.edit("shop.py", 'Daily("2026-11-20"', 'Daily("2026-11-22"')
    gone = [{"key": "shop.orders", "partition": f"2026-11-2{n}"} for n in (0, 1)]
    days.run("materialize")
    dry = days.json("gc", "--dry-run")
    assert (dry["dropped"], told(dry)) == (gone, {"total@:v1"})
    before = sizes(days)
    assert days.json("gc")["dropped"] == gone
    assert before.keys() - sizes(days).keys() == {name for name in before if "total" in name and name in sizes_of(dry)}
    # Until they are freed, keys that come back bring their values back.
    days.edit("shop.py", 'Daily("2026-11-22"', 'Daily("2026-11-21"')
    assert days.made("orders") == {"orders@2026-11-21": "reused"}
    assert told(days.json("gc")) == {"orders@2026-11-20:v1"}
    assert days.json("gc")["dropped"] == []
    days.edit("shop.py", 'Daily("2026-11-21"', 'Daily("2026-11-20"')
    assert days.made("orders") == {"orders@2026-11-20": "materialized"}


def sizes_of(freed: Any) -> dict[str, int]:
    return {each["uri"]: each["bytes"] for each in freed["values"]}


def test_nothing_is_dropped_while_the_project_does_not_load(days):
    days.run("materialize")
    days.edit("shop.py", 'Daily("2026-11-20", end="2026-11-24", tz="UTC")', "Daily()")
    done = days.run("gc", "--json")
    assert done.json["dropped"] == []
    days.write("shop.py", "import nowhere\n")
    days.run("gc", "--older", "0s")
    assert len(days.json("query", "select * from shop.orders")["rows"]) == 4000


def test_what_killed_runs_left_goes_and_what_nobody_knows_is_told(days):
    days.edit("shop.py", "    return pl", "    import os; os.kill(os.getpid(), 9)\n    return pl")
    process = days.start("materialize", "orders", "--executor", "inline")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    days.write("shop.py", DAYS)
    days.run("materialize")
    # A file that the killed attempt had not recorded yet, and what it was writing when it died.
    store = days.path / ".assetflow" / "store"
    (killed,) = days.json("query", "select attempt, partition from catalog.v_attempts where outcome is null")["rows"][
        :1
    ]
    name = blob_name(Partition(AssetKey("shop", "orders"), killed["partition"]), killed["attempt"], ".parquet")
    (store / name).write_bytes(b"x" * 33)
    owner = subprocess.check_output([sys.executable, "-c", "from assetflow.store.owners import *; print(owner())"])
    half = store / ".staging" / owner.decode().strip() / "0" / "1.parquet"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"x" * 44)
    strange = store / "shop" / "orders" / "2026-11-20" / "stray.parquet"
    strange.write_bytes(b"x" * 77)
    aside = store / ".damaged" / "abc"
    aside.mkdir(parents=True)
    (aside / "1.parquet").write_bytes(b"x" * 55)
    dry = days.json("gc", "--dry-run")
    assert dry["leftovers"] == [
        {"kind": "unrecorded", "name": name, "bytes": 33},
        {"kind": "staged", "name": None, "bytes": 44},
        {"kind": "damaged", "name": None, "bytes": 55},
    ]
    assert dry["unknown"] == [{"name": "shop/orders/2026-11-20/stray.parquet", "bytes": 77}]
    done = days.run("gc")
    assert [line.split("  ")[0] for line in done.out.splitlines()] == [
        "what",
        "a file that was not recorded",
        "half-written files",
        "damaged files",
        "freed 132 bytes",
    ]
    assert "not written from here: 1 stored file (77 bytes), such as shop/orders/2026-11-20/stray.parquet" in done.err
    assert strange.exists()
    assert not any(path.exists() for path in (aside, half, store / name))
    assert days.json("gc", "--unknown")["leftovers"] == [
        {"kind": "unknown", "name": "shop/orders/2026-11-20/stray.parquet", "bytes": 77}
    ]
    assert not strange.exists()
    assert days.json("doctor")["ok"]
    assert len(days.json("query", "select * from shop.orders")["rows"]) == 4000


def test_what_a_failed_attempt_wrote_is_gone_at_once(days):
    days.edit("shop.py", 'retain="0s")\ndef orders', 'retain="0s", on_schema_change="fail")\ndef orders')
    days.run("materialize", "orders")
    before = sizes(days)
    days.edit("shop.py", '{"x": [1] * 1000}', '{"x": [1] * 1000, "y": [2] * 1000}')
    assert "on_schema_change" in days.run("materialize", "orders", code=1).err
    assert sizes(days) == before


def test_logs_of_old_runs_go(folder):
    folder.write(
        "shop.py",
        """
        from assetflow import asset

        @asset
        def loud() -> int:
            print("hello")
            return 1
        """,
    )
    folder.run("materialize")
    logs = folder.path / ".assetflow" / "logs" / "1"
    size = sum(p.stat().st_size for p in logs.iterdir())
    assert folder.json("gc", "--older", "1h")["leftovers"] == []
    assert folder.json("gc", "--older", "0s")["leftovers"] == [{"kind": "log", "name": "1", "bytes": size}]
    assert not logs.exists()
    assert folder.run("logs", "1").out == ""


def test_without_a_catalog_nothing_is_taken_for_garbage(days):
    assert days.run("gc").out == "freed 0 bytes\n"
    assert not (days.path / "catalog.db").exists()
    days.run("materialize")
    before = sizes(days)
    os.replace(days.path / "catalog.db", days.path / "elsewhere.db")  # noqa: PTH105
    refused = days.run("gc", "--unknown", "--older", "0s", code=2)
    assert "error[no-catalog]" in refused.err
    assert sizes(days) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--older", "soon"], "'soon' is not a duration"),
        (["--keep", "-1"], "Invalid value for '--keep'"),
        (["--env", "x y"], "x y"),
    ],
)
def test_mistakes(days, arguments, said):
    assert said in days.run("gc", *arguments, code=2).err


def test_a_protected_environment_is_named(days):
    days.write("assetflow.toml", 'modules = ["shop"]\nenvironment = "prod"\n[environments.prod]\nprotected = true\n')
    assert "error[protected-environment]" in days.run("gc", code=2).err
    days.run("gc", "--dry-run")
    days.run("gc", "--env", "prod")


WAITING = """
import time
from pathlib import Path

import polars as pl

from assetflow import asset

@asset(max_age=0)
def raw() -> pl.DataFrame:
    return pl.DataFrame({"x": [time.time()] * 1000})

@asset
def slow(raw: pl.LazyFrame) -> pl.DataFrame:
    Path("reading").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return raw.select(pl.col("x").sum()).collect()
"""


def test_a_run_that_goes_on_keeps_what_it_reads(folder):
    """A lazy input was replaced while its reader waits: it is no longer current, and must be there all the same."""
    folder.write("shop.py", WAITING.replace("(max_age=0)", ""))
    folder.run("materialize", "raw")
    process = folder.start("materialize", "slow")
    _until((folder.path / "reading").exists)
    (old, *_) = folder.json("history", "raw")["materializations"]
    folder.run("materialize", "raw", "--force")
    assert folder.json("gc", "--older", "0s", "--keep", "0")["values"] == []
    (folder.path / "go").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    # What it made was made from what is no longer current, and so holds it.
    (made,) = folder.json("history", "slow")["materializations"]
    assert [read["version"] for read in made["inputs"]] == [old["version"]]
    assert f"raw@:v{old['version']}" not in told(folder.json("gc", "--older", "0s"))


def test_a_killed_run_holds_nothing(folder):
    folder.write("shop.py", WAITING.replace("(max_age=0)", ""))
    folder.run("materialize", "raw")
    process = folder.start("materialize", "slow")
    _until((folder.path / "reading").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert folder.json("gc", "--older", "0s")["values"] == []
    folder.edit("shop.py", "[time.time()] * 1000", "[time.time()] * 2000")
    folder.run("materialize", "raw")
    assert told(folder.json("gc", "--older", "0s")) == {"raw@:v1"}
    assert [each["status"] for each in folder.json("runs")["runs"]] == ["succeeded", "interrupted", "succeeded"]


def test_freeing_beside_runs_takes_nothing_that_is_needed(folder):
    """B9: one process makes version after version while another frees."""
    folder.write(
        "shop.py",
        """
        import polars as pl

        from assetflow import Param, asset

        @asset
        def raw(n: int = 0) -> pl.DataFrame:
            return pl.DataFrame({"x": [n] * 1000})

        @asset
        def middle(raw: pl.LazyFrame) -> pl.DataFrame:
            return raw.select(pl.col("x") + 1).collect()

        @asset
        def last(middle: pl.DataFrame) -> int:
            return int(middle["x"][0])
        """,
    )
    folder.write(
        "loop.py",
        """
        from assetflow.project import Project

        for n in range(60):  # values come back, so that older ones would be taken again
            with Project.open(sets=[f"n={n % 5}"]) as project:
                result = project.materialize()
                assert result.status == "succeeded", result
                assert project.load("last") == n % 5 + 1
        """,
    )
    freed = 0
    with subprocess.Popen([sys.executable, "loop.py"], cwd=folder.path, stderr=subprocess.PIPE, text=True) as making:
        while making.poll() is None:
            freed += folder.json("gc", "--older", "0s")["bytes"]
        assert making.returncode == 0, making.stderr.read() if making.stderr else ""
    assert freed > 0
    assert folder.json("catalog", "verify")["ok"]
    assert {each["kind"] for each in folder.json("gc", "--older", "0s")["leftovers"]} <= {"log", "unrecorded"}
    assert folder.json("gc", "--older", "0s")["bytes"] == 0
    assert len([name for name in sizes(folder) if Path(name).suffix == ".parquet"]) == 2


def _until(condition) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")
