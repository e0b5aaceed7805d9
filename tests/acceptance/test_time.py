"""Partitions of time: windows, mappings between them, selections, and what goes by as the clock does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

import pytest

from assetflow import All, Context, Daily, In, Monthly, Previous, Rolling, Weekly, asset
from assetflow.testing import ProjectForTests
from tests.conftest import Folder

SHOP = """
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

import pyarrow as pa
from assetflow import (
    All, Context, Daily, Hourly, In, Last, Monthly, Only, PerDimension, Previous, Product, Rolling, Same, Static,
    Weekly, asset, sql_asset,
)

DAYS = Daily("2026-01-01", end="2026-02-15", tz="Europe/Berlin")
WEEKS = Weekly("2026-01-01", end="2026-02-15", tz="Europe/Berlin")
MONTHS = Monthly("2026-01", end="2026-02-15", tz="Europe/Berlin")
REGIONS = Static("eu", "us")
CELLS = Product(day=DAYS, region=REGIONS)
AMOUNTS = {"2026-01-05": 7}
BAD = ()

@asset(partitions=DAYS)
def orders(ctx: Context) -> pa.Table:
    if ctx.partition.key in BAD:
        raise ValueError("not here")
    return pa.table({"n": [AMOUNTS.get(ctx.partition.key, ctx.partition.date.day)]})

@asset(partitions=DAYS)
def running(orders: pa.Table, running: Annotated[int, In(partitions=Previous())] = 0) -> int:
    return running + orders["n"][0].as_py()

@asset(partitions=DAYS)
def trend(orders: Annotated[pa.Table, In(partitions=Rolling(3), key_column="day")]) -> list[str]:
    return orders["day"].to_pylist()

@asset(partitions=WEEKS)
def week(orders: Annotated[dict[date, pa.Table], In()]) -> dict[str, int]:
    return {day.isoformat(): table["n"][0].as_py() for day, table in orders.items()}

@asset(partitions=MONTHS)
def month(orders: Annotated[Iterator[pa.Table], In()]) -> int:
    return sum(table["n"][0].as_py() for table in orders)

@asset(partitions=DAYS)
def share(orders: pa.Table, month: int) -> float:
    return orders["n"][0].as_py() / month

@asset(partitions=CELLS)
def cell(orders: pa.Table, ctx: Context) -> str:
    return f"{ctx.partition.keys['region']} {ctx.partition.date} {orders['n'][0]}"

@asset(partitions=REGIONS)
def region(cell: Annotated[dict[tuple[str, str], str], In(partitions=PerDimension(day=Last(2)))]) -> list[str]:
    return [f"{day}={text}" for (day, _), text in cell.items()]

@asset
def newest(running: Annotated[dict[datetime, int], In(partitions=Last(2))]) -> list[str]:
    return [at.isoformat() for at in running]

@asset
def first(running: Annotated[int, In(partitions=Only("2026-01-01"))]) -> int:
    return running

total = sql_asset("total", "select sum(n)::bigint as n from orders", partitions=MONTHS)
"""

ran = Folder.made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The shop, all of it made. Nothing may change it."""
    folder = Folder(tmp_path_factory.mktemp("shop"))
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    return folder


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def test_every_mapping_gives_what_it_says(made: Folder) -> None:
    def value(address: str) -> Any:
        return made.json("cat", address)

    assert value("running@2026-01-05") == 1 + 2 + 3 + 4 + 7
    assert value("trend@2026-01-02") == ["2026-01-01", "2026-01-02"]
    assert value("trend@2026-02-01") == ["2026-01-30", "2026-01-31", "2026-02-01"]
    assert list(value("week@2026-W02")) == [f"2026-01-{day:02}" for day in range(5, 12)]
    assert value("month@2026-01") == value("total@2026-01")[0]["n"] == sum(range(1, 32)) + 2
    assert value("share@2026-01-31") == 31 / value("month@2026-01")
    assert value("cell@day=2026-01-31,region=us") == "us 2026-01-31 31"
    assert value("region@us") == ["2026-02-13=us 2026-02-13 13", "2026-02-14=us 2026-02-14 14"]
    assert value("newest") == ["2026-02-13T00:00:00+01:00", "2026-02-14T00:00:00+01:00"]
    assert value("first") == 1
    assert ran(made) == {}


def test_what_has_no_window_yet_is_not_there(made: Folder) -> None:
    states = {each["key"]: each["partitions"] for each in made.json("status")["assets"]}
    assert states["shop.week"]["total"] == 5, "from the first Monday to the last whole week"
    assert states["shop.month"]["total"] == 1, "February has not ended"
    assert states["shop.share"] == {**states["shop.share"], "total": 45, "fresh": 31}
    explained = made.json("explain", "share@2026-02-01")
    assert explained["state"] == "missing"


def test_one_changed_day_reaches_what_reads_it_and_equal_results_stop_it(shop: Folder) -> None:
    shop.run("materialize")
    shop.edit("shop.py", '{"2026-01-05": 7}', '{"2026-01-05": 7, "2026-01-20": 21}')
    steps = shop.json("plan", "+orders", "+running", "+trend", "+week", "+month")["steps"]
    assert {each["action"] for each in steps if each["key"] == "shop.orders"} == {"run"}
    outcomes = ran(shop)
    changed = {name for name, outcome in outcomes.items() if outcome == "materialized"}
    assert {name for name in changed if name.startswith("orders@")} == {"orders@2026-01-20"}
    assert {name for name in changed if name.startswith("week@")} == {"week@2026-W04"}
    assert {name for name in changed if name.startswith("month@")} == {"month@2026-01"}
    assert {name for name in changed if name.startswith("cell@")} == {
        "cell@day=2026-01-20,region=eu",
        "cell@day=2026-01-20,region=us",
    }
    running = sorted(name for name in changed if name.startswith("running@"))
    assert (running[0], len(running)) == ("running@2026-01-20", 12 + 14)
    trend = {name for name, outcome in outcomes.items() if name.startswith("trend@") and outcome == "unchanged"}
    assert trend == {f"trend@2026-01-{day}" for day in (20, 21, 22)}
    assert "first@" not in changed


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2026-01-05"], {"orders": 1, "week": 1, "month": 1, "cell": 2, "newest": 1}),
        (["2026-01-05..2026-01-06"], {"orders": 2, "week": 1, "month": 1, "cell": 4, "newest": 1}),
        (["2026-W02"], {"orders": 7, "week": 1, "month": 1, "cell": 14, "newest": 1}),
        (["2026-01"], {"orders": 31, "week": 4, "month": 1, "cell": 62, "newest": 1}),
        (["2026-01-31..2026-02"], {"orders": 15, "week": 2, "month": 1, "cell": 30, "newest": 1}),
        (["latest"], {"orders": 1, "week": 1, "month": 1, "cell": 2, "newest": 1}),
        (["last:7"], {"orders": 7, "week": 5, "month": 1, "cell": 14, "newest": 1}),
        (["day=2026-01-05,region=eu"], {"cell": 1, "newest": 1}),
        (["region=eu"], {"cell": 45, "newest": 1}),
        (["day=last:2"], {"cell": 4, "newest": 1}),
        (["2026-01-05", "2026-02-01"], {"orders": 2, "week": 2, "month": 1, "cell": 4, "newest": 1}),
    ],
)
def test_selections_of_partitions(shop: Folder, texts: list[str], expected: dict[str, int]) -> None:
    chosen = [part for text in texts for part in ("--partition", text)]
    steps = shop.json("plan", "orders", "week", "month", "cell", "newest", *chosen)["steps"]
    counts: dict[str, int] = {}
    for each in steps:
        if each["requested"]:
            name = each["key"].removeprefix("shop.")
            counts[name] = counts.get(name, 0) + 1
    assert counts == expected


def test_sums_for_each_value_of_a_dimension(shop: Folder) -> None:
    shop.run("materialize", "cell", "--partition", "region=eu,day=2026-01-05..2026-01-09")
    shop.edit("shop.py", 'f"{ctx.partition.keys', 'f"at {ctx.partition.keys')
    assert [line.split() for line in shop.run("partitions", "cell", "--by", "region").out.splitlines()] == [
        ["region", "partitions", "stale", "missing"],
        ["eu", "45", "5", "40"],
        ["us", "45", "45"],
    ]
    values = shop.json("partitions", "cell", "--by", "day")["values"]
    assert [(each["value"], each["total"], each["stale"]) for each in values[3:5]] == [
        ("2026-01-04", 2, 0),
        ("2026-01-05", 2, 1),
    ]
    assert "did you mean region" in shop.run("partitions", "cell", "--by", "regoin", code=2).err
    assert "error[bad-option]" in shop.run("partitions", "cell", "--by", "region", "--picture", code=2).err


def test_missing_and_failed_select_by_how_partitions_stand(shop: Folder) -> None:
    shop.edit("shop.py", "BAD = ()", 'BAD = ("2026-01-03", "2026-01-09")')
    outcomes = ran(shop, "orders", "cell", code=1)
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == {"orders@2026-01-03", "orders@2026-01-09"}
    assert sum(outcome == "materialized" for outcome in outcomes.values()) == 43 + 2 * 43
    assert ran(shop, "orders", "cell", code=1) == {}
    shop.edit("shop.py", "raise ValueError", "print(1); raise ValueError")
    states = [each["key"] for each in shop.json("partitions", "orders", "--partition", "failed")["partitions"]]
    assert states == []  # the code is another one, so that nothing has failed with it
    shop.edit("shop.py", "print(1); raise", "raise")
    states = [each["key"] for each in shop.json("partitions", "orders", "--partition", "failed")["partitions"]]
    assert states == ["2026-01-03", "2026-01-09"]
    assert set(ran(shop, "orders", "--partition", "failed", code=1)) == failed
    assert set(ran(shop, "orders", "cell", "--retry-failed", code=1)) == failed | {
        f"cell@day=2026-01-{day},region={region}" for day in ("03", "09") for region in ("eu", "us")
    }


def test_partitions_lists_windows_in_utc_and_draws_them(made: Folder) -> None:
    found = made.json("partitions", "orders", "--from", "2026-01-30", "--to", "2026-02-01")["partitions"]
    assert [each["key"] for each in found] == ["2026-01-30", "2026-01-31", "2026-02-01"]
    assert (found[0]["start"], found[0]["end"]) == ("2026-01-29T23:00:00Z", "2026-01-30T23:00:00Z")
    assert (found[0]["state"], found[0]["version"]) == ("fresh", 1)
    assert len(made.json("partitions", "orders", "--to", "2026-01-02")["partitions"]) == 2
    assert len(made.json("partitions", "orders", "--from", "2026-02-13T12")["partitions"]) == 2
    assert len(made.json("partitions", "orders", "--partition", "0001-01-01..2026-01-02")["partitions"]) == 2
    cells = made.json("partitions", "cell", "--partition", "region=us")["partitions"]
    assert cells[0]["keys"] == {"day": "2026-01-01", "region": "us"}
    assert cells[0]["start"] == "2025-12-31T23:00:00Z"
    drawn = made.run("partitions", "orders", "--picture").out.splitlines()
    assert drawn == ["2026-01  " + "●" * 31, "2026-02  " + "●" * 14, "● fresh"]
    shown = made.run("partitions", "share", "--partition", "2026-01-31..2026-02-01").out
    assert "2026-01-31T23:00Z  2026-02-01T23:00Z  · missing" in shown


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ('tz="Europe/Berlin")\nWEEKS', 'tz="Europe/Berln")\nWEEKS', "bad-argument", "did you mean Europe/Berlin"),
        ('Daily("2026-01-01", end', 'Daily("2026-13-01", end', "bad-argument", "start='2026-13-01' is no time"),
        ('Daily("2026-01-01", end', 'Daily("2026-03-01", end', "bad-argument", "it ends at 2026-02-15"),
        ('end="2026-02-15", tz="Europe/Berlin")\nWEEKS', 'exclude=("sunnday",))\nWEEKS', "bad-argument", "'sunnday'"),
        ('end="2026-02-15", tz="Europe/Berlin")\nWEEKS', 'offset="soon")\nWEEKS', "bad-argument", "offset: 'soon'"),
        ("partitions=Rolling(3)", "partitions=Rolling(0)", "bad-argument", "Rolling(0) counts no keys"),
        ("partitions=Rolling(3)", "partitions=Last(3)", "impossible-mapping", "Last() is for what is not partitioned"),
        ("partitions=Rolling(3)", "partitions=Same", "bad-argument", "is no mapping"),
        ('Only("2026-01-01")', "Previous()", "impossible-mapping", "counts windows of time"),
        (
            "Annotated[dict[datetime, int], In(partitions=Last(2))]",
            "pa.Table",
            "needs-mapping",
            "which of its partitions",
        ),
        ("Annotated[dict[date, pa.Table], In()]", "Annotated[dict[int, pa.Table], In()]", "edge-type", "dict[str, T]"),
        ("PerDimension(day=Last(2))", "PerDimension(dy=Last(2))", "unknown-dimension", "did you mean day"),
        ("@asset(partitions=REGIONS)\ndef region", "@asset\ndef region", "needs-mapping", "which region is not clear"),
        ("@asset(partitions=CELLS)", "@asset(partitions=REGIONS)", "impossible-mapping", "which keys is not clear"),
        (
            "Annotated[int, In(partitions=Previous())] = 0",
            "Annotated[int, In()] = 0",
            "cyclic-assets",
            "waits for itself",
        ),
        ('Rolling(3), key_column="day"', "Rolling(3), key_column=3", "bad-argument", "which is no name"),
        (
            'Rolling(3), key_column="day"',
            'Rolling(3), missing="ignore"',
            "bad-argument",
            'write "fail", "skip" or "wait"',
        ),
        (
            "orders: pa.Table, month: int",
            'orders: Annotated[pa.Table, In(key_column="d")], month: int',
            "bad-argument",
            "key",
        ),
        ("@asset(partitions=REGIONS)", "@asset(partitions=REGIONS, lookback=3)", "bad-argument", "are none"),
        ("@asset(partitions=CELLS)", "@asset(partitions=CELLS, lookback=0)", "bad-argument", "write lookback=3"),
        ("@asset(partitions=CELLS)", '@asset(partitions=CELLS, forward_only="yes")', "bad-argument", "True or False"),
        ("Product(day=DAYS, region=REGIONS)", "Product(day=DAYS)", "bad-argument", "fewer than two dimensions"),
        ("Product(day=DAYS, region=REGIONS)", 'Product(day=DAYS, region="eu")', "bad-argument", "partitioned by 'eu'"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, code: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    said = shop.run("validate", code=2).err
    assert f"error[{code}]" in said
    assert told in said


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("2026-03-01", "unknown-partition", "there are 2026-01-01..2026-02-14"),
        ("2026-02-01..2026-01-01", "bad-partition", "write 2026-01-01..2026-02-01"),
        ("2026-01-01..", "bad-partition", "a range has two ends"),
        ("last:x", "bad-partition", "write last:7"),
        ('"2026', "bad-partition", "no JSON string"),
        ("regoin=eu", "unknown-partition", "did you mean region"),
        ("region=asia", "unknown-partition", "'asia'"),
        ("region=eu,region=us", "bad-partition", "named twice"),
        ("yesterday", "unknown-partition", "there are"),
    ],
)
def test_mistaken_selections(shop: Folder, text: str, code: str, told: str) -> None:
    said = shop.run("plan", "orders", "cell", "--partition", text, code=2).err
    assert f"error[{code}]" in said
    assert told in said


def test_a_key_exists_when_its_window_has_ended(assetflow_project: ProjectForTests) -> None:
    @asset(partitions=Daily("2025-12-30"))
    def day(ctx: Context) -> str:
        return ctx.partition.key

    @asset(partitions=Daily("2025-12-30", open=True))
    def so_far(ctx: Context) -> str:
        return ctx.partition.key

    flow = assetflow_project.use(day, so_far)
    made = [step.step.key for step in flow.materialize(day).steps]
    assert made == ["2025-12-30", "2025-12-31"]  # the clock stands at noon of 1 January
    assert [step.step.key for step in flow.materialize(so_far).steps] == [*made, "2026-01-01"]
    flow.clock.advance("12h")
    again = [str(step.step) for step in flow.materialize().steps]
    # What was made of a day that was not over expires when it is.
    assert sorted(again) == ["test_time.day@2026-01-01", "test_time.so_far@2026-01-01", "test_time.so_far@2026-01-02"]
    assert flow.plan().steps == []


def test_late_data_counts_for_some_windows(assetflow_project: ProjectForTests) -> None:
    @asset(partitions=Daily("2025-12-28"), lookback=2)
    def orders(ctx: Context) -> int:
        return 1

    @asset(partitions=Monthly("2025-12"))
    def month(orders: Annotated[dict[str, int], In()]) -> int:
        return len(orders)

    flow = assetflow_project.use(orders, month)
    made = [step.step.key for step in flow.materialize(orders).steps]  # the clock stands at noon of 1 January
    assert made == ["2025-12-28", "2025-12-29", "2025-12-30", "2025-12-31"]
    flow.materialize()
    flow.clock.advance("11h")
    assert flow.plan().steps == []
    flow.clock.advance("1h")
    told = {step.key: step.causes[0].message for step in flow.plan(orders).steps}
    assert told["2025-12-30"] == "made before a window ended at 2026-01-02 00:00 UTC (lookback=2)"
    assert list(told) == ["2025-12-30", "2025-12-31", "2026-01-01"]
    result = flow.materialize()
    assert {str(step.step): str(step.outcome) for step in result.steps} == {
        "test_time.orders@2025-12-30": "unchanged",
        "test_time.orders@2025-12-31": "unchanged",
        "test_time.orders@2026-01-01": "materialized",
        "test_time.month@2025-12": "kept",  # the same data stop the wave
    }
    assert flow.plan().steps == []
    flow.clock.advance("3d")  # several windows at once: once for each that is late
    late = ["2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    assert [step.key for step in flow.plan(orders).steps] == late


def test_changes_of_code_are_for_what_is_not_made_yet(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write(
        "shop.py",
        """
from assetflow import Context, Static, asset

RATE = 2

@asset(partitions=Static("a", "b"))
def raw(ctx: Context) -> str:
    return ctx.partition.key

@asset(partitions=Static("a", "b", "c"), forward_only=True)
def prices(ctx: Context, least: int = 0) -> str:
    return f"{ctx.partition.key} {RATE} {least}"

@asset(partitions=Static("a", "b"), forward_only=True)
def copy(raw: str) -> str:
    return raw * RATE

@asset(partitions=Static("a", "b", "c"))
def labels(prices: str) -> str:
    return f"<{prices}>"
""",
    )
    folder.run("materialize", "--partition", "a", "--partition", "b")
    folder.edit("shop.py", "RATE = 2", "RATE = 3")
    folder.run("materialize", "copy")
    for _ in range(2):
        told = folder.run("plan", "prices", "--partition", "a", "--partition", "b").out
        assert "kept: shop.prices@a to b (2): forward_only: constant shop.RATE changed: 2 → 3" in told
        assert "shop.prices@a  run" not in told
        assert folder.made("prices", "labels") in (
            {"prices@c": "materialized", "labels@c": "materialized"},
            {},
        )
    assert folder.json("cat", "prices@a") == "a 2 0"
    assert folder.json("cat", "prices@c") == "c 3 0"
    said = folder.json("explain", "prices@a")
    assert (said["state"], said["kept"], said["causes"][0]["kind"]) == ("fresh", "forward_only", "code")
    assert [each["because"] for each in folder.json("plan", "prices", "--set", "least=1")["kept"]] == [
        "forward_only"
    ] * 3
    # What it reads is another thing: then it is made, by the code of today.
    folder.edit("shop.py", "return ctx.partition.key\n", "return ctx.partition.key.upper()\n")
    assert folder.made("copy") == {
        "raw@a": "materialized",
        "raw@b": "materialized",
        "copy@a": "materialized",
        "copy@b": "materialized",
    }
    assert folder.json("cat", "copy@a") == "AAA"
    assert folder.made("prices", "--partition", "a", "--force", "--only") == {"prices@a": "materialized"}
    assert folder.json("cat", "prices@a") == "a 3 0"


def test_a_zone_that_changes_changes_what_a_key_stands_for(assetflow_project: ProjectForTests) -> None:
    def declared(tz: str, start: str = "2025-12-30") -> Any:
        @asset(partitions=Daily(start, end="2026-01-01", tz=tz))
        def day(ctx: Context) -> str:
            return str(ctx.partition.window.start)

        return day

    assetflow_project.use(declared("UTC")).materialize()
    assert [step.key for step in assetflow_project.use(declared("UTC", "2025-12-28")).plan().steps] == [
        "2025-12-28",
        "2025-12-29",
    ], "what was made stays, and what is new is added"
    assert len(assetflow_project.use(declared("Asia/Tokyo")).plan().steps) == 2


def test_windows_that_are_left_out_are_read_around(assetflow_project: ProjectForTests) -> None:
    @asset(partitions=Daily("2026-01-05", end="2026-01-19", exclude=("sat", "sun", "2026-01-06")))
    def trading(ctx: Context) -> int:
        return ctx.partition.date.day

    @asset(partitions=Daily("2026-01-05", end="2026-01-19"))
    def five(trading: Annotated[dict[str, int], In(partitions=Rolling(5))]) -> list[int]:
        return list(trading.values())

    @asset(partitions=Daily("2026-01-05", end="2026-01-19"))
    def before(trading: Annotated[int, In(partitions=Previous(2))] = -1) -> int:
        return trading

    flow = assetflow_project.use(trading, five, before)
    flow.clock.advance("4w")
    flow.materialize()
    assert flow.load(five, partition="2026-01-13") == [7, 8, 9, 12, 13]
    assert flow.load(five, partition="2026-01-18") == [12, 13, 14, 15, 16], "on a Sunday the week before"
    assert flow.load(before, partition="2026-01-07") == -1
    assert flow.load(before, partition="2026-01-12") == 8


def test_an_upstream_that_ended_is_not_counted_for_ever(assetflow_project: ProjectForTests) -> None:
    @asset(partitions=Daily("2025-12-01", end="2025-12-05"))
    def old(ctx: Context) -> int:
        return ctx.partition.date.day

    @asset(partitions=Daily("2025-12-01", end="2025-12-10"))
    def recent(old: Annotated[dict[str, int], In(partitions=Rolling(3))]) -> list[int]:
        return list(old.values())

    assetflow_project.use(old, recent).materialize()
    found = [assetflow_project.load(recent, partition=f"2025-12-0{day}") for day in range(4, 9)]
    assert found == [[2, 3, 4], [3, 4], [4], [], []]


@pytest.mark.parametrize("policy", ["fail", "skip", "wait"])
def test_what_is_missing_upstream(assetflow_project: ProjectForTests, policy: Any) -> None:
    bad = {"2025-12-30"}

    @asset(partitions=Daily("2025-12-29", end="2026-01-01"))
    def day(ctx: Context) -> int:
        if ctx.partition.key in bad:
            raise ValueError("not today")
        return ctx.partition.date.day

    @asset
    def whole(day: Annotated[dict[str, int], In(partitions=All(), missing=policy)]) -> list[int]:
        return list(day.values())

    flow = assetflow_project.use(day, whole)
    result = flow.materialize()
    outcomes = {str(step.step): str(step.outcome) for step in result.steps}
    key = next(name for name in outcomes if name.endswith("whole"))
    assert outcomes[key] == ("materialized" if policy == "skip" else "not_run")
    if policy == "skip":
        assert flow.load(whole) == [29, 31]
    again = flow.materialize()
    assert not again.steps, "and so it stays until something changes"
    bad.clear()
    outcomes = {str(step.step): str(step.outcome) for step in flow.materialize(retry_failed=True).steps}
    assert outcomes[key] == "materialized"
    assert flow.load(whole) == [29, 30, 31]
    assert not flow.materialize().steps


def a_month_ago(key: str) -> str:
    return str(date.fromisoformat(key) - timedelta(days=30))


def test_weeks_of_months_overlap_and_a_function_can_say_it_otherwise(assetflow_project: ProjectForTests) -> None:
    days = Daily("2025-11-01", end="2026-01-01")

    @asset(partitions=days)
    def day(ctx: Context) -> int:
        return 1

    @asset(partitions=Weekly("2025-11-01", end="2026-01-01"))
    def week(day: Annotated[Iterator[int], In()]) -> int:
        return sum(day)

    @asset(partitions=Monthly("2025-11", end="2026-01"))
    def month(week: dict[str, int]) -> list[str]:
        return list(week)

    @asset(partitions=days)
    def year_ago(
        day: Annotated[dict[str, int], In(partitions=a_month_ago)],
    ) -> list[str]:
        return list(day)

    @asset(partitions=Monthly("2025-11", end="2026-01"))
    def chosen(day: Annotated[int, In(partitions={"2025-11": "2025-11-03", "2025-12": "2025-12-24"})]) -> int:
        return day

    flow = assetflow_project.use(day, week, month, year_ago, chosen)
    assert flow.materialize().ok
    assert flow.load(month, partition="2025-12") == ["2025-W49", "2025-W50", "2025-W51", "2025-W52"]
    assert flow.load(year_ago, partition="2025-11-30") == []
    assert flow.load(year_ago, partition="2025-12-02") == ["2025-11-02"]
    assert flow.load(chosen, partition="2025-12") == 1
    assert not flow.materialize().steps


def test_a_check_may_look_at_the_partition_before(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write(
        "shop.py",
        """
        from typing import Annotated
        from assetflow import Context, Daily, In, Previous, asset, check

        COUNTS = {}

        @asset(partitions=Daily("2026-01-01", end="2026-01-06"))
        def count(ctx: Context) -> int:
            return COUNTS.get(ctx.partition.key, ctx.partition.date.day)

        @check(count)
        def grows(count: int, before: Annotated[int | None, In(count, partitions=Previous())] = None) -> bool:
            return before is None or count > before
        """,
    )
    assert set(ran(folder).values()) == {"materialized"}
    assert ran(folder) == {}
    folder.edit("shop.py", "COUNTS = {}", 'COUNTS = {"2026-01-03": 9}')
    outcomes = ran(folder, code=4)
    assert outcomes["count@2026-01-03"] == "materialized"
    assert outcomes["count@2026-01-04"] == "held"
    assert folder.json("cat", "count@2026-01-04") == 4, "the value before serves on"
    folder.edit("shop.py", '"2026-01-03": 9}', '"2026-01-03": 3}')
    ran(folder)
    assert ran(folder) == {}
    assert folder.json("status")["assets"][0]["state"] == "fresh"


def test_the_order_of_dimensions_and_files_that_nobody_reads(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("in/a.txt", "a")
    folder.write("in/b.txt", "b")
    folder.write(
        "shop.py",
        """
        from assetflow import Context, Files, Product, Static, asset, source

        SIZES, SHOPS = Static("s", "l"), Static("north", "south")
        inbox = source("inbox", Files("in/*.txt"))

        @asset(partitions=Product(size=SIZES, shop=SHOPS))
        def one(ctx: Context) -> str:
            return ctx.partition.key

        @asset(partitions=Product(shop=SHOPS, size=SIZES))
        def other(one: str) -> str:
            return one

        @asset(partitions=Product(shop=SHOPS, file=inbox))
        def each(ctx: Context) -> str:
            return ctx.partition.keys["file"]
        """,
    )
    ran(folder)
    assert folder.json("cat", 'other@"shop=south,size=l"') == "size=l,shop=south"
    keys = [each["key"] for each in folder.json("partitions", "each")["partitions"]]
    assert keys == ["shop=north,file=a.txt", "shop=north,file=b.txt", "shop=south,file=a.txt", "shop=south,file=b.txt"]
    folder.write("in/c.txt", "c")
    assert ran(folder).keys() == {"each@shop=north,file=c.txt", "each@shop=south,file=c.txt"}
