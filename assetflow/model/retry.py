"""Which failures may heal, and when to try again. Decisions are values; nothing here sleeps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from assetflow.errors import DefinitionError
from assetflow.model.durations import duration

__all__ = ["TRANSIENT", "FailureClass", "Retry", "Transient"]


class FailureClass(StrEnum):
    """Why a step failed, as far as that decides what helps."""

    #: May heal by itself: a time-out, a dropped connection, too many requests.
    TRANSIENT = "transient"
    #: Will fail again until the asset or its surroundings change.
    PERMANENT = "permanent"
    #: A value is not what its type or a check says.
    DATA = "data"
    #: The code cannot run at all: import, name, syntax.
    CODE = "code"
    #: The machine: disk full, killed worker, locked catalog.
    INFRASTRUCTURE = "infrastructure"


class Transient:
    """Stands in ``Retry(on=...)`` for every failure that is transient by default."""


RetryOn: TypeAlias = type[BaseException] | type[Transient]

#: The default of ``Retry(on=...)``; ``on=(*TRANSIENT, MyError)`` adds to it.
TRANSIENT: tuple[RetryOn, ...] = (Transient,)


@dataclass(frozen=True, slots=True, init=False)
class Retry:
    """How often and how patiently to try again.

    ``Retry(4)`` tries four times in all, waiting 1 s, 2 s and 4 s (each with up to as much again by chance when
    ``jitter``), never longer than ``max_delay``. Raises DefinitionError ``bad-retry`` for fewer than one attempt.
    """

    attempts: int
    delay: timedelta
    factor: float
    max_delay: timedelta
    jitter: bool
    on: tuple[RetryOn, ...]

    def __init__(
        self,
        attempts: int,
        *,
        delay: timedelta | str = "1s",
        factor: float = 2,
        max_delay: timedelta | str = "60s",
        jitter: bool = True,
        on: RetryOn | Sequence[RetryOn] = TRANSIENT,
    ) -> None:
        if attempts < 1 or factor < 1:
            raise DefinitionError("bad-retry", f"Retry needs attempts ≥ 1 and factor ≥ 1, got {attempts} and {factor}")
        object.__setattr__(self, "attempts", attempts)
        object.__setattr__(self, "delay", duration(delay))
        object.__setattr__(self, "factor", factor)
        object.__setattr__(self, "max_delay", duration(max_delay))
        object.__setattr__(self, "jitter", jitter)
        object.__setattr__(self, "on", tuple(on) if isinstance(on, Sequence) else (on,))

    def wait(self, failed_attempts: int, *, seed: str) -> timedelta:
        """How long to wait after that many failed attempts (1, 2, …), before the next.

        The seed makes the jitter the same each time it is asked, so that tests are exact.
        """
        base = min(self.delay * self.factor ** min(failed_attempts - 1, 64), self.max_delay)
        if self.jitter:
            base += base * random.Random(f"{seed}:{failed_attempts}").random()
        return min(base, self.max_delay)
