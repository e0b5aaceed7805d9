"""When what was made, failed or skipped is too old to count: ``max_age``, and windows that ended since.

With ``lookback=3`` what is late still counts: a partition made before the end of the third window after its own
expires once for each window that has ended since it was made. A partition of an open window, made while the window
goes on, expires when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from assetflow.model.cells import ProductKeys
from assetflow.model.clocks import at_instant
from assetflow.model.definition import Node
from assetflow.model.history import KeyCount, Materialization
from assetflow.model.keysets import Keys

__all__ = ["Age", "age_of", "tail"]


class Age(NamedTuple):
    """When something of one step is too old, at a time."""

    #: The plan's.
    as_of: datetime
    #: What is so old counts no more; zero: nothing ever counts.
    max_age: timedelta | None = None
    #: The end of a window: what was made before counts no more.
    since: datetime | None = None

    @property
    def unlimited(self) -> bool:
        """Whether everything counts."""
        return self.max_age is None and self.since is None

    def has_passed(self, at: datetime, began: datetime | None = None) -> bool:
        """Whether something of that time no longer counts. What was begun before has seen only what there was then."""
        if self.since is not None and (began or at) < self.since:
            return True
        return self.max_age is not None and (not self.max_age or at + self.max_age <= self.as_of)

    def is_old(self, value: Materialization) -> bool:
        """Whether a value no longer counts."""
        return self.has_passed(value.made_at, value.began_at)


def age_of(node: Node, key: str, own: Keys, as_of: datetime) -> Age:
    """When something of a partition of a node is too old. ``own`` are the node's keys, ``as_of`` the plan's time."""
    if node.lookback is None:
        return Age(as_of, node.max_age)
    since = max((end for end in _ends(node.lookback, key, own, as_of)), default=None)
    return Age(as_of, node.max_age, None if since is None else at_instant(since))


def _ends(lookback: int, key: str, own: Keys, as_of: datetime) -> Iterator[int]:
    """The last end that has passed among those of a key's window and of so many after it; one per dimension of time."""
    until = as_of.timestamp()
    values = own.values(key)
    for name, keys in _dimensions(own):
        windows, place = keys.windows, keys.position(values.get(name, key))
        if windows is None or place is None:
            continue
        for end in reversed(windows.ends[place : place + lookback + 1]):
            if end <= until:
                yield end
                break


def tail(own: Keys, before: Sequence[KeyCount], lookback: int) -> set[str]:
    """The keys of a node that may have expired since it had so many keys: all others stay as they are.

    ``before`` has one entry per dimension, in order, and may have more after these. Windows follow each other: when
    there is a key, all windows before its own have ended.
    """
    found: set[str] = set()
    for (name, keys), (count, _) in zip(_dimensions(own), before, strict=False):
        if keys.windows is not None:
            late = keys[max(count - 1 - lookback, 0) :]
            found.update(own.combined({name: late}) if isinstance(own, ProductKeys) else late)
    return found


def _dimensions(own: Keys) -> list[tuple[str, Keys]]:
    return list(own.dimensions.items()) or [("", own)]
