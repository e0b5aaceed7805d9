"""Durations as people write them: ``"90s"``, ``"5m"``, ``"1.5h"``."""

from __future__ import annotations

import re
from datetime import timedelta

from assetflow.errors import DefinitionError

__all__ = ["duration", "duration_text"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\Z")


def duration(value: timedelta | str | float) -> timedelta:
    """The time span meant by a timedelta, a text in ``ms s m h d w``, or the number 0.

    Raises DefinitionError ``bad-duration`` for anything else and for what is negative.
    """
    if isinstance(value, str) and (match := _TEXT.match(value.strip())):
        return timedelta(seconds=float(match.group(1)) * _UNITS[match.group(2)])
    if isinstance(value, timedelta) and value >= timedelta():
        return value
    if isinstance(value, int | float) and value == 0:
        return timedelta()
    raise DefinitionError(
        "bad-duration", f"{value!r} is not a duration", hint='write it as "250ms", "30s", "5m", "1h", "2d" or "1w"'
    )


def duration_text(seconds: float) -> str:
    """Seconds for a person: ``0.42s``, ``41s``, ``3m 20s``, ``2h 5m``."""
    if seconds < 9.95:
        return f"{seconds:.2f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"
