"""Products whose keys have starts of their own, compared with a list of what there is."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from assetflow.model.calendars import Daily
from assetflow.model.cells import ProductKeys, RaggedKeys, Started, counted, written
from assetflow.model.keysets import Keys, Listed, Stretch

DAYS = Daily("2026-01-01", end="2026-01-08").keys_until(datetime(2027, 1, 1, tzinfo=UTC))
starts = st.sampled_from(["", "2025", "2026-01-01", "2026-01-03T12:00", "2026-01-07", "2026-02"])
regions = st.lists(st.sampled_from("abc"), max_size=3, unique=True)


@st.composite
def dimensions(draw: st.DrawFn) -> dict[str, Keys]:
    customers = draw(st.lists(st.sampled_from(["x", "y", "z w"]), max_size=3, unique=True))
    named: dict[str, Keys] = {
        "customer": Started(customers, [draw(starts) for _ in customers]),
        "day": DAYS,
        "region": Listed(draw(regions)),
    }
    if draw(st.booleans()):
        own = draw(st.lists(st.sampled_from("pq"), max_size=2, unique=True))
        named["plan"] = Started(own, [draw(starts) for _ in own])
    return {name: named[name] for name in draw(st.permutations(list(named)))}


def listed(cut: dict[str, Keys]) -> list[dict[str, str]]:
    """Every cell that there is, dimension by dimension."""
    cells: list[dict[str, str]] = [{}]
    for name, keys in cut.items():
        cells = [{**cell, name: key} for cell in cells for key in keys]
    return [cell for cell in cells if all(_has_begun(cell[n], cell["day"], k) for n, k in cut.items() if n != "day")]


def _has_begun(key: str, day: str, keys: Keys) -> bool:
    if not isinstance(keys, Started):
        return True
    start = keys.starts[list(keys).index(key)]
    first = {"": "0001-01-01", "2025": "2025-01-01", "2026-02": "2026-02-01"}.get(start, start)
    end = datetime.fromisoformat(day) + timedelta(days=1)
    return end > datetime.fromisoformat(first)


@given(dimensions(), st.data())
def test_it_has_what_there_is_in_order(cut: dict[str, Keys], data: st.DataObject) -> None:
    keys = RaggedKeys(cut, "day")
    there = [written(cell) for cell in listed(cut)]
    assert list(keys) == there
    assert len(keys) == len(there)
    assert [keys[at] for at in range(len(keys))] == there
    assert list(keys[1:4]) == there[1:4]
    assert [keys.position(key) for key in there] == list(range(len(there)))
    assert list(Stretch(keys, 1, min(3, len(there)))) == there[1:3]
    name = data.draw(st.sampled_from(list(cut)))
    if len(cut[name]):
        some = cut[name][0]
        assert list(keys.combined({name: [some]})) == [key for key in there if keys.values(key)[name] == some]
    every = [written(cell) for cell in listed({n: Listed(k) if n != "day" else k for n, k in cut.items()})]
    assert [key for key in every if key in keys] == there


@given(dimensions())
def test_starts_count_in_the_digest(cut: dict[str, Keys]) -> None:
    moved = {n: Started(k, ["2020"] * len(k)) if isinstance(k, Started) else k for n, k in cut.items()}
    same = all(list(k.starts) == ["2020"] * len(k) for k in cut.values() if isinstance(k, Started))
    assert (RaggedKeys(cut, "day").digest() == RaggedKeys(moved, "day").digest()) == same


@given(dimensions(), st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_counts_of_a_dimension(cut: dict[str, Keys], begin: int, end: int, ragged: bool) -> None:
    keys: ProductKeys = RaggedKeys(cut, "day") if ragged else ProductKeys(cut)
    begin, end = min(begin, end, len(keys)), min(max(begin, end), len(keys))
    for name in cut:
        assert counted(keys, name) == Counter(keys.values(key)[name] for key in keys)
        part = Stretch(keys, begin, end)
        assert counted(part, name) == Counter(keys.values(key)[name] for key in part)
