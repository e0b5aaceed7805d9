"""Time, behind one small object, so that tests turn the clock themselves."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["REAL", "RealWorld", "World"]


class World(Protocol):
    """What a run asks of the outside."""

    def now(self) -> datetime:
        """The instant, in UTC: for display and records, never for order."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for durations and deadlines."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let that much time pass. A signal handler that raises ends it."""
        ...


class RealWorld:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


REAL = RealWorld()
