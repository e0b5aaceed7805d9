"""What each ready-made check says, in a table: holds, fails with these numbers, or cannot be asked."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from assetflow import (
    distribution,
    expression,
    foreign_key,
    freshness,
    in_range,
    in_set,
    not_null,
    row_count,
    schema,
    unique,
    volume,
)
from assetflow.errors import DefinitionError, ValueMismatch
from assetflow.load.checks import version_of
from assetflow.model.checks import CheckResult, Measured
from assetflow.types.judgements import Circumstances, judgement

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TABLE = pa.table(
    {
        "id": [1, 2, 3, 4],
        "kind": ["a", "b", "a", None],
        "amount": [1.5, -2.0, float("nan"), None],
        "day": [date(2026, 11, 20), date(2026, 11, 25), None, None],
        "part": [1, 1, 2, 2],
    }
)
OTHER = pa.table({"id": [1, 2], "part": [1, 1]})


class Row(BaseModel):
    id: int
    part: int


def around(**more: Any) -> Circumstances:
    config = {"enable_external_access": "false"}
    return Circumstances(now=NOW, connect=lambda: duckdb.connect(config=config), **more)


def say(check: Any, value: Any = TABLE, other: Any = OTHER, **more: Any) -> CheckResult:
    return judgement(check, value, other, around(**more))


HOLD = [
    not_null("id", "part"),
    unique("id"),
    unique("id", "part"),
    unique("kind", "day"),
    in_set("kind", ["a", "b"]),
    in_set("id", {1, 2, 3, 4}),
    in_range("id", min=1, max=4),
    in_range("id", min=0.5),
    in_range("day", max=date(2026, 11, 25)),
    row_count(min=4, max=4),
    foreign_key("part", to="o", to_columns=["id"]),
    freshness("day", max_age="1d"),
    schema({"id": int, "kind": str, "amount": float, "day": date, "part": int}),
    schema(Row, extra=True),
    expression("id > 0"),
    expression("amount < 5 -- NULL passes, and NaN is above all\n OR isnan(amount)"),
    volume(),
]
FAIL = [
    (not_null("kind"), "1 of 4 rows have no kind", {"missing": 1}),
    (not_null("id", "amount"), "2 of 4 rows have no amount", {"missing": 2}),
    (unique("part"), "2 values of part stand in several rows: (1) 2 times; (2) 2 times", {"repeated": 2}),
    (in_set("kind", ["b"]), "2 of 4 rows are outside of the set, such as row 0 ('a'), row 2 ('a')", {"failing": 2}),
    (in_range("amount", min=0), "2 of 4 rows are out of range, such as row 1 (-2.0), row 2 (nan)", {"failing": 2}),
    (in_range("id", max=2.5), "2 of 4 rows are out of range, such as row 2 (3), row 3 (4)", {"failing": 2}),
    (row_count(min=5), "there are 4", {"rows": 4}),
    (foreign_key("id", to="o"), "2 of 4 rows refer to nothing, such as (3), (4)", {"orphans": 2}),
    (foreign_key("id", "part", to="o"), "2 of 4 rows refer to nothing, such as (3, 2), (4, 2)", {"orphans": 2}),
    (freshness("day", max_age="1h"), "the newest is 2026-11-25 23:59 UTC, older than 1:00:00", None),
    (schema({"id": int}), "'kind', 'amount', 'day', 'part' are no column", None),
    (schema({"id": str}, extra=True), "column 'id' is int64, not string", None),
    (schema({"other": int}, extra=True), "there is no column 'other'", None),
    (expression("id < part + 2"), "1 of 4 rows do not hold it", {"failing": 1}),
]
BROKEN = [
    not_null("nothing"),
    in_set("id", ["x"]),
    in_range("kind", min=3),
    foreign_key("kind", to="o", to_columns=["id"]),
    freshness("id", max_age="1d"),
    distribution("id", "mode"),
]


@pytest.mark.parametrize("check", HOLD)
@pytest.mark.parametrize("convert", [lambda t: t, pl.from_arrow], ids=["arrow", "polars"])
def test_it_holds(check: Any, convert: Any) -> None:
    assert say(check, convert(TABLE)).passed


@pytest.mark.parametrize(("check", "message", "metrics"), FAIL)
def test_it_fails_and_says_how(check: Any, message: str, metrics: Any) -> None:
    found = say(check)
    assert not found.passed
    assert message in found.message
    if metrics is not None:
        assert dict(found.metrics) == metrics


@pytest.mark.parametrize("check", BROKEN)
def test_what_cannot_be_asked_is_an_error(check: Any) -> None:
    with pytest.raises(ValueMismatch) as caught:
        say(check)
    assert caught.value.code == "check-columns"


def test_samples_are_the_rows_that_fail_with_their_numbers() -> None:
    assert list(say(in_range("id", max=2)).sample) == [{"row": 2, "id": 3}, {"row": 3, "id": 4}]
    assert say(expression("id <> 3")).sample[0]["id"] == 3


def test_values_that_are_no_tables() -> None:
    assert say(in_range(min=0), 3.5).passed
    assert say(in_range(min=0, max=1), 3.5) == CheckResult(False, "it is 3.5")
    assert say(row_count(min=2), [1, 2]).passed
    assert not say(row_count(max=1), {"a": 1, "b": 2}).passed
    assert say(row_count(max=9), pd.DataFrame({"a": [1]})).passed


def test_an_expression_reaches_no_file(tmp_path: Any) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(duckdb.Error, match="disabled"):
        say(expression(f"id IN (SELECT a FROM read_csv('{tmp_path}/x.csv'))"))


NOTHING = {
    "no column": not_null,
    "no end": lambda: in_range("a"),
    "no number": row_count,
    "one with two": lambda: foreign_key("a", to="o", to_columns=["a", "b"]),
}


@pytest.mark.parametrize("make", NOTHING.values(), ids=NOTHING)
def test_a_check_that_says_nothing_is_refused_where_it_is_written(make: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()
    assert caught.value.code == "bad-check"


def test_versions_count_what_is_said_and_not_how_severe_it_is() -> None:
    assert version_of(in_range("a", min=0)) == version_of(in_range("a", min=0, severity="warn", name="x"))
    different = [in_range("a", min=0), in_range("a", max=0), in_range("b", min=0), in_range("a", min=1), not_null("a")]
    assert len({version_of(check) for check in different}) == len(different)


def past(*rows: int, every: timedelta = timedelta(days=1)) -> list[Measured]:
    return [
        Measured(at=NOW - every * (place + 1), key="", rows=count, metrics={"mean": float(count)})
        for place, count in enumerate(rows)
    ]


def test_volume_compares_with_enough_earlier_versions() -> None:
    steady = [1000, 1010, 990, 1005, 995, 1000, 1003, 998]
    assert say(volume(), rows=5, past=past(*steady[:6])).passed, "six are too few"
    assert not say(volume(), rows=5, past=past(*steady)).passed
    assert say(volume(), rows=1020, past=past(*steady)).passed
    wild = [*steady, 5, 90_000]
    assert not say(volume(), rows=5, past=past(*wild)).passed, "a few wild ones move neither median nor scale"


def test_volume_compares_with_the_same_weekday_first() -> None:
    weeks = [count for _ in range(8) for count in (10, 10, 100, 100, 100, 100, 100)]
    days = past(*weeks, every=timedelta(days=1))
    today = [each for each in days if each.at.weekday() == NOW.weekday()]
    assert say(volume(), rows=100, past=days).passed == (today[0].rows == 100)
    assert not say(volume(weekday=True), rows=10 if today[0].rows == 100 else 100, past=days).passed


def test_distribution_compares_a_statistic() -> None:
    steady = past(*[100] * 10)
    assert say(distribution("x"), pa.table({"x": [100.0, 100.0, None]}), past=steady).passed
    found = say(distribution("x"), pa.table({"x": [150.0, None]}), past=steady)
    assert (found.passed, dict(found.metrics)) == (False, {"mean": 150.0})
    assert dict(say(distribution("x", "null_share"), pa.table({"x": [1.0, None]})).metrics) == {"null_share": 0.5}
    assert say(distribution("x"), pa.table({"x": pa.array([], pa.float64())}), past=steady).passed


def test_calm_runs_raise_less_than_one_false_alarm_in_a_hundred() -> None:
    chance = random.Random(5)
    counts = [round(chance.gauss(10_000, 500)) for _ in range(1_000)]
    alarms = sum(
        not say(volume(), rows=counts[place], past=past(*counts[max(0, place - 30) : place][::-1])).passed
        for place in range(len(counts))
    )
    assert alarms < 10


numbers = st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=12)


@given(values=numbers, allowed=st.sets(st.integers(-5, 5)), other=numbers)
def test_column_checks_say_what_a_loop_over_the_rows_says(values: Any, allowed: Any, other: Any) -> None:
    table, target = (pa.table({"x": pa.array(column, pa.int64())}) for column in (values, other))
    there = [value for value in values if value is not None]
    assert say(not_null("x"), table).passed == (None not in values)
    assert say(unique("x"), table).passed == (len(set(there)) == len(there))
    assert say(in_set("x", allowed), table).passed == all(value in allowed for value in there)
    assert say(in_range("x", min=-2, max=3), table).passed == all(-2 <= value <= 3 for value in there)
    orphans = sum(value not in other for value in there)
    said = say(foreign_key("x", to="o"), table, target)
    assert said.passed == (orphans == 0)
    assert said.metrics["orphans"] == orphans
