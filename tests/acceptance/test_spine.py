"""What the whole system promises, tried from outside on a small project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Outcomes = Callable[[Any], dict[str, str]]


def test_the_second_time_there_is_nothing_to_do(shop: Any, outcomes: Outcomes) -> None:
    first = shop.json("materialize")
    assert outcomes(first) == dict.fromkeys(["amounts", "large", "total", "report"], "materialized")
    assert shop.json("materialize")["run"] is None
    assert "nothing to do" in shop.run("materialize").out


def test_a_constant_two_modules_away_makes_exactly_its_users_stale_and_is_named(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop/rules.py", "15.0", "50.0")
    steps = {s["key"]: s for s in shop.json("plan")["steps"]}
    assert {k: s["action"] for k, s in steps.items()} == {"shop.large": "run", "shop.report": "maybe"}
    (cause,) = steps["shop.large"]["causes"]
    assert cause["kind"] == "code"
    assert "shop.rules.LARGE" in cause["message"]
    assert "15.0" in cause["message"]
    assert "50.0" in cause["message"]


def test_comments_formatting_and_docstrings_make_nothing_stale(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop/rules.py", "# a large order", "# nobody reads this")
    shop.edit("shop/helpers.py", '"""Whether an order is large."""', '"""Reworded."""\n')
    shop.edit("shop/helpers.py", "amount >= LARGE", "(amount   >=   LARGE)")
    assert shop.json("plan")["steps"] == []


def test_a_reverted_change_gives_the_old_value_back_without_running_anything(shop: Any, outcomes: Outcomes) -> None:
    shop.run("materialize")
    shop.edit("shop/rules.py", "15.0", "50.0")
    shop.run("materialize")
    assert shop.run("cat", "report").out.strip() == "1 large orders of 100"
    shop.edit("shop/rules.py", "50.0", "15.0")
    assert {s["action"] for s in shop.json("plan")["steps"]} == {"reuse"}
    done = shop.json("materialize")
    assert set(outcomes(done).values()) == {"reused"}
    assert shop.run("cat", "report").out.strip() == "2 large orders of 100"


def test_equal_data_stops_the_wave_and_the_summary_says_so(shop: Any, outcomes: Outcomes) -> None:
    shop.run("materialize")
    shop.edit("shop/rules.py", "15.0", "16.0")
    done = shop.run("materialize")
    assert "1 unchanged" in done.out
    assert "1 kept" in done.out
    assert shop.json("plan")["steps"] == []


def test_a_touched_file_changes_nothing_and_changed_bytes_do(shop: Any) -> None:
    shop.run("materialize")
    path = shop.path / "data/orders.csv"
    path.touch()
    assert shop.json("plan")["steps"] == []
    path.write_text("id,amount\n1,11.0\n")
    steps = {s["key"]: s for s in shop.json("plan")["steps"]}
    assert steps["shop.amounts"]["action"] == "run"
    assert steps["shop.amounts"]["causes"][0]["input"] == "shop.orders"


def test_lineage_reaches_the_file_and_of_an_address_names_exact_versions_with_digests(shop: Any) -> None:
    shop.run("materialize")
    above = shop.json("lineage", "report")
    assert {n["key"] for n in above["nodes"]} == {
        f"shop.{n}" for n in ("orders", "amounts", "large", "total", "report")
    }
    exact = shop.json("lineage", "report:v1")
    keys = {n["key"] for n in exact["nodes"]}
    assert "shop.report:v1" in keys
    assert "shop.orders:v1" in keys
    assert all(len(n["data_version"]) == 32 for n in exact["nodes"])


def test_history_and_cat_give_old_versions_back(shop: Any) -> None:
    shop.run("materialize")
    shop.edit("shop/rules.py", "15.0", "50.0")
    shop.run("materialize")
    rows = shop.json("history", "report")["materializations"]
    assert [r["version"] for r in rows] == [2, 1]
    assert rows[0]["inputs"]
    assert shop.run("cat", "report:v1").out.strip() == "2 large orders of 100"


def test_a_failed_asset_leaves_the_rest_right_and_is_not_tried_again_until_it_changes(
    shop: Any, outcomes: Outcomes
) -> None:
    shop.edit("shop/assets.py", "return sum(amounts)", "raise ValueError('no sum today')")
    done = shop.json("materialize", code=1)
    assert outcomes(done) == {
        "amounts": "materialized",
        "large": "materialized",
        "total": "failed",
        "report": "not_run",
    }
    assert shop.json("plan")["steps"] == []
    states = {a["key"]: a["state"] for a in shop.json("status")["assets"]}
    assert states["shop.total"] == "failed"
    assert states["shop.report"] == "missing"
    assert [s["key"] for s in shop.json("plan", "total")["steps"]] == ["shop.total"]
    shop.edit("shop/assets.py", "raise ValueError('no sum today')", "return sum(amounts)")
    assert outcomes(shop.json("materialize")) == {"total": "materialized", "report": "materialized"}


def test_a_plan_writes_nothing(shop: Any) -> None:
    before = {p for p in shop.path.rglob("*") if "__pycache__" not in p.parts}
    shop.run("plan")
    shop.run("status")
    assert {p for p in shop.path.rglob("*") if "__pycache__" not in p.parts} == before


def test_csv_has_what_it_has_no_form_for_as_json(folder: Any) -> None:
    folder.write(
        "shop.py",
        """
        import polars as pl
        from assetflow import asset

        @asset
        def orders() -> pl.DataFrame:
            tags, at = [["a", "ä"], None], [{"x": 1.5}, {"x": None}]
            return pl.DataFrame({"id": [1, 2], "tags": tags, "at": at, "t": ["b,c", "d"]})
        """,
    )
    folder.run("materialize")
    assert folder.run("cat", "orders", "--format", "csv").out.splitlines() == [
        '"id","tags","at","t"',
        '1,"[""a"", ""ä""]","{""x"": 1.5}","b,c"',
        '2,,"{""x"": null}","d"',
    ]
