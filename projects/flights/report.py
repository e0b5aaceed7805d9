"""What a person looks at."""

import polars as pl

from assetflow import Context, Text, asset
from projects.flights.drawing import bars
from projects.flights.statistics import Day

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
h1 { font-size: 1.6rem } figure { margin: 2rem 0 } figcaption { font-weight: 600; margin-bottom: .5rem }
svg text { font-size: 12px; fill: #47505c } svg rect { fill: #3b6ea8 } svg { width: 100%; height: auto }
dl { display: flex; gap: 2.5rem; flex-wrap: wrap } dt { color: #47505c } dd { margin: 0; font-size: 1.5rem }
"""


@asset(codec=Text(".html"), tags=["report"], owners=["operations@example.org"])
def report(
    ctx: Context,
    carrier_delays: pl.DataFrame,
    airport_delays: pl.DataFrame,
    hourly_delays: pl.DataFrame,
    weather_delays: pl.DataFrame,
    age_delays: pl.DataFrame,
    monthly_cancellations: pl.DataFrame,
    on_time_share: float,
    worst_day: Day,
    delay_cost: float,
    airports_shown: int = 12,
) -> str:
    """The year on one HTML page, without a script and without a network: ``assetflow open report`` shows it."""
    figures = {
        "on time": f"{on_time_share:.1%}",
        "worst day": f"{worst_day['day']:%d %B} ({worst_day['mean_delay']:g} min)",
        "cost of delay": f"${delay_cost / 1e6:,.0f} M",
    }
    shown = airport_delays.head(airports_shown)
    weather = weather_delays.with_columns(pl.when("wet").then(pl.lit("wet")).otherwise(pl.lit("dry")).alias("wet"))
    charts = [
        bars("Departures on time, by carrier", _rows(carrier_delays, "name", "on_time_share", scale=100), unit=" %"),
        bars("Mean delay, by hour of departure", _rows(hourly_delays, "hour", "mean_delay"), unit=" min"),
        bars("Mean delay, by destination", _rows(shown, "name", "mean_delay"), unit=" min"),
        bars("Mean delay, by age of the plane from", _rows(age_delays, "age_from", "mean_delay"), unit=" min"),
        bars("Flights cancelled, by month", _rows(monthly_cancellations, "month", "share", scale=100), unit=" %"),
        bars("Mean delay, in dry and in wet hours", _rows(weather, "wet", "mean_delay"), unit=" min"),
    ]
    ctx.metadata["charts"] = len(charts)
    summary = "".join(f"<div><dt>{name}</dt><dd>{figure}</dd></div>" for name, figure in figures.items())
    head = f"<head><meta charset='utf-8'><title>New York departures 2013</title><style>{STYLE}</style></head>"
    body = f"<body><h1>Departures from New York, 2013</h1><dl>{summary}</dl>{''.join(charts)}</body>"
    return f"<!doctype html><html lang='en'>{head}{body}</html>"


def _rows(table: pl.DataFrame, label: str, value: str, *, scale: float = 1) -> list[tuple[str, float]]:
    return [(str(row[label]), round(float(row[value]) * scale, 1)) for row in table.iter_rows(named=True)]
