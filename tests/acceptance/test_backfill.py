"""Backfills: plans over many keys of several assets, that fail here and there, are killed, and go on."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Folder

SHOP = """
import time
from pathlib import Path

from assetflow import Context, Daily, Resource, asset

DAYS = Daily("2026-01-01", end="2026-04-01")

class Api(Resource):
    url: str = "x"

@asset(partitions=DAYS)
def raw(ctx: Context) -> str:
    return ctx.partition.key

@asset(partitions=DAYS)
def clean(raw: str) -> str:
    time.sleep(SLEEP)
    if raw in Path(__file__).with_name("bad.txt").read_text().split():
        raise ValueError(f"{raw} is not to be had")
    return raw.replace("-", "")

@asset(partitions=DAYS)
def report(clean: str) -> int:
    return int(clean)
"""
BAD = ["2026-01-02", "2026-01-31", "2026-02-01", "2026-03-08", "2026-03-31"]


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP.replace("SLEEP", "0"))
    folder.write("bad.txt", " ".join(BAD))
    return folder


def test_what_failed_of_three_times_ninety_and_nothing_else_is_tried_again(shop: Folder) -> None:
    made = shop.made(code=1)
    assert Counter(made.values()) == {"materialized": 3 * 90 - 10, "failed": 5, "not_run": 5}
    assert {name for name, outcome in made.items() if outcome == "failed"} == {f"clean@{key}" for key in BAD}
    said = shop.run("materialize", code=1).out
    assert "nothing to run: 10 not up to date" in said + shop.run("materialize", code=1).err
    states = Counter(each["state"] for each in shop.json("partitions", "clean")["partitions"])
    assert states == {"fresh": 85, "failed": 5}
    planned = shop.json("plan", "clean", "report", "--partition", "failed")["steps"]
    assert [f"{each['key']}@{each['partition']}" for each in planned] == [f"shop.clean@{key}" for key in BAD]
    assert len(shop.json("plan", "--partition", "missing", "--retry-failed")["steps"]) == 10
    shop.write("bad.txt", BAD[0])
    again = shop.made("--retry-failed", code=1)
    assert again == {
        f"clean@{BAD[0]}": "failed",
        f"report@{BAD[0]}": "not_run",
        **{f"{name}@{key}": "materialized" for name in ("clean", "report") for key in BAD[1:]},
    }
    shop.write("bad.txt", "")
    assert shop.made("report", "--partition", BAD[0], "--retry-failed") == {
        f"clean@{BAD[0]}": "materialized",
        f"report@{BAD[0]}": "materialized",
    }
    shop.run("plan", "--exit-code")


def test_one_that_is_killed_ten_times_records_each_key_once(shop: Folder) -> None:
    shop.write("bad.txt", "")
    shop.write("shop.py", SHOP.replace("SLEEP", "0.02"))
    chance, kills = random.Random(11), 0
    for _ in range(40):
        if kills == 10:
            break
        process = shop.start("materialize", "-j", "2")
        before = recorded(shop)
        deadline = time.monotonic() + 20
        while recorded(shop) < before + chance.randrange(3, 15) and time.monotonic() < deadline:
            if process.poll() is not None:
                break
            time.sleep(0.02)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
        if recorded(shop) == 3 * 90:
            break
    shop.run("materialize")
    for name in ("raw", "clean", "report"):
        versions = Counter(
            each["partition"] for each in shop.json("history", name, "--limit", "500")["materializations"]
        )
        assert len(versions) == 90
        assert set(versions.values()) == {1}
    assert kills == 10
    shop.run("plan", "--exit-code")


def recorded(shop: Folder) -> int:
    """How many materializations the catalog has, asked for in this process."""
    import sqlite3
    from contextlib import closing

    path = Path(shop.path, "catalog.db")
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM materializations").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_what_asks_much_of_the_outside_is_asked_about(shop: Folder) -> None:
    shop.write("bad.txt", "")
    shop.edit("shop.py", "def raw(ctx: Context)", "def raw(ctx: Context, api: Api)")
    shop.run("plan", "raw")
    shop.write("assetflow.toml", 'modules = ["shop"]\nconfirm_above = 8900')
    said = shop.run("materialize", "raw", code=2).err
    assert "error[plan-too-large]: this plan calls shop.raw, which takes a resource, 90 times, more than 89" in said
    shop.write("assetflow.toml", 'modules = ["shop"]\nconfirm_above = 200')
    assert "270 steps, more than confirm_above = 200" in shop.run("materialize", code=2).err
    shop.edit("shop.py", "@asset(partitions=DAYS)\ndef raw", "@asset(partitions=DAYS, batch=True)\ndef raw")
    shop.edit(
        "shop.py",
        "-> str:\n    return ctx.partition.key",
        "-> dict[str, str]:\n    return {k: k for k in ctx.batch.keys}",
    )
    shop.run("materialize", "raw")  # which is one call
    said = shop.run("materialize", "clean", "--partition", "2026-01-01..2026-02-28")
    assert "shop.clean@2026-01-01 to 2026-02-28 (59)" in said.out, "what is asked for by keys is shown, and done"
    assert "59 to run" in said.err
    assert shop.run("materialize", "clean", "--yes").code == 0


def test_a_partitioning_that_is_changed_keeps_its_history_and_adds_what_is_new(shop: Folder) -> None:
    shop.write("bad.txt", "")
    shop.edit("shop.py", '"2026-01-01", end="2026-04-01"', '"2026-01-10", end="2026-02-01"')
    shop.run("materialize", "report")
    shop.edit("shop.py", '"2026-01-10", end="2026-02-01"', '"2026-01-08", end="2026-02-02"')
    new = ["2026-01-08", "2026-01-09", "2026-02-01"]
    assert shop.made("report") == {
        f"{name}@{key}": "materialized" for name in ("raw", "clean", "report") for key in new
    }
    shop.edit("shop.py", '"2026-01-08", end="2026-02-02"', '"2026-01-20", end="2026-02-02"')
    assert shop.made("report") == {}
    assert len(shop.json("history", "raw@2026-01-10")["materializations"]) == 1
    shop.edit("shop.py", 'end="2026-02-02")', 'end="2026-02-02", tz="Europe/Berlin")')
    made = shop.made("report")
    assert Counter(made.values()) == {"unchanged": 39}, "the keys stand for other days now"
