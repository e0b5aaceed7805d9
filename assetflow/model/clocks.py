"""The clock of a zone, and the times that users write.

Instants are whole seconds since 1970 in UTC; a local time is what the clock of a zone shows.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Span", "at_instant", "first_instant", "instant_of", "local_at", "span_of", "steady", "zone_named"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: How long the clock of a zone surely goes on without being changed twice.
_STEADY = 6 * 3600


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a user wrote: on whatever clock it is read by, or at an offset of its own."""

    start: datetime
    end: datetime

    def instants(self, zone: tzinfo) -> tuple[int, int]:
        """Its bounds in seconds since 1970."""
        return _instant(self.start, zone), _instant(self.end, zone)


_YEAR = re.compile(r"(\d{4})\Z")
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")
_WEEK = re.compile(r"(\d{4})-W(\d{2})\Z")
_HOUR = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}\Z")


def span_of(text: str) -> Span | None:
    """The year, month, week, day, hour or instant that a text names; None where it names none.

    ``2026``, ``2026-01``, ``2026-W02``, ``2026-01-05``, ``2026-01-05T13``, ``2026-01-05T13:00``, the latter also with
    an offset as in ``2026-01-05T13:00+01:00``. An instant is taken to last one second.
    """
    try:
        if found := _YEAR.match(text):
            year = int(found[1])
            return Span(datetime(year, 1, 1), datetime(year + 1, 1, 1))
        if found := _MONTH.match(text):
            return Span(_month(int(found[1]), int(found[2])), _month(int(found[1]), int(found[2]) + 1))
        if found := _WEEK.match(text):
            monday = datetime.combine(date.fromisocalendar(int(found[1]), int(found[2]), 1), time())
            return Span(monday, monday + timedelta(days=7))
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), time())
            return Span(day, day + timedelta(days=1))
        if _HOUR.match(text):
            hour = datetime.fromisoformat(text + ":00")
            return Span(hour, hour + timedelta(hours=1))
        if len(text) > 10 and text[10] in "T ":
            at = datetime.fromisoformat(text)
            return Span(at, at + timedelta(seconds=1))
    except (ValueError, OverflowError):
        return None
    return None


def _month(year: int, month: int) -> datetime:
    if not 1 <= month <= 13:
        raise ValueError(month)
    return datetime(year + month // 13, (month - 1) % 12 + 1, 1)


def _instant(at: datetime, zone: tzinfo) -> int:
    if at.tzinfo is not None:
        return instant_of(at)
    return first_instant(zone, min(max(at, _FIRST), _LAST))


#: The local times that every zone has in UTC, too.
_FIRST, _LAST = datetime(1, 1, 3), datetime(9999, 12, 29)


def first_instant(zone: tzinfo, local: datetime) -> int:
    """The first instant, in seconds since 1970, at which the zone's clock reaches or passes a local time."""
    at = instant_of(local.replace(tzinfo=zone, fold=0))
    if local_at(at, zone) == local:
        return at
    before, after = instant_of(local.replace(tzinfo=zone, fold=1)), at  # it is skipped: find where the clock jumps
    while after - before > 1:
        middle = (before + after) // 2
        if local_at(middle, zone) >= local:
            after = middle
        else:
            before = middle
    return after


def instant_of(at: datetime) -> int:
    """The instant of an aware time."""
    return int((at - _EPOCH) // timedelta(seconds=1))


def at_instant(seconds: int, zone: tzinfo = UTC) -> datetime:
    """What the clock of a zone shows at an instant, as an aware time."""
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)


def local_at(seconds: int, zone: tzinfo) -> datetime:
    """The same, without the zone."""
    return at_instant(seconds, zone).replace(tzinfo=None, fold=0)


@functools.lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of a name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def steady(zone: tzinfo, low: int, high: int) -> Iterator[tuple[int, int, int, int | None]]:
    """The stretches of time in which a zone keeps its offset: start, end, the offset in seconds, and the one before."""
    start, before = low, None
    offset = _offset(zone, low)
    at = low
    while at < high:
        ahead = min(at + _STEADY, high)
        if _offset(zone, ahead) == offset:
            at = ahead
            continue
        lower, upper = at, ahead
        while upper - lower > 1:
            middle = (lower + upper) // 2
            if _offset(zone, middle) == offset:
                lower = middle
            else:
                upper = middle
        yield start, upper, offset, before
        start, before, offset, at = upper, offset, _offset(zone, upper), upper
    yield start, high, offset, before


def _offset(zone: tzinfo, at: int) -> int:
    found = zone.utcoffset(at_instant(at, zone))
    return 0 if found is None else int(found.total_seconds())
