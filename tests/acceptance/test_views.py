"""Views: they store nothing, and whoever reads one is as stale as if it read what the view is made of."""

from __future__ import annotations

import subprocess
import sys

import pytest

from assetflow.project import Project
from tests.conftest import Folder

SHOP = """
from typing import Annotated
import polars as pl
import pyarrow as pa
from pydantic import BaseModel
import assetflow as af
from assetflow import File, In, asset, check, source, sql_asset

class Order(BaseModel):
    id: int
    amount: float
    status: str
    note: str

class Amount(BaseModel):
    amount: float

raw = source("raw", File("raw.csv"), type=pl.DataFrame)

@asset
def orders() -> Annotated[pl.DataFrame, Order]:
    return pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "status": ["ok", "no", "ok"], "note": NOTES})

NOTES = ["a", "b", "c"]
active = sql_asset("active", "select * from orders where status = 'ok' -- those that count", view=True)
big = sql_asset("big", "select id, amount from active where amount > 1", view=True)
staged = sql_asset("staged", "select * from raw", view=True)
top = sql_asset("top", "select count(*) as n, sum(amount) as amount from big join active using (id, amount)")

@asset
def total(active: Annotated[pl.DataFrame, Amount]) -> float:
    assert active.columns == ["amount"]
    return active["amount"].sum()

@asset
def rows(staged: pl.DataFrame, large: Annotated[pa.Table, In("big")]) -> list[int]:
    return [len(staged), large.num_rows]
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    folder.write("raw.csv", "a,b\n1,2\n")
    return folder


def ran(folder: Folder) -> dict[str, str]:
    return {each["key"].rpartition(".")[2]: each["outcome"] for each in folder.json("materialize")["steps"]}


def causes(folder: Folder) -> dict[str, list[str]]:
    steps = folder.json("plan")["steps"]
    return {each["key"].rpartition(".")[2]: [cause["message"] for cause in each["causes"]] for each in steps}


def test_queries_and_functions_read_views_and_nothing_of_these_is_stored(shop: Folder) -> None:
    assert ran(shop).keys() == {"orders", "top", "total", "rows"}
    assert shop.json("cat", "top") == [{"n": 1, "amount": 3.0}]
    assert shop.json("cat", "total") == 4.0
    assert shop.json("cat", "rows") == [1, 1]
    assert shop.json("cat", "big") == [{"id": 3, "amount": 3.0}]
    assert shop.json("cat", "shop.staged") == [{"a": 1, "b": 2}]
    stored = [path.name for path in (shop.path / ".assetflow").rglob("*.parquet")]
    assert not [name for name in stored if "active" in name or "big" in name or "staged" in name]
    assert {each["key"] for each in shop.json("status")["assets"]} == {
        f"shop.{name}" for name in ("orders", "raw", "top", "total", "rows")
    }
    shown = {each["key"]: each["kind"] for each in shop.json("list")["assets"]}
    assert shown["shop.active"] == shown["shop.staged"] == "view"
    with Project.open(directory=shop.path) as project:
        assert project.load("shop.active")["id"].to_pylist() == [1, 3]


def test_staleness_passes_through_column_by_column(shop: Folder) -> None:
    shop.json("materialize")
    shop.edit("shop.py", 'NOTES = ["a", "b", "c"]', 'NOTES = ["x", "y", "z"]')
    assert ran(shop) == {"orders": "materialized", "top": "kept", "total": "kept", "rows": "kept"}
    shop.edit("shop.py", '["ok", "no", "ok"]', '["ok", "ok", "ok"]')
    assert set(ran(shop).values()) == {"materialized"}
    assert shop.json("cat", "total") == 6.0
    shop.edit("shop.py", "-- those that count", "-- all the same")
    assert causes(shop) == {}
    shop.edit("shop.py", "status = 'ok'", "status <> 'ok'")
    said = ["the query of shop.active changed (shop.py:24)"]
    assert causes(shop) == {"top": said, "total": said, "rows": said}
    shop.edit("shop.py", "status <> 'ok'", "status = 'ok'")
    assert causes(shop) == {}
    shop.write("raw.csv", "a,b\n1,2\n3,4\n")
    assert causes(shop) == {"rows": ["shop.raw changed since v1"]}
    ran(shop)
    assert shop.json("cat", "rows") == [2, 2]


def test_what_is_taken_of_a_view_counts_though_its_tables_are_read_alike(shop: Folder) -> None:
    shop.edit(
        "shop.py",
        "def total(",
        "def other(taken: Annotated[pl.DataFrame, In('big', columns=('id',))]) -> list[str]:\n"
        "    return taken.columns\n\n@asset\ndef total(",
    )
    shop.edit("shop.py", "@asset\ndef other(", "@asset(version='1')\ndef other(")
    shop.run("materialize")
    assert shop.json("cat", "other") == ["id"]
    shop.edit("shop.py", "columns=('id',)", "columns=('id', 'amount')")
    assert causes(shop).keys() == {"other"}
    shop.run("materialize")
    assert shop.json("cat", "other") == ["id", "amount"]
    shop.edit("shop.py", "In('big', columns=('id', 'amount'))", "In('active', columns=('id', 'amount'))")
    assert causes(shop).keys() == {"other"}


def test_lineage_selection_and_impact_know_them(shop: Folder) -> None:
    assert [each["from"] for each in shop.json("lineage", "total")["edges"]] == ["shop.orders", "shop.active"]
    columns = {(each["from"], each["to"]) for each in shop.json("lineage", "top.amount")["columns"]}
    assert {("shop.active.amount", "shop.big.amount"), ("shop.orders.amount", "shop.active.amount")} <= columns

    def selected(text: str) -> set[str]:
        return {each["key"].removeprefix("shop.") for each in shop.json("list", text)["assets"]}

    assert selected("active+") == {"active", "big", "top", "total", "rows"}
    assert selected("+total") == {"active", "orders", "total"}
    assert selected("orders+1") == {"active", "orders", "top", "total", "rows"}
    shop.run("materialize", "active+")
    assert {each["key"] for each in shop.json("status", "big+")["assets"]} == {"shop.top", "shop.rows"}
    for command in ("materialize", "plan", "status", "explain"):
        assert "error[is-a-view]: shop.big is a view" in shop.run(command, "big", code=2).err
    assert "is-a-view" in shop.run("query", "select * from shop.active", code=2).err


def test_a_view_in_a_file_over_a_table_without_a_row_model(shop: Folder) -> None:
    (shop.path / "assetflow.toml").write_text('modules = ["shop"]\nsql = ["shop_sql"]\n')
    shop.edit("shop.py", "-> Annotated[pl.DataFrame, Order]", "-> pl.DataFrame")
    shop.write("shop_sql/late.sql", "-- asset: shop.late\n-- view: true\n-- description: The last.\nfrom big")
    shop.write("shop_sql/last.sql", "-- asset: shop.last\nselect max(id) as id from late;")
    shop.run("validate")
    shop.run("materialize")
    assert shop.json("cat", "last") == [{"id": 3}]
    assert shop.json("show", "late")["description"] == "The last."
    shop.edit("shop.py", 'NOTES = ["a", "b", "c"]', 'NOTES = ["x", "y", "z"]')
    shop.edit("shop.py", '"id": [1, 2, 3]', '"id": [1, 2, 4]')
    shop.run("materialize")
    assert shop.json("cat", "last") == [{"id": 4}]


def test_a_query_waits_for_a_view_without_reading_it(shop: Folder) -> None:
    text = (shop.path / "shop.py").read_text()
    shop.write("shop.py", text + '\nlate = sql_asset("also", "select a from raw", deps=[big])\n')
    assert ran(shop)["also"] == "materialized"
    shop.edit("shop.py", "amount > 1", "amount > 2")
    assert causes(shop)["also"] == ["the query of shop.big changed (shop.py:25)"]
    shop.edit("shop.py", "amount > 2", "amount > 1")
    shop.edit("shop.py", "[1.0, 2.0, 3.0]", "[1.0, 2.0, 4.0]")
    assert ran(shop)["also"] == "unchanged"


def test_what_a_view_has_no_more_stops_nobody_who_makes_its_table_anew(shop: Folder) -> None:
    shop.write(
        "shop.py",
        """
        import pyarrow as pa
        from assetflow import asset, sql_asset

        @asset
        def base() -> pa.Table:
            return pa.table({"a": [1, 2]})

        v = sql_asset("v", "select a from base where a > 0", view=True)
        q = sql_asset("q", "select a from v")
        """,
    )
    shop.run("materialize")
    shop.edit("shop.py", "select a from base where a", "select b from base where b")
    shop.edit("shop.py", "select a from v", "select b from v")
    assert "there is no column 'b'" in shop.run("plan", code=2).err, "base is not made anew"
    shop.edit("shop.py", '{"a": [1, 2]}', '{"b": [1, 2]}')
    assert "warning[unknown-column]: shop.v: shop.base has no column 'b'" in shop.run("validate").err
    shop.run("materialize")
    assert shop.json("cat", "q") == [{"b": 1}, {"b": 2}]


def test_readers_of_partitions_get_a_view_of_all(shop: Folder) -> None:
    shop.write("in/a.txt", "a")
    shop.write("in/b.txt", "bb")
    shop.write(
        "shop.py",
        """
        import pyarrow as pa
        from assetflow import Files, Context, asset, source, sql_asset

        texts = source("texts", Files("in/*.txt"), type=str)

        @asset(partitions=texts)
        def lengths(texts: str) -> pa.Table:
            return pa.table({"n": [len(texts)]})

        all_of_them = sql_asset("all_of_them", "select sum(n)::bigint as n from lengths", view=True)
        share = sql_asset("share", "select n from all_of_them", partitions=texts)
        mixed = sql_asset("mixed", "select * from lengths, all_of_them", partitions=texts)
        """,
    )
    assert "it reads one partition of shop.lengths, and all of them in a view" in shop.run("validate", code=2).err
    shop.edit("shop.py", 'mixed = sql_asset("mixed", "select * from lengths, all_of_them", partitions=texts)', "")
    shop.run("materialize")
    assert shop.json("cat", "share@b.txt") == [{"n": 3}]
    assert shop.json("cat", "all_of_them") == [{"n": 3}]
    (shop.path / "in/a.txt").unlink()
    shop.run("materialize")
    assert shop.json("cat", "all_of_them") == [{"n": 2}]
    assert shop.json("cat", "share@b.txt") == [{"n": 2}]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('amount > 1"', 'amont > 1"', "did you mean amount"),
        ("select * from raw", "select *, now() as t from raw", "now() gives each another value"),
        ('"select * from raw", view=True', '"select * from raw", view=True, max_age="1d"', "max_age= means nothing"),
        ('"select * from raw", view=True', '"select * from raw", view=True, rows=Order', "rows= means nothing"),
        ('"select * from raw", view=True', '"select * from raw", view="yes"', "view= must be True or False"),
        ("class Amount(BaseModel):\n    amount", "class Amount(BaseModel):\n    amont", "edge-columns"),
        ('In("big")', 'In("big", columns=("amont",))', "amont"),
        ("from orders where", "from big where", "cyclic-assets"),
        (
            "@asset\ndef orders(",
            "@asset(checks=[af.foreign_key('id', to='big')])\ndef orders(",
            "foreign_key(id → big): shop.big is a view",
        ),
        (
            "@asset\ndef total(",
            "@check('shop.total')\ndef fine(total: float, active: pl.DataFrame) -> bool:\n    return True\n\n"
            "@asset\ndef total(",
            "shop.total:fine reads shop.active, which is a view",
        ),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    done = shop.run("validate", code=2)
    assert told in done.err


def test_in_memory(shop: Folder) -> None:
    shop.write(
        "memory.py",
        """
        import sys
        sys.path.insert(0, ".")
        import polars as pl
        import shop
        from assetflow.project import materialize
        from assetflow.errors import UsageError
        orders = pl.DataFrame({"id": [1], "amount": [5.0], "status": ["ok"], "note": [""]})
        print(materialize([shop.total], given={shop.orders: orders})[shop.total])
        try:
            materialize([shop.total], given={"shop.active": orders})
        except UsageError as error:
            print(error.code)
        """,
    )
    done = subprocess.run([sys.executable, "memory.py"], cwd=shop.path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["5.0", "bad-given"], done.stderr
