"""The year day by day: each day by itself, rolled up into weeks and months, and carried along from day to day."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, TypedDict

import polars as pl

from assetflow import Context, Daily, In, Monthly, Previous, Product, Rolling, Static, Weekly, asset, in_range
from projects.flights.delays import on_time
from projects.flights.rows import DepartureOfDay

#: The airports' days: the clock of New York is changed twice a year.
DAYS = Daily("2013-01-01", end="2014-01-01", tz="America/New_York")
WEEKS = Weekly("2013-01-01", end="2014-01-01", tz="America/New_York")
MONTHS = Monthly("2013-01", end="2014-01", tz="America/New_York")
CARRIERS = Static("EV", "UA")

daily = asset.using(partitions=DAYS, tags=["daily"])


class Figures(TypedDict):
    """Some days in figures; delays in minutes, of the flights that departed."""

    scheduled: int
    departed: int
    on_time: int
    delay: int


def added(days: Iterator[Figures]) -> Figures:
    """The figures of several days."""
    total = Figures(scheduled=0, departed=0, on_time=0, delay=0)
    for day in days:
        total = Figures(
            scheduled=total["scheduled"] + day["scheduled"],
            departed=total["departed"] + day["departed"],
            on_time=total["on_time"] + day["on_time"],
            delay=total["delay"] + day["delay"],
        )
    return total


@asset(partitions=MONTHS, tags=["daily"])
def month_departures(ctx: Context, flights: Annotated[pl.LazyFrame, DepartureOfDay]) -> pl.DataFrame:
    """The departures that were scheduled for a month: what a day is taken from, so that a change stays in its month."""
    window = ctx.partition.window
    of_month = pl.col("date").is_between(window.start.date(), window.end.date(), closed="left")
    return flights.filter(of_month).collect()


@asset(partitions=DAYS, batch=True, key_column="date", tags=["daily"])
def day_departures(ctx: Context, month_departures: pl.DataFrame) -> pl.DataFrame:
    """The departures that were scheduled for each day: of as many days as are to be made, by one call."""
    days = [each.date for each in ctx.batch]
    return month_departures.filter(pl.col("date").is_in(days)).select("date", "carrier", "dep_delay")


@daily
def day_figures(day_departures: pl.DataFrame) -> Figures:
    """A day in figures."""
    departed = day_departures.filter(pl.col("dep_delay").is_not_null())
    return Figures(
        scheduled=day_departures.height,
        departed=departed.height,
        on_time=int(departed.select(on_time().sum()).item()),
        delay=int(departed["dep_delay"].sum()),
    )


@asset(partitions=Product(day=DAYS, carrier=CARRIERS), tags=["daily"])
def carrier_day_delay(ctx: Context, day_departures: pl.DataFrame) -> float | None:
    """How late the flights of one of the two largest carriers departed on a day, on average."""
    own = day_departures.filter(pl.col("carrier") == ctx.partition.keys["carrier"])
    mean = own["dep_delay"].mean()
    return None if mean is None else round(float(str(mean)), 1)


@asset(partitions=WEEKS, tags=["daily"])
def week_figures(day_figures: Iterator[Figures]) -> Figures:
    """A week in figures, from Monday on."""
    return added(day_figures)


@asset(partitions=MONTHS, tags=["daily"])
def month_figures(day_figures: Iterator[Figures]) -> Figures:
    """A month in figures."""
    return added(day_figures)


@asset(partitions=DAYS, tags=["daily"], checks=[in_range(min=0, max=1)])
def on_time_trend(day_figures: Annotated[dict[date, Figures], In(partitions=Rolling(28))]) -> float:
    """The share of departures that were on time, over the last four weeks."""
    total = added(iter(day_figures.values()))
    return round(total["on_time"] / total["departed"], 4)


@daily
def delay_so_far(day_figures: Figures, delay_so_far: Annotated[int, In(partitions=Previous())] = 0) -> int:
    """All delays since New Year, in minutes: yesterday's figure, and today's delay."""
    return delay_so_far + day_figures["delay"]
