"""Queries as assets: exactly the right ones run, nothing is read that is not named, and mistakes are found at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.conftest import Folder

SHOP = """
from datetime import date
from typing import Annotated, Literal
import pandas as pd
import polars as pl
import pyarrow as pa
from pydantic import BaseModel, Field
from assetflow import *

class Order(BaseModel):
    id: int
    customer: int
    amount: float = Field(ge=0)
    placed: date
    status: Literal["paid", "open"]
    note: str | None = None

class Customer(BaseModel):
    customer: int
    name: str

class Spent(BaseModel):
    name: str
    spent: float

@asset
def orders() -> Annotated[pl.DataFrame, Order]:
    return pl.read_csv("orders.csv", try_parse_dates=True)

@asset
def customers() -> Annotated[pd.DataFrame, Customer]:
    return pd.DataFrame({"customer": [7, 8], "name": ["Ada", "Grace"]})

spent = sql_asset(
    "spent",
    "select name, sum(amount) as spent from orders join customers using (customer) where amount >= $least "
    "group by all order by all",
    parameters={"least": 1.0},
)
many = sql_asset("many", "select count(*) as n from orders")
everything = sql_asset("everything", "select * exclude note from orders natural join shop.customers order by id")

@asset
def names(spent: Annotated[pl.DataFrame, Spent]) -> list[str]:
    return spent["name"].to_list()

@asset
def plain(many) -> str:
    return type(many).__module__
"""
CSV = "id,customer,amount,placed,status,note\n1,7,10,2026-01-01,paid,x\n2,8,20.5,2026-01-02,open,\n3,7,0.5,2026-01-02,open,\n"


@pytest.fixture
def shop(folder: Any) -> Any:
    folder.write("shop.py", SHOP.replace("orders.csv", str(folder.path / "orders.csv")))
    folder.write("orders.csv", CSV)
    # What the file holds is part of what makes the table, as if it were a source.
    folder.edit(
        "shop.py",
        "@asset\ndef orders()",
        "from pathlib import Path\n\n@asset(version_includes=[Path('orders.csv')])\ndef orders()",
    )
    return folder


def outcomes(shop: Any, *arguments: str, code: int = 0) -> dict[str, str]:
    steps = shop.json("materialize", *arguments, code=code)["steps"]
    return {step["key"].removeprefix("shop."): step["outcome"] for step in steps}


def rows(shop: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.json("cat", name)
    return found


def test_queries_and_functions_read_each_other_in_memory_and_from_the_store(shop: Any) -> None:
    assert set(outcomes(shop).values()) == {"materialized"}
    expected = [{"name": "Ada", "spent": 10.0}, {"name": "Grace", "spent": 20.5}]
    assert rows(shop, "spent") == expected
    assert rows(shop, "many") == [{"n": 3}]
    assert [row["name"] for row in rows(shop, "everything")] == ["Ada", "Grace", "Ada"]
    assert list(rows(shop, "everything")[0]) == ["id", "customer", "amount", "placed", "status", "name"]
    assert shop.json("cat", "names") == ["Ada", "Grace"]
    assert shop.json("cat", "plain") == "pyarrow.lib"
    assert "nothing to do" in shop.run("materialize").out
    # Each alone, so that what it reads lies in the store.
    assert set(outcomes(shop, "--force").values()) == {"unchanged"}
    for name in ("spent", "many", "everything", "names", "plain"):
        assert outcomes(shop, name, "--force") == {name: "unchanged"}
    assert shop.json("catalog", "verify")["ok"]


KEPT = dict.fromkeys(["spent", "many", "everything", "names", "plain"], "kept")


def test_a_change_reaches_exactly_the_queries_that_read_it(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("orders.csv", ",x", ",y")
    assert outcomes(shop) == {"orders": "materialized", **KEPT}
    shop.edit("orders.csv", "paid", "open")
    assert outcomes(shop) == {"orders": "materialized", **KEPT, "everything": "materialized"}
    # Below what least lets through: the result is the same, and who reads it is not run.
    shop.edit("orders.csv", ",0.5,", ",0.25,")
    made = {"orders": "materialized", "everything": "materialized"}
    assert outcomes(shop) == {**KEPT, **made, "spent": "unchanged"}
    shop.edit("orders.csv", ",0.25,", ",0.75,")
    assert outcomes(shop, "--set", "least=0.7") == {**KEPT, **made, "spent": "materialized", "names": "unchanged"}


def test_a_column_that_is_added_reaches_stars_alone(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "    note: str | None = None\n", "    note: str | None = None\n    place: str = 'here'\n")
    made = {"orders": "materialized", "everything": "materialized"}
    assert outcomes(shop) == {**KEPT, **made}
    assert rows(shop, "everything")[0]["place"] == "here"
    # A column that another table has too: natural means something else now, and using does not.
    shop.edit("shop.py", "    place: str = 'here'\n", "    name: str = 'Ada'\n")
    told = shop.json("validate", code=2)["errors"]
    assert [(each["code"], each["message"]) for each in told] == [
        ("bad-sql", "shop.spent: the column 'name' is in several tables")
    ]
    shop.edit("shop.py", "select name, sum", "select customers.name, sum")
    assert outcomes(shop) == {**KEPT, **made}
    assert [row["id"] for row in rows(shop, "everything")] == [1, 3]


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("select count(*) as n from orders", "SELECT count( * ) AS n\\nFROM shop.orders as o -- how many", set()),
        ("sum(amount) as spent", "sum(orders.amount) as spent", set()),
        ('"many"', '"many", description="How many"', set()),
        ("select count(*) as n from orders", "select count(*) + 0 as n from orders", {"many"}),
        ("sum(amount) as spent", "sum(amount * 1) as spent", {"spent", "names"}),
        ('parameters={"least": 1.0}', 'parameters={"least": 2.0}', {"spent", "names"}),
    ],
)  # fmt: skip
def test_a_query_counts_as_what_it_means(shop: Any, old: str, new: str, stale: set[str]) -> None:
    shop.run("materialize")
    if new.startswith('"many", description'):
        new = '"many", "select count(*) as n from orders", description="How many")#'
        old = '"many", '
    shop.edit("shop.py", old, new)
    assert {step["key"].removeprefix("shop.") for step in shop.json("plan")["steps"]} - {"plain"} == stale


def test_what_is_wrong_with_queries_is_told_together_with_a_mark(shop: Any) -> None:
    folder = shop
    with (folder.path / "shop.py").open("a") as file:
        file.write(
            'a = sql_asset("a", "select amuont from orders")\n'
            'b = sql_asset("b", "select * from ordrs")\n'
            'c = sql_asset("c", "select id from orders where amount > $limit")\n'
            'd = sql_asset("d", "select id from orders", parameters={"limit": 1})\n'
            'e = sql_asset("e", "select id from orders", rows=Order)\n'
            'f = sql_asset("f", "select * from f")\n'
            'g = sql_asset("g", "select * from names")\n'
            'h = sql_asset("h", "select * from read_csv(\'/etc/passwd\')")\n'
            'i = sql_asset("i", Path("none.sql"))\n'
            'j = sql_asset("j", 7)\n'
            'k = sql_asset("k", "select 1 as x", retries=3)\n'
            "@asset\ndef l(many: Annotated[pl.DataFrame, Order]) -> int: ...\n"
            "@asset\ndef m(many: int) -> int: ...\n"
        )
    found = folder.json("validate", code=2)["errors"]
    assert [(each["code"], each["message"].partition(":")[0].partition(" ")[0]) for each in found] == [
        ("unknown-column", "shop.a"),
        ("unknown-input", "shop.b"),
        ("bad-sql", "shop.c"),
        ("bad-argument", "shop.d"),
        ("edge-columns", "shop.e"),
        ("cyclic-assets", "this"),
        ("edge-type", "shop.g"),
        ("bad-sql", "shop.h"),
        ("bad-sql", "shop.i"),
        ("bad-sql", "shop.j"),
        ("unknown-argument", "shop.k"),
        ("edge-columns", "shop.l"),
        ("edge-type", "shop.m"),
    ]
    assert found[0]["excerpt"] == ["select amuont from orders", "       ^"]
    assert found[0]["hint"] == "did you mean amount?"
    assert found[1]["excerpt"] == ["select * from ordrs", "              ^"]
    assert found[1]["hint"] == "did you mean orders?"
    text = folder.run("validate", code=2).err
    assert "    select amuont from orders\n           ^\nhint: did you mean amount?\n" in text
    for mistake in text.split("error[")[1:]:
        assert len(mistake.strip().split("\n")) <= 6


def test_a_mistake_of_the_data_is_told_and_the_last_table_stays(shop: Any) -> None:
    shop.edit(
        "shop.py",
        "many = sql_asset(",
        'ages = sql_asset("ages", "select id, note::int as age from orders where note is not null")\nmany = sql_asset(',
    )
    shop.edit("orders.csv", ",x\n", ",41\n")
    shop.edit("shop.py", "try_parse_dates=True", "try_parse_dates=True, schema_overrides={'note': pl.String}")
    shop.run("materialize")
    shop.edit("orders.csv", ",41\n", ",old\n")
    done = shop.run("materialize", code=1)
    assert "shop.ages: Could not convert string 'old' to INT32" in done.err
    assert "try_cast" in done.err
    assert "Traceback" not in done.err
    assert rows(shop, "ages") == [{"id": 1, "age": 41}]


def test_rows_of_a_model_are_held_to_it(shop: Any) -> None:
    shop.edit(
        "shop.py",
        "many = sql_asset(",
        'big = sql_asset("big", "select name, spent - 15 as spent from spent", rows=Big)\nmany = sql_asset(',
    )
    shop.edit(
        "shop.py",
        "class Spent(",
        "class Big(BaseModel):\n    name: str\n    spent: float = Field(ge=0)\n\nclass Spent(",
    )
    done = shop.run("materialize", code=4)
    assert "column 'spent': 1 of 2 rows are not at least 0" in done.err
    shop.edit("shop.py", "spent - 15", "spent + 15")
    shop.run("materialize")
    assert rows(shop, "big")[0] == {"name": "Ada", "spent": 25.0}


def test_a_query_over_a_table_without_a_model_is_bound_when_it_runs(shop: Any) -> None:
    with (shop.path / "shop.py").open("a") as file:
        file.write(
            "@asset\ndef loose() -> pl.DataFrame:\n    return pl.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\n"
            'over = sql_asset("over", "select a + 1 as c from loose")\n'
            'above = sql_asset("above", "select sum(c) as s from over")\n'
        )
    shop.run("validate")
    assert shop.json("lineage", "over", "--columns")["columns"] == [
        {
            "from": "shop.loose",
            "to": "shop.over",
            "evidence": "unknown",
            "role": "value",
            "reason": "the columns of shop.loose are not known before it is made",
        }
    ]
    shop.run("materialize")
    # Now it is known what the table has, for checking and for lineage.
    assert {(e["from"], e["to"]) for e in shop.json("lineage", "above", "--columns")["columns"]} == {
        ("shop.loose.a", "shop.over.c"),
        ("shop.over.c", "shop.above.s"),
    }
    shop.edit("shop.py", "select a + 1 as c", "select e + 1 as c")
    (warning,) = shop.json("validate")["warnings"]
    assert (warning["code"], warning["message"]) == ("unknown-column", "shop.over: shop.loose has no column 'e'")
    (error,) = shop.json("plan", code=2)["errors"]
    assert error["excerpt"] == ["select e + 1 as c from loose", "       ^"]
    assert shop.json("materialize", code=2)["errors"] == [error]
    # It is asked of a table that will be made anew what it will have, not what it had.
    shop.edit("shop.py", "'a': [1, 2]", "'e': [1, 2]")
    assert {step["key"] for step in shop.json("plan")["steps"]} == {"shop.loose", "shop.over", "shop.above"}
    shop.edit("shop.py", "'e': [1, 2]", "'a': [1, 2]")
    shop.edit("shop.py", "select e + 1 as c", "select a + 1 as c")
    assert rows(shop, "over") == [{"c": 2}, {"c": 3}]
    assert rows(shop, "above") == [{"s": 5}]
    assert "nothing to do" in shop.run("materialize").out
    shop.edit("shop.py", "'b': ['x', 'y']", "'q': ['x', 'z']")
    assert outcomes(shop)["over"] in {"unchanged", "kept"}
    shop.edit("shop.py", "'a': [1, 2]", "'k': [1, 2]")
    done = shop.run("materialize", code=1)
    assert "shop.over: shop.loose has no column 'a'" in done.err
    assert "Traceback" not in done.err


def test_a_query_reads_all_files_of_a_source_or_its_own(folder: Any) -> None:
    folder.write("in/a.csv", "id,v\n1,2\n")
    folder.write("in/b.csv", "id,v\n2,5\n3,7\n")
    folder.write(
        "shop.py",
        """
        from typing import Annotated
        import pyarrow as pa
        from pydantic import BaseModel
        from assetflow import *

        class Row(BaseModel):
            id: int
            v: int

        files = source("files", Files("in/*.csv"), type=Annotated[pa.Table, Row])
        each = sql_asset("each", "select sum(v) as v from files", partitions=files)
        total = sql_asset("total", "select sum(v) as v, count(*) as n from each")
        ids = sql_asset("ids", "select id from files order by id")
        """,
    )
    folder.run("materialize")
    assert folder.json("cat", "each@a.csv") == [{"v": 2}]
    assert folder.json("cat", "each@b.csv") == [{"v": 12}]
    assert folder.json("cat", "total") == [{"v": 14, "n": 2}]
    assert folder.json("cat", "ids") == [{"id": 1}, {"id": 2}, {"id": 3}]
    folder.write("in/b.csv", "id,v\n2,5\n3,8\n")
    steps = {(s["key"], s["partition"]): s["outcome"] for s in folder.json("materialize")["steps"]}
    assert steps == {
        ("shop.each", "b.csv"): "materialized",
        ("shop.ids", ""): "unchanged",
        ("shop.total", ""): "materialized",
    }


def test_a_query_that_asks_the_clock_is_said_and_its_older_results_are_not_taken_again(shop: Any) -> None:
    with (shop.path / "shop.py").open("a") as file:
        file.write('today = sql_asset("today", "select today() as d, $n as n", parameters={"n": 1})\n')
    (warning,) = shop.json("validate")["warnings"]
    assert (warning["code"], warning["message"]) == (
        "not-tracked",
        "shop.today: a change of what today() gives is not noticed",
    )
    shop.run("materialize")
    shop.run("materialize", "--set", "n=2")
    # A query that gives the same each time would be taken from run 1.
    assert outcomes(shop)["today"] == "materialized"


def test_files_of_queries_need_no_python(folder: Any) -> None:
    folder.write("assetflow.toml", 'sql = ["sql"]\n')
    folder.write("data/orders.csv", "id,amount,day\n1,2.5,2026-01-01\n2,3.5,2026-01-02\n")
    folder.write(
        "sql/orders.sql",
        """
        -- The orders of the shop.
        -- file: data/orders.csv
        -- owner: ana@shop.example, ben@shop.example
        create table orders (id bigint primary key, amount double not null, day date)
        """,
    )
    folder.write(
        "sql/marts/totals.sql",
        """
        -- asset: shop.totals
        -- description: What each day brought.
        -- tag: finance
        -- parameter: least = 1.0
        -- parameter: label: str
        -- check: unique(day)
        -- check: row_count(min=1, max=9)
        select day, sum(amount) as total, $label as label
        from sql.orders where amount >= $least group by day order by day;
        """,
    )
    folder.write("sql/marts/last.sql", "select max(day) as day from shop.totals")
    assert folder.json("materialize", code=2)["errors"][0]["code"] == "bad-parameter"
    folder.write("assetflow.toml", 'sql = ["sql"]\nparameters = {label = "x"}\n')
    found = {each["key"]: each for each in folder.json("list")["assets"]}
    assert set(found) == {"sql.orders", "shop.totals", "marts.last"}
    assert found["sql.orders"]["description"] == "The orders of the shop."
    assert found["sql.orders"]["owners"] == ["ana@shop.example", "ben@shop.example"]
    assert found["shop.totals"]["description"] == "What each day brought."
    assert found["shop.totals"]["tags"] == ["finance"]
    assert found["shop.totals"]["where"] == "sql/marts/totals.sql:1"
    assert [check["name"] for check in found["shop.totals"]["checks"]] == ["row_count(min=1, max=9)", "unique(day)"]
    folder.run("materialize")
    assert folder.json("cat", "shop.totals") == [
        {"day": "2026-01-01", "total": 2.5, "label": "x"},
        {"day": "2026-01-02", "total": 3.5, "label": "x"},
    ]
    assert folder.json("cat", "last") == [{"day": "2026-01-02"}]
    folder.write("data/orders.csv", "id,amount,day\n1,2.5,2026-01-01\n1,3.5,2026-01-02\n")
    done = folder.run("materialize", code=1)
    assert "the primary key 'id' is repeated" in done.err


HEADERS = [
    ("-- ownr: x\nselect 1 as x", "the header has no key 'ownr'", "did you mean owner?"),
    ("-- check: uniq(x)\nselect 1 as x", "there is no ready-made check uniq", "did you mean unique?"),
    ("-- check: unique\nselect 1 as x", "'unique' is no check", None),
    ("-- check: row_count(least=1)\nselect 1 as x", "row_count(least=1): row_count() got an unexpected keyword argument 'least'", None),
    ("-- parameter: x y\nselect $x as x", "'x y' is no parameter", None),
    ("-- metadata: [1]\nselect 1 as x", "metadata must be a JSON object", None),
    ("-- rows: nowhere:Row\nselect 1 as x", "rows: nowhere:Row cannot be had: ModuleNotFoundError: No module named 'nowhere'", None),
    ("-- file: x.csv\nselect 1 as x", "it is no create table", None),
    ("-- file: x.csv\n-- parameter: a = 1\ncreate table t (a int)", "a source has no parameter", None),
    ("-- file: x.csv\ncreate table t (a itn)", "Type with name itn does not exist!", None),
    ("select 1 as x\nfrom nothing", "sql.q reads 'nothing', and there is no such asset", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hint"), HEADERS, ids=[text for text, _, _ in HEADERS])
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    folder: Any, text: str, message: str, hint: str | None
) -> None:
    folder.write("assetflow.toml", 'sql = ["sql"]\n')
    folder.write("sql/q.sql", text)
    (error,) = folder.json("validate", code=2)["errors"]
    assert error["message"].removeprefix("q.sql: ") == message
    assert "sql/q.sql:" in error["where"][0]
    if hint is not None:
        assert error["hint"] == hint


def test_a_folder_of_queries_that_is_not_there_is_told(folder: Any) -> None:
    folder.write("assetflow.toml", 'sql = ["sql"]\n')
    (error,) = folder.json("validate", code=2)["errors"]
    assert (error["code"], error["message"]) == (
        "bad-setting",
        "the setting sql names sql, and there is no such folder or file",
    )


def test_a_query_reaches_nothing_but_its_tables(folder: Any) -> None:
    """Neither by what it calls nor through values: what is not refused when it is bound is refused when it runs."""
    secret = folder.write("secret.csv", "a,b\n1,2\n")
    os.environ["SHOP_SECRET"] = "hidden"
    attempts = [
        f"select * from '{secret}'",
        f"select * from read_csv('{secret}')",
        f"select * from read_text('{secret}')",
        f"select * from read_blob('{secret}')",
        f"select * from read_parquet('{secret}')",
        "select * from glob('/*')",
        "select * from duckdb_settings()",
        "select * from duckdb_secrets()",
        "select * from pragma_database_list()",
        "select * from information_schema.tables",
        "select getenv('SHOP_SECRET') as x",
        f"copy (select 1) to '{folder.path}/out.csv'",
        f"attach '{folder.path}/other.db'",
        "install httpfs",
        "load httpfs",
        "set threads = 8",
        "pragma version",
        "call pragma_version()",
        "create table t as select 1 as x",
        "drop table orders",
        "select * from df",
        "select * from query('select 1')",
    ]
    lines = ["from assetflow import *", "import pandas as pd", "df = pd.DataFrame({'a': [1]})"]
    lines += [f"q{place} = sql_asset('q{place}', {json.dumps(text)})" for place, text in enumerate(attempts)]
    folder.write("shop.py", "\n".join(lines))
    found = folder.json("validate", code=2)["errors"]
    assert len(found) == len(attempts), {each["message"] for each in found}
    assert not (folder.path / "out.csv").exists()
    assert not (folder.path / "other.db").exists()


def test_column_lineage_and_impact_go_through_queries_and_functions(shop: Any) -> None:
    found = shop.json("lineage", "shop.spent.spent")["columns"]
    assert {(e["from"], e["to"], e["role"], e["evidence"]) for e in found} == {
        ("shop.orders.amount", "shop.spent.spent", "value", "sql"),
        ("shop.orders.amount", "shop.spent", "filter", "sql"),
        ("shop.orders.amount", "shop.spent", "order", "sql"),
        ("shop.orders.customer", "shop.spent", "join", "sql"),
        ("shop.customers.customer", "shop.spent", "join", "sql"),
        ("shop.customers.name", "shop.spent", "group", "sql"),
        ("shop.customers.name", "shop.spent", "order", "sql"),
    }
    reached = {each["key"]: each["columns"] for each in shop.json("impact", "orders.note")["assets"]}
    assert reached == {"shop.orders": ["note"]}
    reached = {each["key"]: each["columns"] for each in shop.json("impact", "orders.status")["assets"]}
    assert reached == {"shop.orders": ["status"], "shop.everything": ["status"]}
    reached = {each["key"]: each["evidence"] for each in shop.json("impact", "orders.amount")["assets"]}
    assert reached == {
        "shop.orders": "known",
        "shop.everything": "known",
        "shop.spent": "known",
        "shop.names": "known",
    }
    shop.run("materialize")
    before = shop.json("lineage", "--columns")["columns"]
    shop.edit("shop.py", "from datetime import date\n", "from datetime import date\nimport nothing_such\n")
    assert shop.json("lineage", "--columns")["columns"] == before  # as it was recorded
    assert "did you mean amount?" in shop.run("lineage", "orders.amunt", code=2).err
    assert "columns are not drawn" in shop.run("lineage", "--columns", "--format", "dot", code=2).err


ENDLESS = "with recursive r as (select 1 as a union all select 1 - a from r) select sum(a) as s from r"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_query_that_does_not_end_is_ended_by_one_interrupt(folder: Any, jobs: str) -> None:
    folder.write(
        "shop.py", f"from assetflow import *\nx = sql_asset('x', {ENDLESS!r})\n@asset\ndef y() -> int: return 1\n"
    )
    folder.write("assetflow.toml", 'modules = ["shop"]\n')
    command = [sys.executable, "-m", "assetflow", "materialize", "-C", str(folder.path), "-j", jobs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (folder.path / "catalog.db").exists():
            time.sleep(0.05)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 130
    assert folder.json("status")["assets"][0]["state"] == "missing"


def test_a_table_that_is_filled_is_no_source(folder: Any) -> None:
    folder.write("assetflow.toml", 'sql = ["sql"]\n')
    folder.write("sql/t.sql", "-- file: x.csv\ncreate table t as select i from range(1000000000000) r(i)")
    (error,) = folder.json("validate", code=2)["errors"]
    assert error["message"] == "t.sql: it fills the table that it creates, and nothing is run here"


def test_a_query_may_name_the_bounds_of_its_partition(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write(
        "shop.py",
        """
from datetime import UTC, datetime, timedelta

import polars as pl
from assetflow import Daily, Product, Static, asset, sql_asset

DAYS = Daily("2026-03-28", end="2026-03-31", tz="Europe/Berlin")
CELLS = Product(day=DAYS, region=Static("eu", "us"))

@asset
def events() -> pl.DataFrame:
    at = [datetime(2026, 3, 27, 23, 30, tzinfo=UTC) + timedelta(hours=hour) for hour in range(71)]
    return pl.DataFrame({"seen": at, "day": [each.date() for each in at], "n": range(71), "region": ["eu", "us", "eu"] * 23 + ["us"] * 2})

counted = sql_asset("counted", "select count(*)::int as n, min(seen) as first from events where seen >= $start and seen < $end", partitions=DAYS)
dated = sql_asset("dated", "select count(*)::int as n from events where day = $date", partitions=DAYS)
cells = sql_asset("cells", "select $region as region, $partition as key, count(*)::int as n from events where region = $region and seen between $start and $end", partitions=CELLS)
ranged = sql_asset("ranged", "select seen, n from events where seen >= $start and seen < $end", partitions=DAYS, batch=True, key_column="seen")
own = sql_asset("own", "select n from events where n < $start", partitions=DAYS, parameters={"start": 2})
""",
    )
    folder.run("materialize")
    # The clock of Berlin is put on in the night to the 29th: that day has 23 hours.
    counts = {key: folder.json("cat", f"counted@{key}")[0]["n"] for key in ("2026-03-28", "2026-03-29", "2026-03-30")}
    assert counts == {"2026-03-28": 24, "2026-03-29": 23, "2026-03-30": 24}
    assert [len(folder.json("cat", f"ranged@{key}")) for key in counts] == [24, 23, 24]
    assert folder.json("cat", "dated@2026-03-28")[0]["n"] == 24
    assert folder.json("cat", "own@2026-03-28") == [{"n": 0}, {"n": 1}]
    (cell,) = folder.json("cat", "cells@day=2026-03-30,region=us")
    assert (cell["region"], cell["key"]) == ("us", "day=2026-03-30,region=us")
    folder.run("plan", "--exit-code")
    folder.edit("shop.py", 'tz="Europe/Berlin"', 'tz="UTC"')
    folder.run("materialize", "counted")
    assert folder.json("cat", "counted@2026-03-29")[0]["n"] == 24


@pytest.mark.parametrize(
    ("query", "arguments", "told"),
    [
        ("select 1 as n where $start is null", "", "$start is no parameter of it"),
        ("select 1 as n where $strat is null", ', partitions=Daily("2026-01-01")', "did you mean start"),
        ("select 1 as n where $start is null", ', partitions=Static("a")', "$start is no parameter of it"),
        (
            "select now()::date as d where $date is null",
            ', partitions=Daily("2026-01-01"), batch=True, key_column="d"',
            "$date is no parameter of it",
        ),
    ],
)
def test_bounds_that_there_are_not(folder: Folder, query: str, arguments: str, told: str) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write(
        "shop.py", f'from assetflow import Daily, Static, sql_asset\nx = sql_asset("x", "{query}"{arguments})\n'
    )
    assert told in folder.run("validate", code=2).err


def test_what_a_relation_is_made_of_is_known_once_it_was_made(folder: Any) -> None:
    folder.write(
        "shop.py",
        """
        import duckdb
        import polars as pl

        from assetflow import asset, sql_asset

        @asset
        def orders() -> pl.DataFrame:
            return pl.DataFrame({"id": [1, 2], "amount": [1.0, 2.0], "note": ["", ""]})

        @asset
        def limits() -> pl.DataFrame:
            return pl.DataFrame({"most": [1.5]})

        @asset
        def large(orders: duckdb.DuckDBPyRelation, limits: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
            ((most,),) = limits.fetchall()
            return orders.filter(f"amount > {most}").project("id, amount * 2 as twice")

        total = sql_asset("total", "select sum(twice) as total from large")
        """,
    )

    def columns() -> list[tuple[str, str, str, str]]:
        edges = folder.json("lineage", "large", "--columns")["columns"]
        return [(e["from"], e["to"], e["evidence"], e["role"]) for e in edges]

    unknown = ("shop.limits", "shop.large", "unknown", "value")
    assert columns() == [unknown, ("shop.orders", "shop.large", "unknown", "value")]
    folder.run("materialize")
    proved = [
        ("shop.orders.amount", "shop.large", "sql", "filter"),
        ("shop.orders.amount", "shop.large.twice", "sql", "value"),
        ("shop.orders.id", "shop.large.id", "sql", "value"),
    ]
    assert sorted(columns()) == sorted([unknown, *proved])
    assert "shop.large" not in folder.run("impact", "shop.orders.note").out
    assert "shop.total" in folder.run("impact", "shop.orders.amount").out
    assert folder.json("materialize")["steps"] == []  # it is told, and makes nothing stale
    folder.edit("shop.py", "amount * 2 as twice", "id * 2 as twice")
    assert set(columns()) == {unknown, ("shop.orders", "shop.large", "unknown", "value")}
    folder.run("materialize", "large")
    assert ("shop.orders.id", "shop.large.twice", "sql", "value") in columns()
    folder.edit("shop.py", "id * 2 as twice", "amount * 2 as twice")
    assert sorted(columns()) == sorted([unknown, *proved])
