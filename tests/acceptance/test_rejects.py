"""Rows that are put aside: what is published, what is told, and what becomes of it when rules and limits change."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

SHOP = """
from typing import Annotated
import polars as pl
from pydantic import BaseModel, Field
import assetflow as af
from assetflow import Divert, PrimaryKey, asset

class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    amount: Annotated[float, Field(ge=0)]

BAD = 3

@asset(on_bad_rows="divert")
def orders() -> Annotated[pl.DataFrame, Order]:
    amounts = [float(n) for n in range(1000)]
    return pl.DataFrame({"id": range(1000), "amount": [-1.0] * BAD + amounts[BAD:]})

@asset
def total(orders: pl.DataFrame) -> float:
    return orders["amount"].sum()

@asset
def lost(orders__rejects: pl.DataFrame) -> list[int]:
    return orders__rejects["id"].to_list()
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def states(folder: Folder) -> dict[str, str]:
    return {each["key"]: each["state"] for each in folder.json("status")["assets"]}


def test_three_bad_rows_of_a_thousand_are_put_aside_with_the_reason(shop: Folder) -> None:
    done = shop.run("materialize")
    told = "3 of 1,000 rows are bad: amount is not at least 0 (3); they are in shop.orders__rejects"
    assert told in done.err
    assert shop.json("cat", "lost") == [0, 1, 2]
    assert shop.json("cat", "total") == sum(range(3, 1000))
    rejects = shop.json("cat", "orders__rejects")
    assert rejects[0] == {"id": 0, "amount": -1.0, "reject_reason": "amount is not at least 0"}
    assert set(states(shop).values()) == {"fresh"}
    assert shop.json("materialize")["steps"] == []
    shop.run("check")
    shop.run("catalog", "verify")


def test_too_many_hold_the_asset_back_until_the_limit_or_the_rows_are_others(shop: Folder) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "BAD = 3", "BAD = 11")
    done = shop.run("materialize", code=4)
    assert "11 of 1,000 rows are bad: amount is not at least 0 (11); at most 1 % may be" in done.err
    assert shop.json("cat", "lost") == [0, 1, 2], "what is published stays"
    assert len(shop.json("cat", "orders__rejects")) == 3
    assert states(shop)["shop.orders"] == "held"

    shop.edit("shop.py", '"divert"', "Divert(limit=0.011)")
    assert shop.json("plan")["steps"][0]["action"] == "check"
    shop.run("materialize")
    assert len(shop.json("cat", "orders__rejects")) == 11
    assert shop.json("cat", "lost") == list(range(11))

    shop.edit("shop.py", "0.011", "0.01")
    assert states(shop)["shop.orders"] == "degraded", "it was said of this value before"
    shop.edit("shop.py", "0.01)", "0.0105)")
    shop.run("materialize", code=4)
    assert states(shop)["shop.orders"] == "degraded"
    told = shop.run("check", code=4)
    assert "11 of 1,000 rows are bad; at most 1.05 % may be" in told.out


def test_a_rule_that_changes_divides_the_rows_anew(shop: Folder) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "ge=0", "ge=-1")
    assert [cause["kind"] for cause in shop.json("plan")["steps"][0]["causes"]] == ["type"]
    shop.run("materialize")
    assert shop.json("cat", "lost") == []
    shop.edit("shop.py", "ge=-1", "ge=0")
    shop.run("materialize")
    assert shop.json("cat", "lost") == [0, 1, 2]


def test_a_lazy_frame_and_a_query_put_rows_aside_too(shop: Folder) -> None:
    shop.edit("shop.py", "Annotated[pl.DataFrame, Order]", "Annotated[pl.LazyFrame, Order]")
    shop.edit("shop.py", "[BAD:]})", "[BAD:]}).lazy()")
    shop.edit("shop.py", "orders: pl.DataFrame", "orders: pl.LazyFrame")
    shop.edit("shop.py", 'orders["amount"].sum()', "orders.collect()['amount'].sum()")
    shop.run("materialize")
    assert shop.json("cat", "lost") == [0, 1, 2]
    shop.write(
        "shop.py",
        SHOP
        + '\nagain = af.sql_asset("again", "select id, amount - 10 as amount from orders", rows=Order,'
        + " on_bad_rows=Divert(0.5))\n"
        + 'why = af.sql_asset("why", "select reject_reason, count(*) as n from again__rejects group by all")\n',
    )
    done = shop.run("materialize")
    assert "7 of 997 rows are bad" in done.err
    assert shop.json("cat", "why") == [{"reject_reason": "amount is not at least 0", "n": 7}]
    shop.edit("shop.py", "select id, amount - 10", "select 1 as id, amount - 10")
    assert "id stands in a row before (989)" in shop.run("materialize", code=4).err


def test_a_stream_puts_rows_aside_batch_by_batch(shop: Folder) -> None:
    shop.edit("shop.py", "Annotated[pl.DataFrame, Order]", "Annotated[pa.RecordBatchReader, Order]")
    shop.edit("shop.py", "import polars as pl", "import polars as pl\nimport pyarrow as pa")
    shop.edit("shop.py", "return pl.DataFrame({", "return stream({")
    shop.edit(
        "shop.py",
        "BAD = 3",
        """
def stream(columns):
    table = pl.DataFrame(columns).to_arrow()
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=100))

BAD = 3
""",
    )
    assert "3 of 1,000 rows are bad" in shop.run("materialize").err
    assert shop.json("cat", "lost") == [0, 1, 2]
    shop.edit("shop.py", "range(1000), ", "[1] * 1000, ")
    assert "the primary key 'id' is repeated" in shop.run("materialize", code=4).err


def test_a_sql_file_says_it_in_its_header(shop: Folder) -> None:
    (shop.path / "assetflow.toml").write_text('modules = ["shop"]\nsql = ["queries"]\n')
    header = "-- asset: shop.again\n-- rows: shop:Order\n-- on_bad_rows: divert\n"
    shop.write("queries/again.sql", header + "select id, amount - 10 as amount from orders")
    assert "7 of 997 rows are bad" in shop.run("materialize").err
    shop.write("queries/again.sql", header.replace("divert", "forget") + "select id, amount from orders")
    assert "on_bad_rows= must be" in shop.run("validate", code=2).err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"divert"', '"aside"', 'on_bad_rows= must be "fail", "divert" or a Divert, got \'aside\''),
        ('"divert"', "Divert(limit=5)", "on_bad_rows= must be a Divert with a limit from 0 to 1"),
        ("Annotated[pl.DataFrame, Order]", "pl.DataFrame", "on_bad_rows= needs to know which rows are good"),
        ("amount: Annot", "reject_reason: str\n    amount: Annot", "on_bad_rows= adds a column 'reject_reason'"),
        ("def total(", "def orders__rejects(", "duplicate-key"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    assert told in shop.run("validate", code=2).err


def test_a_multi_asset_cannot(shop: Folder) -> None:
    shop.write(
        "shop.py",
        """
        from typing import NamedTuple
        from assetflow import multi_asset

        class Two(NamedTuple):
            a: int
            b: int

        @multi_asset(on_bad_rows="divert")
        def two() -> Two:
            return Two(1, 2)
        """,
    )
    assert "on_bad_rows= is for an asset that is one table" in shop.run("validate", code=2).err


def test_readers_of_the_rejects_are_checked_by_their_columns(shop: Folder) -> None:
    shop.edit(
        "shop.py", "def lost(orders__rejects: pl.DataFrame)", "def lost(orders__rejects: Annotated[pl.DataFrame, Bad])"
    )
    shop.edit("shop.py", "BAD = 3", "class Bad(BaseModel):\n    id: int | None\n    reject_reason: str\n\nBAD = 3")
    shop.run("validate")
    shop.edit("shop.py", "    id: int | None", "    id: int | None\n    amount: float")
    assert "edge-columns" in shop.run("validate", code=2).err
