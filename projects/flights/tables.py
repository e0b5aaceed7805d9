"""Cleaned tables: one row a thing, right types, no text that means "nothing". What their rows are is said in ``rows``,
and every table is held to it before anyone sees it.
"""

import zipfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import polars as pl

from assetflow import asset, foreign_key, row_count
from projects.flights.rows import Flight, Plane, Weather

NOTHING = ["NA", ""]


@asset(tags=["clean"], checks=[row_count(min=300_000), foreign_key("carrier", to="airlines")])
def flights(flights_file: Path) -> Annotated[pl.DataFrame, Flight]:
    """Every scheduled departure from New York in 2013; ``dep_delay`` is null where it was cancelled."""
    with zipfile.ZipFile(flights_file) as archive:
        raw = pl.read_csv(archive.read("flights.csv"), null_values=NOTHING, infer_schema_length=None)
    return raw.select(
        pl.date("year", "month", "day").alias("date"),
        pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC"),
        pl.col("hour").cast(pl.Int8),
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "dep_delay",
        "arr_delay",
        "distance",
    )


@asset(tags=["clean"])
def weather(weather_file: Path) -> Annotated[pd.DataFrame, Weather]:
    """Weather by airport and hour, one row each."""
    raw = pd.read_csv(weather_file, na_values=NOTHING, parse_dates=["time_hour"])
    columns = ["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
    return raw[columns].drop_duplicates(["origin", "time_hour"]).reset_index(drop=True)


@asset(tags=["clean"])
def planes(planes_file: Path) -> Annotated[pl.DataFrame, Plane]:
    """Planes by tail number, with the year they were built where it is known."""
    raw = pl.read_csv(planes_file, null_values=NOTHING)
    return raw.select("tailnum", pl.col("year").alias("built"), "manufacturer", "model", "seats")
