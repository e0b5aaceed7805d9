"""Tables put together."""

from typing import NamedTuple

import duckdb
import polars as pl

from assetflow import Context, asset, check, multi_asset


class Split(NamedTuple):
    """Departures in two: those that took place and those that did not."""

    departed: pl.DataFrame
    cancelled: pl.DataFrame


@multi_asset
def departures(flights: pl.DataFrame) -> Split:
    """One pass over the flights, two tables, published together."""
    took_place = pl.col("dep_delay").is_not_null()
    return Split(departed=flights.filter(took_place), cancelled=flights.filter(~took_place))


@check(departures)
def no_flight_is_lost(flights: pl.DataFrame, departed: pl.DataFrame, cancelled: pl.DataFrame) -> bool:
    """Every flight either departed or was cancelled."""
    return departed.height + cancelled.height == flights.height


@asset(tags=["joined"])
def departed_in_weather(
    ctx: Context, departed: duckdb.DuckDBPyRelation, weather: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """Departures with the weather of their hour, joined by DuckDB without leaving Arrow."""
    ctx.metadata["joined on"] = "origin, time_hour"
    conditions = weather.select("origin, time_hour, precip, visib, wind_speed")
    return departed.join(conditions, "origin, time_hour").order("time_hour, carrier, flight, origin")


@asset(tags=["joined"])
def departed_by_plane(departed: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Departures with the age of the plane in years, where it is known."""
    age = (pl.col("date").dt.year() - pl.col("built")).alias("age")
    return departed.join(planes, on="tailnum", how="inner").filter(pl.col("built").is_not_null()).with_columns(age)
