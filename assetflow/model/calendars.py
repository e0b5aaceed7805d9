"""Time partitionings: windows that begin wherever the clock of a zone says so.

The rules are those of the local clock, never of a fixed length: a day is from midnight to midnight and has 23 or 25
hours where the clock is changed, and there is no day where the calendar skips one. A window begins at the first instant
at which the clock reaches or passes its boundary, and ends where the next one begins, so that there is no gap and no
overlap. An hour begins wherever the clock shows a full hour, in each offset, and where it jumps over one.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Protocol
from zoneinfo import available_timezones

from assetflow.errors import AssetflowError, nearest
from assetflow.model.cells import parted
from assetflow.model.clocks import (
    Span,
    at_instant,
    first_instant,
    instant_of,
    local_at,
    span_of,
    steady,
    zone_named,
)
from assetflow.model.durations import duration
from assetflow.model.keysets import Keys, Listed, Windows

__all__ = ["TEXT", "Calendar", "Daily", "Hourly", "KeyType", "Monthly", "Weekly"]

_DAY = 86_400
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OPEN_END = datetime.max.replace(tzinfo=UTC) - timedelta(days=366)


class _Dating(Protocol):
    """Of what is known where keys are asked for, this decides about windows of time."""

    @property
    def until(self) -> datetime: ...


@dataclass(frozen=True, init=False)
class Calendar(ABC):
    """What all time partitionings have in common. A key exists when its window has ended; with ``open``, at once.

    ``start`` and ``end`` (exclusive) are moved inwards to whole windows. ``tz`` names a zone. ``offset`` moves every
    boundary: with ``Daily(offset="6h")`` a day begins at six. ``exclude`` leaves out windows: weekdays (``"sat"``),
    keys and ranges of any granularity (``"2026-12-24..2026-12-26"``); a window is left out where it begins in one.
    """

    start: str
    end: str | None
    tz: str
    offset: timedelta
    exclude: tuple[str, ...]
    open: bool
    #: What is wrong with the above, told when the project is loaded.
    faults: tuple[str, ...] = field(compare=False, repr=False)

    def __init__(
        self,
        start: str | date | datetime,
        *,
        end: str | date | datetime | None = None,
        tz: str = "UTC",
        offset: timedelta | str = "0s",
        exclude: Iterable[str] = (),
        open: bool = False,
    ) -> None:
        faults: list[str] = []
        self._set(start=_time_text(start, "start", faults), end=None if end is None else _time_text(end, "end", faults))
        self._set(tz=tz, open=open)
        named: object = tz  # anything the user wrote
        if not isinstance(named, str):
            faults.append(f'tz={tz!r} is no name of a time zone: write "Europe/Berlin"')
        elif zone_named(tz) is None:
            faults.append(f"there is no time zone {tz!r}. {nearest(tz, available_timezones())}".rstrip(". "))
        try:
            self._set(offset=duration(offset))
        except AssetflowError as error:
            self._set(offset=timedelta())
            faults.append(f"offset: {error.message}")
        if self.offset.microseconds:
            faults.append(f"offset={offset!r} is no whole number of seconds")
        if isinstance(exclude, str) or not all(isinstance(each, str) for each in exclude):
            faults.append(f'exclude={exclude!r} is no list of texts: write exclude=("sat", "2026-12-25")')
            exclude = ()
        self._set(exclude=tuple(exclude))
        faults += [
            f"exclude: {each!r} is neither a weekday nor a time" for each in self.exclude if _excluded(each) is None
        ]
        if not faults and self.end is not None and not self._bounds()[0] < self._bounds()[1]:
            faults.append(f"it ends at {self.end}, which is not after its start {self.start}")
        self._set(faults=tuple(faults))

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    # What a partitioning is

    @property
    def text(self) -> str:
        """``daily(2026-01-01.., Europe/Berlin)``, and what else is not as usual."""
        said = [f"{self.start}..{self.end or ''}", self.tz]
        if self.offset:
            said.append(f"offset {self.offset.total_seconds():.0f}s")
        if self.exclude:
            said.append(f"without {' '.join(self.exclude)}")
        if self.open:
            said.append("open")
        return f"{self._name}({', '.join((*self._also, *said))})"

    @property
    def _name(self) -> str:
        return type(self).__name__.lower()

    @property
    def _also(self) -> tuple[str, ...]:
        return ()

    @property
    def keys_from(self) -> None:
        return None

    @property
    def calendar(self) -> object:
        """Equal for partitionings of which equal keys mean equal windows, wherever they start and end."""
        return type(self), self.tz, self.offset, self._also

    @property
    def rule(self) -> str:
        """All that decides where its windows are, but for start and end."""
        return f"{self._name} {self._also} {self.tz} {self.offset} {self.exclude}"

    @property
    def zone(self) -> tzinfo:
        return zone_named(self.tz) or UTC

    def keys(self, known: _Dating) -> Keys:
        """The keys whose windows have ended by then (``open``: have begun), oldest first."""
        return self.keys_until(known.until)

    def keys_until(self, until: datetime) -> Keys:
        """As :meth:`keys`, of which nothing else need be known."""
        return _keys(self, instant_of(until))

    def began(self, key: str) -> datetime:
        """When the window of a key begins, on the zone's clock."""
        return datetime.fromisoformat(key).astimezone(self.zone)

    def window(self, key: str) -> tuple[datetime, datetime]:
        """Start and end of the window of a key, on the zone's clock."""
        start = instant_of(self.began(key))
        began, _ = self.begins(start, start)
        end = at_instant(began[1], self.zone)
        return at_instant(start, self.zone), end

    # Where windows begin

    @abstractmethod
    def begins(self, low: int, high: int) -> tuple[list[int], list[str]]:
        """Where windows begin, and their keys: the first at or after ``low``, the last after ``high``, where the
        calendar goes on so far. Two that begin at once are told both: the first of them is empty.
        """

    def _bounds(self) -> tuple[int, int]:
        """Start and end in seconds since 1970."""
        zone = self.zone
        start, end = span_of(self.start), span_of(self.end) if self.end is not None else None
        if start is None:
            return 0, 0
        last = instant_of(_OPEN_END) if end is None else end.instants(zone)[0]
        return start.instants(zone)[0], last

    def listed(self, until: int) -> Listed:
        """As :meth:`keys`, from seconds since 1970."""
        low, last = self._bounds()
        high = min(last, until)
        began, names = self.begins(low, high) if low <= high else ([], [])
        there = bisect_right(began, until) if self.open else bisect_right(began, high) - 1
        there = max(0, min(there, bisect_right(began, last) - 1))
        starts, ends, names = began[:there], began[1 : there + 1], names[:there]
        wanted = self._wanted()
        if not wanted.all or len(set(began)) < len(began):
            kept = [place for place in range(there) if starts[place] < ends[place] and wanted(starts[place])]
            starts, ends = [starts[place] for place in kept], [ends[place] for place in kept]
            names = [names[place] for place in kept]
        return Listed(names, Windows(starts, ends, self.zone, self.rule, _Ahead(self, ends[-1] if ends else low)))

    def later(self, after: int, before: int, most: int) -> int:
        """How many windows begin at or after one instant and before another, at most so many, whatever the end."""
        if after >= before or not most:
            return 0
        began, _ = self.begins(after, before)
        wanted = self._wanted()
        return min(most, sum(1 for a, b in pairwise(began) if a < b and a < before and wanted(a)))

    def _wanted(self) -> _Wanted:
        return _Wanted(self.zone, self.exclude)


@dataclass(frozen=True, slots=True)
class _Ahead:
    calendar: Calendar
    after: int

    def __call__(self, end: int, most: int) -> int:
        return self.calendar.later(self.after, end, most)


class _Wanted:
    """Whether a window that begins then is not left out."""

    def __init__(self, zone: tzinfo, exclude: Iterable[str]) -> None:
        self._zone = zone
        found = [each for each in map(_excluded, exclude) if each is not None]
        self._weekdays = frozenset(each for each in found if isinstance(each, int))
        spans = [each for each in found if isinstance(each, tuple)]
        self.all = not found
        self._spans = [(first.instants(zone)[0], last.instants(zone)[1]) for first, last in spans]

    def __call__(self, start: int) -> bool:
        if self._weekdays and local_at(start, self._zone).weekday() in self._weekdays:
            return False
        return not any(low <= start < high for low, high in self._spans)


@functools.lru_cache(maxsize=16)
def _keys(calendar: Calendar, until: int) -> Listed:
    return calendar.listed(until)


def _time_text(value: object, name: str, faults: list[str]) -> str:
    text = value.isoformat() if isinstance(value, date) else value  # a datetime is a date
    if not isinstance(text, str) or span_of(text) is None:
        faults.append(f'{name}={value!r} is no time: write "2026-01-05"')
        return str(value)
    return text


def _excluded(text: str) -> int | tuple[Span, Span] | None:
    """A weekday, or the first and the last span of a range."""
    for day, name in enumerate(_WEEKDAYS):
        if len(text) >= 3 and name.startswith(text.lower()):
            return day
    low, dots, high = text.partition("..")
    first, last = span_of(low), span_of(high if dots else low)
    return None if first is None or last is None else (first, last)


@dataclass(frozen=True, slots=True)
class KeyType:
    """What a function gets for a key in a ``dict[K, T]``: its text, or what the text stands for."""

    #: ``text``, ``date``, ``datetime``, or ``tuple`` of the dimensions' values.
    kind: str = "text"
    calendar: Calendar | None = None

    def of(self, key: str) -> object:
        """One key, as the function gets it."""
        if self.kind == "tuple":
            return tuple((parted(key) or {}).values())
        if self.calendar is None:
            return key
        began = self.calendar.began(key)
        return began.date() if self.kind == "date" else began


#: Keys as they are.
TEXT = KeyType()


class _Dated(Calendar):
    """Windows that begin at midnights: each has a number, a date on which it begins, and a name."""

    @abstractmethod
    def number(self, day: date) -> int:
        """Of the window that a day lies in."""

    @abstractmethod
    def named(self, number: int) -> tuple[date, str]:
        """The day on which a window begins, and its key."""

    def began(self, key: str) -> datetime:
        span = span_of(key)
        assert span is not None, f"{key} is no key of {self.text}"
        at = first_instant(self.zone, span.start + self.offset)
        return at_instant(at, self.zone)

    def begins(self, low: int, high: int) -> tuple[list[int], list[str]]:
        zone = self.zone
        number = self.number((local_at(low, zone) - self.offset).date()) - 1
        began: list[int] = []
        labels: list[str] = []
        while not began or began[-1] <= high:
            try:
                day, label = self.named(number)
                at = first_instant(zone, datetime.combine(day, time()) + self.offset)
            except (ValueError, OverflowError):  # the calendar goes no further
                break
            number += 1
            if at >= low:
                began.append(at)
                labels.append(label)
        return began, labels


@dataclass(frozen=True, init=False)
class Daily(_Dated):
    """``partitions=Daily("2026-01-01", tz="Europe/Berlin")``: a partition a day, with keys like ``2026-01-05``."""

    def number(self, day: date) -> int:
        return day.toordinal()

    def named(self, number: int) -> tuple[date, str]:
        day = date.fromordinal(number)
        return day, day.isoformat()


@dataclass(frozen=True, init=False)
class Weekly(_Dated):
    """``partitions=Weekly("2026-01-01")``: a partition an ISO week, from Monday on, with keys like ``2026-W02``."""

    def number(self, day: date) -> int:
        return (day.toordinal() - 1) // 7

    def named(self, number: int) -> tuple[date, str]:
        day = date.fromordinal(number * 7 + 1)
        year, week, _ = day.isocalendar()
        return day, f"{year:04}-W{week:02}"


@dataclass(frozen=True, init=False)
class Monthly(_Dated):
    """``partitions=Monthly("2026-01")``: a partition a month, with keys like ``2026-01``."""

    def number(self, day: date) -> int:
        return day.year * 12 + day.month - 1

    def named(self, number: int) -> tuple[date, str]:
        day = date(number // 12, number % 12 + 1, 1)
        return day, f"{day.year:04}-{day.month:02}"


@dataclass(frozen=True, init=False)
class Hourly(Calendar):
    """``partitions=Hourly("2026-01-01", tz="Europe/Berlin")``: a partition an hour of the zone's clock.

    Keys are like ``2026-01-05T13:00+01:00``; the offset keeps an hour that the clock shows twice apart.
    """

    def begins(self, low: int, high: int) -> tuple[list[int], list[str]]:
        past_hour = int(self.offset.total_seconds()) % 3600
        began: list[int] = []
        labels: list[str] = []
        for start, end, offset, jumped in steady(self.zone, low - 1, high + 2 * _DAY):
            if jumped is not None and _passes_hour(start + jumped - past_hour, start + offset - past_hour):
                began.append(start)
                labels.append(_hour_name(start, offset))
            first = start + (past_hour - start - offset) % 3600
            if began and first == began[-1]:
                first += 3600
            began.extend(range(first, end, 3600))
            labels.extend(_hour_names(first, end, offset))
        first, last = bisect_left(began, low), bisect_right(began, high) + 1
        return began[first:last], labels[first:last]


def _passes_hour(before: int, after: int) -> bool:
    """Whether a clock that is set from one time to another skips a full hour."""
    return before < after and -(-before // 3600) * 3600 < after


def _hour_name(at: int, offset: int) -> str:
    local = at_instant(at, timezone(timedelta(seconds=offset)))
    return local.isoformat(timespec="minutes" if local.second == 0 else "seconds")


def _hour_names(first: int, end: int, offset: int) -> Iterable[str]:
    if first >= end:
        return ()
    tail = _hour_name(first, offset)[13:]  # minutes, seconds and offset are those of the whole stretch
    hours = [f"T{hour:02}{tail}" for hour in range(24)]
    names: list[str] = []
    local = first + offset
    day, hour = divmod(local, _DAY)
    hour //= 3600
    epoch = date(1970, 1, 1).toordinal()
    left = -((first - end) // 3600)
    while left > 0:
        text = date.fromordinal(epoch + day).isoformat()
        part = hours[hour : hour + left]
        names.extend([text + each for each in part])
        left -= len(part)
        day, hour = day + 1, 0
    return names
