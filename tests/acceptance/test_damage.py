"""Values whose files are gone, cut short or changed: told, made anew, and no later command complains."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

CODE = """
import polars as pl
from assetflow import asset

@asset
def orders() -> pl.DataFrame:
    return pl.DataFrame({"id": range(2_000), "amount": [n * 7 % 13 for n in range(2_000)]})

@asset
def text(orders: pl.DataFrame) -> str:
    return "a" * 9_000

@asset(version="1")
def letters(text: str, orders: pl.DataFrame) -> int:
    return len(text)
"""


@pytest.fixture
def shop(folder: Any) -> Any:
    folder.write("shop.py", CODE)
    folder.run("materialize")
    return folder


def blob(shop: Any, asset: str) -> Path:
    (found,) = (shop.path / ".assetflow/store/shop" / asset).rglob("*.*")
    return found


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def outcomes(shop: Any) -> dict[str, str]:
    return {step["key"].removeprefix("shop."): step["outcome"] for step in shop.json("materialize")["steps"]}


@pytest.mark.parametrize("damage", [lose, cut])
@pytest.mark.parametrize("asset", ["orders", "text"])
def test_a_value_that_is_gone_or_cut_short_is_made_anew(shop: Any, asset: str, damage: Any) -> None:
    damage(blob(shop, asset))
    (told,) = [a for a in shop.json("status")["assets"] if a["state"] == "missing"]
    assert (told["key"], told["causes"][0]["kind"]) == (f"shop.{asset}", "corrupt")
    shop.run("materialize")
    for version in ("v1", "v2"):
        assert shop.run("cat", f"{asset}:{version}").out
    assert shop.json("catalog", "verify")["problems"] == []
    assert "nothing to do" in shop.run("materialize").out


@pytest.mark.parametrize("asset", ["orders", "text"])
def test_what_verify_finds_is_made_anew_by_the_next_materialize(shop: Any, asset: str) -> None:
    change(blob(shop, asset))
    assert "nothing to do" in shop.run("materialize").out
    (problem,) = shop.json("catalog", "verify", code=1)["problems"]
    assert (problem["code"], problem["key"]) == ("blob-damaged", f"shop.{asset}")
    assert "assetflow materialize" in problem["hint"]
    shop.run("materialize")
    assert shop.json("catalog", "verify")["problems"] == []


@pytest.mark.parametrize("asset", ["orders", "text"])
def test_a_reader_that_finds_damage_has_it_made_anew_in_the_same_command(shop: Any, asset: str) -> None:
    change(blob(shop, asset))
    shop.edit("shop.py", 'version="1"', 'version="2"')
    done = shop.run("materialize")
    assert f"damaged in the store, and now made anew: shop.{asset}" in done.err
    assert "run 2 failed" in done.out
    assert "run 3 succeeded" in done.out
    assert shop.run("cat", "letters").out.strip() == "9000"
    assert shop.json("catalog", "verify")["problems"] == []
    assert "nothing to do" in shop.run("materialize").out


def test_damage_behind_damage_is_found_and_made_anew_as_well(shop: Any) -> None:
    change(blob(shop, "orders"))
    change(blob(shop, "text"))
    shop.edit("shop.py", 'version="1"', 'version="2"')
    assert outcomes(shop)["letters"] == "unchanged"
    assert shop.run("cat", "letters").out.strip() == "9000"
    assert shop.json("catalog", "verify")["problems"] == []


def test_reading_a_damaged_value_says_what_to_do_and_that_is_true(shop: Any) -> None:
    change(blob(shop, "text"))
    refused = shop.run("cat", "text", code=74).err
    assert "is damaged: its bytes have changed" in refused
    assert "assetflow materialize" in refused
    assert outcomes(shop)["text"] == "unchanged"
    assert shop.run("cat", "text").out.startswith("aaa")


def test_an_older_version_that_is_gone_is_said_to_be_gone_for_good(shop: Any) -> None:
    old = blob(shop, "text")
    shop.edit("shop.py", '"a" * 9_000', '"b" * 9_000')
    shop.run("materialize")
    old.unlink()
    refused = shop.run("cat", "text:v1", code=74).err
    assert "an older version" in refused
    assert "nothing to do" in shop.run("materialize").out
    (problem,) = shop.json("catalog", "verify", code=1)["problems"]
    assert (problem["key"], problem["version"]) == ("shop.text", 1)
    assert problem["hint"] == "it is an older version: nothing makes it again"
    # … unless the code that made it comes back: then it is made, under its old name.
    shop.edit("shop.py", '"b" * 9_000', '"a" * 9_000')
    assert outcomes(shop)["text"] == "materialized"
    assert shop.json("catalog", "verify")["problems"] == []


def test_values_without_their_catalog_are_told(shop: Any) -> None:
    (shop.path / "catalog.db").rename(shop.path / "kept.db")
    (problem,) = shop.json("catalog", "verify", code=1)["problems"]
    assert problem["code"] == "no-catalog"
    assert "[no-catalog]" in shop.run("catalog", "backup", "copy.db", code=2).err
    assert not (shop.path / "copy.db").exists()
    (shop.path / "kept.db").rename(shop.path / "catalog.db")
    assert shop.json("catalog", "verify")["problems"] == []
    assert "nothing to do" in shop.run("materialize").out


def test_the_catalog_is_one_file_after_every_command(shop: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    for command in (["status"], ["plan"], ["materialize", "--force"], ["runs"], ["query", "select 1"]):
        shop.run(*command)
        assert [path.name for path in shop.path.glob("catalog.db*")] == ["catalog.db"], command
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "catalog.db"
    elsewhere.write_bytes((shop.path / "catalog.db").read_bytes())
    with sqlite3.connect(elsewhere) as copied:
        assert copied.execute("SELECT count(*) FROM v_runs").fetchone() == (2,)


def test_a_log_whose_catalog_is_gone_is_not_taken_into_a_new_one(shop: Any) -> None:
    with sqlite3.connect(shop.path / "catalog.db") as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        for change in ("+ 1", "- 1"):
            raw.execute(f"UPDATE counters SET value = value {change}")
            raw.commit()
        (shop.path / "kept.db").write_bytes((shop.path / "catalog.db").read_bytes())
        (shop.path / "catalog.db").unlink()
        for command in (["materialize"], ["status"], ["history", "text"]):
            refused = shop.run(*command, code=78).err
            assert "catalog.db-wal" in refused
            assert not (shop.path / "catalog.db").exists()
        (shop.path / "kept.db").rename(shop.path / "catalog.db")
    assert "nothing to do" in shop.run("materialize").out
