"""A few assets in memory, and the tools for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pytest

from assetflow import Context, File, Resource, Retry, Skip, asset, multi_asset, source, sql_asset
from assetflow.errors import Mistakes
from assetflow.project import materialize
from assetflow.testing import ProjectForTests, context


class Greeter(Resource):
    word: str = "hello"

    def greet(self, name: str) -> str:
        return f"{self.word} {name}"


class Halves(NamedTuple):
    low: list[int]
    high: list[int]


raw = source("raw", File("nowhere/raw.csv"), type=pa.Table)


@asset
def numbers(raw: pa.Table) -> list[int]:
    return raw["n"].to_pylist()


@asset
def greeting(numbers: list[int], greeter: Greeter) -> str:
    return greeter.greet(str(len(numbers)))


@multi_asset
def halves(numbers: list[int]) -> Halves:
    return Halves([n for n in numbers if n < 5], [n for n in numbers if n >= 5])


@asset(retry=Retry(3, delay="10s", jitter=False))
def shaky() -> int:
    return 7


@asset(max_age="1h")
def hourly() -> int:
    return 1


@asset
def counted(ctx: Context) -> int:
    ctx.state["times"] = ctx.state.get("times", 0) + 1
    ctx.metadata["note"] = "counted"
    return int(ctx.state["times"])


@asset
def nothing_new() -> str:
    raise Skip("no new files")


TABLE = pa.table({"n": [1, 7, 9]})


def test_given_values_stand_in_for_sources_and_assets() -> None:
    result = materialize([greeting, halves], given={raw: TABLE})
    assert result[greeting] == "hello 3"
    assert result["high"] == [7, 9]
    assert materialize([greeting], given={numbers: [1]})[greeting] == "hello 1"


def test_a_fake_resource_is_used_and_a_wrong_one_refused() -> None:
    class Loud(Greeter):
        word: str = "HELLO"

    assert materialize([greeting], given={numbers: []}, resources={"greeter": Loud()})[greeting] == "HELLO 0"
    with pytest.raises(Mistakes) as caught:
        materialize([greeting], given={numbers: []}, resources={"greeter": object()})
    assert caught.value.errors[0].code == "resource-mismatch"


def test_a_given_value_of_the_wrong_type_fails_as_the_asset_would() -> None:
    result = materialize([greeting], given={numbers: ["x"]})
    assert not result.ok
    (failed,) = [step for step in result.steps if step.failure]
    assert failed.failure is not None
    assert failed.failure.type == "ValueMismatch"


def test_the_clock_can_be_set() -> None:
    moment = datetime(2020, 2, 29, tzinfo=UTC)
    result = materialize([shaky], at=moment)
    assert {step.at for step in result.steps} == {moment}


@pytest.fixture
def project(assetflow_project: ProjectForTests) -> ProjectForTests:
    return assetflow_project.use(shaky, hourly, counted, nothing_new)


def test_the_third_attempt_works_and_no_time_passes(project: ProjectForTests) -> None:
    project.fail(shaky, attempts=2, error=TimeoutError("busy"))
    (step,) = project.materialize(shaky).steps
    assert (step.outcome, step.attempts) == ("materialized", 3)
    assert [wait for wait in project.clock.slept if wait >= 1] == [10, 20]


def test_a_permanent_failure_is_not_tried_again_until_it_is_named(project: ProjectForTests) -> None:
    project.fail(hourly, error=ValueError("no"))
    assert not project.materialize(hourly).ok
    assert project.plan("hour*").steps == ()
    assert project.materialize(hourly).ok


def test_what_is_too_old_expires_when_the_clock_is_turned(project: ProjectForTests) -> None:
    project.materialize(hourly)
    assert project.plan(hourly).steps == ()
    project.clock.advance("61m")
    (step,) = project.plan(hourly).steps
    assert step.causes[0].kind == "expired"


def test_state_belongs_to_the_value_and_goes_on(project: ProjectForTests) -> None:
    for expected in (1, 2, 3):
        project.materialize(counted, force=True)
        assert project.load(counted) == expected


def test_a_skipped_step_is_no_failure_and_is_answered(project: ProjectForTests) -> None:
    result = project.materialize(nothing_new)
    assert result.ok
    assert result.steps[0].outcome == "skipped"
    assert project.plan("nothing_*").steps == ()


def test_a_plain_context_serves_plain_calls() -> None:
    ctx: Any = context(partition="a", state={"times": 4})
    assert counted(ctx) == 5
    assert ctx.metadata == {"note": "counted"}
    assert ctx.partition.key == "a"
    ctx.scratch.joinpath("x").write_text("x")


def test_a_query_is_made_of_given_tables_and_read_by_its_declaration(assetflow_project: ProjectForTests) -> None:
    @asset
    def measures() -> pl.DataFrame:
        return pl.DataFrame({"n": [1, 2, 3]})

    summed = sql_asset("summed", "select sum(n) as total from measures where n >= $least", parameters={"least": 2})
    result = materialize([summed], given={measures: pl.DataFrame({"n": [5, 1]})})
    assert result.ok
    assert result[summed].to_pylist() == [{"total": 5}]
    result = materialize([summed, measures], sets=["least=3"])
    assert result[summed].to_pylist() == [{"total": 3}]
    project = assetflow_project.use(measures, summed)
    assert project.materialize(summed).ok
    assert project.load(summed).to_pylist() == [{"total": 5}]
    assert project.plan(summed).steps == ()
    project.fail(summed)
    failed = project.materialize(summed, force=True)
    assert not failed.ok
    assert project.materialize(summed, force=True).ok
