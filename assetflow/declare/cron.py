"""Partitions that begin whenever a cron expression fires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cronsim import CronSim, CronSimError

from assetflow.model.calendars import Calendar
from assetflow.model.clocks import at_instant, instant_of

__all__ = ["Cron"]

_ANY_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, init=False)
class Cron(Calendar):
    """``partitions=Cron("0 6 * * mon-fri", "2026-01-01", tz="Europe/Berlin")``: from one time it fires to the next.

    The five fields mean what they mean to Debian's cron: a job at fixed times runs once where the clock is changed, one
    with a ``*`` in its minutes or hours follows the time that goes by. Keys are like ``2026-01-05T06:00+01:00``.
    """

    expression: str

    def __init__(
        self,
        expression: str,
        start: str | date | datetime,
        *,
        end: str | date | datetime | None = None,
        tz: str = "UTC",
        exclude: Iterable[str] = (),
        open: bool = False,
    ) -> None:
        self._set(expression=expression)
        super().__init__(start, end=end, tz=tz, exclude=exclude, open=open)
        if (wrong := _wrong(expression)) is not None:
            self._set(faults=(*self.faults, wrong))

    @property
    def _also(self) -> tuple[str, ...]:
        return (self.expression,)

    def begins(self, low: int, high: int) -> tuple[list[int], list[str]]:
        fields = _NAMED.get(self.expression, self.expression)
        began: list[int] = []
        names: list[str] = []
        for at in CronSim(fields, at_instant(low - 1, self.zone)):
            began.append(instant_of(at))
            names.append(at.isoformat(timespec="minutes"))
            if began[-1] > high:
                break
        return began, names


def _wrong(expression: object) -> str | None:
    """What is wrong with an expression."""
    if not isinstance(expression, str):
        return f"Cron({expression!r}) is no cron expression"
    fields = _NAMED.get(expression, expression)
    if len(fields.split()) != 5:
        return f"Cron({expression!r}) does not have the five fields minute, hour, day, month, weekday"
    try:
        CronSim(fields, _ANY_DAY)
    except CronSimError as error:
        return f"Cron({expression!r}): {error}"
    return None
