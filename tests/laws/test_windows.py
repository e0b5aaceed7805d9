"""Windows of time against a walk over the clock, minute by minute, in which nothing is known of calendars.

The walk asks pandas what the clock of a zone shows at every minute around a change of it, and every quarter of an hour
in between. A window begins where the highest time that the clock has shown so far passes its boundary.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from assetflow.model.calendars import Calendar, Daily, Hourly, Monthly, Weekly

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
    "UTC",
]
FIRST, LAST = 1993, 2024


class Clock:
    """Minutes of UTC and what a zone's clock shows at them, both in minutes since 1970."""

    def __init__(self, zone: str) -> None:
        low, high = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) // 60 for year in (FIRST, LAST))
        rough = np.arange(low, high, 15, dtype=np.int64)
        changes = rough[1:][np.diff(self.shown(zone, rough) - rough) != 0]
        near = [np.arange(at - 2880, at + 2880, dtype=np.int64) for at in changes]
        every = np.sort(np.concatenate([rough, *near]))
        once = np.concatenate([[True], np.diff(every) > 0])
        self.utc = every[once & (every >= low) & (every < high)]
        self.local = self.shown(zone, self.utc)
        self.until = datetime.fromtimestamp(high * 60, UTC)

    @staticmethod
    def shown(zone: str, utc: Any) -> Any:  # arrays of integers
        index = pd.DatetimeIndex(utc.astype("datetime64[m]").astype("datetime64[s]")).tz_localize("UTC")
        return index.tz_convert(zone).tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64)

    def first_passed(self, boundaries: Any) -> Any:
        """Seconds since 1970 of the first minute at which the clock shows each boundary or more."""
        highest = np.maximum.accumulate(self.local)
        return self.utc[np.searchsorted(highest, boundaries)] * 60


def days(low: str, high: str) -> Any:
    return np.arange(np.datetime64(low), np.datetime64(high) + 1)


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone(zone: str) -> None:
    shown = Clock(zone)
    for offset in (0, 360, 150):
        days_weeks_and_months(zone, shown, offset)
    for offset in (0, 20):
        hours(zone, shown, offset)


def same(calendar: Calendar, shown: Clock, boundaries: Any, names: list[str]) -> None:
    keys = calendar.keys_until(shown.until)
    assert keys.windows is not None
    passed = shown.first_passed(boundaries)
    there = passed[1:] > passed[:-1]
    assert list(keys.windows.starts) == list(passed[:-1][there])
    assert list(keys.windows.ends) == list(passed[1:][there])
    assert list(keys) == [name for name, is_there in zip(names, there, strict=False) if is_there]


def days_weeks_and_months(zone: str, shown: Clock, offset: int) -> None:
    low, high = f"{FIRST}-02-01", f"{LAST - 1}-12-01"
    options: dict[str, Any] = {"tz": zone, "end": f"{LAST - 1}-12-02T00:00", "offset": timedelta(minutes=offset)}
    every = days(low, high)
    minutes = every.astype("datetime64[m]").astype(np.int64)
    if not offset:
        options["end"] = high
    same(Daily(low, **options), shown, minutes + offset, [str(day) for day in every])

    mondays = (every.astype(np.int64) + 3) % 7 == 0
    weeks = [f"{y}-W{w:02}" for y, w, _ in (day.isocalendar() for day in every[mondays].astype(object))]
    same(Weekly(low, **options), shown, minutes[mondays] + offset, weeks)

    firsts = [str(day).endswith("-01") for day in every]
    same(Monthly(low, **options), shown, minutes[firsts] + offset, [str(day)[:7] for day in every[firsts]])


def hours(zone: str, shown: Clock, offset: int) -> None:
    start = datetime(FIRST, 1, 3, tzinfo=UTC)
    local = shown.local - offset
    steps = np.diff(shown.utc)
    before = np.concatenate([[local[0] - 1], local[:-1] + steps - 1])  # what the clock showed a minute earlier
    shows = local % 60 == 0
    skips = (before + 1 < local) & (-(-(before + 1) // 60) * 60 < local)
    begins = (shows | skips) & (shown.utc * 60 >= start.timestamp())
    if offset:  # the walk sees only quarters of an hour where nothing changes
        near_changes(Hourly(start, tz=zone, offset=timedelta(minutes=offset)), shown, begins)
        return
    keys = Hourly(start, tz=zone).keys_until(shown.until)
    assert keys.windows is not None
    at = shown.utc[begins] * 60
    assert 0 <= len(at) - len(keys) <= 1  # the last hour may not have ended
    assert list(keys.windows.starts) == list(at[: len(keys)])
    assert list(keys.windows.ends[:-1]) == list(at[1 : len(keys)])
    offsets = (shown.local - shown.utc)[begins]
    for place in {*range(0, len(keys), 29), *(np.flatnonzero(np.diff(offsets)) + 1)} & {*range(len(keys))}:
        assert keys[place] == datetime.fromtimestamp(
            at[place], timezone(timedelta(minutes=int(offsets[place])))
        ).isoformat(timespec="minutes")
    assert len(set(keys)) == len(keys)


def near_changes(calendar: Hourly, shown: Clock, begins: Any) -> None:
    """Where the walk goes minute by minute, the windows are where it says."""
    keys = calendar.keys_until(shown.until)
    assert keys.windows is not None
    fine = np.concatenate([[False], np.diff(shown.utc) == 1])
    at = shown.utc * 60
    fine &= (at >= keys.windows.starts[0]) & (at < keys.windows.ends[-1])
    assert np.array_equal(np.isin(at[fine], np.asarray(keys.windows.starts)), begins[fine])


def test_days_that_are_short_long_or_not_there() -> None:
    def lengths(calendar: Calendar, until: str) -> dict[str, float]:
        keys = calendar.keys_until(datetime.fromisoformat(until).replace(tzinfo=ZoneInfo(calendar.tz)))
        assert keys.windows is not None
        pairs = zip(keys.windows.starts, keys.windows.ends, strict=True)
        return {key: (end - start) / 3600 for key, (start, end) in zip(keys, pairs, strict=True)}

    berlin = lengths(Daily("2024-01-01", tz="Europe/Berlin"), "2025-01-01")
    assert {key: hours for key, hours in berlin.items() if hours != 24} == {"2024-03-31": 23, "2024-10-27": 25}
    assert "2024-02-29" in berlin
    assert len(berlin) == 366
    assert lengths(Daily("2011-12-29", tz="Pacific/Apia"), "2012-01-01") == {"2011-12-29": 24, "2011-12-31": 24}
    assert list(lengths(Weekly("2026-12-21"), "2027-01-12")) == ["2026-W52", "2026-W53", "2027-W01"]
    howe = lengths(Hourly("2026-04-05", tz="Australia/Lord_Howe"), "2026-04-05T04:00")
    assert howe == {
        "2026-04-05T00:00+11:00": 1,
        "2026-04-05T01:00+11:00": 1.5,
        "2026-04-05T02:00+10:30": 1,
        "2026-04-05T03:00+10:30": 1,
    }
