"""Many keys decided as one: what is kept, and what it gives. That it changes nothing is the matter of tests/laws."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from assetflow.graph import Graph
from assetflow.model.calendars import Daily
from assetflow.model.cells import ProductKeys
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Listed, Stretch
from assetflow.model.partitioning import Product, Static
from assetflow.model.plan import Alike, State, Step
from assetflow.plan import KeySets

KEYS = tuple(f"k{n:03}" for n in range(200))


def folder(shelf: Any, *made: str) -> Any:
    shelf.folder("inbox", dict.fromkeys(KEYS, "1"))
    shelf.node("text", "inbox", per="inbox")
    shelf.node("words", per="inbox")
    shelf.node("more", "words", per="inbox")
    shelf.node("report", "more")
    for name in made:
        shelf.make(name)
    return shelf.plan("words more report")


def test_keys_without_a_past_are_one_part_and_give_a_step_each(shelf: Any) -> None:
    plan = folder(shelf)
    words, more, report = plan.steps.parts
    assert isinstance(words, Alike)
    assert isinstance(more, Alike)
    assert isinstance(report, Step)
    assert (len(plan.steps), len(plan.standings), plan.fresh) == (401, 401, 0)
    assert [step.key for step in plan.steps[:200]] == list(KEYS)
    assert plan.steps[200].causes[-1].message == "shop.words may change"
    assert plan.steps[-1].node.name == "report"
    assert plan.standings[Partition(AssetKey("shop", "more"), "k007")].state is State.MISSING
    assert Partition(AssetKey("shop", "more"), "no") not in plan.standings


def test_those_with_a_past_stand_apart(shelf: Any) -> None:
    plan = folder(shelf, "words@k000", "words@k007", "words@k199", "more@k007")
    shape = [len(part.keys) if isinstance(part, Alike) else part.key for part in plan.steps.parts]
    assert shape == [6, 191, "k000", 6, 191, "k199", ""]
    assert plan.fresh == 4
    assert [step.key for step in plan.steps if step.node.name == "words"] == [
        key for key in KEYS if key not in ("k000", "k007", "k199")
    ]
    summed = sum(count for partition, _, count in plan.standings.summed() if partition.asset.name == "words")
    assert summed == 197


def test_what_reads_each_otherwise_is_decided_key_by_key(shelf: Any) -> None:
    folder(shelf)
    parts = shelf.plan("text").steps.parts
    assert len(parts) == 200, "each reads a file of its own"


def test_products_are_counted_and_found_without_being_listed() -> None:
    days = Daily("2000-01-01").keys_until(datetime(2026, 1, 1, tzinfo=UTC))
    cells = ProductKeys({"day": days, "shop": Listed(map(str, range(1000)))})
    assert len(cells) == 9497 * 1000
    assert cells[1_234_567] == "day=2003-05-19,shop=567"
    assert cells.position("day=2003-05-19,shop=567") == 1_234_567
    assert cells.position("shop=567,day=2003-05-19") is None
    assert cells.position("day=2003-05-19,shop=1000") is None
    some = Stretch(cells, 1_234_567, 9_000_000)
    assert some[0] in some
    assert cells[0] not in some
    assert (some[-1], len(some)) == (cells[8_999_999], 9_000_000 - 1_234_567)


def test_any_text_is_a_value_of_a_dimension() -> None:
    odd = 'a,b="c" =ü'
    cells = Product(one=Static(odd, "x"), two=Static("y", odd))
    keys = KeySets(Graph([]), {}, datetime.now(UTC)).given_by(cells)
    for place, key in enumerate(keys):
        assert keys.position(key) == place
        assert set(keys.values(key).values()) <= {odd, "x", "y"}
    assert keys.values(keys[1]) == {"one": odd, "two": odd}


def test_what_decides_about_windows_to_come_counts() -> None:
    """Rolling windows beyond the end of an upstream count what its calendar leaves out there."""
    now = datetime(2026, 1, 10, tzinfo=UTC)
    usual = Daily("2026-01-01").keys_until(now)
    later = Daily("2026-01-01", exclude=("2026-02-01",)).keys_until(now)
    ended = Daily("2026-01-01", end="2026-03-01").keys_until(now)
    assert tuple(usual) == tuple(later)
    assert usual.digest() != later.digest()
    assert usual.digest() == ended.digest()
