"""Assets of which one call makes several partitions: ``batch=True``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.conftest import Folder

SHOP = """
import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from assetflow import Context, Daily, In, Product, Retry, Skip, Static, asset, not_null, sql_asset

DAYS = Daily("2026-01-01", end="2026-01-31")
CELLS = Product(day=DAYS, region=Static("eu", "us"))
BAD = ()

def told(what: str) -> None:
    with Path("calls.txt").open("a") as file:
        file.write(what + "\\n")

@asset(partitions=DAYS)
def price(ctx: Context) -> int:
    return ctx.partition.date.day

@asset(partitions=DAYS, batch=True, key_column="day")
def orders(ctx: Context) -> pl.DataFrame:
    told(f"orders {len(ctx.batch)} {ctx.batch.window.start:%d}..{ctx.batch.window.end:%d}")
    days = [each.date for each in ctx.batch for _ in range(2)]
    return pl.DataFrame({"day": days, "n": [day.day for day in days]})

@asset(partitions=DAYS, batch=True)
def doubled(price: dict[date, int], ctx: Context) -> dict[date, int]:
    told(f"doubled {len(price)}")
    return {day: 2 * each for day, each in price.items() if day.day not in BAD}

@asset(partitions=DAYS, batch=True, key_column="day")
def taxed(orders: Annotated[pl.DataFrame, In(key_column="key")], doubled: dict[str, int]) -> pl.DataFrame:
    told(f"taxed {len(doubled)} {orders['key'].n_unique()}")
    return orders.with_columns(tax=pl.col("n") * 2)

@asset(partitions=CELLS, batch=True, key_column={"day": "day", "region": "region"})
def cells(orders: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    told(f"cells {len(ctx.batch)}")
    (region,) = {each.keys["region"] for each in ctx.batch}
    return orders.with_columns(region=pl.lit(region))

@asset
def after(taxed: dict[str, pl.DataFrame]) -> int:
    return sum(table.height for table in taxed.values())

summed = sql_asset(
    "summed", "select day, sum(n)::bigint as n from orders group by day", partitions=DAYS, batch=True, key_column="day"
)
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def calls(folder: Folder) -> list[str]:
    """The calls since the last look."""
    path = folder.path / "calls.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_one_call_makes_all_and_each_is_recorded_by_itself(shop: Folder) -> None:
    made = shop.made()
    assert set(made.values()) == {"materialized"}
    assert Counter(name.partition("@")[0] for name in made) == {
        **dict.fromkeys(("price", "orders", "doubled", "taxed", "summed"), 30),
        "cells": 60,
        "after": 1,
    }
    told = calls(shop)
    assert sorted(told) == ["cells 30", "cells 30", "doubled 30", "orders 30 01..31", "taxed 30 30"]
    assert shop.json("cat", "orders@2026-01-05") == [{"day": "2026-01-05", "n": 5}] * 2
    assert shop.json("cat", "doubled@2026-01-05") == 10
    assert shop.json("cat", "summed@2026-01-05") == [{"day": "2026-01-05", "n": 10}]
    cell = shop.json("cat", "cells@day=2026-01-05,region=us")
    assert cell == [{"day": "2026-01-05", "n": 5, "region": "us"}] * 2
    assert shop.json("cat", "after") == 60
    shop.run("plan", "--exit-code")
    (first,) = shop.json("history", "taxed@2026-01-05")["materializations"]
    assert [(each["key"], each["partition"]) for each in first["inputs"]] == [
        ("shop.doubled", "2026-01-05"),
        ("shop.orders", "2026-01-05"),
    ]


def test_only_what_is_stale_is_made_in_ranges_that_follow_each_other(shop: Folder) -> None:
    shop.run("materialize", "orders")
    calls(shop)
    some = ("-p", "2026-01-02..2026-01-05", "-p", "2026-01-09", "-p", "2026-01-10")
    shop.run("materialize", "orders", "--force", *some, "-j", "1")
    assert calls(shop) == ["orders 4 02..06", "orders 2 09..11"]
    shop.run("materialize", "orders", "--force", "--chunk", "12", "-j", "1")
    assert calls(shop) == ["orders 12 01..13", "orders 12 13..25", "orders 6 25..31"]
    shop.run("materialize", "orders", "--force", "--chunk", "12", "-j", "1", "--newest-first")
    assert calls(shop) == ["orders 12 19..31", "orders 12 07..19", "orders 6 01..07"]
    shop.edit("shop.py", 'batch=True, key_column="day")\ndef orders', 'batch=20, key_column="day")\ndef orders')
    shop.run("materialize", "orders", "--force", "-j", "1")
    assert calls(shop) == ["orders 20 01..21", "orders 10 21..31"]


def test_an_upstream_that_gives_the_same_stops_it_partition_by_partition(shop: Folder) -> None:
    shop.run("materialize", "taxed")
    calls(shop)
    shop.edit(
        "shop.py",
        "return ctx.partition.date.day",
        "return ctx.partition.date.day + (ctx.partition.key == '2026-01-09')",
    )
    made = shop.made("taxed")
    assert calls(shop) == ["doubled 1", "taxed 1 1"]
    assert {name for name, outcome in made.items() if outcome == "materialized"} == {
        "price@2026-01-09",
        "doubled@2026-01-09",
    }
    assert made["taxed@2026-01-09"] == "unchanged"
    assert made["taxed@2026-01-10"] == "kept"


def test_one_that_fails_keeps_no_other_from_being_made(shop: Folder) -> None:
    shop.edit("shop.py", "BAD = ()", "BAD = (4, 5)")
    done = shop.json("materialize", "taxed", code=1)
    outcomes = {f"{each['key']}@{each['partition']}": each for each in done["steps"]}
    assert outcomes["shop.doubled@2026-01-04"]["outcome"] == "failed"
    assert outcomes["shop.doubled@2026-01-04"]["error"]["message"].startswith(
        "shop.doubled@2026-01-04: the call returned no"
    )
    assert outcomes["shop.taxed@2026-01-04"]["outcome"] == "not_run"
    assert Counter(each["outcome"] for each in done["steps"]) == {"materialized": 116, "failed": 2, "not_run": 2}
    assert "taxed 3 3" in calls(shop)
    shop.edit("shop.py", "BAD = (4, 5)", "BAD = (5,)")
    shop.made("taxed", code=1)
    # Code that all have in common changed: all are asked for again, and give what they gave.
    assert [line.partition(" ")[0] for line in calls(shop)].count("doubled") == 1


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("    return pl.DataFrame({", "    raise ValueError('no')\n    return pl.DataFrame({", "ValueError", "no"),
        ("each.date for each", "date(2026, 3, each.date.day) for each", "ValueMismatch", "60 rows belong to none"),
        ('pl.DataFrame({"day": days', 'pl.DataFrame({"d": days', "ValueMismatch", "no column 'day'"),
        ('pl.DataFrame({"day": days', 'pl.DataFrame({"day": [1] * len(days)', "ValueMismatch", "is int64"),
        ("ctx.batch.window.start:%d", "ctx.partition.date", "UsageError", "ctx.batch has all"),
        (
            "    return pl.DataFrame({",
            "    ctx.state['x'] = 1\n    return pl.DataFrame({",
            "UsageError",
            "ctx.state belongs",
        ),
        (
            "    return pl.DataFrame({",
            "    return {}\n    return pl.DataFrame({",
            "ValueMismatch",
            "must return a table with 'day'",
        ),
    ],
)
def test_a_call_that_fails_fails_all_of_it(shop: Folder, old: str, new: str, kind: str, message: str) -> None:
    shop.edit("shop.py", old, new)
    steps = shop.json("materialize", "orders", code=1)["steps"]
    assert {each["outcome"] for each in steps} == {"failed"}
    assert {each["error"]["type"] for each in steps} == {kind}
    assert message in steps[0]["error"]["message"]
    told = shop.run("logs", "1", "orders@2026-01-20").out
    assert message in told
    assert shop.run("logs", "1").out.count(message) == told.count(message)  # it is one log, told once


def test_a_skip_is_one_of_all(shop: Folder) -> None:
    shop.edit("shop.py", "    return pl.DataFrame({", "    raise Skip('no news')\n    return pl.DataFrame({")
    steps = shop.json("materialize", "orders")["steps"]
    assert Counter((each["outcome"], each["reason"]) for each in steps) == {("skipped", "no news"): 30}


def test_what_broke_together_is_tried_again_together(shop: Folder) -> None:
    shop.edit(
        "shop.py",
        'DAYS, batch=True, key_column="day")\ndef orders',
        'DAYS, batch=True, key_column="day", retry=Retry(3, delay="0.3s", on=(OSError,)))\ndef orders',
    )
    shop.edit(
        "shop.py",
        "    return pl.DataFrame({",
        "    if not Path('seen').exists():\n        Path('seen').touch()\n        raise OSError('busy')\n"
        "    return pl.DataFrame({",
    )
    steps = shop.json("materialize", "orders")["steps"]
    assert {(each["outcome"], each["attempts"]) for each in steps} == {("materialized", 2)}
    assert calls(shop) == ["orders 30 01..31"] * 2


def test_checks_judge_each_partition(shop: Folder) -> None:
    shop.edit(
        "shop.py",
        'batch=True, key_column="day")\ndef orders',
        'batch=True, key_column="day", checks=[not_null("n")])\ndef orders',
    )
    shop.edit("shop.py", '"n": [day.day for day in days]', '"n": [day.day if day.day != 7 else None for day in days]')
    done = shop.json("materialize", "orders", code=4)
    assert Counter(each["outcome"] for each in done["steps"]) == {"materialized": 29, "held": 1}
    assert next(each["partition"] for each in done["steps"] if each["outcome"] == "held") == "2026-01-07"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            '@asset(partitions=DAYS, batch=True, key_column="day")\ndef orders',
            "@asset(partitions=DAYS, batch=True)\ndef orders",
            "which column says how is not known",
        ),
        (
            '@asset(partitions=DAYS, batch=True, key_column="day")\ndef orders',
            '@asset(partitions=DAYS, key_column="day")\ndef orders',
            "add batch=True",
        ),
        (
            "@asset(partitions=DAYS, batch=True)\ndef doubled",
            "@asset(partitions=DAYS, batch=True, key_column='x')\ndef doubled",
            "returns a dict by key",
        ),
        ("@asset(partitions=DAYS, batch=True)\ndef doubled", "@asset(batch=True)\ndef doubled", "has none"),
        ("-> dict[date, int]", "-> int", "cannot cut int"),
        ("-> dict[date, int]", "-> dict[int, int]", "dict by int"),
        ("price: dict[date, int]", "price: int", "as batch= makes several at once"),
        ('"region": "region"}', '"regoin": "region"}', "did you mean region"),
        (', "region": "region"}', "}", "no column for region"),
        ("batch=True)\ndef doubled", "batch='yes')\ndef doubled", "write batch=True, or batch=30"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    assert told in shop.run("validate", code=2).err


def test_a_batch_that_is_killed_is_made_again(shop: Folder) -> None:
    shop.edit(
        "shop.py",
        "    return pl.DataFrame({",
        "    time.sleep(30 if not Path('go').exists() else 0)\n    return pl.DataFrame({",
    )
    shop.write("calls.txt", "")
    running = shop.start("materialize", "orders")
    while "orders" not in (shop.path / "calls.txt").read_text():
        assert running.poll() is None
    running.kill()
    running.communicate()
    shop.write("go", "")
    made: dict[str, Any] = shop.made("orders")
    assert len(made) == 30
    assert set(made.values()) == {"materialized"}
    assert calls(shop) == ["orders 30 01..31"] * 2
