"""In what two versions differ, as a user asks for it."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

SHOP = """
from typing import Annotated

import polars as pl
from pydantic import BaseModel
from assetflow import PrimaryKey, Static, asset, in_range

class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    amount: float

AMOUNTS = [1.0, 2.0, 3.0]

@asset(checks=[in_range("amount", min=0)])
def orders() -> Annotated[pl.DataFrame, Order]:
    return pl.DataFrame({"id": range(len(AMOUNTS)), "amount": AMOUNTS})

@asset(partitions=Static("eu", "us"))
def parts() -> pl.DataFrame:
    return pl.DataFrame({"x": AMOUNTS})

@asset
def note() -> str:
    return "\\n".join(map(str, AMOUNTS))

@asset
def packed() -> bytes:
    return bytes(len(AMOUNTS))
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    folder.edit("shop.py", "[1.0, 2.0, 3.0]", "[1.0, 2.5, 3.0, 4.0]")
    return folder


def between(found: dict) -> tuple[int, int]:
    return found["before"]["version"], found["after"]["version"]


def test_of_one_address_what_is_current_is_compared_with_what_one_would_want(shop: Folder) -> None:
    assert "has one version, and nothing to compare it with" in shop.run("diff", "orders", code=2).err
    shop.run("materialize")
    assert between(shop.json("diff", "orders")) == (1, 2)
    shop.edit("shop.py", "[1.0, 2.5, 3.0, 4.0]", "[1.0, 2.5, 3.0, -4.0]")
    held = shop.run("materialize", code=4)
    assert "assetflow diff shop.orders compares it with what is current" in held.err
    found = shop.json("diff", "orders")
    assert between(found) == (2, 3)
    assert not found["after"]["published"]
    assert found["sample"]["changed"] == [{"row": {"id": 3}, "column": "amount", "old": 4.0, "new": -4.0}]
    assert between(shop.json("diff", "orders:v1")) == (1, 2)  # with what is current
    assert between(shop.json("diff", "orders:v2")) == (1, 2)  # it is current itself
    assert between(shop.json("diff", "orders:v3", ":v1")) == (3, 1)


def test_the_declared_primary_key_tells_which_rows_belong_together(shop: Folder) -> None:
    shop.run("materialize")
    found = shop.json("diff", "orders")
    assert found["key_columns"] == ["id"]
    assert found["rows"] == {"added": 1, "removed": 0, "changed": 1, "equal": 2}
    assert found["changed"] == [{"column": "amount", "rows": 1}]
    assert found["sample"]["added"] == [{"id": 3, "amount": 4.0}]
    shown = shop.run("diff", "orders").out.splitlines()
    assert shown[:3] == [
        "shop.orders:v1 → shop.orders:v2",
        "  rows     1 added, 1 changed, 2 equal",
        "  changed  amount in 1",
    ]
    shop.write("shop.py", "import nowhere\n")  # the code is not asked
    assert shop.json("diff", "orders")["rows"] == found["rows"]


def test_partitions_texts_and_bytes(shop: Folder) -> None:
    shop.run("materialize")
    assert shop.json("diff", "parts@eu")["rows"] == {"added": 2, "removed": 1, "changed": 0, "equal": 2}
    assert shop.json("diff", "parts@eu", "parts@us")["equal"]
    assert shop.json("diff", "note")["lines"] == ["@@ -1,3 +1,4 @@", " 1.0", "-2.0", "+2.5", " 3.0", "+4.0"]
    assert shop.json("diff", "packed")["lines"] is None
    assert "it is no text, and differs" in shop.run("diff", "packed").out
    assert "it is no text, and differs" in shop.run("diff", "orders", "note").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["orders:v9"], "error[no-value]: shop.orders:v9 does not exist"),
        (["ordrs"], "error[unknown-asset]: "),
        (["orders", "--key", "idd"], "error[unknown-column]: there is no column 'idd' in either"),
        (["note", "--key", "id"], "error[unknown-column]: --key is for two tables"),
        (["parts"], "error[no-value]: shop.parts has no value in main"),
        (["orders@@"], "error["),
    ],
)
def test_mistakes(shop: Folder, words: list[str], told: str) -> None:
    shop.run("materialize")
    assert told in shop.run("diff", *words, code=2).err


def test_bytes_that_were_freed_are_told(shop: Folder) -> None:
    shop.run("materialize")
    shop.run("gc", "--keep", "1")
    assert "error[value-freed]: the bytes of shop.orders:v1 were freed" in shop.run("diff", "orders", code=2).err
