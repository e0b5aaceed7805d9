"""Statistics asked as queries: of each route, and of each hour beside its wind."""

from __future__ import annotations

from assetflow import sql_asset, unique

routes = sql_asset(
    "routes",
    """
    select
        origin,
        dest,
        count(*) as flights,
        count(*) - count(dep_delay) as cancelled,
        avg(dep_delay) as mean_delay,
        max(distance) as distance
    from flights
    group by origin, dest
    having count(*) >= $least
    order by flights desc, origin, dest
    """,
    description="Each route with its flights, those that did not leave, and how late the others were.",
    tags=["statistics"],
    parameters={"least": 30},
    checks=[unique("origin", "dest")],
)

windy_hours = sql_asset(
    "windy_hours",
    """
    select hour, avg(dep_delay) as mean_delay, avg(wind_speed) as mean_wind
    from flights join weather using (origin, time_hour)
    where dep_delay is not null and wind_speed is not null
    group by hour
    order by hour
    """,
    description="How late flights leave at each hour of the day, beside the wind that blows then.",
    tags=["statistics"],
)
