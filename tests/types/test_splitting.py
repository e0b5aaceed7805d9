"""Tables cut into partitions, compared with a walk over the rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetflow.errors import ValueMismatch
from assetflow.model.calendars import Daily, Hourly, Monthly, Weekly
from assetflow.model.partitioning import Partitioning, Product, Static
from assetflow.types.splitting import split

BERLIN = ZoneInfo("Europe/Berlin")
#: Among them the days on which the clock of Berlin is changed.
DAYS = Daily("2026-03-27", end="2026-04-02", tz="Europe/Berlin")
HOURS = Hourly("2026-10-25", end="2026-10-26", tz="Europe/Berlin")
WEEKS = Weekly("2026-01-01", end="2026-03-01")
TEXTS = Static("a", "b", "c d")


def keys_of(cut: Any) -> list[str]:
    if isinstance(cut, Static):
        return list(cut.names)
    return list(cut.keys_until(datetime(2027, 1, 1, tzinfo=UTC)))


@given(st.sampled_from([DAYS, HOURS, WEEKS]), st.data())
def test_points_in_time_belong_to_the_window_that_they_lie_in(cut: Any, data: st.DataObject) -> None:
    keys = keys_of(cut)[: data.draw(st.integers(1, 30))]
    windows = {key: cut.window(key) for key in keys}
    begin, end = windows[keys[0]][0].astimezone(UTC), windows[keys[-1]][1].astimezone(UTC)
    seconds = int((end - begin).total_seconds())
    rows = [begin + timedelta(seconds=s) for s in data.draw(st.lists(st.integers(0, seconds - 1), max_size=40))]
    table = pa.table({"at": pa.array(rows, pa.timestamp("us", "UTC")), "n": range(len(rows))})
    found = split(table, "at", keys, cut, what="x")
    assert list(found) == keys
    for key, part in found.items():
        expected = [n for n, row in enumerate(rows) if windows[key][0] <= row < windows[key][1]]
        assert part["n"].to_pylist() == expected


@given(st.lists(st.sampled_from(keys_of(DAYS)), max_size=30), st.booleans())
def test_dates_belong_to_the_window_that_has_them(names: list[str], as_text: bool) -> None:
    keys = keys_of(DAYS)
    column: Any = names if as_text else pa.array(map(date.fromisoformat, names), pa.date32())
    found = split(pa.table({"day": column, "n": range(len(names))}), "day", keys, DAYS, what="x")
    assert {key: part["n"].to_pylist() for key, part in found.items()} == {
        key: [n for n, name in enumerate(names) if name == key] for key in keys
    }


@given(st.lists(st.tuples(st.sampled_from(keys_of(DAYS)), st.sampled_from(TEXTS.names)), max_size=30))
def test_cells_of_a_product(cells: list[tuple[str, str]]) -> None:
    cut = Product(day=DAYS, region=TEXTS)
    keys = [f"day={day},region={region if region != 'c d' else chr(34) + 'c d' + chr(34)}" for day, region in cells]
    wanted = list(dict.fromkeys(keys)) or ["day=2026-03-27,region=a"]
    days = pa.array([date.fromisoformat(day) for day, _ in cells], pa.date32())
    table = pa.table({"d": days, "r": pa.array([region for _, region in cells], pa.string()), "n": range(len(cells))})
    found = split(table, {"day": "d", "region": "r"}, wanted, cut, what="x")
    assert {key: part["n"].to_pylist() for key, part in found.items()} == {
        key: [n for n, each in enumerate(keys) if each == key] for key in wanted
    }
    assert {
        key: part.num_rows
        for key, part in split(
            table.append_column("k", pa.array(keys, pa.string())), "k", wanted, cut, what="x"
        ).items()
    } == {key: part.num_rows for key, part in found.items()}


def test_tables_of_all_libraries_and_what_points_in_time_are_without_a_zone() -> None:
    keys = ["2026-03-29", "2026-03-30"]
    at = [datetime(2026, 3, 29, 23, 59), datetime(2026, 3, 30, 0, 0)]
    for table in (pl.DataFrame({"at": at}), pd.DataFrame({"at": at}), pl.LazyFrame({"at": at}), pa.table({"at": at})):
        found = split(table, "at", keys, DAYS, what="x")
        assert [part.num_rows for part in found.values()] == [1, 1]
    categories = pl.DataFrame({"k": ["a", "b", "a"]}, schema={"k": pl.Categorical})
    assert split(categories, "k", ["a", "b"], TEXTS, what="x")["a"].num_rows == 2
    months = Monthly("2026-01", end="2026-03")
    found = split(pl.DataFrame({"d": [date(2026, 2, 28)]}), "d", ["2026-01", "2026-02"], months, what="x")
    assert [part.num_rows for part in found.values()] == [0, 1]
    assert found["2026-01"].schema == found["2026-02"].schema


@pytest.mark.parametrize(
    ("table", "column", "keys", "cut", "told"),
    [
        (
            {"day": ["2026-03-29", "2026-03-31"]},
            "day",
            ["2026-03-29"],
            DAYS,
            "1 row belongs to none of the partitions that are made: day = 2026-03-31",
        ),
        (
            {"day": [None, "x"]},
            "day",
            ["2026-03-29"],
            DAYS,
            "2 rows belong to none of the partitions that are made: day = None; day = x",
        ),
        ({"day": [date(2026, 3, 28)]}, "day", ["2026-03-29"], DAYS, "day = 2026-03-28"),
        ({"d": [1]}, "day", ["2026-03-29"], DAYS, "has no column 'day'"),
        ({"day": [1]}, "day", ["2026-03-29"], DAYS, "is int64"),
        ({"day": [date(2026, 10, 25)]}, "day", ["2026-10-25T00:00+02:00"], HOURS, "is date32"),
        ({"k": [date(2026, 10, 25)]}, "k", ["a"], TEXTS, "is date32"),
    ],
)
def test_rows_of_no_partition(table: Any, column: str, keys: list[str], cut: Partitioning, told: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        split(pa.table(table), column, keys, cut, what="x")
    assert caught.value.code == "wrong-partition"
    assert told in str(caught.value)
