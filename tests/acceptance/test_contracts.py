"""Contracts as their users meet them: written wrongly, kept and broken, of functions, queries and several assets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assetflow import Contract
from assetflow.project import Project
from tests.conftest import Folder

HEAD = """
from typing import Annotated, Any, NamedTuple
import pyarrow as pa
from pydantic import BaseModel
from assetflow import Contract, asset, check, in_range, in_set, multi_asset, not_null, sql_asset, unique

class Order(BaseModel):
    id: int
    amount: float | None
    kind: str = "a"

Orders = Annotated[pa.Table, Order]
TABLE = pa.table({"id": [1], "amount": [2.5], "kind": ["a"]})
"""


class Shop:
    """A project of one module, driven through the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "assetflow.toml").write_text('modules = ["promising"]\n')

    def write(self, code: str) -> None:
        (self.folder / "promising.py").write_text(HEAD + code)

    def run(self, *words: str) -> tuple[int, str, str]:
        done = Folder(self.folder).run(*words, code=None)
        return done.code, done.out, done.err

    def export(self) -> str:
        path = str(self.folder / "base.json")
        assert self.run("contracts", "export", "--to", path)[0] == 0
        return path


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("@asset(contract=Contract('one'))\ndef a() -> int: return 1", "'one' is no version of a contract"),
        ("@asset(contract=Contract(1.0))\ndef a() -> int: return 1", "1.0 is no version of a contract"),
        ("@asset(contract='1.0')\ndef a() -> int: return 1", "contract= must be a Contract, got '1.0'"),
        ("@asset(contract=Contract('1.0', freshness='soon'))\ndef a() -> int: return 1", "'soon'"),
        ("@asset(contract=Contract('1.0'))\ndef a() -> pa.Table: return TABLE", "nothing says which"),
        ("@asset(contract=Contract('1.0'))\ndef a() -> Any: return 1", "nothing says which"),
        (
            "class Two(NamedTuple):\n    x: int\n    y: int\n"
            "@multi_asset(contract=Contract('1.0'))\ndef a() -> Two: return Two(1, 2)",
            "a dict of contracts",
        ),
        (
            "class Two(NamedTuple):\n    x: int\n    y: int\n"
            "@multi_asset(contract={'z': Contract('1.0')})\ndef a() -> Two: return Two(1, 2)",
            "contract= names 'z', which is not made here",
        ),
        ("q = sql_asset('q', 'select 1 as one', contract=Contract('1'))", "'1' is no version"),
    ],
)
def test_a_contract_that_means_nothing_is_told(shop: Shop, code: str, said: str) -> None:
    shop.write(code)
    exit_code, out, err = shop.run("validate")
    assert exit_code == 2
    assert said in out + err


def test_checks_are_promised_as_what_they_say_of_columns(shop: Shop) -> None:
    shop.write(
        "@asset(contract=Contract('1.2'), owners=['ana'], checks=[not_null('amount'), in_range('amount', min=0),"
        " in_set('kind', ['a']), unique('id'), in_range('id', max=9, severity='warn')])\n"
        "def orders() -> Orders: return TABLE\n"
        "@check(orders)\ndef sound(orders: Orders) -> bool: return True\n"
    )
    promise = Project.open(directory=shop.folder).contracts()["promising.orders"]
    assert str(promise.columns["amount"]) == "double at least 0"
    assert str(promise.columns["kind"]) == "string one of 'a'"
    assert str(promise.columns["id"]) == "int64", "what only warns promises nothing"
    assert promise.keys == (("id",),)
    assert promise.guarantees == {"sound": "function"}
    assert promise.owner == "ana"


def test_queries_and_several_assets_have_contracts(shop: Shop) -> None:
    shop.write(
        "class Two(NamedTuple):\n    x: int\n    y: int\n"
        "@multi_asset(contract={'y': Contract('3.0')})\ndef two() -> Two: return Two(1, 2)\n"
        "q = sql_asset('q', 'select 1 as one', contract=Contract('1.0'))\n"
    )
    promises = Project.open(directory=shop.folder).contracts()
    assert {name: promise.type for name, promise in promises.items()} == {"promising.q": "", "promising.y": "int"}
    assert list(promises["promising.q"].columns) == ["one"]


def test_a_table_made_of_a_file_has_a_contract(shop: Shop) -> None:
    shop.write("")
    (shop.folder / "queries").mkdir()
    (shop.folder / "queries" / "top.sql").write_text("-- contract: 2.1\n-- owner: ana\nselect 1 as one\n")
    (shop.folder / "assetflow.toml").write_text('sql = ["queries"]\n')
    (promise,) = Project.open(directory=shop.folder).contracts().values()
    assert (promise.asset, promise.version, promise.owner) == ("queries.top", "2.1", "ana")


ORDERS = "@asset(contract=Contract('1.0'))\ndef orders() -> Orders: return TABLE\n"
READER = "@asset\ndef total(orders: Orders) -> float: return 1.0\n"


def test_a_contract_that_goes_is_an_error_while_somebody_reads(shop: Shop) -> None:
    shop.write(ORDERS + READER)
    base = shop.export()
    shop.write(ORDERS.replace("(contract=Contract('1.0'))", "") + READER)
    code, out, _ = shop.run("contracts", "check", "--base", base)
    assert code == 4
    assert "hits      promising.total" in out
    shop.write(ORDERS)
    base = shop.export()
    shop.write("")
    assert shop.run("contracts", "check", "--base", base)[0] == 0


def test_a_version_that_goes_back_is_an_error(shop: Shop) -> None:
    shop.write(ORDERS.replace("1.0", "1.1"))
    base = shop.export()
    shop.write(ORDERS)
    code, out, _ = shop.run("contracts", "check", "--base", base)
    assert code == 4
    assert "version 1.0 is before 1.1" in out


def test_a_project_without_contracts_has_nothing_to_keep(shop: Shop) -> None:
    shop.write(ORDERS.replace("(contract=Contract('1.0'))", ""))
    assert shop.run("contracts", "check") == (0, "0 contracts are kept\n", "")
    assert shop.run("contracts", "check", "--base", shop.export())[0] == 0


def test_late_values_are_told(shop: Shop) -> None:
    shop.write(ORDERS.replace("'1.0'", "'1.0', freshness='1h'"))
    assert shop.run("contracts", "check")[0] == 4
    assert shop.run("materialize")[0] == 0
    assert shop.run("contracts", "check")[0] == 0
    shop.write(ORDERS.replace("'1.0'", "'1.0', freshness='0s'"))
    code, out, _ = shop.run("contracts", "check")
    assert code == 4
    assert "promising.orders is late: made 0.0 hours ago" in out


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 9, "contracts": []}', '{"format": 1, "contracts": [{"asset": 1}]}', "{", "\x00"],
)
def test_a_file_that_holds_no_contracts_is_told(shop: Shop, text: str) -> None:
    shop.write(ORDERS)
    path = shop.folder / "wrong.json"
    path.write_text(text)
    code, _, err = shop.run("contracts", "check", "--base", str(path))
    assert code == 2
    assert "error[bad-base]" in err
    assert "Traceback" not in err


def test_a_base_that_is_nowhere_is_told(shop: Shop) -> None:
    shop.write(ORDERS)
    code, _, err = shop.run("contracts", "check", "--base", "--upload-pack=x")
    assert code == 2
    code, _, err = shop.run("contracts", "check", "--base", "nowhere")
    assert code == 2
    assert "error[bad-base]: nowhere is neither a file nor a commit" in err


def test_what_is_exported_says_all_of_it(shop: Shop) -> None:
    shop.write(ORDERS + READER)
    (contract,) = json.loads(Path(shop.export()).read_text())["contracts"]
    said: dict[str, Any] = contract
    assert [column["name"] for column in said["columns"]] == ["id", "amount", "kind"]
    assert said["readers"]["id"] == ["promising.total"]


def test_a_contract_is_a_plain_value() -> None:
    assert Contract("1.0") == Contract("1.0")
    assert Contract("1.0", owner="a") != Contract("1.0")
