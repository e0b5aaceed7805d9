"""How to test your own assets, shown on the flights: as plain functions, in memory, and as a whole project."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from assetflow.project import materialize
from assetflow.testing import ProjectForTests
from projects.flights import joined, statistics
from projects.flights.costs import DelayCosts


class FakeCosts(DelayCosts):
    """Every minute costs a dollar."""

    dollars_per_minute: float = 1.0


def some_flights(**columns: list[object]) -> pl.DataFrame:
    """A few flights; what a test does not say is the same for all."""
    rows = max(map(len, columns.values()))
    default = {"date": date(2013, 1, 1), "carrier": "UA", "dest": "BOS", "hour": 8, "tailnum": "N1"}
    return pl.DataFrame({**{name: [value] * rows for name, value in default.items()}, **columns})


def test_an_asset_is_a_plain_function() -> None:
    departed = some_flights(dep_delay=[0, 15, 16, 100])
    assert statistics.on_time_share(departed) == 0.5


def test_a_resource_is_replaced_by_a_fake_of_its_type() -> None:
    departed = some_flights(dep_delay=[-5, 10, 20])
    assert statistics.delay_cost(departed, FakeCosts()) == 30.0


def test_cancelled_and_departed_flights_are_all_flights() -> None:
    split = joined.departures(some_flights(dep_delay=[1, None, 3]))
    assert (split.departed.height, split.cancelled.height) == (2, 1)


def test_a_carrier_without_a_name_is_refused() -> None:
    airlines = pl.DataFrame({"carrier": ["AA"], "name": ["American"]})
    with pytest.raises(statistics.UnknownCarrier, match="UA"):
        statistics.carrier_delays(some_flights(dep_delay=[1]), airlines)


def test_a_piece_of_the_graph_runs_in_memory_on_given_values() -> None:
    result = materialize(
        [statistics.on_time_share, statistics.delay_cost],
        given={"departed": some_flights(dep_delay=[0, 30])},
        resources={"costs": FakeCosts()},
    )
    assert result.ok
    assert result[statistics.on_time_share] == 0.5
    assert result[statistics.delay_cost] == 30.0


@pytest.fixture
def project(assetflow_project: ProjectForTests) -> ProjectForTests:
    return assetflow_project.open(None, "projects.flights")


def test_the_whole_year_is_built_once_and_then_there_is_nothing_to_do(project: ProjectForTests) -> None:
    first = project.materialize()
    assert first.ok, [step.failure for step in first.steps if step.failure]
    assert project.load("flights").height == 336_776
    assert project.load("cancelled").height == 8_255
    assert project.load("on_time_share") == 0.7846
    assert project.load("worst_day") == {"day": date(2013, 3, 8), "departures": 799, "mean_delay": 83.5}
    assert project.load("report").startswith("<!doctype html>")
    assert project.load("report").count("<svg") == 6
    summer = project.load("month_figures", partition="2013-07")
    assert summer == {"scheduled": 29_425, "departed": 28_485, "on_time": 20_057, "delay": 618_916}
    assert project.load("carrier_day_delay", partition="day=2013-03-08,carrier=EV") == 146.0
    assert project.load("delay_so_far", partition="2013-12-31") == 4_152_200
    assert project.materialize().run is None
