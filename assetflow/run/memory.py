"""What a run knows of values: what it made, kept and reused itself, and where older ones lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from assetflow.model.history import Materialization
from assetflow.model.journal import Claimed, Journal
from assetflow.model.keys import Partition
from assetflow.model.versions import Stored

__all__ = ["ABSENT", "Memory"]

#: No value is held in memory.
ABSENT = object()


class Memory:
    """Used by the coordinating thread alone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: This run's results lie over what was claimed: they are newer.
        self._current: dict[Partition, Materialization] = {}
        self._uncommitted: set[Partition] = set()
        self._stored: dict[Partition, Stored] = {}
        self._older: dict[int, Stored] = {}
        self._pending: dict[Partition, Future[Stored]] = {}
        self._values: dict[Partition, Any] = {}  # values of the user
        self._readers: dict[Partition, int] = {}

    def expect(self, partition: Partition) -> None:
        """One more step of this run will load the partition."""
        self._readers[partition] = self._readers.get(partition, 0) + 1

    def wanted(self, partition: Partition) -> bool:
        """Whether a step that has not begun yet will load the partition."""
        return self._readers.get(partition, 0) > 0

    def loaded(self, partition: Partition) -> None:
        """One of the expected steps is over; the last one frees the value."""
        left = self._readers.get(partition, 0) - 1
        self._readers[partition] = max(left, 0)
        if left <= 0:
            self._values.pop(partition, None)

    def current(self, partition: Partition, claimed: Claimed) -> Materialization | None:
        """The current materialization as this run sees it: its own, else the claimed one."""
        return self._current.get(partition) or claimed.inputs.get(partition)

    def is_durable(self, partition: Partition) -> bool:
        """Whether what this run sees as current is committed."""
        return partition not in self._uncommitted

    def made(
        self,
        materialization: Materialization,
        stored: Stored,
        value: object,
        pending: Future[Stored] | None = None,
    ) -> None:
        """A step made this; it is not committed yet. ABSENT, and what is only a path, is not handed on in memory.

        ``pending``: it is still being stored.
        """
        partition = materialization.partition
        self._current[partition] = materialization
        self._uncommitted.add(partition)
        self._stored[partition] = stored
        if pending is not None:
            self._pending[partition] = pending
        if value is not ABSENT and not isinstance(value, Path) and self.wanted(partition):
            self._values[partition] = value

    def lies(self, partition: Partition, stored: Stored) -> None:
        """What a step made is stored now."""
        if self._pending.pop(partition, None) is not None:
            self._stored[partition] = stored

    def seen(self, materialization: Materialization, stored: Stored | None = None) -> None:
        """A source was observed, or a step was kept or reused: this is current, and has its record already."""
        self._current[materialization.partition] = materialization
        self._uncommitted.discard(materialization.partition)
        self._stored.pop(materialization.partition, None)
        if stored is not None:
            self._stored[materialization.partition] = stored

    def committed(self, materializations: Mapping[Partition, Materialization]) -> None:
        """These are durable now, and have their ids."""
        for partition, materialization in materializations.items():
            self._uncommitted.discard(partition)
            if partition in self._current:
                self._current[partition] = materialization

    def forget(self, partition: Partition) -> None:
        """The result of this run is void."""
        self._current.pop(partition, None)
        self._uncommitted.discard(partition)
        self._stored.pop(partition, None)
        self._pending.pop(partition, None)
        self._values.pop(partition, None)

    def value(self, partition: Partition) -> Any:  # a value of the user, or ABSENT
        """What this run made, while it is held; else ABSENT."""
        return self._values.get(partition, ABSENT)

    def fetch(self, materializations: Iterable[int]) -> None:
        """Read where these lie, in one go, if that is not known yet."""
        unknown = [each for each in dict.fromkeys(materializations) if each and each not in self._older]
        if unknown:
            self._older.update(self._journal.stored(unknown))

    def stored(self, partition: Partition, materialization: Materialization) -> Stored | None:
        """Where the value lies; None when its record has no place any more. Waits while it is being stored, and raises
        what that raises.
        """
        if partition in self._pending:
            return self._pending[partition].result()
        if partition in self._stored:
            return self._stored[partition]
        self.fetch([materialization.id])
        return self._older.get(materialization.id)

    def known(self, materialization: int) -> Stored | None:
        """As :meth:`stored`, of what was fetched."""
        return self._older.get(materialization)
