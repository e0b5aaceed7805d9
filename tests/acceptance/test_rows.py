"""Row models in a project: edges checked by columns, tables held to them, and nothing read that is not named."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

HEAD = """
from __future__ import annotations
from datetime import date
from typing import Annotated, Literal, NamedTuple
import pandas as pd
import polars as pl
import pyarrow as pa
import duckdb
from pydantic import BaseModel, Field
from assetflow import All, File, Files, In, PrimaryKey, Rows, asset, multi_asset, source, table

class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    amount: float = Field(ge=0)
    placed: date
    status: Literal["paid", "open"]
    note: str | None = None

class Amount(BaseModel):
    status: str
    amount: float
"""
SHOP = """
raw = source("raw", File("raw.csv"), type=Annotated[pl.DataFrame, Order])

@asset
def orders(raw: pl.DataFrame) -> Annotated[pl.DataFrame, Order]:
    return raw

@asset
def polars(orders: Annotated[pl.DataFrame, Amount]) -> list[str]:
    return orders.columns

@asset
def lazy(orders: Annotated[pl.LazyFrame, Amount]) -> list[str]:
    return orders.collect().columns

@asset
def pandas(orders: Annotated[pd.DataFrame, Amount]) -> list[str]:
    return list(orders.columns)

@asset
def arrow(orders: Annotated[pa.Table, Amount]) -> list[str]:
    return orders.column_names

@asset
def relation(orders: Annotated[duckdb.DuckDBPyRelation, Amount]) -> list[str]:
    return orders.columns
"""
CSV = "id,amount,placed,status,note\n1,10,2026-01-01,paid,x\n2,20.5,2026-01-02,open,\n"
READERS = ["polars", "lazy", "pandas", "arrow", "relation"]


@pytest.fixture
def shop(folder: Any) -> Any:
    folder.write("shop.py", HEAD + SHOP)
    folder.write("raw.csv", CSV)
    return folder


def outcomes(shop: Any, *arguments: str, code: int = 0) -> dict[str, str]:
    steps = shop.json("materialize", *arguments, code=code)["steps"]
    return {step["key"].removeprefix("shop."): step["outcome"] for step in steps}


def test_a_reader_gets_the_columns_of_its_model_in_its_order_whatever_library_it_uses(shop: Any) -> None:
    shop.run("materialize")
    for reader in READERS:
        assert shop.json("cat", reader) == ["status", "amount"]
    # From the store it is the same.
    shop.run("materialize", *READERS, "--force")
    for reader in READERS:
        assert shop.json("cat", reader) == ["status", "amount"]


def test_a_change_in_a_column_that_nobody_reads_rebuilds_nobody(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("raw.csv", ",x", ",y")
    assert outcomes(shop) == {"orders": "materialized", **dict.fromkeys(READERS, "kept")}
    shop.edit("raw.csv", "20.5", "21.5")
    assert outcomes(shop) == {"orders": "materialized", **dict.fromkeys(READERS, "unchanged")}
    # Neither does a column that is added to the model.
    shop.edit("shop.py", "    note: str | None = None\n", "    note: str | None = None\n    place: str = 'here'\n")
    assert outcomes(shop) == {"orders": "materialized", **dict.fromkeys(READERS, "kept")}
    assert "nothing to do" in shop.run("materialize").out


BAD = [
    ("amount=-1.0", "column 'amount': 2 of 2 rows are not at least 0, such as row 0 (-1.0)"),
    ("status=pl.lit('lost')", "column 'status': 2 of 2 rows are not one of 'paid', 'open', such as row 0 ('lost')"),
    ("id=1", "the primary key 'id' is repeated: (1) 2 times"),
    ("placed=pl.lit(None, pl.Date)", "column 'placed': 2 of 2 rows have no value, such as row 0 (None)"),
]


@pytest.mark.parametrize(("change", "told"), BAD, ids=[change for change, _ in BAD])
def test_rows_that_break_a_rule_are_held_back_and_never_seen(shop: Any, change: str, told: str) -> None:
    shop.run("materialize")
    before = shop.run("cat", "orders").out
    shop.edit("shop.py", "    return raw\n", f"    return raw.with_columns({change})\n")
    done = shop.run("materialize", code=4)
    assert "! shop.orders " in done.err
    assert "shop.orders is held back: its rows are not what its model says (data: " in done.err
    assert told in done.err
    assert f"1 held, {len(READERS)} not run" in done.out
    assert shop.run("cat", "orders").out == before
    # It can be looked at, and is not tried again until something changes.
    assert shop.run("cat", "orders:v2").out != before
    assert ":v2" in shop.run("history", "orders").out
    assert "(never current)" in shop.run("history", "orders").out
    states = {a["key"]: a["state"] for a in shop.json("status")["assets"]}
    assert states["shop.orders"] == "held"
    assert states["shop.polars"] == "stale"
    assert "held in run 2" in shop.run("plan").out
    assert shop.json("materialize", code=4)["run"] is None
    (step,) = [s for s in shop.json("materialize", "orders", code=4)["steps"] if s["outcome"] == "held"]
    assert told in step["error"]["message"]
    assert "first failure: shop.orders" in shop.run("runs", "show", "2").out
    # What was right before is right again, without being made.
    shop.edit("shop.py", f".with_columns({change})", "")
    assert "nothing to do" in shop.run("materialize").out
    assert {a["state"] for a in shop.json("status")["assets"]} == {"fresh"}
    assert shop.json("catalog", "verify")["problems"] == []


def test_a_failure_beside_a_value_that_is_held_is_a_failure(shop: Any) -> None:
    shop.edit("shop.py", "    return raw\n", "    return raw.with_columns(amount=-1.0)\n")
    with (shop.path / "shop.py").open("a") as file:
        file.write("\n@asset\ndef wrong() -> int:\n    raise ValueError\n")
    counts = shop.json("materialize", code=1)["counts"]
    assert (counts["held"], counts["failed"]) == (1, 1)


def test_a_reader_in_a_loop_never_sees_what_is_held_back(shop: Any) -> None:
    shop.run("materialize", "orders")
    shop.edit("shop.py", "    return raw\n", "    return raw.with_columns(amount=AMOUNT)\n")
    shop.edit("shop.py", "class Order(", "from amount import AMOUNT\n\nclass Order(")
    seen: list[float] = []
    stop = threading.Event()

    def look() -> None:
        from assetflow.project import Project

        while not stop.is_set():
            with Project.open(directory=shop.path) as project:
                seen.append(float(project.past.value("orders")["amount"][0].as_py()))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(1, 9):
            amount = float(number) if number % 2 else -float(number)
            shop.write("amount.py", f"AMOUNT = {amount}\n")
            shop.run("materialize", "orders", code=0 if number % 2 else 4)
    finally:
        stop.set()
        reader.join()
    assert len(seen) > 8
    assert min(seen) >= 0
    assert seen[-1] == 7.0


def test_a_source_whose_rows_break_a_rule_fails_who_reads_it(shop: Any) -> None:
    shop.run("materialize")
    for old, new, told in [
        (",10,", ",-1,", "column 'amount': 1 of 2 rows are not at least 0, such as row 0 (-1.0)"),
        ("\n2,", "\n1,", "the primary key 'id' is repeated: (1) 2 times"),
        ("2026-01-02", "", "column 'placed': 1 of 2 rows have no value, such as row 1 (None)"),
    ]:
        shop.edit("raw.csv", old, new)
        failed = shop.run("materialize", code=1).err
        assert told in failed, failed
        assert shop.run("cat", "orders:v1").out == shop.run("cat", "orders").out
        shop.write("raw.csv", CSV)
        assert "nothing to do" in shop.run("materialize").out


def test_a_cell_that_cannot_be_read_as_its_column_is_told(shop: Any) -> None:
    shop.edit("raw.csv", "20.5", "a lot")
    failed = shop.run("materialize", code=1).err
    assert "a lot" in failed
    assert "Traceback" not in failed.replace("Traceback (most recent call last)", "")


EDGES = [
    ("amuont: float", "Order has no column 'amuont': did you mean amount?"),
    ("amount: int", "column 'amount' is double, not int64"),
    ("amount: Annotated[float, Field(ge=5)]", "column 'amount' is at least 0, not at least 5"),
    ("note: str", "column 'note' may be null, which is not asked for"),
    ("status: Literal['paid']", "column 'status' is one of 'paid', 'open', not one of 'paid'"),
    ("placed: str", "column 'placed' is date32[day], not string"),
]


@pytest.mark.parametrize(("field", "told"), EDGES, ids=[field for field, _ in EDGES])
def test_a_model_that_asks_for_what_is_not_made_is_refused_before_anything_runs(
    shop: Any, field: str, told: str
) -> None:
    shop.edit("shop.py", "    status: str\n    amount: float\n", f"    {field}\n")
    refused = shop.run("validate", code=2).err
    assert refused.count("error[edge-columns]") == len(READERS)
    assert told in refused
    assert "shop.orders" in refused
    shop.run("materialize", code=2)
    assert "no runs yet" in shop.run("runs").out


def test_all_that_is_wrong_with_models_is_told_together(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
class Odd(BaseModel):
    a: int | str

class NotOne:
    a: int

numbers = source("numbers", File("n.csv"), type=Annotated[pl.DataFrame, Odd])

@asset
def odd() -> Annotated[pl.DataFrame, Odd]: ...

@asset
def no_model() -> Annotated[pl.DataFrame, NotOne]: ...

@asset
def several() -> Annotated[pl.DataFrame, Order, Amount]: ...

@asset
def orders() -> Annotated[pl.DataFrame, Order]: ...

@asset
def count() -> int: ...

@asset
def twice(orders: Annotated[pl.DataFrame, Amount, In(columns=("amount",))]) -> int: ...

@asset
def of_number(count: Annotated[pl.DataFrame, Amount]) -> int: ...

@asset
def in_union(orders: Annotated[pl.DataFrame, Amount] | None) -> int: ...

@asset
def in_list() -> list[Annotated[pl.DataFrame, Order]]: ...

@asset
def dict_of() -> dict[str, Annotated[pl.DataFrame, Order]]: ...

@asset
def keeps(orders: Annotated[pl.DataFrame, Amount, Rows(extra="keep")]) -> int: ...
""",
    )
    told = folder.json("validate", code=2)["errors"]
    assert [(error["code"], error["message"].split(":")[0].split(" ")[0]) for error in told] == [
        ("bad-row-model", "Odd.a"),
        ("bad-row-model", "Odd.a"),
        ("bad-row-model", "NotOne"),
        ("bad-row-model", "polars.DataFrame"),
        ("edge-type", "shop.twice"),
        ("edge-type", "shop.of_number"),
        ("bad-row-model", "shop.in_union"),
        ("bad-row-model", "shop.in_list"),
        ("bad-row-model", "shop.dict_of"),
        ("edge-type", "shop.keeps"),
    ]
    assert all(error["where"] and error["hint"] for error in told)


def test_show_and_list_tell_the_columns(shop: Any) -> None:
    shown = shop.run("show", "orders").out
    assert "columns       id  int64, primary key\n                amount  double, at least 0\n" in shown
    columns = shop.json("show", "orders")["columns"]
    assert columns[4] == {"name": "note", "type": "string", "nullable": True, "rules": []}
    shop.run("materialize")
    shop.edit("shop.py", "class Order", "klass Order")
    (recorded,) = [a for a in shop.json("list")["assets"] if a["key"] == "shop.orders"]
    assert recorded["columns"] == columns


def test_outputs_of_a_multi_asset_partitions_and_json_files_are_held_to_models(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
inbox = source("inbox", Files("inbox/*.json"), type=Annotated[pa.Table, Order, Rows(extra="drop")])

class Parts(NamedTuple):
    paid: Annotated[pl.DataFrame, Amount]
    open: Annotated[pl.DataFrame, Amount]

@multi_asset
def parts(inbox: Annotated[pl.DataFrame, Order, In(partitions=All())]) -> Parts:
    found = inbox.select("status", "amount")
    return Parts(found.filter(pl.col("status") == "paid"), found.filter(pl.col("status") == "open"))

@asset
def by_file(inbox: Annotated[dict[str, Annotated[pl.DataFrame, Amount]], In(partitions=All())]) -> dict[str, list[str]]:
    return {key: frame.columns for key, frame in inbox.items()}
""",
    )
    folder.write("inbox/a.json", '[{"id": 1, "amount": "10", "placed": "2026-01-01", "status": "paid", "more": 1}]')
    folder.write("inbox/b.json", '[{"id": 2, "amount": 20, "placed": "2026-01-02", "status": "open"}]')
    folder.run("materialize")
    assert folder.json("cat", "paid") == [{"status": "paid", "amount": 10.0}]
    assert folder.json("cat", "open") == [{"status": "open", "amount": 20.0}]
    assert folder.json("cat", "by_file") == {"a.json": ["status", "amount"], "b.json": ["status", "amount"]}
    folder.write("inbox/c.json", '[{"id": 2, "amount": 20, "placed": "2026-01-02", "status": "open"}]')
    assert "the primary key 'id' is repeated" in folder.run("materialize", "parts", code=1).err


def test_a_stream_is_held_to_its_model(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
LAST = 1.0

@asset
def streamed() -> Annotated[pa.RecordBatchReader, Amount]:
    def batches():
        yield pa.record_batch({"status": ["a"], "amount": [1.0]})
        yield pa.record_batch({"status": ["a"], "amount": [LAST]})
    return pa.RecordBatchReader.from_batches(pa.schema({"status": pa.string(), "amount": pa.float64()}), batches())

@asset
def total(streamed: Annotated[pl.DataFrame, Amount]) -> float:
    return streamed["amount"].sum()
""",
    )
    folder.run("materialize")
    assert folder.run("cat", "total").out.strip() == "2.0"
    folder.edit("shop.py", "LAST = 1.0", "LAST = None")
    failed = folder.run("materialize", code=4).err
    assert "rows from 1 on: column 'amount': 1 of 1 rows have no value" in failed
    assert folder.run("cat", "total").out.strip() == "2.0"


def test_values_that_are_given_in_memory_are_held_to_models_too(folder: Any) -> None:
    folder.write("shop.py", HEAD + SHOP)
    code = """
import polars as pl
from assetflow.project import materialize
from shop import orders, polars
from datetime import date
good = pl.DataFrame({"id": [1], "amount": [1], "placed": [date(2026, 1, 1)], "status": ["paid"]})
assert materialize([polars], given={orders: good})[polars] == ["status", "amount"]
result = materialize([polars], given={orders: good.with_columns(amount=-1.0)})
assert not result.ok
print([step.failure.message for step in result.steps if step.failure][0])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "column 'amount': 1 of 1 rows are not at least 0" in done.stdout


def test_a_table_without_a_model_has_the_columns_it_was_last_made_with(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
@asset
def orders() -> pl.DataFrame:
    return pl.DataFrame({"status": ["paid"], "amount": [1.0], "id": ["x"]})

@asset
def total(orders: Annotated[pl.DataFrame, Amount]) -> float:
    return orders["amount"].sum()
""",
    )
    folder.run("materialize")
    folder.edit("shop.py", "    status: str\n    amount: float\n", "    status: str\n    amuont: float\n    id: int\n")
    folder.run("validate")
    for command in ("plan", "materialize"):
        refused = folder.run(command, code=2).err
        assert "error[edge-columns]: shop.total takes orders as rows of Amount" in refused
        assert "it has no column 'amuont': did you mean amount?; column 'id' is string, not int64" in refused
    assert folder.json("runs")["runs"][0]["id"] == 1
    assert "stale" in folder.run("status").out
    # A table that is to be made anew may have them then.
    folder.edit("shop.py", '"amount": [1.0], "id": ["x"]', '"amuont": [1.0], "id": [1]')
    folder.edit("shop.py", 'orders["amount"]', 'orders["amuont"]')
    assert outcomes(folder) == {"orders": "materialized", "total": "unchanged"}


def test_how_far_a_project_is_typed_is_told(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
path = source("path", File("raw.csv"))

@asset
def orders(path: Path) -> Annotated[pl.DataFrame, Order]: ...

@asset
def bare(orders): ...

@asset
def plain(orders: pl.DataFrame) -> pl.DataFrame: ...

@asset
def typed(orders: Annotated[pl.DataFrame, Amount]) -> int: ...

@asset
def later(plain: Annotated[pl.DataFrame, Amount], typed: int, bare: Annotated[pl.DataFrame, Amount]) -> int: ...
""",
    )
    folder.edit("shop.py", "from datetime import date", "from datetime import date\nfrom pathlib import Path")
    told = folder.json("validate", "--types-coverage")["types_coverage"]
    assert [(each["key"], each["input"], each["level"]) for each in told] == [
        ("shop.bare", "orders", "untyped"),
        ("shop.later", "bare", "when read"),
        ("shop.later", "plain", "when read"),
        ("shop.later", "typed", "type"),
        ("shop.orders", "path", "type"),
        ("shop.plain", "orders", "table"),
        ("shop.typed", "orders", "columns"),
    ]
    assert folder.json("validate")["types_coverage"] is None
    told = folder.run("validate", "--types-coverage").err
    assert "42 % of 7 inputs are checked before anything runs: 2 when read, 2 type" in told
    assert "50 % of 2 tables have columns that are known before" in told
