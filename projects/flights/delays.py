"""What a delay is. Plain functions over polars expressions, used by several assets."""

import polars as pl

from projects.flights.rules import ON_TIME_MINUTES


def on_time() -> pl.Expr:
    """Whether a flight that departed did so on time."""
    return pl.col("dep_delay") <= ON_TIME_MINUTES


def delay_summary() -> list[pl.Expr]:
    """The columns that every ranking of delays shows, over the flights that departed."""
    return [
        pl.len().alias("departures"),
        pl.col("dep_delay").mean().round(2).alias("mean_delay"),
        pl.col("dep_delay").median().alias("median_delay"),
        on_time().mean().round(4).alias("on_time_share"),
    ]
