"""Partition keys that come and go: in sets, and from values of assets."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

SHOP = """
from datetime import date
from typing import Annotated

import polars as pl
from assetflow import All, Context, Daily, Dynamic, In, PerDimension, Product, asset

REGULARS = Dynamic("regulars")
DAYS = Daily("2026-01-01", end="2026-01-04")
NAMES = ["acme", "globex"]

@asset
def customers(ctx: Context) -> pl.DataFrame:
    return pl.DataFrame({"name": NAMES, "n": range(len(NAMES))})

@asset(partitions=Dynamic(keys=customers))
def letter(ctx: Context) -> str:
    return f"Dear {ctx.partition.key}"

@asset(partitions=Product(customer=Dynamic(keys="customers", column="name"), day=DAYS))
def bill(ctx: Context) -> str:
    return f"{ctx.partition.keys['customer']} {ctx.partition.date}"

@asset(partitions=REGULARS)
def card(ctx: Context) -> str:
    return ctx.partition.key

@asset
def cards(card: dict[str, str]) -> list[str]:
    return sorted(card.values())

@asset(partitions=REGULARS)
def both(card: str) -> str:
    return card * 2
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def test_keys_of_a_protected_environment_are_edited_only_where_it_is_named(shop: Folder) -> None:
    shop.write("assetflow.toml", 'modules = ["shop"]\nenvironment = "prod"\n[environments.prod]\nprotected = true\n')
    assert "error[protected-environment]" in shop.run("partitions", "add", "regulars", "ann", code=2).err
    assert shop.run("partitions", "add", "regulars", "ann", "--env", "prod").out == "+ regulars ann\n"


def test_keys_are_added_and_taken_out_by_hand(shop: Folder) -> None:
    assert shop.made("card", "cards", "both") == {"cards@": "materialized"}
    said = shop.run("partitions", "add", "regulars", "ann", "bob, jr.", "ann")
    assert said.out.splitlines() == ["+ regulars ann", "+ regulars bob, jr."]
    assert "1 of them is there already" in shop.run("partitions", "add", "card", "ann").err  # by the asset's name
    assert shop.made("card", "cards", "both") == {
        "card@ann": "materialized",
        "card@bob, jr.": "materialized",
        "both@ann": "materialized",
        "both@bob, jr.": "materialized",
        "cards@": "materialized",
    }
    shop.run("plan", "card", "cards", "both", "--exit-code")
    assert [each["key"] for each in shop.json("partitions", "card")["partitions"]] == ["ann", "bob, jr."]
    removed = shop.json("partitions", "remove", "regulars", "ann", "zoe")
    assert removed["changed"] == [{"set": "regulars", "key": "ann", "added": False}]
    assert shop.made("card", "cards", "both") == {"cards@": "materialized"}
    assert shop.json("cat", "cards") == ["bob, jr."]
    assert len(shop.json("history", "card@ann")["materializations"]) == 1, "its history stays"
    said = shop.run("materialize", "card", "--partition", "ann", code=2)
    assert "a partition 'ann'" in said.err
    shop.run("partitions", "add", "regulars", "ann")
    assert shop.made("card", "cards", "both") == {"cards@": "materialized"}, "what was made of it is there again"
    assert shop.json("cat", "cards") == ["ann", "bob, jr."]


def test_keys_that_a_value_gives(shop: Folder) -> None:
    told = shop.run("plan", "letter").out
    assert "maybe more: shop.letter has the partitions that shop.customers gives, which may change" in told
    assert shop.json("plan", "letter")["awaited"] == [{"key": "shop.letter", "source": "shop.customers"}]
    made = shop.made("letter", "bill")
    assert sorted(made) == [
        *(f"bill@customer={name},day=2026-01-0{day}" for name in ("acme", "globex") for day in (1, 2, 3)),
        "customers@",
        "letter@acme",
        "letter@globex",
    ]
    shop.run("plan", "letter", "bill", "--exit-code")
    shop.edit("shop.py", '"globex"]', '"globex", "initech"]')
    made = shop.made("letter", "bill")
    assert {name for name, outcome in made.items() if outcome == "materialized"} == {
        "customers@",
        "letter@initech",
        *(f"bill@customer=initech,day=2026-01-0{day}" for day in (1, 2, 3)),
    }
    shop.edit("shop.py", '"acme", ', "")
    assert shop.made("letter") == {"customers@": "materialized"}
    assert [each["key"] for each in shop.json("partitions", "letter")["partitions"]] == ["globex", "initech"]
    assert "letter@acme" not in shop.made("--force", "letter")


def test_only_what_is_asked_for_is_made(shop: Folder) -> None:
    shop.run("materialize", "customers")
    assert shop.made("letter", "--partition", "acme") == {"letter@acme": "materialized"}
    assert shop.made("letter", "--only") == {"letter@globex": "materialized"}


def test_a_step_adds_keys_and_these_are_made_by_the_same_command(shop: Folder) -> None:
    shop.edit(
        "shop.py",
        "def customers(ctx: Context) -> pl.DataFrame:",
        "def customers(ctx: Context) -> pl.DataFrame:\n    ctx.partitions.add('regulars', 'ann')\n"
        "    ctx.partitions.remove('regulars', 'zoe')\n    BAD",
    )
    shop.run("partitions", "add", "regulars", "zoe")
    assert shop.made("customers", "card", code=1) == {"customers@": "failed", "card@zoe": "materialized"}
    shop.edit("shop.py", "    BAD\n", "")
    made = shop.made("customers", "card")
    assert made == {"customers@": "materialized", "card@ann": "materialized"}, "a failed attempt had added nothing"
    assert [each["key"] for each in shop.json("partitions", "card")["partitions"]] == ["ann"]


def test_what_gives_the_keys_and_fails(shop: Folder) -> None:
    shop.run("materialize", "letter")
    shop.edit(
        "shop.py", '    return pl.DataFrame({"name"', '    raise ValueError("no")\n    return pl.DataFrame({"name"'
    )
    shop.edit("shop.py", "Dear", "Hello")
    made = shop.made("letter", code=1)
    assert made == {"customers@": "failed", "letter@acme": "materialized", "letter@globex": "materialized"}


def test_values_that_give_no_keys(shop: Folder) -> None:
    shop.run("materialize", "customers")
    shop.edit("shop.py", 'keys="customers", column="name"', 'keys="customers", column="nmae"')
    said = shop.run("plan", "bill", code=2).err
    assert "error[bad-key-values]" in said
    assert "no column 'nmae'" in said
    shop.edit("shop.py", '"name": NAMES', '"name": [1.5, 2.5]')
    shop.run("materialize", "customers")
    assert "1.5 is no key" in shop.run("plan", "letter", code=2).err
    shop.edit("shop.py", '"name": [1.5, 2.5]', '"name": [date(2026, 1, 1), date(2026, 1, 2)]')
    shop.run("materialize", "customers")
    assert sorted(shop.made("letter")) == ["letter@2026-01-01", "letter@2026-01-02"]


SINCE = """
from datetime import date

import polars as pl
from assetflow import Context, Daily, Dynamic, Monthly, PerDimension, Product, All, asset, In
from typing import Annotated

STARTS = {"acme": date(2026, 1, 2), "globex": None, "initech": date(2026, 2, 1)}

@asset
def customers() -> pl.DataFrame:
    return pl.DataFrame({"name": list(STARTS), "signed_up": list(STARTS.values())})

NAMES = Dynamic(keys=customers, since="signed_up")

@asset(partitions=Product(customer=NAMES, day=Daily("2026-01-01", end="2026-01-04")))
def use(ctx: Context) -> int:
    return ctx.partition.date.day

@asset(partitions=Product(customer=NAMES, month=Monthly("2026-01", end="2026-03")))
def bill(use: dict[str, int]) -> int:
    return sum(use.values())

@asset(partitions=Daily("2026-01-01", end="2026-01-04"))
def day(use: Annotated[dict[str, int], In(partitions=PerDimension(customer=All()))]) -> list[str]:
    return list(use)
"""


def test_keys_with_starts_of_their_own(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SINCE)
    made = folder.made()
    assert [name for name in made if name.startswith("use")] == [
        *(f"use@customer=acme,day=2026-01-0{day}" for day in (2, 3)),
        *(f"use@customer=globex,day=2026-01-0{day}" for day in (1, 2, 3)),
    ]
    assert sorted(name for name in made if name.startswith("bill")) == [
        "bill@customer=acme,month=2026-01",
        "bill@customer=acme,month=2026-02",
        "bill@customer=globex,month=2026-01",
        "bill@customer=globex,month=2026-02",
        "bill@customer=initech,month=2026-02",
    ]
    assert folder.json("cat", "bill@customer=acme,month=2026-01") == 5
    assert folder.json("cat", "day@2026-01-01") == ["customer=globex,day=2026-01-01"]
    folder.run("plan", "--exit-code")
    counted = folder.json("partitions", "use", "--partition", "customer=acme")["partitions"]
    assert [each["key"] for each in counted] == [f"customer=acme,day=2026-01-0{day}" for day in (2, 3)]
    said = folder.run("plan", "use", "--partition", "customer=acme,day=2026-01-01", code=2).err
    assert "error[unknown-partition]" in said
    folder.edit("shop.py", '"acme": date(2026, 1, 2)', '"acme": date(2026, 1, 1)')
    made = folder.made()
    changed = {name for name, outcome in made.items() if outcome == "materialized"}
    assert changed == {
        "customers@",
        "use@customer=acme,day=2026-01-01",
        "bill@customer=acme,month=2026-01",
        "day@2026-01-01",
    }
    folder.run("plan", "--exit-code")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('Dynamic("regulars")', 'Dynamic("")', "no name of a set of keys"),
        ('Dynamic("regulars")', 'Dynamic("regulars", column="x")', "column= says nothing"),
        ('Dynamic("regulars")', 'Dynamic("regulars", keys="customers")', "two sorts of keys"),
        ("Dynamic(keys=customers)", 'Dynamic(keys="customer")', "customers"),
        ("Dynamic(keys=customers)", 'Dynamic(keys="card")', "it is partitioned itself"),
        ("Dynamic(keys=customers)", 'Dynamic(keys="cards", column="x")', "it is no table"),
        ("Dynamic(keys=customers)", 'Dynamic(keys=customers, since="n")', "limits the windows of a product"),
        ('column="name"), day=DAYS', 'since="n"), day=REGULARS', "there are 0"),
        ("def customers(ctx: Context)", "def customers(letter: dict[str, str])", "cyclic-assets"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    assert told in shop.run("validate", code=2).err


def test_mistaken_edits(shop: Folder) -> None:
    assert "error[unknown-keys]" in shop.run("partitions", "add", "regular", "ann", code=2).err
    assert "did you mean regulars" in shop.run("partitions", "add", "regular", "ann", code=2).err
    assert "error[bad-option]" in shop.run("partitions", "card", "ann", code=2).err
    assert "leave out the options" in shop.run("partitions", "add", "regulars", "ann", "--picture", code=2).err
    assert "error[unknown-keys]" in shop.run("partitions", "add", "letter", "ann", code=2).err


def test_a_view_reads_the_keys_that_there_are(shop: Folder) -> None:
    shop.edit("shop.py", "Product, asset", "Product, asset, sql_asset")
    shop.write(
        "shop.py",
        (shop.path / "shop.py").read_text()
        + """
@asset(partitions=REGULARS)
def visits(ctx: Context) -> pl.DataFrame:
    return pl.DataFrame({"who": [ctx.partition.key]})

seen = sql_asset("seen", "select who from visits order by who", view=True)
""",
    )
    shop.run("partitions", "add", "regulars", "bob", "ann", "zoe")
    shop.run("materialize", "visits")
    shop.run("partitions", "remove", "regulars", "zoe")
    assert shop.json("cat", "seen") == [{"who": "ann"}, {"who": "bob"}]
