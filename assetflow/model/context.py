"""What a running step can ask and say, through a parameter annotated ``Context``."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from assetflow.errors import UsageError
from assetflow.model.calendars import Calendar
from assetflow.model.cells import parted
from assetflow.model.partitioning import SINGLE, Partitioning, Product

__all__ = ["Batch", "Context", "KeyEdits", "PartitionContext", "RunContext", "Skip", "Window"]


class Skip(Exception):
    """``raise Skip("no new files")``: there is nothing to make. The old value stays current; the run exits 0."""


class Window(NamedTuple):
    """The time that a partition stands for, on the clock of its zone; the end does not belong to it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PartitionContext:
    """The partition that is being made."""

    #: ``""`` for an unpartitioned asset.
    key: str
    _partitioning: Partitioning = field(default=SINGLE, repr=False)

    @property
    def keys(self) -> Mapping[str, str]:
        """The value of each dimension of a product; empty for others."""
        return (parted(self.key) or {}) if isinstance(self._partitioning, Product) else {}

    @property
    def window(self) -> Window:
        """The window of a time partition, or of a product's one time dimension.

        Raises UsageError ``no-window`` where there is none.
        """
        if isinstance(self._partitioning, Calendar):
            return _window(self._partitioning, self.key)
        if isinstance(self._partitioning, Product):
            times = [(name, cut) for name, cut in self._partitioning.dimensions.items() if isinstance(cut, Calendar)]
            if len(times) == 1:
                ((name, cut),) = times
                return _window(cut, self.keys[name])
        message = f"the partition {self.key!r} has no window of time" if self.key else "it is not partitioned"
        hint = 'partitions=Daily("2026-01-01") has windows, and so has a product with one such dimension'
        raise UsageError("no-window", message, hint=hint)

    @property
    def date(self) -> date:
        """The day on which the window begins. Raises as :attr:`window`."""
        return self.window.start.date()


@functools.lru_cache(maxsize=4096)
def _window(calendar: Calendar, key: str) -> Window:
    """A window is asked for row by row, and takes its time."""
    return Window(*calendar.window(key))


class Batch(tuple[PartitionContext, ...]):
    """The partitions that one call makes, in order: of an asset with ``batch=True``, else the one."""

    __slots__ = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(each.key for each in self)

    @property
    def window(self) -> Window:
        """From the start of the first to the end of the last: windows of a batch follow each other.

        Raises UsageError ``no-window`` where they stand for no time.
        """
        return Window(self[0].window.start, self[-1].window.end)


class RunContext(NamedTuple):
    """The run that a step belongs to."""

    id: int
    environment: str


class KeyEdits:
    """Adds keys to sets, and takes them out."""

    def __init__(self) -> None:
        #: Set, key, and whether it is added, in order.
        self.made: list[tuple[str, str, bool]] = []

    def add(self, name: str, *keys: str) -> None:
        """Add keys to a set. What is there already stays. Raises UsageError ``bad-partition-key``."""
        self.made += [(_told(name), _told(key), True) for key in keys]

    def remove(self, name: str, *keys: str) -> None:
        """Take keys out of a set. What was made of them stays in the history. Raises as :meth:`add`."""
        self.made += [(_told(name), _told(key), False) for key in keys]


def _told(text: object) -> str:
    if not isinstance(text, str) or not text:
        hint = 'write ctx.partitions.add("customers", "acme")'
        raise UsageError("bad-partition-key", f"{text!r} is no text, and sets and keys are", hint=hint)
    return text


class Context(ABC):
    """The running step, given to a parameter annotated ``Context``. For plain calls: ``testing.context()``."""

    @property
    @abstractmethod
    def partition(self) -> PartitionContext:
        """The partition that is being made.

        Raises UsageError ``several-partitions`` for an asset with ``batch=True``, which is given :attr:`batch`.
        """

    @property
    @abstractmethod
    def batch(self) -> Batch:
        """The partitions that are being made by this call."""

    @property
    @abstractmethod
    def run(self) -> RunContext:
        """The run this belongs to."""

    @property
    @abstractmethod
    def log(self) -> Any:  # a logging.Logger; the pure rooms know no logging
        """A ``logging.Logger`` whose lines go to the attempt's log."""

    @property
    @abstractmethod
    def metadata(self) -> MutableMapping[str, Any]:  # JSON-able values of the user
        """Facts to record with the materialization: JSON-able values by name, 1 MB at most."""

    @property
    @abstractmethod
    def scratch(self) -> Path:
        """An empty folder, kept over the step's attempts and removed after."""

    @property
    @abstractmethod
    def duckdb(self) -> Any:  # a duckdb.DuckDBPyConnection; loaded only when asked for
        """The step's one DuckDB connection: in memory, without network or extensions."""

    @property
    @abstractmethod
    def state(self) -> MutableMapping[str, Any]:  # JSON-able values of the user
        """JSON-able values that belong to the materialization: they commit with it, and start as its last ones.

        Raises UsageError ``several-partitions`` for an asset with ``batch=True``.
        """

    @property
    @abstractmethod
    def partitions(self) -> KeyEdits:
        """Sets of partition keys, ``Dynamic("customers")``: ``ctx.partitions.add("customers", "acme")``.

        What is added and removed is so when the step's value is recorded; a failed attempt changes nothing.
        """

    @abstractmethod
    def record(self, uri: str, hash: str) -> None:
        """Record what the step made elsewhere, for an asset that returns None: where, and a hash of its content."""

    @abstractmethod
    def progress(self, done: float, total: float) -> None:
        """Say how far the step is."""
