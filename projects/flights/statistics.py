"""What the flights say, counted."""

from datetime import date
from typing import Annotated, TypedDict

import pandas as pd
import polars as pl

from assetflow import asset, in_range, unique
from projects.flights.costs import DelayCosts
from projects.flights.delays import delay_summary, on_time
from projects.flights.rows import Delay, DelayOfDay, DelayOfHour
from projects.flights.rules import ENOUGH_DEPARTURES, WET_INCHES


class UnknownCarrier(ValueError):
    """A flight names a carrier that the list of airlines does not have."""


class Day(TypedDict):
    """One day in figures."""

    day: date
    departures: int
    mean_delay: float


@asset(tags=["statistics"], owners=["operations@example.org"])
def carrier_delays(departed: pl.DataFrame, airlines: pl.DataFrame) -> pl.DataFrame:
    """Delays by carrier, the most punctual first. No flight may belong to an unknown carrier."""
    unknown = set(departed["carrier"]) - set(airlines["carrier"])
    if unknown:
        raise UnknownCarrier(f"carriers without a name: {', '.join(sorted(unknown))}")
    summary = departed.group_by("carrier").agg(delay_summary())
    ranked = summary.filter(pl.col("departures") >= ENOUGH_DEPARTURES).join(airlines, on="carrier")
    return ranked.sort("on_time_share", "carrier", descending=[True, False])


@asset(tags=["statistics"])
def airport_delays(departed: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Delays by destination, with its name and place."""
    summary = departed.group_by("dest").agg(delay_summary()).filter(pl.col("departures") >= ENOUGH_DEPARTURES)
    places = airports.select(pl.col("faa").alias("dest"), "name", "lat", "lon")
    return summary.join(places, on="dest").sort("mean_delay", "dest", descending=[True, False])


@asset(tags=["statistics"])
def hourly_delays(departed: Annotated[pd.DataFrame, DelayOfHour]) -> pd.DataFrame:
    """Mean delay by the hour of scheduled departure: it grows through the day."""
    by_hour = departed.groupby("hour")["dep_delay"]
    return pd.DataFrame({"mean_delay": by_hour.mean().round(2), "departures": by_hour.size()}).reset_index()


@asset(tags=["statistics"])
def weather_delays(departed_in_weather: pl.DataFrame) -> pl.DataFrame:
    """Delays in dry and in wet hours."""
    wet = (pl.col("precip") > WET_INCHES).alias("wet")
    return departed_in_weather.group_by(wet).agg(delay_summary()).sort("wet")


@asset(tags=["statistics"])
def age_delays(departed_by_plane: pl.DataFrame) -> pl.DataFrame:
    """Delays by the age of the plane, in steps of five years."""
    step = (pl.col("age") // 5 * 5).alias("age_from")
    return departed_by_plane.group_by(step).agg(delay_summary()).sort("age_from")


@asset(tags=["statistics"], checks=[unique("month"), in_range("share", min=0, max=1)])
def monthly_cancellations(flights: pl.DataFrame, cancelled: pl.DataFrame) -> pl.DataFrame:
    """The share of flights that were cancelled, by month."""
    month = pl.col("date").dt.month().alias("month")
    scheduled = flights.group_by(month).agg(pl.len().alias("scheduled"))
    lost = cancelled.group_by(month).agg(pl.len().alias("cancelled"))
    share = (pl.col("cancelled") / pl.col("scheduled")).round(4).alias("share")
    return scheduled.join(lost, on="month", how="left").with_columns(share).sort("month")


@asset(tags=["statistics"], checks=[in_range(min=0, max=1)])
def on_time_share(departed: Annotated[pl.DataFrame, Delay]) -> float:
    """The share of all departures that were on time."""
    return round(float(departed.select(on_time().mean()).item()), 4)


@asset(tags=["statistics"])
def worst_day(departed: Annotated[pl.DataFrame, DelayOfDay]) -> Day:
    """The day with the longest mean delay."""
    by_day = departed.group_by("date").agg(pl.len().alias("departures"), pl.col("dep_delay").mean().alias("mean"))
    worst = by_day.sort("mean", "date", descending=[True, False]).row(0, named=True)
    return Day(day=worst["date"], departures=worst["departures"], mean_delay=round(worst["mean"], 1))


@asset(tags=["statistics"])
def delay_cost(departed: Annotated[pl.DataFrame, Delay], costs: DelayCosts) -> float:
    """What all late departures of the year cost, in dollars."""
    minutes = departed.filter(pl.col("dep_delay") > 0)["dep_delay"].sum()
    return round(costs.of(float(minutes)), 2)
