"""Checks in a project: asked before a value is published, recorded per version, asked again without making anything."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from assetflow.project import Project

HEAD = """
from __future__ import annotations
from typing import Annotated, NamedTuple
import polars as pl
import pyarrow as pa
from pydantic import BaseModel, Field
from assetflow import (
    CheckResult, File, Files, In, Resource, asset, check, expression, foreign_key, in_range, multi_asset, not_null,
    row_count, source, unique, volume,
)
"""
SHOP = """
@asset
def customers() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2]})

@asset(checks=[in_range("amount", max=100), foreign_key("customer", to=customers, to_columns=["id"])])
def orders() -> pl.DataFrame:
    return pl.DataFrame({"customer": [1, 2], "amount": [10.0, 20.0], "note": ["a", "b"]})

@asset
def total(orders: pl.DataFrame) -> float:
    return orders["amount"].sum()
"""


@pytest.fixture
def shop(folder: Any) -> Any:
    folder.write("shop.py", HEAD + SHOP)
    return folder


def outcomes(shop: Any, *arguments: str, code: int = 0) -> dict[str, str]:
    steps = shop.json("materialize", *arguments, code=code)["steps"]
    return {step["key"].removeprefix("shop."): step["outcome"] for step in steps}


def states(shop: Any) -> dict[str, str]:
    return {each["key"].removeprefix("shop."): each["state"] for each in shop.json("status")["assets"]}


def actions(shop: Any) -> dict[str, str]:
    return {step["key"].removeprefix("shop."): step["action"] for step in shop.json("plan")["steps"]}


def test_a_value_that_fails_is_never_current_and_stays_to_be_looked_at(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "[10.0, 20.0]", "[10.0, 200.0]")
    assert outcomes(shop, code=4) == {"orders": "held", "total": "not_run"}
    assert shop.json("cat", "total") == 30.0
    assert shop.json("cat", "orders:v2")[1]["amount"] == 200.0
    assert [v["published"] for v in shop.json("history", "orders")["materializations"]] == [False, True]
    assert states(shop) == {"customers": "fresh", "orders": "held", "total": "stale"}
    assert outcomes(shop, code=4) == {}, "it is not tried again before something changes"


def test_an_edited_check_is_asked_of_the_stored_value_and_makes_nothing(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "max=100", "max=50")
    assert actions(shop) == {"orders": "check"}
    assert outcomes(shop) == {"orders": "checked"}
    assert actions(shop) == {}
    shop.edit("shop.py", "max=50", "max=15")
    assert outcomes(shop, code=4) == {"orders": "degraded"}
    assert states(shop) == {"customers": "fresh", "orders": "degraded", "total": "fresh"}
    assert outcomes(shop, code=4) == {}
    shop.edit("shop.py", "max=15", "max=50")
    assert actions(shop) == {}, "its verdict of before is remembered"
    assert states(shop)["orders"] == "fresh"
    assert len(shop.json("history", "orders")["materializations"]) == 1


def test_what_was_held_becomes_current_when_the_check_lets_it_and_is_not_made_again(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "[10.0, 20.0]", "[10.0, 200.0]")
    outcomes(shop, code=4)
    shop.edit("shop.py", "max=100", "max=150")
    assert actions(shop) == {"orders": "check", "total": "maybe"}
    assert outcomes(shop, code=4) == {"orders": "held", "total": "not_run"}
    shop.edit("shop.py", "max=150", "max=500")
    assert outcomes(shop) == {"orders": "checked", "total": "materialized"}
    assert [v["published"] for v in shop.json("history", "orders")["materializations"]] == [True, True]
    assert shop.json("cat", "total") == 210.0
    assert actions(shop) == {}
    assert shop.run("catalog", "verify").code == 0


@pytest.mark.parametrize("edit", [("max=100)", 'max=100, severity="warn")'), ('in_range("amount", max=100), ', "")])
def test_what_was_held_becomes_current_when_its_check_only_warns_or_is_gone(shop: Any, edit: tuple[str, str]) -> None:
    shop.edit("shop.py", "[10.0, 20.0]", "[10.0, 200.0]")
    outcomes(shop, code=4)
    shop.edit("shop.py", *edit)
    assert outcomes(shop) == {"orders": "checked", "total": "materialized"}
    assert actions(shop) == {}


def test_a_check_is_asked_again_when_the_other_asset_that_it_reads_changes(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", '{"id": [1, 2]}', '{"id": [1]}')
    assert actions(shop) == {"customers": "run", "orders": "check"} or "orders" not in actions(shop)
    assert outcomes(shop, code=4) == {"customers": "materialized", "orders": "degraded"}
    shop.edit("shop.py", '{"id": [1]}', '{"id": [2, 1]}')
    assert outcomes(shop) == {"customers": "materialized", "orders": "checked"}


def test_a_check_that_reads_one_column_is_not_asked_because_another_changed(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", '["a", "b"]', '["a", "c"]')
    steps = {s["key"]: s for s in shop.json("materialize")["steps"]}
    assert steps["shop.orders"]["outcome"] == "materialized"
    before = shop.json("query", "select count(*) as n from catalog.v_verdicts")["rows"][0]["n"]
    shop.edit("shop.py", '["a", "c"]', '["a", "b"]')
    assert outcomes(shop)["orders"] == "reused"
    assert shop.json("query", "select count(*) as n from catalog.v_verdicts")["rows"][0]["n"] == before


def test_an_older_value_that_fails_a_check_of_today_does_not_become_current_again(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "[10.0, 20.0]", "[10.0, 12.0]")
    shop.run("materialize")
    shop.edit("shop.py", "max=100", "max=15")
    assert outcomes(shop) == {"orders": "checked"}
    shop.edit("shop.py", "[10.0, 12.0]", "[10.0, 20.0]")
    assert outcomes(shop, code=4) == {"orders": "held", "total": "not_run"}
    assert shop.json("cat", "total") == 22.0


FUNCTIONS = """
class Limits(Resource):
    most: float = 15.0

@check(orders, severity="warn")
def not_too_much(orders: pl.DataFrame, limits: Limits, share: float = 1.0) -> CheckResult:
    \"\"\"The largest order is small.\"\"\"
    most = orders["amount"].max()
    return CheckResult(most <= limits.most * share, f"{most} is too much", {"most": most}, [{"amount": most}])

@check("orders")
async def has_rows(orders: pl.DataFrame) -> None:
    assert orders.height > 0, "no orders"
"""


def test_functions_are_checks_with_inputs_parameters_and_resources(shop: Any) -> None:
    shop.write("shop.py", HEAD + SHOP + FUNCTIONS)
    (orders,) = [s for s in shop.json("materialize")["steps"] if s["key"] == "shop.orders"]
    said = {each["check"]: each for each in orders["checks"]}
    assert {name: each["status"] for name, each in said.items()} == {
        "has_rows": "passed",
        "not_too_much": "failed",
        "in_range(amount, max=100)": "passed",
        "foreign_key(customer → customers)": "passed",
    }
    told = said["not_too_much"]
    assert (told["message"], told["metrics"], told["sample"]) == (
        "20.0 is too much",
        {"most": 20.0},
        [{"amount": 20.0}],
    )
    assert shop.json("materialize", "--set", "share=2.0")["steps"][0]["outcome"] == "checked"
    assert "not_too_much (warn)  The largest order is small." in shop.run("show", "orders").out
    shop.edit(
        "shop.py", '{"customer": [1, 2], "amount": [10.0, 20.0], "note": ["a", "b"]}', '{"customer": [], "amount": []}'
    )
    failed = shop.json("materialize", "orders", code=4)["steps"][-1]
    assert failed["error"]["type"] == "CheckFailed"
    assert "check has_rows failed: no orders" in failed["error"]["message"]


def test_a_check_that_raises_holds_the_value_and_is_asked_again(shop: Any) -> None:
    broken = "\n@check(orders)\ndef broken(orders: pl.DataFrame) -> bool:\n    return orders['nothing'].sum() > 0\n"
    shop.write("shop.py", HEAD + SHOP + broken)
    assert outcomes(shop, code=4)["orders"] == "held"
    assert outcomes(shop, code=4)["orders"] == "held"
    assert "ColumnNotFoundError" in shop.run("logs", "1", "orders").out
    shop.edit("shop.py", "'nothing'", "'amount'")
    assert outcomes(shop)["orders"] == "checked"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 3", "TypeError: a check returns a bool or a CheckResult, not int"),
        ("return CheckResult(False, metrics={'a': 'many'})", "ValueError: could not convert string to float: 'many'"),
        ("return CheckResult(False, sample=[3])", "TypeError: 'int' object is not iterable"),
        ("raise SystemExit(3)", "SystemExit: the function called sys.exit(3)"),
    ],
    ids=["number", "metrics", "sample", "exit"],
)
def test_what_no_check_may_return_breaks_it_and_nothing_else(shop: Any, body: str, message: str) -> None:
    shop.run("materialize")
    shop.write("shop.py", HEAD + SHOP + f"\n@check(orders)\ndef odd(orders):\n    {body}\n")
    (said,) = shop.json("materialize", code=4)["steps"][0]["checks"]
    assert (said["status"], said["message"]) == ("broke", message)
    assert states(shop)["orders"] == "stale"


def test_the_outputs_of_a_multi_asset_are_held_back_together(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
class Split(NamedTuple):
    train: pl.DataFrame
    test: pl.DataFrame

@multi_asset(checks={"test": [row_count(min=1)]})
def split() -> Split:
    return Split(pl.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": [2]}))

@check(split)
def apart(train: pl.DataFrame, test: pl.DataFrame) -> bool:
    return not set(train["x"]) & set(test["x"])
""",
    )
    assert outcomes(folder, code=4) == {"train": "held", "test": "held"}
    folder.edit("shop.py", '"x": [2]}', '"x": [3]}')
    assert outcomes(folder) == {"train": "materialized", "test": "materialized"}
    assert {each["check"] for each in folder.json("check")["checks"]} == {"apart", "row_count(min=1)"}


def test_content_of_a_source_that_fails_is_handed_to_nobody(folder: Any) -> None:
    folder.write("raw.csv", "a\n1\n2\n")
    folder.write(
        "shop.py",
        HEAD
        + """
raw = source("raw", File("raw.csv"), type=pl.DataFrame, checks=[not_null("a"), row_count(min=1), expression("a < 9")])
@asset
def total(raw: pl.DataFrame) -> int:
    return raw["a"].sum()
""",
    )
    assert outcomes(folder) == {"raw": "checked", "total": "materialized"}
    folder.write("raw.csv", "a\n1\n100\n")
    assert outcomes(folder, code=4) == {"raw": "held", "total": "not_run"}
    assert outcomes(folder, code=4) == {}
    assert states(folder) == {"raw": "held", "total": "stale"}
    assert folder.json("cat", "total") == 3
    folder.write("raw.csv", "a\n1\n8\n")
    assert outcomes(folder) == {"raw": "checked", "total": "materialized"}
    assert folder.json("cat", "total") == 9


def test_partitions_are_judged_one_by_one(folder: Any) -> None:
    folder.write("in/a.csv", "x\n1\n")
    folder.write("in/b.csv", "x\n-1\n")
    folder.write(
        "shop.py",
        HEAD
        + """
inbox = source("inbox", Files("in/*.csv"), type=pl.DataFrame)
@asset(partitions=inbox, checks=[in_range("x", min=0)])
def clean(inbox: pl.DataFrame) -> pl.DataFrame:
    return inbox
""",
    )
    steps = folder.json("materialize", code=4)["steps"]
    assert {s["partition"]: s["outcome"] for s in steps} == {"a.csv": "materialized", "b.csv": "held"}
    folder.write("in/b.csv", "x\n1\n")
    assert {s["partition"]: s["outcome"] for s in folder.json("materialize")["steps"]} == {"b.csv": "materialized"}


def test_rules_of_a_row_model_are_judged_on_the_stored_table(folder: Any) -> None:
    folder.write(
        "shop.py",
        HEAD
        + """
class Order(BaseModel):
    amount: float = Field(ge=0)
    note: str | None = None

@asset
def orders() -> Annotated[pl.DataFrame, Order]:
    return pl.DataFrame({"amount": [1.0, 5.0], "note": ["a", None]})

@asset
def total(orders: Annotated[pl.DataFrame, Order]) -> float:
    return orders["amount"].sum()
""",
    )
    folder.run("materialize")
    folder.edit("shop.py", "ge=0", "ge=1")
    assert actions(folder) == {"orders": "check"}
    assert outcomes(folder) == {"orders": "checked"}
    folder.edit("shop.py", "ge=1", "ge=2")
    assert outcomes(folder, code=4) == {"orders": "degraded"}
    folder.edit("shop.py", "note: str | None = None", "note: str | None = 'x'")
    assert actions(folder)["orders"] == "run", "what fills a column changes values"


def test_check_asks_all_and_tells_exit_4(shop: Any) -> None:
    assert shop.run("check").out.strip() == "no checks"
    shop.run("materialize")
    assert {c["status"] for c in shop.json("check")["checks"]} == {"passed"}
    assert shop.json("check", "total")["checks"] == []
    shop.edit("shop.py", "max=100", "max=15")
    told = {c["check"]: c for c in shop.json("check", code=4)["checks"]}
    assert told["in_range(amount, max=15)"]["sample"] == [{"row": 1, "amount": 20.0}]
    assert states(shop)["orders"] == "degraded"
    assert len(shop.json("history", "orders")["materializations"]) == 1


def test_a_forced_check_that_changes_its_mind_is_seen_though_nothing_moved(shop: Any) -> None:
    """A memo proved it fresh; the verdict of another command must undo that."""
    flaky = """
@check(orders)
def flaky(orders: pl.DataFrame) -> bool:
    import os
    return not os.path.exists('bad')
"""
    shop.write("shop.py", HEAD + SHOP + flaky)
    shop.run("materialize")
    shop.run("materialize")
    assert states(shop)["orders"] == "fresh"
    shop.write("bad", "")
    assert shop.run("check", code=4).code == 4
    assert states(shop)["orders"] == "degraded"


def test_a_reader_in_a_loop_never_sees_a_failing_value(shop: Any) -> None:
    """Two hundred materializations, half of which fail a blocking check, while another thread reads."""
    shop.write(
        "shop.py",
        HEAD
        + """
import pathlib

@asset(max_age=0, checks=[in_range("x", min=0)])
def numbers() -> pl.DataFrame:
    n = int((pathlib.Path(__file__).parent / "n").read_text())
    return pl.DataFrame({"x": [n if n % 2 else -n] * 20_000, "y": [n] * 20_000})
""",
    )
    shop.write("n", "1")
    project = Project.open(directory=shop.path)
    project.materialize()
    seen: list[int] = []
    wrong: list[Any] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with project.reread() as reading:
                table = reading.load("numbers")
            values = set(table["x"].to_list()) | set(table["y"].to_list())
            seen.append(max(values))
            if len(values) != 1 or min(values) < 0:
                wrong.append(values)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(1, 201):
            shop.write("n", str(n))
            with project.reread() as writing:
                assert writing.materialize().ok == bool(n % 2)
    finally:
        done.set()
        reader.join()
        project.close()
    assert wrong == []
    assert len(seen) > 5
