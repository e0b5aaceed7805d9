"""Partitions of fixed keys: each is made, fails, is added and is taken away by itself."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

ODD = 'a,b|c/ü "x" :v3'
SHOP = """
from typing import Annotated
import pyarrow as pa
from assetflow import All, Context, In, Static, asset, check, sql_asset

ODD = 'a,b|c/ü "x" :v3'
REGIONS = Static("eu", "us", ODD)
BAD = ""

@asset(partitions=REGIONS)
def orders(ctx: Context) -> pa.Table:
    if ctx.partition.key == BAD:
        raise ValueError("not here")
    return pa.table({"region": [ctx.partition.key], "n": [len(ctx.partition.key)]})

@asset(partitions=REGIONS)
def doubled(orders: pa.Table) -> int:
    return orders["n"][0].as_py() * 2

total = sql_asset("total", "select sum(n)::bigint as n from orders")
by_region = sql_asset("by_region", "select n + 1 as n from orders", partitions=REGIONS)

@asset
def whole(doubled: Annotated[dict[str, int], In(partitions=All())]) -> dict[str, int]:
    return doubled
"""

ran = Folder.made


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def test_each_key_is_made_and_read_by_itself(shop: Folder) -> None:
    assert set(ran(shop).values()) == {"materialized"}
    assert shop.json("cat", "whole") == {"eu": 4, "us": 4, ODD: 2 * len(ODD)}
    assert shop.json("cat", "total") == [{"n": 4 + len(ODD)}]
    assert shop.json("cat", "by_region@us") == [{"n": 3}]
    quoted = ODD.replace('"', '\\"')
    assert shop.json("cat", f'orders@"{quoted}"')[0]["region"] == ODD
    assert ran(shop) == {}
    status = {each["key"]: each["partitions"]["total"] for each in shop.json("status")["assets"]}
    assert status == {"shop.by_region": 3, "shop.doubled": 3, "shop.orders": 3, "shop.total": 1, "shop.whole": 1}


def test_one_that_fails_keeps_no_other_from_being_made_and_is_tried_again_by_its_name(shop: Folder) -> None:
    shop.edit("shop.py", 'BAD = ""', 'BAD = "us"')
    outcomes = ran(shop, code=1)
    assert {name for name, outcome in outcomes.items() if outcome == "failed"} == {"orders@us"}
    assert outcomes["doubled@eu"] == outcomes["by_region@eu"] == "materialized"
    assert outcomes["whole@"] == outcomes["total@"] == "not_run"
    assert ran(shop, code=1) == {}, "it is not tried again"
    assert ran(shop, "orders", "--partition", "us", code=1) == {"orders@us": "failed"}
    shop.edit("shop.py", 'BAD = "us"', 'BAD = ""')
    assert ran(shop, "doubled", "--partition", "us") == {"orders@us": "materialized", "doubled@us": "materialized"}


def test_a_key_that_is_new_or_gone_is_all_that_changes(shop: Folder) -> None:
    shop.run("materialize")
    shop.edit("shop.py", 'Static("eu", "us"', 'Static("eu", "us", "asia"')
    made = ran(shop)
    assert {name for name in made if "@" in name and not name.endswith("@")} == {
        "orders@asia",
        "doubled@asia",
        "by_region@asia",
    }
    shop.edit("shop.py", 'Static("eu", "us", "asia"', 'Static("us", "asia"')
    assert ran(shop) == {"total@": "materialized", "whole@": "materialized"}
    assert "eu" not in shop.json("cat", "whole")
    assert len(shop.json("history", "orders@eu")["materializations"]) == 1
    shop.edit("shop.py", 'Static("us", "asia"', 'Static("us", "asia", "eu"')
    assert ran(shop).keys() == {"total@", "whole@"}, "what was made before is there again"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('Static("eu", "us", ODD)', "Static()", "Static() has no keys"),
        ('Static("eu", "us", ODD)', 'Static("eu", "eu")', "Static() has the key 'eu' twice"),
        ('Static("eu", "us", ODD)', 'Static("eu", 3)', "3 is no key of Static(): a key is a text"),
        ('Static("eu", "us", ODD)', 'Static("eu", "")', "'' cannot be a key of Static()"),
        ('Static("eu", "us", ODD)', 'Static("\\ud800")', "cannot be a key of Static()"),
        ("partitions=REGIONS)\ndef doubled", 'partitions=Static("eu"))\ndef doubled', "impossible-mapping"),
        ("doubled: Annotated[dict[str, int], In(partitions=All())]", "doubled: int", "needs-mapping"),
        ("partitions=REGIONS)\ndef doubled", 'partitions=["eu"])\ndef doubled', "it is partitioned by ['eu']"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    assert told in shop.run("validate", code=2).err


def test_a_key_that_is_not_there(shop: Folder) -> None:
    done = shop.run("materialize", "--partition", "asia", code=2)
    assert "error[unknown-partition]: nothing selected has a partition 'asia'" in done.err
    assert "there are" in done.err
    assert "did you mean eu" in shop.run("materialize", "--partition", "eu1", code=2).err
