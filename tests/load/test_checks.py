"""Mistakes in checks: each is told with its place and what to do, all of them together, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

HEAD = """
from typing import Annotated, NamedTuple
import polars as pl
from pydantic import BaseModel
from assetflow import *
from assetflow import check, foreign_key, in_range, not_null, row_count, schema, unique, volume, expression

class Row(BaseModel):
    a: int
    b: str

raw = source("raw", File("raw.csv"), type=pl.DataFrame)

@asset
def other() -> int:
    return 1

@asset
def table_() -> Annotated[pl.DataFrame, Row]:
    return pl.DataFrame({"a": [1], "b": ["x"]})

@asset
def later(table_: pl.DataFrame) -> pl.DataFrame:
    return table_
"""
#: What is added to the module, and what the one mistake says.
MISTAKES = {
    "of nothing": ("@check('tabel_')\ndef c(table_): ...", "c judges 'tabel_', which is no asset", "table_"),
    "does not read it": (
        "@check(table_)\ndef c(other: int): ...",
        "shop.table_:c does not read what it judges",
        "take it",
    ),
    "returns a number": ("@check(table_)\ndef c(table_) -> float: ...", "shop.table_:c returns float", "return a bool"),
    "severity": ("@check(table_, severity='high')\ndef c(table_): ...", "severity='high'", '"block" or "warn"'),
    "named rows": ("@check(table_, name='rows')\ndef c(table_): ...", "is named rows", "another name="),
    "twice": (
        "@check(table_)\ndef c(table_): ...\n@check(table_, name='c')\ndef d(table_): ...",
        "shop.table_ has two checks named c",
        "give one a name=",
    ),
    "unknown column": (
        "@asset(checks=[not_null('aa')])\ndef x() -> Annotated[pl.DataFrame, Row]: ...",
        "shop.x:not_null(aa): shop.x has no column 'aa'",
        "",
    ),
    "unknown column elsewhere": (
        "@asset(checks=[foreign_key('c', to=table_, to_columns=['aa'])])\ndef x() -> pl.DataFrame: ...",
        "shop.table_ has no column 'aa'",
        "",
    ),
    "to no table": (
        "@asset(checks=[foreign_key('c', to=other)])\ndef x() -> pl.DataFrame: ...",
        "shop.other is no table, but int",
        "",
    ),
    "of no table": ("@asset(checks=[unique('a')])\ndef x() -> int: ...", "it is for tables, and shop.x is int", ""),
    "volume of no table": ("@asset(checks=[volume()])\ndef x() -> int: ...", "it is for tables, and shop.x is int", ""),
    "ready severity": (
        "@asset(checks=[in_range(min=1, severity='x')])\ndef x() -> int: ...",
        "severity='x'",
        '"block" or "warn"',
    ),
    "same twice": (
        "@asset(checks=[unique('a'), unique('a')])\ndef x() -> pl.DataFrame: ...",
        "two checks named",
        "name=",
    ),
    "field that is not made": (
        "class S(NamedTuple):\n    p: int\n@multi_asset(checks={'q': [in_range(min=0)]})\ndef x() -> S: ...",
        "names 'q', which is not made here",
        "",
    ),
    "source that waits": (
        "s = source('s', File('s.csv'), type=pl.DataFrame, checks=[foreign_key('a', to=later)])",
        "a check of the source shop.s reads shop.later, which may have to wait",
        "check shop.later instead",
    ),
}


def mistakes(folder: Any, more: str) -> list[dict[str, Any]]:
    folder.write("shop.py", HEAD + more + "\n")
    found: list[dict[str, Any]] = folder.json("validate", code=2)["errors"]
    return found


@pytest.mark.parametrize(("more", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_check_is_told(folder: Any, more: str, message: str, hint: str) -> None:
    (found,) = mistakes(folder, more)
    assert found["code"] == "bad-check"
    assert message in found["message"]
    assert hint in (found["hint"] or "")
    assert any("shop.py:" in place for place in found["where"])


def test_they_are_told_together(folder: Any) -> None:
    apart = ["of nothing", "severity", "unknown column", "to no table"]
    text = "\n".join(MISTAKES[name][0].replace("def ", f"def n{place}_") for place, name in enumerate(apart))
    found = mistakes(folder, text)
    assert [each["code"] for each in found] == ["bad-check"] * 4


OTHERS = {
    "no list": ("@asset(checks=not_null('a'))\ndef x() -> pl.DataFrame: ...", "bad-argument", "checks= must be a list"),
    "a function": (
        "@check(table_)\ndef c(table_): ...\n@asset(checks=[c])\ndef x(): ...",
        "bad-argument",
        "a list of ready-made checks",
    ),
    "of a multi-asset": (
        "class S(NamedTuple):\n    p: int\n@multi_asset(checks=[in_range(min=0)])\ndef x() -> S: ...",
        "bad-argument",
        "a dict of lists",
    ),
    "unknown input": ("@check(table_)\ndef c(table_, nothing): ...", "unknown-input", "shop.table_:c takes 'nothing'"),
    "waits for itself": (
        "@check(table_)\ndef c(table_, later: pl.DataFrame): ...",
        "cyclic-assets",
        "shop.table_ → shop.later → shop.table_",
    ),
    "wrong type": ("@check(table_)\ndef c(table_: int): ...", "edge-type", "shop.table_:c takes table_: int"),
    "missing parameter": (
        "@check(table_)\ndef c(table_, n: Annotated[int, Param()]): ...",
        "bad-parameter",
        "shop.table_:c needs the parameter n",
    ),
}


@pytest.mark.parametrize(("more", "code", "message"), OTHERS.values(), ids=OTHERS)
def test_a_check_makes_the_mistakes_that_an_asset_makes(folder: Any, more: str, code: str, message: str) -> None:
    found = {each["code"]: each for each in mistakes(folder, more)}
    assert message in found[code]["message"] or "shop.later → shop.table_ → shop.later" in found[code]["message"]


SOUND = """
@check(table_)
def alone(table_: pl.LazyFrame) -> bool: ...

@check("shop.table_", severity="warn", name="other name")
def with_more(table_: Annotated[pl.DataFrame, Row], other: float, limit: int = 3, *, ctx: Context) -> CheckResult: ...

@check(later)
def upstream_is_there(later, table_, raw: pl.DataFrame) -> None: ...

class S(NamedTuple):
    p: int
    q: pl.DataFrame

@multi_asset(checks={"p": [in_range(min=0)], "q": [row_count(min=1), schema({"x": int}), expression("x > 0")]})
def both() -> S: ...

@check(both)
def agree(p: int, q: pl.DataFrame) -> bool: ...

@check(both["p"])
def one(p: int) -> bool: ...

@asset(checks=[row_count(min=1)])
def untyped(): ...

checks = [check(raw)(lambda raw: True)]
"""


def test_sound_checks_are_accepted_and_listed(folder: Any) -> None:
    folder.write("shop.py", HEAD + SOUND)
    assert folder.json("validate")["errors"] == []
    listed = {each["name"]: [c["name"] for c in each["checks"]] for each in folder.json("list")["assets"]}
    assert listed == {
        "raw": ["<lambda>"],
        "other": [],
        "table_": ["alone", "other name", "rows"],
        "later": ["upstream_is_there"],
        "p": ["agree", "in_range(min=0)", "one"],
        "q": ["expression(x > 0)", "row_count(min=1)", "schema(x)"],
        "untyped": ["row_count(min=1)"],
    }


EXPRESSIONS = [
    ("amuont > 0", "shop.orders has no column 'amuont'", ["amuont > 0", "^"], "did you mean amount?"),
    ("amount >", "syntax error at or near \")\"", [], ""),
    ("amount + 1", "it gives double, and neither true nor false", [], "write amount > 0"),
    ("id in (select id from shop.raw)", "it reads more than the rows themselves", [], None),
    ("amount > $least", "it reads more than the rows themselves", [], None),
    ("exists (from read_csv('x.csv'))", "a query reaches nothing but its tables, and read_csv() is none", None, None),
    ("length(id) > 1 and nofun(amount)", None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message", "excerpt", "hint"), EXPRESSIONS, ids=[sql for sql, *_ in EXPRESSIONS])
def test_a_condition_that_cannot_be_asked_is_told_before_anything_runs(
    folder: Any, sql: str, message: str | None, excerpt: list[str] | None, hint: str | None
) -> None:
    folder.write(
        "shop.py",
        f"""
        from typing import Annotated
        import polars as pl
        from pydantic import BaseModel
        from assetflow import asset, expression

        class Order(BaseModel):
            id: int
            amount: float

        @asset(checks=[expression({sql!r}), expression("amount > 0 -- of each")])
        def orders() -> Annotated[pl.DataFrame, Order]: ...
        """,
    )
    (found,) = folder.json("validate", code=2)["errors"]
    assert found["code"] == "bad-check"
    if message is not None:
        assert found["message"] == f"shop.orders:expression({sql}): {message}"
    if excerpt is not None:
        assert found["excerpt"] == excerpt
    if hint is not None:
        assert found["hint"] == hint
