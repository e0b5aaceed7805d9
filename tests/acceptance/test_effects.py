"""Assets that are run for what they do elsewhere."""

from __future__ import annotations

from typing import Any

PUBLISHED = """
from pathlib import Path
from assetflow import Context, asset

WORD = "one"

@asset
def word() -> str:
    return WORD

@asset
def published(ctx: Context, word: str) -> None:
    (Path(__file__).parent / "outside.txt").write_text(word)
    ctx.record("outside.txt", word)

@asset(deps=[published])
def checked() -> str:
    return (Path(__file__).parent / "outside.txt").read_text()
"""


def test_a_reverted_change_publishes_again_because_what_lies_outside_was_overwritten(folder: Any) -> None:
    folder.write("shop.py", PUBLISHED)
    folder.run("materialize")
    folder.edit("shop.py", '"one"', '"two"')
    folder.run("materialize")
    assert folder.run("cat", "checked").out.strip() == "two"
    folder.edit("shop.py", '"two"', '"one"')
    steps = {s["key"]: s["action"] for s in folder.json("plan")["steps"]}
    assert steps == {"shop.word": "reuse", "shop.published": "run", "shop.checked": "maybe"}
    folder.run("materialize")
    assert (folder.path / "outside.txt").read_text() == "one"
    assert folder.run("cat", "checked").out.strip() == "one"
    assert folder.json("plan")["steps"] == []


def test_an_effect_is_recorded_with_where_it_lies(folder: Any) -> None:
    folder.write("shop.py", PUBLISHED)
    folder.run("materialize")
    (row,) = folder.json("history", "published")["materializations"]
    assert row["uri"] == "outside.txt"
