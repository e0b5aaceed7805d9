"""What a query of a partitioned asset may name of its partition: ``$start`` and ``$end`` of its window, and its keys.

They are bound as values when it runs, and are no part of its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

from assetflow.model.calendars import Calendar
from assetflow.model.context import Batch, PartitionContext
from assetflow.model.partitioning import SINGLE, Partitioning, Product

__all__ = ["Step", "bounds_of", "values_of"]

_SOME = datetime(2026, 1, 1, tzinfo=UTC)


class Step(Protocol):
    """The partitions of a running step."""

    @property
    def partition(self) -> PartitionContext: ...

    @property
    def batch(self) -> Batch: ...


def bounds_of(cut: Partitioning, *, together: bool) -> Mapping[str, Any]:  # plain values
    """The names that stand for a partition, each with some value of its type.

    ``start`` and ``end`` are points in time, ``date`` the day on which the window begins, ``partition`` the key and the
    name of a dimension its value. Where a call makes several partitions ``together`` there are start and end of all.
    """
    if cut == SINGLE:
        return {}
    dimensions = cut.dimensions if isinstance(cut, Product) else {"": cut}
    timed = sum(isinstance(each, Calendar) for each in dimensions.values()) == 1
    window = {"start": _SOME, "end": _SOME} if timed else {}
    if together:
        return window
    named = {name: "" for name in dimensions if name}
    return {**named, "partition": "", **window, **({"date": date(2026, 1, 1)} if timed else {})}


def values_of(names: Iterable[str], step: Step) -> dict[str, Any]:  # plain values
    """What these names stand for in a running step."""
    found: dict[str, Any] = {}
    for name in names:
        match name:
            case "start":
                found[name] = step.batch.window.start
            case "end":
                found[name] = step.batch.window.end
            case "date":
                found[name] = step.partition.date
            case "partition":
                found[name] = step.partition.key
            case _:
                found[name] = step.partition.keys[name]
    return found
