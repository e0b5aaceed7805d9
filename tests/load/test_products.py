"""Products: what of a group others may use."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

SHOP = """
from typing import NamedTuple
import pyarrow as pa
from assetflow import asset, check, multi_asset, product
import assetflow as af

@asset
def private() -> pa.Table:
    return pa.table({"id": [1]})

@asset
def open() -> pa.Table:
    return pa.table({"id": [1]})

class Parts(NamedTuple):
    seen: int
    hidden: int

@multi_asset
def parts() -> Parts:
    return Parts(1, 2)

@asset
def within(private: pa.Table, hidden: int) -> int:
    return hidden

shop = product("shop", exposes=[open, parts["seen"], "within"], owner="sales", description="What we sold.")
"""

BOARD = """
from typing import Annotated
import pyarrow as pa
import assetflow as af
import shop
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop", "board"]')
    folder.write("shop.py", SHOP)
    return folder


@pytest.mark.parametrize(
    ("use", "used"),
    [
        ("@af.asset\ndef mine(private: pa.Table) -> int: return 1", "private"),
        ("@af.asset\ndef mine(x: Annotated[pa.Table, af.In('shop.private')]) -> int: return 1", "private"),
        ("@af.asset(deps=[shop.private])\ndef mine() -> int: return 1", "private"),
        ("@af.asset\ndef mine(hidden: int) -> int: return 1", "hidden"),
        ("@af.asset(deps=[shop.parts])\ndef mine() -> int: return 1", "hidden"),
        ("mine = af.sql_asset('mine', 'select id from shop.private')", "private"),
        (
            "@af.asset\ndef mine() -> int: return 1\n\n"
            "@af.check(mine)\ndef same(mine: int, private: pa.Table) -> bool: return True",
            "private",
        ),
        (
            "@af.asset(checks=[af.foreign_key('id', to='shop.private')])\n"
            "def mine() -> pa.Table: return pa.table({'id': [1]})",
            "private",
        ),
    ],
)
def test_a_use_from_another_group_of_what_is_private(shop: Folder, use: str, used: str) -> None:
    shop.write("board.py", BOARD + use)
    done = shop.run("validate", code=2)
    told = f"error[private-asset]: board.mine uses shop.{used}, which is private to the product 'shop'"
    assert done.err.splitlines()[0] == told
    assert done.err.count("error[") == 1
    assert "hint: it exposes shop.open, shop.seen, shop.within" in done.err
    shop.run("materialize", code=2)


@pytest.mark.parametrize(
    "use",
    [
        "@af.asset(deps=[shop.open])\ndef mine(seen: int, within: int) -> int: return 1",
        "mine = af.sql_asset('mine', 'select id from shop.open')",
        "@af.asset(group='shop')\ndef mine(private: pa.Table) -> int: return 1",
    ],
)
def test_what_is_exposed_and_the_group_itself(shop: Folder, use: str) -> None:
    shop.write("board.py", BOARD + use)
    shop.run("validate")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("product('none', exposes=[open])", "product 'none' is of a group 'none', which has no assets"),
        ("product('other', group='shop', exposes=[])", "group 'shop' has another product already: 'shop'"),
        ("product('board', exposes='mine')", "exposes= of product 'board' must be a list of assets"),
        ("product('board', exposes=['mine', 'gone'])", "product 'board' exposes 'gone', which is no asset"),
        ("product('board', exposes=[3])", "product 'board' exposes 3, which is no asset of this project"),
        ("product('board', exposes=['shop.open'])", "product 'board' exposes shop.open, which is of another group"),
    ],
)
def test_mistakes_of_a_product(shop: Folder, written: str, told: str) -> None:
    shop.write("board.py", BOARD + "@af.asset\ndef mine() -> int: return 1\n")
    folder = shop.path / "shop.py"
    folder.write_text(folder.read_text() + f"\nsecond = {written}\n")
    done = shop.run("validate", code=2)
    assert f"error[bad-product]: {told}" in done.err
    assert "shop.py:" in done.err
    assert done.err.count("error[") == 1


def test_a_module_that_does_not_import_makes_no_mistakes_of_a_product(shop: Folder) -> None:
    shop.write("board.py", "1 / 0")
    shop.edit("shop.py", '"within"]', '"later"]')
    done = shop.run("validate", code=2)
    assert done.err.count("error[") == 1


def test_show_tells_the_product_and_its_owner_answers_for_contracts(shop: Folder) -> None:
    shop.write("board.py", BOARD)
    shop.edit("shop.py", "@asset\ndef within", '@asset(contract=af.Contract("1.0"))\ndef within')
    assert shop.json("show", "open")["product"] == {"name": "shop", "owner": "sales", "exposed": True}
    assert "product       shop, private, sales" in shop.run("show", "private").out
    assert [each["owner"] for each in shop.json("contracts")["contracts"]] == ["sales"]
